# SPDX-License-Identifier: GPL-2.0-or-later
"""Small but genuine core files: an ELF header, the notes that tell who crashed, and one segment that is mostly a hole."""
import os
import resource
import struct
import subprocess
from pathlib import Path

from conftest import BUILD, ROOT

PAGE = 4096


def kernel_writes_cores():
    """Whether a process leaves a plain file "core" in its folder. Nothing here changes that."""
    return Path("/proc/sys/kernel/core_pattern").read_text().strip() == "core" and \
        Path("/proc/sys/kernel/core_uses_pid").read_text().strip() == "0"


def allow_cores():
    """To be called in a child before it becomes a program."""
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def run_to_crash(folder, *argv, filter=None, stack=None):
    """Runs a program that crashes in a folder, and gives its core, a genuine one of the kernel's. filter: its coredump_filter;
    stack: bytes of its threads' stacks."""
    assert kernel_writes_cores(), "this machine's core_pattern is not 'core'"

    def prepare():
        allow_cores()
        if stack:
            resource.setrlimit(resource.RLIMIT_STACK, (stack, resource.RLIM_INFINITY))
        if filter is not None:
            Path("/proc/self/coredump_filter").write_text(str(filter))
    done = subprocess.run([str(a) for a in argv], cwd=folder, preexec_fn=prepare, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
    assert done.returncode < 0, f"{argv[0]} did not crash: {done.returncode}"
    return Path(folder) / "core"


def crash_program():
    """tests/tools/crash, never instrumented: a sanitizer would crash in its place, and gdb would write its shadow, terabytes, into a core."""
    if BUILD.name != "sanitize":
        return BUILD / "tests/tools/crash"
    program = BUILD / "tests/tools/crash-plain"
    source = ROOT / "tests/tools/crash.c"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-g", "-pthread", "-o", str(program), str(source)], cwd=ROOT, check=True)
    return program


def crash_core(folder, *args, **kw):
    """The core of tests/tools/crash."""
    return run_to_crash(folder, crash_program(), *args, **kw)


def _note(kind, data):
    return struct.pack("<III", 5, len(data), kind) + b"CORE\0\0\0\0" + data + b"\0" * (-len(data) % 4)


def write_core(path, pid=4711, signal=11, comm="gimp", uid=1000, size=8 << 20, compress=None):
    """A core of `size` bytes of which three pages are data. compress: None, "zstd", "lz4" or "xz". Gives the plain bytes."""
    prstatus = bytearray(336)
    struct.pack_into("<i", prstatus, 0, signal)
    struct.pack_into("<h", prstatus, 12, signal)
    struct.pack_into("<i", prstatus, 32, pid)
    prpsinfo = bytearray(136)
    struct.pack_into("<IIi", prpsinfo, 16, uid, uid, pid)
    struct.pack_into("16s80s", prpsinfo, 40, comm.encode()[:15], f"/usr/bin/{comm} --new-window".encode()[:79])
    notes = _note(1, bytes(prstatus)) + _note(3, bytes(prpsinfo))
    header = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    segments = struct.pack("<IIQQQQQQ", 4, 0, 64 + 2 * 56, 0, 0, len(notes), 0, 4)
    segments += struct.pack("<IIQQQQQQ", 1, 6, PAGE, 0x7F0000000000, 0, size - PAGE, size - PAGE, PAGE)
    with open(path, "wb") as core:
        core.write(header + segments + notes)
        for at in (PAGE, size // 2 // PAGE * PAGE, size - PAGE):
            core.seek(at)
            core.write(os.urandom(PAGE // 2) + b"end of page".ljust(PAGE // 2, b"."))
    data = open(path, "rb").read()
    if compress:
        tool = {"zstd": ["zstd", "-q", "--rm", "-f"], "lz4": ["lz4", "-q", "--rm", "-f"], "xz": ["xz", "-f"]}[compress]
        suffix = {"zstd": ".zst", "lz4": ".lz4", "xz": ".xz"}[compress]
        subprocess.run([*tool, str(path), *([] if compress == "xz" else ["-o", str(path) + suffix])], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return data

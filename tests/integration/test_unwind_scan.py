# SPDX-License-Identifier: GPL-2.0-or-later
"""The first step: what genuine cores of genuine crashes say, whole, compressed, cut, damaged."""
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile

import pytest

from cores import allow_cores, crash_core, crash_program, run_to_crash
from unwind import UNWIND, plan_of, refusal, run_scan, scan, trace

COMPRESSORS = {"zstd": ["zstd", "-qc"], "lz4": ["lz4", "-qc"], "xz": ["xz", "-0c"]}
CRASH = crash_program()


def compress(path, how="zstd"):
    """The compressed file beside it."""
    packed = path.parent / f"{path.name}.{how}"
    with open(packed, "wb") as out:
        subprocess.run([*COMPRESSORS[how], str(path)], stdout=out, check=True)
    return packed


def build(folder, source, *flags, name="program", compiler="gcc"):
    (folder / f"{name}.c").write_text(source)
    subprocess.run([compiler, "-O0", "-g", *flags, "-o", str(folder / name), str(folder / f"{name}.c")], check=True)
    return folder / name


def build_id(path):
    return re.search(r"Build ID: ([0-9a-f]+)", subprocess.run(["readelf", "-n", str(path)], capture_output=True, text=True, check=True).stdout)[1]


# ---- what it was ---------------------------------------------------------------------------------

def own(pid):
    return {"pid": pid, "uid": os.getuid()}


@pytest.mark.parametrize("way, number, code, address", [
    ("segv", signal.SIGSEGV, 1, "0x10"),
    ("fpe", signal.SIGFPE, 1, None),
    ("ill", signal.SIGILL, 2, None),
    ("bus", signal.SIGBUS, 2, None),
    ("abort", signal.SIGABRT, -6, False),
    ("trap", signal.SIGTRAP, -6, False),
    ("sigsys", signal.SIGSYS, 1, False),
])
def test_what_the_fault_was(tmp_path, way, number, code, address):
    found = scan(crash_core(tmp_path, way))
    assert (found["signal"], found["code"]) == (number, code)
    if address is False:
        assert "faultAddress" not in found
    elif address:
        assert found["faultAddress"] == address
    else:
        assert int(found["faultAddress"], 16) > 4096
    if code < 0:  # raise(3): the process itself sent it
        assert found["sender"] == own(found["threads"][0]["tid"])
    else:
        assert "sender" not in found


def test_a_stack_overflow_is_a_fault_near_the_stack(tmp_path):
    found = scan(crash_core(tmp_path, "stack"))
    assert found["signal"] == signal.SIGSEGV
    assert found["code"] in (1, 2)
    assert int(found["faultAddress"], 16) > 1 << 32


def test_threads_the_crashed_one_first(tmp_path):
    core = crash_core(tmp_path, "threads", "7", "thread", "segv", stack=1 << 18)
    found = scan(core)
    tids = [t["tid"] for t in found["threads"]]
    assert len(set(tids)) == 9
    assert [t.get("crashed", False) for t in found["threads"]] == [True] + [False] * 8
    assert tids[0] == max(tids)  # it was started last
    other = scan(core, f"--tid={tids[4]}")
    assert [t["tid"] for t in other["threads"]] == [tids[4], *tids[:4], *tids[5:]]


def test_the_crashed_threads_name(tmp_path):
    assert scan(crash_core(tmp_path, "name", "an odd\tname", "segv"))["threads"][0]["name"] == "an odd\tname"


# ---- what it had mapped --------------------------------------------------------------------------

def check_modules(found, program):
    modules = {m["path"]: m for m in found["modules"]}
    assert len(modules) == len(found["modules"])
    assert [m["start"] for m in found["modules"]] == sorted((m["start"] for m in found["modules"]), key=lambda a: int(a, 16))
    executable = [m for m in found["modules"] if m.get("executable")]
    assert [m["path"] for m in executable] == [str(program)]
    for path, m in modules.items():
        assert int(m["start"], 16) < int(m["end"], 16)
        if path == "[vdso]":
            assert m["state"] == "memory"
            assert re.fullmatch("[0-9a-f]{40}", m["buildId"])
        else:
            assert m["buildId"] == build_id(path), path
            assert m["state"] == "unknown"
    return modules


def test_modules_have_the_build_ids_of_their_files(tmp_path):
    modules = check_modules(scan(crash_core(tmp_path, "segv")), CRASH)
    assert any(path.endswith("/libc.so.6") for path in modules)
    assert "[vdso]" in modules
    assert all(m["bias"] == m["start"] for m in modules.values())  # libraries and a PIE


def test_gdbs_own_core_tells_the_same(tmp_path):
    """gcore lists no mapping of code."""
    with subprocess.Popen([str(CRASH), "wait", "segv"], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "ready\n"
        subprocess.run(["gdb", "-nx", "-batch", "-p", str(child.pid), "-ex", f"gcore {tmp_path}/core"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        child.kill()
    found = scan(tmp_path / "core")
    check_modules(found, CRASH)
    assert [t["tid"] for t in found["threads"]] == [child.pid]


def test_a_program_at_fixed_addresses(tmp_path):
    program = build(tmp_path, "int main(void) { return *(volatile int *)8; }", "-static", "-no-pie", "-Wl,--build-id=sha1")
    modules = check_modules(scan(run_to_crash(tmp_path, program)), program)
    assert modules[str(program)]["bias"] == "0x0"
    assert int(modules[str(program)]["start"], 16) == 0x400000


def test_a_deleted_program_keeps_its_name_and_build_id(tmp_path):
    program = tmp_path / "gone"
    shutil.copy(CRASH, program)
    with subprocess.Popen([str(program), "wait", "segv"], cwd=tmp_path, stdout=subprocess.PIPE, text=True, preexec_fn=allow_cores) as child:
        assert child.stdout.readline() == "ready\n"
        program.unlink()
        child.terminate()
    assert child.returncode == -signal.SIGSEGV
    executable = next(m for m in scan(tmp_path / "core")["modules"] if m.get("executable"))
    assert executable["path"] == str(program)
    assert executable["buildId"] == build_id(CRASH)


def test_without_elf_headers_the_modules_are_known_by_name(tmp_path):
    found = scan(crash_core(tmp_path, "segv", filter="0x23"))
    paths = [m["path"] for m in found["modules"]]
    assert str(CRASH) in paths and any(path.endswith("/libc.so.6") for path in paths)
    assert {m["path"] for m in found["modules"] if "buildId" in m and m["buildId"]} <= {"[vdso]"}
    assert all(m["bias"] == m["start"] for m in found["modules"])


def test_files_that_are_only_read_are_no_modules(tmp_path):
    """Mapped, but never executed: data, and a library as data."""
    data = tmp_path / "data"
    data.write_bytes(b"\x7fELF" + b"x" * 8192)
    program = build(tmp_path, """
        #include <fcntl.h>
        #include <sys/mman.h>
        int main(int argc, char **argv) {
                for (int i = 1; i < argc; i++)
                        mmap(0, 8192, PROT_READ, MAP_PRIVATE, open(argv[i], O_RDONLY), 0);
                return *(volatile int *)8;
        }""")
    library = next(m["path"] for m in scan(crash_core(tmp_path, "segv"))["modules"] if m["path"].endswith("libc.so.6"))
    (tmp_path / "core").unlink()
    found = scan(run_to_crash(tmp_path, program, data, library))
    assert str(data) not in [m["path"] for m in found["modules"]]
    assert [m["path"] for m in found["modules"]].count(library) == 1
    check_modules(found, program)


def test_a_32_bit_program(tmp_path):
    program = build(tmp_path, "void _start(void) { *(volatile int *)16 = 1; }", "-m32", "-nostdlib", "-static", "-Wl,--build-id=sha1",
                    "-fno-stack-protector")
    core = run_to_crash(tmp_path, program)
    for path in (core, compress(core)):
        found = scan(path)
        assert (found["machine"], found["bits"]) == ("i386", 32)
        assert (found["signal"], found["code"], found["faultAddress"]) == (signal.SIGSEGV, 1, "0x10")
        assert "partial" not in found
        check_modules(found, program)


def test_another_machines_core(tmp_path):
    """Notes have the same shape everywhere; which register is the stack pointer does not."""
    core = crash_core(tmp_path, "segv")
    with open(core, "r+b") as f:
        f.seek(18)
        f.write(struct.pack("<H", 0x1234))
    found = scan(core)
    assert found["machine"] == "em-4660"
    assert found["signal"] == signal.SIGSEGV and len(found["threads"]) == 1 and "partial" not in found
    packed = scan(compress(core))
    assert packed["threads"] == found["threads"] and packed["modules"] == found["modules"]
    assert packed["partial"] == "the registers of this machine are not known: its compressed cores have to be decompressed first"


# ---- compressed ----------------------------------------------------------------------------------

def without_stats(found):
    return {k: v for k, v in found.items() if k not in ("stats", "image")}


@pytest.mark.parametrize("how", COMPRESSORS)
def test_compressed_it_says_the_same_and_little_is_written(tmp_path, how):
    core = crash_core(tmp_path, "threads", "7", "big", "64", "thread", "segv")
    plain = scan(core)
    assert plain["image"] == "core"
    assert plain["stats"]["coreBytes"] == core.stat().st_size
    assert plain["stats"]["writtenBytes"] == 0 and 0 < plain["stats"]["readBytes"] < 1 << 20
    packed = compress(core, how)
    with tempfile.TemporaryFile(dir=tmp_path) as image:
        found = scan(packed, image=image)
        written = os.fstat(image.fileno()).st_blocks * 512
    assert found["image"] == "image"
    assert without_stats(found) == without_stats(plain)
    assert found["stats"]["coreBytes"] == core.stat().st_size
    assert found["stats"]["readBytes"] == packed.stat().st_size
    assert found["stats"]["writtenBytes"] == written
    assert 0 < written < core.stat().st_size / 20


def stacks_of(found):
    return [(t["tid"], t["frames"], t.get("error")) for t in found["threads"]]


SIGALTSTACK = """
        #include <signal.h>
        #include <stdlib.h>
        #include <pthread.h>
        static void handler(int n) { (void)n; abort(); }
        static void deep(int n) { volatile char room[300]; room[0] = 1; if (n) deep(n - 1); else *(volatile int *)8 = room[0]; }
        static void *run(void *p) {
                stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
                sigaltstack(&stack, 0);
                deep(40);
                return p;
        }
        int main(int argc, char **argv) {
                pthread_t thread;
                struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
                sigaction(SIGSEGV, &action, 0);
                (void)argv;
                if (argc == 1)
                        run(0);
                pthread_create(&thread, 0, run, 0);
                pthread_join(thread, 0);
                return 0;
        }"""


@pytest.mark.parametrize("args", [["segv"], ["abort"], ["threads", "5", "thread", "segv"], ["stack"], ["thread", "stack"]])
def test_an_image_is_enough_for_the_frames(tmp_path, args):
    core = crash_core(tmp_path, *args)
    whole, kept = trace(core), trace(compress(core))
    assert stacks_of(kept) == stacks_of(whole)
    assert kept["registers"] == whole["registers"] != {}
    names = [f.get("function") for f in whole["threads"][0]["frames"]]
    assert ("stack_depth" if "stack" in args else "crash_inner") in names
    assert "crash_outer" in names


@pytest.mark.parametrize("args", [[], ["thread"]])
def test_a_handler_on_a_stack_of_its_own(tmp_path, args):
    """The stack pointer says nothing of the stack that the fault was on."""
    program = build(tmp_path, SIGALTSTACK, "-pthread")
    core = run_to_crash(tmp_path, program, *args)
    whole, kept = trace(core), trace(compress(core))
    names = [f.get("function") for f in whole["threads"][0]["frames"]]
    assert "handler" in names and names.count("deep") == 41 and "run" in names
    assert stacks_of(kept) == stacks_of(whole)


# ---- damage --------------------------------------------------------------------------------------

def test_what_is_no_core_is_said_to_be_none(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    assert refusal(path) == "The core is empty: nothing was written into it, or it was emptied since."
    path.write_text("a letter\n")
    assert refusal(path) == "This is no core: neither an ELF file nor compressed with zstd, lz4 or xz."
    assert refusal(CRASH) == "This is an ELF file, but no core that could be read: a program, or damaged at its beginning."
    core = crash_core(tmp_path, "segv")
    path.write_bytes(core.read_bytes()[:40])
    assert refusal(path) == "This is an ELF file, but no core that could be read: a program, or damaged at its beginning."
    path.write_bytes(subprocess.run(["zstd", "-qc", __file__], capture_output=True, check=True).stdout)
    assert refusal(path) == "The core is compressed, but damaged or cut at its very beginning, or none at all."


def cut(path, length):
    shorter = path.parent / f"cut.{length}"
    shorter.write_bytes(path.read_bytes()[:length])
    return shorter


def test_a_core_that_was_cut_says_what_it_can(tmp_path):
    core = crash_core(tmp_path, "threads", "2", "segv")
    whole = scan(core)
    half = scan(cut(core, core.stat().st_size // 2))
    assert re.fullmatch(r"the core ends after [\d.]+ [KM]iB of [\d.]+ MiB", half["partial"])
    assert half["threads"] == whole["threads"]
    assert [m["path"] for m in half["modules"]] == [m["path"] for m in whole["modules"]]
    headers = scan(cut(core, 100))
    assert headers["partial"] == "the core ends after 100 B, among its headers"
    assert headers["threads"] == [] and headers["machine"] == whole["machine"]


@pytest.mark.parametrize("how", COMPRESSORS)
def test_a_compressed_core_that_was_cut_says_what_it_can(tmp_path, how):
    core = crash_core(tmp_path, "threads", "2", "big", "4", "segv")
    whole, packed = scan(core), compress(core, how)
    half = scan(cut(packed, packed.stat().st_size // 2))
    assert re.fullmatch(r"the compressed core is cut or damaged: [\d.]+ [KM]iB of [\d.]+ MiB can be read", half["partial"])
    assert half["threads"] == whole["threads"]
    assert half["image"] == "image"


@pytest.mark.parametrize("how", COMPRESSORS)
def test_a_compressed_core_that_is_damaged_says_what_it_can(tmp_path, how):
    core = crash_core(tmp_path, "threads", "2", "big", "4", "segv")
    whole, packed = scan(core), compress(core, how)
    data = bytearray(packed.read_bytes())
    at = len(data) * 2 // 3
    data[at:at + 64] = b"\xff" * 64
    packed.write_bytes(data)
    done = scan(packed)
    assert done["threads"] == whole["threads"]
    if how != "lz4":  # whose blocks may hold anything
        assert "cut or damaged" in done["partial"]


def test_a_core_that_was_cut_before_it_was_compressed(tmp_path):
    core = crash_core(tmp_path, "big", "4", "segv")
    found = scan(compress(cut(core, 2 << 20)))
    assert re.fullmatch(r"the core ends after 2\.0 MiB of [\d.]+ MiB", found["partial"])
    assert len(found["threads"]) == 1


def test_a_core_that_was_removed_meanwhile_is_still_read(tmp_path):
    core = crash_core(tmp_path, "segv")
    whole = without_stats(scan(core))
    with open(core, "rb") as held, tempfile.TemporaryFile() as image:
        core.unlink()
        done = subprocess.run([str(UNWIND), "scan", f"--core={held.fileno()}", f"--image={image.fileno()}"], capture_output=True, text=True,
                              pass_fds=(held.fileno(), image.fileno()), timeout=60)
    assert done.returncode == 0 and done.stderr == ""
    assert str(whole["modules"][0]["buildId"]) in done.stdout


def test_a_full_disk(tmp_path):
    packed = compress(crash_core(tmp_path, "segv"))
    with open("/dev/full", "r+b", buffering=0) as image:
        done = run_scan(packed, image=image)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "vigil-unwind: The disk is full: what is needed of the compressed core has no room: No space left on device\n"


def test_what_cannot_be_read(tmp_path):
    core = os.open(tmp_path, os.O_RDONLY)
    try:
        done = subprocess.run([str(UNWIND), "scan", f"--core={core}", "--image=0"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              pass_fds=(core,), timeout=60)
    finally:
        os.close(core)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "vigil-unwind: Reading the core failed: Is a directory\n"


def test_an_image_that_does_not_fit_is_refused_not_filled(tmp_path):
    """A hard limit of the caller's holds, too; SIGXFSZ would be a crash of ours."""
    packed = compress(crash_core(tmp_path, "segv"))
    done = run_scan(packed, prefix=["prlimit", "--fsize=4096"])
    assert done.returncode in (1, -signal.SIGXFSZ)
    assert done.stdout == ""


@pytest.mark.parametrize("args", [[], ["scan"], ["scan", "--core=0"], ["trace", "--image=0"], ["scan", "--core=x", "--image=1"],
                                  ["scan", "--core=0", "--image=1", "more"], ["dance", "--core=0", "--image=1"], ["scan", "--core=0", "--bad"]])
def test_bad_usage(args):
    done = subprocess.run([str(UNWIND), *args], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
    assert done.returncode == 2
    assert done.stdout == "" and len(done.stderr.splitlines()) == 1 and "usage:" in done.stderr


def test_plans_of_the_tests_are_of_files(tmp_path):
    assert all(row["file"].startswith("/") for row in plan_of(scan(crash_core(tmp_path, "segv")))["modules"])

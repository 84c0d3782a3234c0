# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that crash in known ways (tests/tools/crashers), built in many; their cores, as the kernel writes them; what vigil-unwind, eu-stack
and gdb say of those."""
import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest

from conftest import ROOT
from unwind import UNWIND, scan

SOURCES = ROOT / "tests/tools/crashers"
PATTERN = Path("/proc/sys/kernel/core_pattern").read_text().strip()
FRAMES_MAX = 320  # TRACE_FRAMES_MAX


def run(*argv, **kw):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, errors="replace", timeout=120, **kw)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


@lru_cache(None)
def lines_of(source):
    """{"fall": 31, …}: where the marks stand."""
    return {mark: at for at, text in enumerate((SOURCES / source).read_text().splitlines(), 1) for mark in re.findall(r"\* @(\w+)", text)}


def compile_into(folder, source, name, *flags, compiler=None):
    compiler = compiler or ("g++" if source.endswith(".cpp") else "gcc")
    run(compiler, *flags, "-pthread", "-o", folder / name, SOURCES / source)
    return folder / name


def crash(program, *args, folder=None, expect=None, prefix=()):
    """Runs it until it crashes; gives its core. The kernel must write it as "core"."""
    if PATTERN != "core":
        pytest.skip(f"core_pattern is '{PATTERN}': the kernel leaves no file 'core' here")
    folder = folder or program.parent
    (folder / "core").unlink(missing_ok=True)
    child = subprocess.run(["sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh", *prefix, str(program), *args], cwd=folder, timeout=60,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ, LD_PRELOAD=""))
    assert child.returncode < 0 or (expect is not None and child.returncode == expect), child
    names = [p for p in folder.iterdir() if re.fullmatch(r"core(\.\d+)?", p.name)]
    assert len(names) == 1, names
    core = folder / f"{program.name}-{'-'.join(a.replace('/', '_') for a in args)}.core"
    names[0].rename(core)
    return core


# ---- vigil-unwind ----------------------------------------------------------------------------------------------------------------


def debug_files(module, path, folders):
    """Where distributions put separate debug files, below each of the folders."""
    found = []
    id_ = module.get("buildId")
    for folder in folders:
        if id_:
            found.append(folder / ".build-id" / id_[:2] / f"{id_[2:]}.debug")
        found.append(folder / f"{path.name}.debug")
    return [str(f) for f in found if f.exists()]


def make_plan(scanned, root="", debug=(), alt=()):
    """As the caller of vigil-unwind makes it: root: of a process in a chroot."""
    rows = []
    for index, module in enumerate(scanned["modules"]):
        path = Path(root + module["path"])
        row = {"index": index, "debugFiles": debug_files(module, path, [Path("/usr/lib/debug"), *debug, path.parent]),
               "altFiles": [str(a) for a in alt]}
        if path.exists():
            row["file"] = str(path)
        rows.append(row)
    return {"version": 1, "modules": rows}


def trace(core, plan=None, tid=None, **kw):
    """Both steps. plan: made by make_plan() from what scan says, if not given."""
    with open(core, "rb") as plain, tempfile.TemporaryFile(dir=Path(core).parent) as image, tempfile.TemporaryFile() as planned:
        scanned = scan(core, *([f"--tid={tid}"] if tid else []), image=image)
        planned.write(json.dumps(plan or make_plan(scanned, **kw)).encode())
        planned.flush()
        fds = [(image if scanned["image"] == "image" else plain).fileno(), planned.fileno()]
        done = subprocess.run([UNWIND, "trace", f"--image={fds[0]}", f"--plan={fds[1]}", *([f"--tid={tid}"] if tid else [])], pass_fds=fds,
                              capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return json.loads(done.stdout)


@dataclass
class Frame:
    pc: int
    function: str = None
    file: str = None
    line: int = 0
    inlined: bool = False
    signal: bool = False
    module: str = None


def address(value):
    return int(value, 16) if isinstance(value, str) else value


def frames_of(traced, thread=0):
    """Of one thread of vigil-unwind's JSON."""
    modules = [Path(m["path"]).name for m in traced["modules"]]
    return [Frame(address(f["pc"]), f.get("function"), f.get("file"), f.get("line") or 0, f.get("inlined", False), f.get("signal", False),
                  modules[f["module"]] if f.get("module") is not None and f["module"] >= 0 else None)
            for f in traced["threads"][thread]["frames"]]


# ---- the others ------------------------------------------------------------------------------------------------------------------


def eu_stack(core, executable=None):
    """{tid: [Frame]} with inlined functions."""
    done = subprocess.run(["eu-stack", "-n", str(FRAMES_MAX), "-s", "-i", f"--core={core}", *([f"--executable={executable}"] if executable else [])],
                          capture_output=True, text=True, timeout=120)
    threads, frames = {}, None
    for line in done.stdout.splitlines():
        if match := re.match(r"TID (\d+):", line):
            frames = threads.setdefault(int(match[1]), [])
        elif match := re.match(r"#\d+ +0x([0-9a-f]+)( - 1)? *(.*)", line):
            name = match[3].strip()
            frames.append(Frame(int(match[1], 16), name or None, inlined=bool(frames) and frames[-1].pc == int(match[1], 16)))
        elif match := re.match(r" {4}(.*?):(\d+)(:\d+)?$", line):
            frames[-1].file, frames[-1].line = match[1], int(match[2])
    for frames in threads.values():  # of those with one address the last is the function itself
        for at, frame in enumerate(frames):
            frame.inlined = at + 1 < len(frames) and frames[at + 1].pc == frame.pc
    return threads


GDB = """
import gdb, json
def frame(f):
    sal = f.find_sal()
    name = f.name()
    return {"pc": f.pc(), "function": name, "inlined": f.type() == gdb.INLINE_FRAME, "signal": f.type() == gdb.SIGTRAMP_FRAME,
            "file": sal.symtab.fullname() if sal.symtab else None, "line": sal.line}
out = {}
for thread in gdb.selected_inferior().threads():
    thread.switch()
    rows = []
    try:
        f = gdb.newest_frame()
        f.pc()
    except gdb.error:  # of the parent in vfork() it makes nothing
        f = None
    while f is not None and len(rows) < %d:
        if f.type() != gdb.TAILCALL_FRAME:  # not on the stack: concluded from a jump
            rows.append(frame(f))
        try:
            f = f.older()
        except gdb.error:
            break
    out[thread.ptid[1]] = rows
print("JSON" + json.dumps(out))
""" % FRAMES_MAX


def gdb(core, executable, *commands):
    """{tid: [Frame]}; newest first."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write(GDB)
        script.flush()
        done = subprocess.run(["gdb", "-batch", "-nx", "-iex", "set auto-load safe-path /nonexistent", "-iex", "set debuginfod enabled off",
                               "-iex", "set python print-stack full", *commands, str(executable), str(core), "-x", script.name], capture_output=True,
                              text=True, errors="replace", timeout=120)
    found = [line for line in done.stdout.splitlines() if line.startswith("JSON")]
    assert found, done.stdout + done.stderr
    return {int(tid): [Frame(**f) for f in rows] for tid, rows in json.loads(found[0][4:]).items()}

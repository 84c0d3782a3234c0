# SPDX-License-Identifier: GPL-2.0-or-later
"""vigil crash bt: real cores of programs that crashed, real journals, the real vigil-unwind; and what it costs when that one misbehaves."""
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import jsonschema
import pytest

from conftest import BUILD, ROOT, as_user, vigil, wait_for
from cores import write_core
from debug_servers import Server, Silent, stripped_program
from journals import append, crash_entry, now, other_entry, traceback_entry, write_journal

CRASH = BUILD / "tests/tools/crash"
PATTERN = Path("/proc/sys/kernel/core_pattern").read_text().strip()
MACHINE = Path("/etc/machine-id").read_text().strip()
SECOND = 1_000_000
# Instrumented it would take its own fault for a finding, and leave no core.
UNTOUCHED = {"ASAN_OPTIONS": "handle_segv=0:handle_abort=0:disable_coredump=0"}


def schema(name):
    return json.loads((ROOT / f"man/schema/{name}.schema.json").read_text())


def compiled(folder, name, text, *flags):
    (folder / f"{name}.c").write_text(text)
    subprocess.run(["gcc", "-g", "-O0", "-o", folder / name, folder / f"{name}.c", *flags], check=True, timeout=60)
    return folder / name


class Crashes:
    """A journal of crashes whose cores were left by the kernel."""

    def __init__(self, tmp):
        self.tmp, self.place, self.work = tmp, tmp / "journals", tmp / "work"
        self.place.mkdir(mode=0o755)
        self.work.mkdir(mode=0o755)
        for folder in [tmp, *list(tmp.parents)[:2]]:
            folder.chmod(0o755)
        self.journal = self.place / "system.journal"
        self.began = now() - 120 * SECOND

    def run(self, *argv, env=None):
        """Until it crashes; gives its pid and core."""
        if PATTERN != "core":
            pytest.skip(f"core_pattern is '{PATTERN}': the kernel leaves no file 'core' here")
        child = subprocess.Popen(["sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh", *map(str, argv)], cwd=self.work,
                                 env=dict(os.environ, **UNTOUCHED, **(env or {})), stderr=subprocess.DEVNULL)
        assert child.wait(30) < 0, argv
        left = next(path for path in (self.work / "core", self.work / f"core.{child.pid}") if path.exists())
        core = self.tmp / f"{child.pid}.core"
        left.rename(core)
        core.chmod(0o644)
        return child.pid, core

    def told(self, pid, core, exe=CRASH, lines=(), **fields):
        """The journal tells of it. Gives its pid, which selects it."""
        self.began += SECOND
        fields.setdefault("COREDUMP_FILENAME", str(core) if core else None)
        fields.setdefault("MESSAGE", f"Process {pid} ({Path(exe).name}) of user {os.getuid()} dumped core.")
        append(self.journal, [*lines, crash_entry(pid, str(exe), when=self.began, uid=os.getuid(), machine=MACHINE, **fields)])
        self.journal.chmod(0o644)
        return str(pid)

    def crash(self, *args, **fields):
        pid, core = self.run(CRASH, *(args or ["segv"]))
        return self.told(pid, core, **fields), core

    def bt(self, *args, status=0, **kw):
        kw["env"] = {"TZ": "UTC", "LC_ALL": "C.UTF-8", **kw.get("env", {})}
        done = vigil("crash", "bt", "-D", str(self.place), *args, **kw)
        assert done.returncode == status, done
        return done

    def json(self, *args, **kw):
        data = json.loads(self.bt("--json", *args, **kw).stdout)
        jsonschema.validate(data, schema("crash-bt"))
        if "trace" in data:
            jsonschema.validate(data["trace"], schema("trace"))
        return data

    def error(self, *args, **kw):
        """The one line that it fails with."""
        done = self.bt(*args, status=1, **kw)
        lines = [line for line in done.stderr.splitlines() if not line.startswith("vigil: Note: ")]
        assert done.stdout == "" and len(lines) == 1, done
        return lines[0]


@pytest.fixture
def crashes(tmp_path):
    return Crashes(tmp_path)


def functions(data, thread=0):
    return [frame.get("function") for frame in data["trace"]["threads"][thread]["frames"]]


def in_order(wanted, found):
    at = iter(found)
    assert all(name in at for name in wanted), found


def module(data, name):
    return next(m for m in data["trace"]["modules"] if Path(m["path"]).name == name)


# ---- traces -------------------------------------------------------------------------------------


def test_a_core_is_unwound_once_and_its_trace_kept(crashes):
    pid, core = crashes.crash("threads", "2", "segv")
    data = crashes.json(pid)
    in_order(["crash_inner", "crash_outer", "main"], functions(data))
    assert data["source"] == "vigil" and data["fresh"] and data["trace"]["signal"] == 11 and len(data["trace"]["threads"]) == 3
    assert data["trace"]["faultAddress"] == "0x10" and data["pid"] == int(pid) and data["program"] == "crash"
    listed, = json.loads(vigil("crash", "list", "-D", str(crashes.place), "--json").stdout)["crashes"]
    assert listed["signature"] == data["signature"] and "crash_inner" in data["title"]
    core.unlink()  # as systemd does after some days
    again = crashes.json(pid)
    assert not again["fresh"]
    assert {k: v for k, v in again.items() if k != "fresh"} == {k: v for k, v in data.items() if k != "fresh"}
    assert "has no core: it was deleted since" in crashes.error(pid, "--refresh")
    assert crashes.json(pid) == again


def test_as_text(crashes):
    pid, core = crashes.crash("threads", "2", "segv")
    text = crashes.bt(pid, "--stats").stdout
    assert re.match(rf"Crash [0-9a-f]{{12}}: crash, PID {pid}, \w+ 20", text)
    assert "SIGSEGV" in text and re.search(r"#\d+ +crash_inner +at .*crash\.c:\d+", text)
    assert re.search(r"^Core: .*; read of its file: .*; written to disk: 0 B; took \d+\.\d\d s$", text, re.M)
    assert "2 more threads: --threads" in text and "__nanosleep" not in text and "pause" not in text
    assert "Unwound" not in text and "Unwound" in crashes.bt(pid).stdout
    every = crashes.bt(pid, "--threads").stdout
    assert all(str(thread["tid"]) in every for thread in crashes.json(pid)["trace"]["threads"]) and "more threads" not in every
    full = crashes.bt(pid, "--full", "--no-legend").stdout
    assert "build id" in full and "rip" in full or "x30" in full
    assert "Unwound" not in full
    lines = crashes.bt(str(core)).stdout.splitlines()
    assert lines[0].startswith("Crash ") and any("crash_inner" in line for line in lines)


@pytest.mark.parametrize("tool, suffix", [(["zstd", "-q"], ".zst"), (["lz4", "-q", "-m"], ".lz4"), (["xz", "-k0"], ".xz")], ids=str)
def test_compressed_cores_are_read_once(crashes, tool, suffix):
    pid, core = crashes.run(CRASH, "big", "16", "segv")
    plain = crashes.json(str(core))
    subprocess.run([*tool, core], check=True)
    compressed = Path(f"{core}{suffix}")
    data = crashes.json(crashes.told(pid, compressed))
    assert functions(data) == functions(plain)
    stats = data["trace"]["stats"]
    assert stats["coreBytes"] == core.stat().st_size and 0 < stats["writtenBytes"] < stats["coreBytes"] / 20
    assert stats["readBytes"] <= compressed.stat().st_size
    assert plain["trace"]["stats"]["writtenBytes"] == 0


def test_a_core_in_the_journal(crashes):
    pid, core = crashes.run(CRASH, "segv")
    crashes.told(pid, None, COREDUMP=core.read_bytes())
    core.unlink()
    in_order(["crash_inner", "crash_outer"], functions(crashes.json(str(pid))))


def test_the_thread_that_crashed_is_the_first(crashes):
    pid, core = crashes.run(CRASH, "threads", "3", "thread", "segv")
    tid = crashes.json(str(core))["trace"]["threads"][0]["tid"]
    data = crashes.json(crashes.told(pid, core, COREDUMP_TID=str(tid)))
    thread = data["trace"]["threads"][0]
    assert thread["tid"] == tid != pid and thread["crashed"] and "crash_inner" in functions(data)
    assert not any(t.get("crashed") for t in data["trace"]["threads"][1:])


def test_the_last_lines_of_its_log_are_kept(crashes):
    pid, core = crashes.run(CRASH, "segv")
    lines = [other_entry("about to divide", crashes.began, _PID=pid, PRIORITY=4, _MACHINE_ID=MACHINE),
             other_entry("somebody else's", crashes.began + 1, _PID=pid + 1, _MACHINE_ID=MACHINE)]
    crashes.told(pid, core, lines=lines)
    for fresh in (True, False):
        data = crashes.json(str(pid))
        assert data["fresh"] == fresh
        assert data["log"] == [{"time": crashes.began - SECOND, "priority": 4, "message": "about to divide"}]


def test_packages_are_those_of_the_package_manager(crashes):
    if not shutil.which("dpkg-query"):
        pytest.skip("no dpkg on this system to compare with")
    pid, _ = crashes.crash()
    libc = module(crashes.json(pid), "libc.so.6")
    said = subprocess.run(["dpkg-query", "-W", "-f=${Version}", "libc6"], capture_output=True, text=True, check=True).stdout
    assert (libc["package"], libc["version"], libc["state"]) == ("libc6", said, "present")
    assert "package" not in module(crashes.json(pid), "crash")


def test_packages_that_systemd_told_count_first(crashes):
    told = {"elfType": "coredump", str(CRASH): {"type": "deb", "name": "crasher", "version": "7"}}
    pid, _ = crashes.crash("segv", COREDUMP_PACKAGE_JSON=json.dumps(told))
    program = module(crashes.json(pid), "crash")
    assert (program["package"], program["version"]) == ("crasher", "7")
    pid, _ = crashes.crash("abort", COREDUMP_PACKAGE_JSON="{not json")
    assert "package" not in module(crashes.json(pid), "crash")


# ---- files that are not what they were ------------------------------------------------------------

LIBRARY = "int %s(int *p) { return *p; }\nint in_library(int *p) { return %s(p) + 1; }\n"
PROGRAM = "int in_library(int *);\nint main(void) { return in_library(0); }\n"


@pytest.fixture
def linked(crashes):
    folder = crashes.tmp / "built"
    folder.mkdir(mode=0o755)
    library = compiled(folder, "libgoes.so", LIBRARY % ("deep", "deep"), "-shared", "-fPIC")
    return compiled(folder, "program", PROGRAM, library, f"-Wl,-rpath,{folder}"), library


def test_a_library_that_was_replaced_names_nothing(crashes, linked):
    program, library = linked
    pid, core = crashes.run(program)
    library.unlink()
    compiled(library.parent, "libgoes.so", LIBRARY % ("other", "other"), "-shared", "-fPIC")
    data = crashes.json(crashes.told(pid, core, program))
    assert module(data, "libgoes.so")["state"] == "replaced"
    assert not {"other", "deep", "in_library"} & set(functions(data))
    assert "main" in functions(data) or data["trace"]["threads"][0].get("error") or len(functions(data)) > 0
    text = crashes.bt(str(pid)).stdout
    assert "libgoes.so" in text and not re.search(r"\b(deep|other)\b", text)


def test_a_library_that_is_gone(crashes, linked):
    program, library = linked
    pid, core = crashes.run(program)
    crashes.told(pid, core, program)
    library.unlink()
    data = crashes.json(str(pid))
    assert module(data, "libgoes.so")["state"] == "deleted" and "deep" not in functions(data)
    assert module(data, "program")["state"] == "present"


def test_a_file_that_may_not_be_read(crashes, linked):
    program, library = linked
    if os.geteuid() != 0:
        pytest.skip("it takes root to be somebody else")
    pid, core = crashes.run(program)
    library.chmod(0)
    done = vigil("crash", "bt", "--json", str(core), prefix=as_user(65534), env={"HOME": "/nonexistent"})
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert module(data, "libgoes.so")["state"] == "unreadable" and "deep" not in functions(data)
    library.chmod(0o755)
    in_order(["deep", "in_library", "main"], functions(crashes.json(str(core))))


def test_debug_information_beside_the_file(crashes, linked):
    program, library = linked
    separate = library.parent / ".debug"
    separate.mkdir()
    subprocess.run(["objcopy", "--only-keep-debug", library, separate / "libgoes.debug"], check=True)
    subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={separate}/libgoes.debug", library], check=True)
    pid, core = crashes.run(program)
    data = crashes.json(crashes.told(pid, core, program))
    in_order(["deep", "in_library", "main"], functions(data))
    assert module(data, "libgoes.so")["debugFile"] == str(separate / "libgoes.debug")
    assert module(data, "libgoes.so")["symbols"] == "debug"


# ---- debuginfod -----------------------------------------------------------------------------------


@pytest.fixture
def stripped(crashes):
    """A crash of a program whose debug information only a server has, and how to ask as somebody who is not root."""
    program, debug, id_ = stripped_program(crashes.tmp / "built")
    pid, core = crashes.run(program)
    home = crashes.tmp / "home"
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    ask = {"env": {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_STATE_HOME": str(home / "state"), "STATE_DIRECTORY": str(home),
                   "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={crashes.tmp}/none"},
           "prefix": as_user(65534) if os.geteuid() == 0 else ()}
    return crashes.told(pid, core, program), debug, id_, ask


def test_debug_information_is_fetched_when_asked_for(crashes, stripped):
    pid, debug, id_, ask = stripped
    server = Server({f"{id_}/debuginfo": debug.read_bytes()})
    ask["env"]["DEBUGINFOD_URLS"] = server.url
    assert "deep" not in functions(crashes.json(pid, **ask)) and server.asked == []
    done = crashes.bt("--debuginfod", "--json", pid, **ask)
    data = json.loads(done.stdout)
    jsonschema.validate(data, schema("crash-bt"))
    in_order(["deep", "middle", "main"], functions(data))
    assert data["fresh"] and f"/buildid/{id_}/debuginfo" in server.asked and "debug files were fetched" in done.stderr
    server.close()
    in_order(["deep", "middle", "main"], functions(crashes.json(pid, **ask)))  # kept
    in_order(["deep", "middle", "main"], functions(crashes.json(pid, "--refresh", **ask)))  # out of the cache


def test_where_no_server_is_configured_the_trace_is_what_it_was(crashes, stripped):
    pid, _, _, ask = stripped
    ask["env"]["DEBUGINFOD_URLS"] = ""
    done = crashes.bt("--debuginfod", "--json", pid, **ask)
    assert functions(json.loads(done.stdout)) and done.stderr.count("\n") == 1


def test_interrupting_the_fetching_ends_that_alone(crashes, stripped):
    pid, _, _, ask = stripped
    silent = Silent()
    child = subprocess.Popen([*ask["prefix"], BUILD / "vigil", "crash", "bt", "-D", crashes.place, "--debuginfod", "--json", pid], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, **ask["env"], DEBUGINFOD_URLS=silent.url))
    wait_for("the server to be asked", lambda: silent.connections)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    silent.close()
    assert child.returncode == 0 and "interrupted" in err, err
    assert json.loads(out)["trace"]["threads"][0]["frames"]


# ---- without a core -------------------------------------------------------------------------------


def test_without_a_core_systemds_own_trace_is_shown(crashes):
    message = "Process 4711 (gone) of user 0 dumped core.\n\nStack trace of thread 4711:\n#0  0x1 f\x1b[31m (x + 0x1)\n"
    crashes.told(4711, crashes.tmp / "gone.core", "/usr/bin/gone", MESSAGE=message)
    text = crashes.bt("4711").stdout
    assert "Stack trace of thread 4711:\n#0  0x1 f\\x1b[31m (x + 0x1)\n" in text and "\x1b" not in text
    assert "This trace came with the crash. There is no core: it was deleted since" in text
    data = crashes.json("4711")
    assert data["source"] == "systemd" and data["text"].startswith("Stack trace of thread 4711:") and "trace" not in data
    assert "has no core" in crashes.error("4711", "--refresh")


def test_without_either_it_says_why(crashes):
    crashes.told(4711, None, COREDUMP_RLIMIT="0")
    assert "has no core: the program's core limit was 0" in crashes.error("4711")


def test_a_languages_own_traceback(crashes):
    write_journal(crashes.journal, [traceback_entry(4712, uid=os.getuid(), machine=MACHINE)])
    crashes.journal.chmod(0o644)
    text = crashes.bt("4712").stdout
    assert "Traceback (most recent call last):" in text and "ZeroDivisionError" in text


def test_a_core_that_is_withheld(crashes):
    if os.geteuid() != 0:
        pytest.skip("it takes root to be somebody else")
    pid, core = crashes.run(CRASH, "segv")
    core.chmod(0o600)
    crashes.told(pid, core, COREDUMP_UID="65534", COREDUMP_DUMPABLE="2")
    nobody = {"prefix": as_user(65534), "env": {"HOME": "/nonexistent", "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={crashes.tmp}/none"}}
    done = crashes.bt(str(pid), status=1, **nobody)
    lines = done.stderr.splitlines()
    assert len(lines) == 2 and "this core is not yours to read: " in lines[0] and "You may not read this core" in lines[1], done.stderr


# ---- cores that are not whole ----------------------------------------------------------------------


def test_a_core_that_was_cut(crashes):
    pid, core = crashes.run(CRASH, "big", "8", "segv")
    with open(core, "r+b") as file:
        file.truncate(core.stat().st_size * 6 // 10)
    data = crashes.json(crashes.told(pid, core, COREDUMP_TRUNCATED="1"))
    assert "ends after" in data["trace"]["partial"] and data["trace"]["signal"] == 11 and not data["complete"]


def test_what_is_no_core(crashes):
    for pid, content in ((4711, b""), (4712, b"\x7fELF"), (4713, b"no core " * 1000), (4714, b"\x28\xb5\x2f\xfd" + b"x" * 100)):
        core = crashes.tmp / f"{pid}.core"
        core.write_bytes(content)
        line = crashes.error(crashes.told(pid, core))
        assert "cannot be unwound" in line or "Cannot read" in line, line
    write_core(crashes.tmp / "made-up.core", pid=4715)
    data = crashes.json(crashes.told(4715, crashes.tmp / "made-up.core"))
    assert data["rating"] == "useless" and functions(data) in ([], [None])


# ---- an unwinder that misbehaves -------------------------------------------------------------------


def stand_in(crashes, script):
    """vigil with this in place of vigil-unwind beside it."""
    folder = crashes.tmp / "bin"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy2(BUILD / "vigil", folder)
    (folder / "vigil-unwind").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "vigil-unwind").chmod(0o755)
    return folder / "vigil"


def run_with(program, crashes, pid):
    return subprocess.run([program, "crash", "bt", "-D", crashes.place, pid], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, LC_ALL="C.UTF-8"), stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("script, words", [
    ("kill -SEGV $$", "was ended by SIGSEGV"),
    ("kill -SYS $$", "was ended by SIGSYS"),
    ("exit 1", "did not say why"),
    ("echo 'vigil-unwind: It is \033[31mbroken.' >&2; exit 1", r"It is \x1b[31mbroken."),
    ("echo garbage", "is no trace"),
    ("echo '{\"version\":1,\"threads\":[{}],\"modules\":7}'", "is no trace"),
    ("yes", "said more than a trace can be"),
    ("yes >&2", "said more than a trace can be"),
], ids=lambda v: v.split("'")[0].strip())
def test_what_it_does_costs_this_trace_alone(crashes, script, words):
    pid, _ = crashes.crash()
    done = run_with(stand_in(crashes, script), crashes, pid)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "cannot be unwound: " in done.stderr and words in done.stderr, done.stderr
    in_order(["crash_inner"], functions(crashes.json(pid)))


def test_where_it_is_not_installed(crashes):
    pid, _ = crashes.crash()
    program = stand_in(crashes, "")
    (program.parent / "vigil-unwind").unlink()
    done = run_with(program, crashes, pid)
    if "is not installed" not in done.stderr:  # there is one where `make install` puts it
        assert done.returncode == 0
    else:
        assert done.returncode == 1 and done.stderr.count("\n") == 1


def test_interrupted_nothing_stays(crashes):
    pid, _ = crashes.crash()
    fifo = crashes.tmp / "runs"
    os.mkfifo(fifo)
    program = stand_in(crashes, f"exec 9>'{fifo}'; echo >&9; exec sleep 60")
    child = subprocess.Popen([program, "crash", "bt", "-D", crashes.place, pid], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with open(fifo) as runs:
        assert runs.readline() == "\n"
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
        assert runs.read() == ""  # its end: nobody holds the fifo any more
    assert child.returncode == -signal.SIGINT and out == "" and err == ""
    in_order(["crash_inner"], functions(crashes.json(pid)))


def test_killed_its_child_goes_with_it(crashes):
    pid, _ = crashes.crash()
    fifo = crashes.tmp / "runs"
    os.mkfifo(fifo)
    program = stand_in(crashes, f"exec 9>'{fifo}'; echo >&9; exec sleep 60")
    child = subprocess.Popen([program, "crash", "bt", "-D", crashes.place, pid])
    with open(fifo) as runs:
        assert runs.readline() == "\n"
        child.kill()
        assert child.wait(20) == -signal.SIGKILL
        assert runs.read() == ""


def test_started_without_standard_files(crashes):
    pid, core = crashes.crash()
    done = subprocess.run(["sh", "-c", f"'{BUILD}/vigil' crash bt --json '{core}' <&- 2>&-"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "crash_inner" in done.stdout

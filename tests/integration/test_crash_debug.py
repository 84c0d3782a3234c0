# SPDX-License-Identifier: GPL-2.0-or-later
"""vigil crash debug: real debuggers on real cores, and what they are kept from."""
import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from conftest import BUILD, wait_for
from cores import crash_program, run_to_crash
from journals import crash_entry, now, write_journal
from test_crash_cli import VIGIL, asked, crash

SPARE = Path("/var/tmp")


@pytest.fixture
def program(tmp_path):
    """A copy of the program that crashes, so that it can be replaced, in a folder of its own."""
    folder = tmp_path / "program"
    folder.mkdir()
    return Path(shutil.copy(crash_program(), folder / "crash"))


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def crashed(tmp_path, program, *args, compress=True):
    """A crash of the program in the index; gives its id and the core's file."""
    core = run_to_crash(tmp_path, program, *args, "segv")
    named = core.rename(tmp_path / "core.crashed")
    if compress:
        subprocess.run(["zstd", "-q", "--rm", named], check=True)
        named = tmp_path / "core.crashed.zst"
    return asked("crash-import", "import", str(named))["crashes"][0]["id"], named


def debug(*args, commands="bt\nquit\n", cwd=None, env=None):
    return subprocess.run([VIGIL, "crash", "debug", *args], input=commands, capture_output=True, text=True, timeout=120, cwd=cwd,
                          env=dict(os.environ, LC_ALL="C.UTF-8", TERM="dumb", **(env or {})))


def index_path():
    return Path(os.environ["STATE_DIRECTORY"] if os.geteuid() == 0 else f"{os.environ['XDG_STATE_HOME']}/vigil") / "vigil.db"


def left():
    return {p for p in SPARE.iterdir() if p.name.startswith("vigil-debug-")}


def deleted_files(pid):
    """Files without a name that a process holds open beneath /var/tmp."""
    found = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(fd)
        except FileNotFoundError:
            continue
        if target.startswith(str(SPARE)) and target.endswith("(deleted)"):
            found.add(target)
    return found


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("debugger", ["gdb", "lldb"])
def test_a_real_debugger_knows_every_frame(tmp_path, program, debugger, compress):
    id_, _ = crashed(tmp_path, program, compress=compress)
    before = left()
    done = debug(id_, f"--debugger={debugger}")
    assert done.returncode == 0, done
    for name in ("crash_segv", "crash_inner", "crash_outer", "main"):
        assert name in done.stdout, done
    assert "crash.c:" in done.stdout and left() == before


def test_it_runs_in_a_fresh_empty_folder_that_goes(tmp_path, program):
    id_, _ = crashed(tmp_path, program)
    done = debug(id_, "-A", "-q", commands="pwd\nshell ls -A; touch left-over; mkdir -p a/b; ln -s /etc a/link\nquit\n")
    folder = Path(done.stdout.split("Working directory ")[1].split()[0].rstrip("."))
    assert folder.parent == SPARE and not folder.exists() and Path("/etc/passwd").exists(), done
    assert "left-over" not in done.stdout


def test_no_script_of_the_programs_or_the_persons_is_run(tmp_path, program, home):
    """Each of them would be run by a gdb without our locks: that is tried, too."""
    where = tmp_path / "where"
    (home / ".config/gdb").mkdir(parents=True)
    where.mkdir()
    canaries = {
        home / ".gdbinit": "shell touch {}", where / ".gdbinit": "shell touch {}",
        home / ".config/gdb/gdbearlyinit": "shell touch {}",
        program.with_name("crash-gdb.py"): "import pathlib\npathlib.Path({!r}).touch()",
        program.with_name("crash-gdb.gdb"): "shell touch {}",
    }
    sung = {}
    for n, (path, text) in enumerate(canaries.items()):
        sung[path] = tmp_path / f"canary-{n}"
        path.write_text(text.format(str(sung[path])) + "\n")
    id_, core = crashed(tmp_path, program, compress=False)
    env = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    open_gdb = ["gdb", "-batch", "-iex", "set auto-load safe-path /", "-core", core, program]
    subprocess.run(open_gdb, cwd=where, env=dict(os.environ, **env), capture_output=True, check=True, timeout=120)
    assert {p.exists() for p in sung.values()} == {True}, [k for k, p in sung.items() if not p.exists()]
    for path in sung.values():
        path.unlink()
    done = debug(id_, cwd=where, env=env)
    assert done.returncode == 0 and "crash_inner" in done.stdout, done
    assert [k for k, p in sung.items() if p.exists()] == []
    # nor when the person switches auto-loading on again
    done = debug(id_, "-A", "-iex 'set auto-load yes'", cwd=where, env=env)
    assert done.returncode == 0 and [k for k, p in sung.items() if p.exists()] == [], done


def test_lldb_runs_no_init_file(tmp_path, program, home):
    where = tmp_path / "where"
    where.mkdir()
    (home / ".lldbinit").write_text(f"script open({str(tmp_path / 'home-canary')!r}, 'w')\nplatform shell touch {tmp_path}/canary\n")
    id_, core = crashed(tmp_path, program, compress=False)
    env = {"HOME": str(home)}
    subprocess.run(["lldb", "--batch", "--core", core, program], env=dict(os.environ, **env), capture_output=True, check=True, timeout=120)
    assert (tmp_path / "canary").exists()
    (tmp_path / "canary").unlink()
    done = debug(id_, "--debugger=lldb", cwd=where, env=env)
    assert "crash_inner" in done.stdout and not (tmp_path / "canary").exists(), done


def test_nothing_is_fetched_unless_asked(tmp_path, program):
    id_, _ = crashed(tmp_path, program)
    env = {"DEBUGINFOD_URLS": "http://127.0.0.1:9/"}
    ask = "show debuginfod enabled\nshell echo urls=$DEBUGINFOD_URLS.\nquit\n"
    done = debug(id_, commands=ask, env=env)
    assert "urls=." in done.stdout and '"off"' in done.stdout, done
    done = debug(id_, "--debuginfod", commands=ask, env=dict(env, DEBUGINFOD_TIMEOUT="1"))
    assert "urls=http://127.0.0.1:9/." in done.stdout and '"on"' in done.stdout, done


def test_never_another_program_than_the_one_that_crashed(tmp_path, program):
    id_, core = crashed(tmp_path, program)
    assert asked("crash-debug", "debug", id_, "--print-command")["executable"] == str(program)
    build_id = subprocess.run(["readelf", "-n", program], capture_output=True, text=True, check=True).stdout
    shutil.copy("/bin/true", program)
    assert subprocess.run(["readelf", "-n", program], capture_output=True, text=True, check=True).stdout != build_id
    done = debug(id_)
    assert done.returncode == 0 and "is not what crashed any more" in done.stderr and str(program) in done.stderr, done
    assert "crash_inner" not in done.stdout
    assert "executable" not in asked("crash-debug", "debug", id_, "--print-command")
    program.unlink()
    assert "or not there" in debug(id_).stderr and "or not there" not in debug(id_, "-q").stderr
    core.unlink()
    for args in ([], ["--print-command"]):
        done = debug(id_, *args)
        assert done.returncode == 1 and "has no core" in done.stderr and done.stdout == "", done


@pytest.mark.parametrize("compress", [True, False])
def test_the_printed_command_does_what_it_says(tmp_path, program, compress):
    id_, core = crashed(tmp_path, program, compress=compress)
    line = debug(id_, "--print-command", "-A", "-batch -ex 'bt 2'").stdout
    data = asked("crash-debug", "debug", id_, "--print-command", "-A", "-batch -ex 'bt 2'")
    words = shlex.split(line)
    assert words == (data["prepare"] + ["&&"] if compress else []) + data["command"]
    assert ("prepare" in data) == compress and data["id"] == id_
    assert data["core"] == (f"core.{id_}" if compress else str(core))
    where = tmp_path / "where"
    where.mkdir()
    ran = subprocess.run(["sh", "-c", line], cwd=where, capture_output=True, text=True, timeout=120,
                         env=dict(os.environ, PATH=f"{BUILD}:{os.environ['PATH']}"))
    assert ran.returncode == 0 and "crash_segv" in ran.stdout and "crash_inner" in ran.stdout and "crash_outer" not in ran.stdout, ran
    assert [p.name for p in where.iterdir()] == ([f"core.{id_}"] if compress else [])


class Session:
    """A debugger that waits at its prompt."""

    def __init__(self, id_):
        self.before = left()
        self.child = subprocess.Popen([VIGIL, "crash", "debug", id_], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      env=dict(os.environ, LC_ALL="C.UTF-8", TERM="dumb"), start_new_session=True)
        self.say("echo here-we-are\\n")
        seen = b""
        while b"here-we-are" not in seen:
            more = os.read(self.child.stdout.fileno(), 4096)
            assert more, seen
            seen += more
        children = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split()
        assert len(children) == 1
        self.debugger = int(children[0])

    def say(self, line):
        self.child.stdin.write(line.encode() + b"\n")
        self.child.stdin.flush()

    def is_over(self):
        return not Path(f"/proc/{self.debugger}").exists() or "Z" in Path(f"/proc/{self.debugger}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_the_core_has_no_name_while_it_is_debugged(tmp_path, program):
    session = Session(crashed(tmp_path, program)[0])
    assert len(deleted_files(session.debugger)) == 1
    folder, = left() - session.before
    assert list(folder.iterdir()) == [] and folder.stat().st_mode & 0o777 == 0o700
    session.child.communicate(b"quit\n", timeout=60)
    assert session.child.returncode == 0 and left() == session.before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_ends_us_ends_the_debugger_and_leaves_nothing(tmp_path, program, number):
    session = Session(crashed(tmp_path, program)[0])
    session.child.send_signal(number)
    session.child.communicate(timeout=60)
    assert session.child.returncode == 1 and session.is_over() and left() == session.before


def test_interrupts_are_the_debuggers(tmp_path, program):
    session = Session(crashed(tmp_path, program)[0])
    os.killpg(session.child.pid, signal.SIGINT)
    out, _ = session.child.communicate(b"bt\nquit\n", timeout=60)
    assert session.child.returncode == 0 and b"crash_inner" in out and left() == session.before


def test_killed_it_leaves_no_core(tmp_path, program):
    session = Session(crashed(tmp_path, program)[0])
    session.child.kill()
    session.child.wait(60)
    session.child.stdin.close()
    wait_for("the debugger to end", session.is_over)
    for folder in left() - session.before:
        assert list(folder.iterdir()) == []
        folder.rmdir()


def test_interrupted_while_it_decompresses(tmp_path, program):
    id_, core = crashed(tmp_path, program, "big", "400", compress=True)
    before = left()
    child = subprocess.Popen([VIGIL, "crash", "debug", id_], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env=dict(os.environ, LC_ALL="C.UTF-8"))
    wait_for("the core to be written", lambda: child.poll() is not None or left() != before)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    core.unlink()  # large: pytest would keep it
    assert child.returncode == 1 and "Interrupted" in said and left() == before, said


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a full disk takes root")
def test_a_full_disk(tmp_path, program):
    id_, _ = crashed(tmp_path, program, "big", "8")
    script = f"mount -t tmpfs -o size=1M none /var/tmp && exec {VIGIL} crash debug {id_}"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
                          env=dict(os.environ, LC_ALL="C.UTF-8"))
    assert done.returncode == 1 and "are free at '/var/tmp'" in done.stderr and "vigil crash dump -o" in done.stderr, done


@pytest.mark.skipif(os.geteuid() != 0, reason="chroot(2) takes root")
def test_in_a_chroot(tmp_path, program):
    """Library paths are those beneath its root, which the debugger is told."""
    root = tmp_path / "root"
    for line in subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout.splitlines():
        for word in line.split():
            if word.startswith("/"):
                (root / word[1:]).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(word, root / word[1:])
    shutil.copy(program, root / "crash")
    core = run_to_crash(root, "chroot", root, "/crash", "segv")
    core.rename(tmp_path / "core.chroot")
    write_journal(tmp_path / "system.journal", [crash_entry(7, "/crash", now(), COREDUMP_ROOT=str(root), COREDUMP_FILENAME=str(tmp_path / "core.chroot"))])
    data = asked("crash-debug", "debug", "7", "--print-command", "-D", str(tmp_path))
    assert data["executable"] == str(root / "crash") and f"set sysroot {root}" in data["command"]
    done = debug("7", "-D", str(tmp_path), commands="info sharedlibrary\nbt\nquit\n")
    assert f"{root}/lib" in done.stdout and "crash_inner" in done.stdout, done


FLATPAK = """#!/bin/sh
printf '%s\\n' "$@" >{tmp}/args
for word; do case $word in --filesystem=*) folder=${{word#--filesystem=}}; folder=${{folder%:ro}};; esac; done
ls -l "$folder" >{tmp}/seen
cat "$folder/core" >{tmp}/core.seen
"""


def test_in_a_flatpak_the_sandbox_has_the_debugger(tmp_path, program, home):
    """flatpak(1) itself is a stand-in: it tells what it was called with, and what it was shown."""
    deployed = home / ".local/share/flatpak/app/org.example.Crash/current/active/files/bin"
    deployed.mkdir(parents=True)
    shutil.copy(program, deployed / "crash")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "flatpak").write_text(FLATPAK.format(tmp=tmp_path))
    (folder / "flatpak").chmod(0o755)
    id_, core = crashed(tmp_path, program, compress=False)
    build_id = re.search("Build ID: ([0-9a-f]+)", subprocess.run(["readelf", "-n", program], capture_output=True, text=True, check=True).stdout)[1]
    module = {"path": "/newroot/app/bin/crash", "buildId": build_id, "start": "0x1000", "end": "0x2000", "bias": "0x0", "executable": True}
    trace = {"version": 1, "threads": [{"tid": 1, "crashed": True, "frames": []}], "modules": [module]}
    with sqlite3.connect(index_path()) as index:
        index.execute("UPDATE crashes SET cgroup = ?", ("/user.slice/user@0.service/app.slice/app-flatpak-org.example.Crash-4711.scope",))
        index.execute("INSERT OR REPLACE INTO traces (crash, trace) SELECT id, ? FROM crashes", (json.dumps(trace),))
    env = {"HOME": str(home), "PATH": f"{folder}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(home / ".cache")}
    done = debug(id_, env=env)
    assert done.returncode == 0, done
    args = (tmp_path / "args").read_text().splitlines()
    shown = args[3].removeprefix("--filesystem=").removesuffix(":ro")
    assert args[:6] == ["run", "--command=gdb", "--devel", f"--filesystem={shown}:ro", "--unshare=network", "org.example.Crash"]
    assert args[6] == "-nx" and args[-3:] == ["-core", f"{shown}/core", "/app/bin/crash"]
    assert Path(shown).parent == home / ".cache/vigil" and not Path(shown).exists()
    assert (tmp_path / "core.seen").read_bytes() == core.read_bytes()
    (deployed / "crash").write_bytes(Path("/bin/true").read_bytes())  # the application was updated
    assert debug(id_, env=env).returncode == 0
    assert (tmp_path / "args").read_text().splitlines()[-2] == "-core"


def test_which_debugger(tmp_path, program, home):
    """A stand-in tells under which name it was started."""
    id_, _ = crashed(tmp_path, program)
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("gdb", "gdb-multiarch", "my lldb"):
        (folder / name).write_text(f"#!/bin/sh\necho {name.replace(' ', '-')} \"$*\"\n")
        (folder / name).chmod(0o755)
    config = home / "vigil"
    config.mkdir()
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "XDG_CONFIG_HOME": str(home)}
    assert debug(id_, env=env).stdout.startswith("gdb -nx ")
    assert debug(id_, "--debugger=gdb-multiarch", env=env).stdout.startswith("gdb-multiarch -nx ")
    assert debug(id_, "--debugger=bin/my lldb", cwd=tmp_path, env=env).stdout.startswith("my-lldb --no-lldbinit ")
    (config / "vigil.conf").write_text("[Coredump]\nDebugger=gdb-multiarch -q\n")
    done = debug(id_, "-A", "-ex 'echo it'", env=env)
    assert done.stdout.startswith("gdb-multiarch -nx ") and " -q -ex echo it -core " in done.stdout
    assert debug(id_, "--debugger=gdb", env=env).stdout.startswith("gdb -nx ")
    for args, status, said in (
            (["--debugger=no-such-gdb"], 1, "'no-such-gdb' is not installed"), (["--debugger=./no-such-gdb"], 1, "Cannot start"),
            (["--debugger="], 2, "--debugger"), (["-A", "'unended"], 2, "--debugger-arguments"), (["--json"], 2, "--print-command")):
        done = debug(id_, *args, env=env)
        assert (done.returncode, said in done.stderr) == (status, True), done
    before = left()
    assert debug(id_, "--debugger=/bin/false").returncode == 1 and left() == before


def test_help_tells_of_json_only_with_what_it_goes_with():
    text = " ".join(crash("debug", "--help").stdout.split())
    assert "--json only goes with --print-command" in text and "--debugger=PROGRAM" in text

# SPDX-License-Identifier: GPL-2.0-or-later
"""The locks behind which a core is read: each is tried from within, and seen in force from outside on the real program."""
import fcntl
import json
import os
import signal
import subprocess
import tempfile
import termios

import pytest

from conftest import BUILD, wait_for
from cores import crash_core
from unwind import run_scan, scan_args

PROBE = BUILD / "tests/tools/sandbox-probe"
LANDLOCK = 1  # the least that the kernels tested on have


def probe(*args, fds=()):
    """What it said, and how it ended: a signal's name, or its exit status."""
    done = subprocess.run([str(PROBE), *map(str, args)], capture_output=True, text=True, timeout=60, pass_fds=fds)
    inside, *said = done.stdout.splitlines()
    assert inside.startswith("in: seccomp 1, landlock "), done.stderr
    assert int(inside.split()[-1]) >= LANDLOCK
    return " ".join(said), signal.Signals(-done.returncode).name if done.returncode < 0 else done.returncode


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_text("of somebody else\n")
    return path


@pytest.mark.parametrize("what", ["read", "write", "create", "truncate", "unlink"])
def test_the_first_step_opens_and_changes_no_file(what, secret):
    assert probe(what, secret) == ("", "SIGSYS")
    assert secret.read_text() == "of somebody else\n"


@pytest.mark.parametrize("what", ["write", "create", "truncate", "unlink"])
def test_what_may_be_read_may_not_be_changed(what, secret):
    assert probe("--may-read", secret, what, secret) == ("", "SIGSYS")
    assert secret.read_text() == "of somebody else\n"


def test_only_the_named_file_may_be_read(secret, tmp_path):
    other = tmp_path / "other"
    other.write_text("x")
    link = tmp_path / "link"
    link.symlink_to(other)
    assert probe("--may-read", secret, "read", secret) == ("done", 0)
    for refused in (other, link, "/etc/passwd", "/proc/self/mem", "/proc/self/environ", tmp_path):
        assert probe("--may-read", secret, "read", refused) == ("refused: EACCES", 0), refused


def test_a_named_file_that_is_gone_is_passed_over(secret, tmp_path):
    assert probe("--may-read", tmp_path / "gone", "--may-read", secret, "read", secret) == ("done", 0)


@pytest.mark.parametrize("files", [[], ["--may-read", "/etc/passwd"]])
@pytest.mark.parametrize("what", ["exec", "fork", "tcp", "unix", "kill", "ptrace", "code", "make-code"])
def test_nothing_but_computing_is_possible(what, files):
    assert probe(*files, what, "/bin/true") == ("", "SIGSYS")


def test_memory_is_limited():
    if "sanitize" in BUILD.name:
        expected = "done"  # their shadow alone is larger than any limit
    else:
        expected = "refused: ENOMEM"
    assert probe("memory") == (expected, 0)


def test_fds_are_closed_but_for_those_named(secret):
    with open(secret) as kept, open(secret) as closed:
        fds = (kept.fileno(), closed.fileno())
        assert probe("--keep", fds[0], "fd", fds[0], fds=fds) == ("done", 0)
        assert probe("--keep", fds[0], "fd", fds[1], fds=fds) == ("refused: EBADF", 0)


def test_the_image_is_all_that_is_written_and_it_is_bounded(secret):
    with open(secret, "r+") as image:
        fd = image.fileno()
        assert probe("--keep", fd, "pwrite", fd, fds=(fd,)) == ("", "SIGSYS")
        assert secret.read_text() == "of somebody else\n"
        assert probe("--image", fd, "pwrite", fd, fds=(fd,)) == ("done", 0)
        assert secret.read_text() == "xf somebody else\n"
        assert probe("--image", fd, "grow", fd, fds=(fd,)) == ("", "SIGXFSZ")


def test_spinning_ends():
    assert probe("spin") == ("", "SIGXCPU")


def test_waiting_ends():
    ours, theirs = os.pipe()
    try:
        assert probe("--keep", ours, "hang", ours, fds=(ours,)) == ("", "SIGKILL")
    finally:
        os.close(ours)
        os.close(theirs)


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def limits(pid):
    with open(f"/proc/{pid}/limits") as f:
        return {line[:26].strip(): line[26:].split()[:2] for line in f.readlines()[1:]}


def test_the_real_program_is_locked_in(tmp_path):
    """Stopped in the middle of its work: nobody reads the answer, which is longer than the pipe."""
    core = crash_core(tmp_path, "threads", "250", "segv", stack=1 << 18)
    ours, theirs = os.pipe()
    room = fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
    with open(core) as plain, open(ours) as answer, open("/etc/passwd") as stray, tempfile.TemporaryFile() as image:
        fds = (plain.fileno(), image.fileno())
        child = subprocess.Popen(scan_args(plain, image), stdout=theirs, pass_fds=(*fds, stray.fileno()))
        os.close(theirs)

        def pipe_is_full():
            held = bytearray(4)
            fcntl.ioctl(answer, termios.FIONREAD, held)
            return int.from_bytes(held, "little") == room
        try:
            wait_for("a full pipe", pipe_is_full)
            seen = status(child.pid)
            assert seen["Seccomp"] == "2"
            assert seen["NoNewPrivs"] == "1"
            assert seen["Threads"] == "1"
            held = limits(child.pid)
            assert held["Max core file size"] == ["1", "1"]
            assert held["Max processes"] == ["0", "0"]
            assert held["Max cpu time"] == ["300", "301"]
            assert held["Max file size"] == [str(256 << 20)] * 2
            if "sanitize" not in BUILD.name:
                assert held["Max address space"] == [str(1 << 30)] * 2
                # not dumpable: its memory, the core's, is nobody's to look at
                assert os.stat(f"/proc/{child.pid}/fd").st_uid == 0
            if os.geteuid() == 0:
                assert {int(fd) for fd in os.listdir(f"/proc/{child.pid}/fd")} == {0, 1, 2, *fds}
            trace = json.load(answer)
        finally:
            answer.close()  # SIGPIPE, if the assertions left it waiting
            code = child.wait(timeout=30)
    assert code == 0
    assert trace["sandbox"] == {"seccomp": True, "landlock": trace["sandbox"]["landlock"]}
    assert trace["sandbox"]["landlock"] >= LANDLOCK
    assert len(trace["threads"]) == 251


def calls(core, log, *args):
    """The system calls of a scan, but for those of memory."""
    with open(core) as plain, tempfile.TemporaryFile() as image:
        fds = (plain.fileno(), image.fileno())
        done = subprocess.run(["strace", "-o", str(log), "-e", "trace=!brk,mmap,munmap", *scan_args(plain, image, *args)], capture_output=True,
                              text=True, pass_fds=fds, timeout=60)
    assert done.returncode == 0, done.stderr
    return log.read_text().splitlines(), fds


def test_the_locks_come_before_the_first_byte(tmp_path):
    lines, fds = calls(crash_core(tmp_path, "segv"), tmp_path / "log")
    locked = max(i for i, line in enumerate(lines) if line.startswith("seccomp(SECCOMP_SET_MODE_FILTER") and line.endswith("= 0"))
    landlocked = next(i for i, line in enumerate(lines) if line.startswith("landlock_restrict_self"))
    read = [i for i, line in enumerate(lines) if f"({fds[0]}, " in line and not line.startswith("close_range")]
    assert landlocked < locked < read[0]
    assert [line for line in lines[locked + 1:] if line.startswith(("open", "socket", "exec", "clone", "fork"))] == []


def test_in_the_background_it_steps_back(tmp_path):
    lines, _ = calls(crash_core(tmp_path, "segv"), tmp_path / "log", "--background")
    text = "\n".join(lines)
    assert "setpriority(PRIO_PROCESS, 0, 19)" in text
    assert "IOPRIO_CLASS_IDLE" in text
    assert "sched_setscheduler(0, SCHED_BATCH" in text


def test_without_a_sandbox_no_core_is_read(tmp_path):
    """Where the kernel refuses filters, the core stays closed. seccomp(2) fails under strace's fault injection."""
    log = tmp_path / "log"
    done = run_scan(crash_core(tmp_path, "segv"), prefix=["strace", "-o", str(log), "-e", "inject=seccomp:error=EINVAL", "-e",
                                                          "inject=prctl:error=EINVAL:when=3+"])
    assert done.returncode == 1
    assert done.stdout == ""
    assert "sandbox" in done.stderr and len(done.stderr.splitlines()) == 1
    assert "ELF" not in log.read_text().partition("PR_SET_NO_NEW_PRIVS")[2]


def test_without_landlock_it_goes_on_and_says_so(tmp_path):
    done = run_scan(crash_core(tmp_path, "segv"), prefix=["strace", "-o", "/dev/null", "-e", "inject=landlock_create_ruleset:error=ENOSYS"])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sandbox"] == {"seccomp": True, "landlock": 0}

# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine is as it was, however a run of these tests ends. Runs before any test holds a container."""
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import SUITES
from guard import LOCK_SECONDS, STATE, Saved
from machine import HERE, Machine, wait_for, why_not

CHILD = """
import signal, sys
sys.path.insert(0, sys.argv[1])
from machine import Machine
machine = Machine(sys.argv[2], sys.argv[3])
print(machine.guard.pid, machine.leader, flush=True)
signal.pause()
"""
SAVED = Saved.path


def state():
    """What a run may not leave changed: sysctls, control groups, mounts."""
    def read(path):
        try:
            return Path(path).read_text()
        except OSError:
            return None
    names = ["kernel/core_pattern", "kernel/core_uses_pid", "kernel/core_pipe_limit", "kernel/pid_max", "kernel/sysrq", "kernel/printk",
             "fs/suid_dumpable", "fs/protected_hardlinks", "fs/inotify/max_user_instances", "fs/inotify/max_user_watches", "vm/overcommit_memory"]
    return {"sysctls": {name: read(f"/proc/sys/{name}") for name in names},
            "cgroups": [p for p in Path("/sys/fs/cgroup").rglob("vigil-test-*") if p.is_dir()],
            "mounts": [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if "vigil-test" in line],
            "saved": SAVED.exists(), "hostname": os.uname().nodename}


class Run:
    """A test run in a process of its own, with a container that is up."""

    def __init__(self, staging):
        self.child = subprocess.Popen([sys.executable, "-c", CHILD, str(HERE), SUITES[0], str(staging)], stdout=subprocess.PIPE, text=True)
        self.guard, self.leader = map(int, self.child.stdout.readline().split())

    def end(self):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()


@pytest.fixture
def run(staging):
    run = Run(staging)
    assert "vigil-test" not in Path("/proc/self/mountinfo").read_text()  # its mounts are its own
    assert Path("/proc/sys/kernel/core_pattern").read_text().startswith("|") and SAVED.exists()
    yield run
    run.end()


def locked(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def settle():
    """Another run's end is waited for; what one that was killed left is put back, as the next guard would."""
    STATE.mkdir(mode=0o700, exist_ok=True)
    with open(STATE / "lock", "a") as file:
        wait_for("another run of the system tests to end", lambda: locked(file), LOCK_SECONDS)
        Saved.restore()


@pytest.fixture(autouse=True)
def before():
    reason = why_not()
    if reason:
        pytest.skip(reason)
    settle()
    before = state()
    assert not before["cgroups"] and not before["saved"]
    yield before
    assert state() == before


def ended(pid):
    """Whether a process is gone, or only waits for a parent that is slow to reap (PID 1 of some containers)."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def restored(before):
    return state() == before


@pytest.mark.parametrize("how", ["tests killed", "guard asked to end", "container dies"])
def test_everything_is_put_back(before, run, how):
    pid, number = {"tests killed": (run.child.pid, signal.SIGKILL), "guard asked to end": (run.guard, signal.SIGTERM),
                   "container dies": (run.leader, signal.SIGKILL)}[how]
    os.kill(pid, number)
    wait_for("everything to be put back", lambda: restored(before))
    wait_for("the container to end", lambda: ended(run.leader))


def test_the_run_after_one_whose_guard_was_killed(before, run, staging):
    sysctls = json.loads(SAVED.read_text())["sysctls"]
    assert sysctls["kernel/core_pattern"] + "\n" == before["sysctls"]["kernel/core_pattern"]
    os.kill(run.guard, signal.SIGKILL)
    wait_for("it to be gone", lambda: ended(run.guard))
    assert Path("/proc/sys/kernel/core_pattern").read_text().startswith("|")
    Machine(SUITES[0], staging).end()
    assert restored(before) and ended(run.leader)


def test_two_runs_wait_for_each_other(before, run, staging):
    second = Run.__new__(Run)
    second.child = subprocess.Popen([sys.executable, "-c", CHILD, str(HERE), SUITES[0], str(staging)], stdout=subprocess.PIPE, text=True)
    try:
        leader = run.leader
        wait_for("the second to wait at the lock", lambda: lock_holders() >= 2)
        assert not ended(leader)
        run.end()
        assert int(second.child.stdout.readline().split()[1]) != leader
        assert ended(leader)
    finally:
        second.end()
    wait_for("everything to be put back", lambda: restored(before))


def lock_holders():
    """How many processes have the lock file open: its holder and those that wait."""
    found = 0
    for fds in Path("/proc").glob("[0-9]*/fd"):
        try:
            found += any(os.readlink(fd) == "/run/vigil-test/lock" for fd in fds.iterdir())
        except OSError:
            pass
    return found

# SPDX-License-Identifier: GPL-2.0-or-later
"""Real programs of real users crash in a booted system: what systemd records of them, and who may read it."""
import os
import subprocess
from pathlib import Path

import pytest

from crashes import CRASH, SETUID, acl, corefile_state, crash, entries, limit_is_passed_on, logged_by_systemd
from machine import BUILD, wait_for

SIGNALS = {"segv": "SIGSEGV", "abort": "SIGABRT", "sigsys": "SIGSYS", "fpe": "SIGFPE", "ill": "SIGILL", "bus": "SIGBUS",
           "trap": "SIGTRAP", "stack": "SIGSEGV"}


@pytest.fixture(scope="module", autouse=True)
def manager(machine):
    machine.linger("alice")


def test_entry_core_and_readers(machine):
    mark = machine.cursor()
    machine.user_unit("alice", CRASH, "segv", unit="boom")
    entry, = entries(machine, mark, user="alice")  # a plain user, in no group, reads their own crash
    assert logged_by_systemd(entry) and entry["_UID"] == "1000" and entry["_TRANSPORT"] == "journal"
    assert entry["COREDUMP_EXE"] == CRASH and entry["COREDUMP_COMM"] == "crash" and entry["COREDUMP_CMDLINE"] == f"{CRASH} segv"
    assert entry["COREDUMP_SIGNAL"] == "11" and entry["COREDUMP_SIGNAL_NAME"] == "SIGSEGV"
    assert entry["COREDUMP_UID"] == "1000" and entry["COREDUMP_HOSTNAME"] == "vigil" and entry["COREDUMP_CWD"] == "/home/alice"
    assert entry["COREDUMP_USER_UNIT"] == "boom.service" and entry["COREDUMP_UNIT"] == "user@1000.service"
    assert entry["COREDUMP_SLICE"] == "user-1000.slice"
    assert f".1000.{entry['_BOOT_ID']}.{entry['COREDUMP_PID']}." in entry["COREDUMP_FILENAME"]
    assert "user:alice:r--" in acl(machine, entry["COREDUMP_FILENAME"])
    assert corefile_state(machine, entry["COREDUMP_PID"], "alice") == "present"
    machine.run_as("alice", "sh", "-c", f"coredumpctl dump {entry['COREDUMP_PID']} 2>/dev/null | head -c 4 | grep -q ELF")
    # and nobody else does
    assert not [e for e in machine.journal(user="bob") if e.get("COREDUMP_PID") == entry["COREDUMP_PID"]]
    assert machine.as_user("bob", "cat", entry["COREDUMP_FILENAME"]).returncode == 1


@pytest.mark.parametrize("way", SIGNALS)
def test_every_way_to_crash(machine, way):
    entry = crash(machine, machine.user_unit, "alice", CRASH, way)
    assert entry["COREDUMP_SIGNAL_NAME"] == SIGNALS[way] and logged_by_systemd(entry)
    assert corefile_state(machine, entry["COREDUMP_PID"], "alice") == "present"


def test_most_entries_name_their_unit(machine):
    """An entry's _SYSTEMD_UNIT is what proves it; see crashes.logged_by_systemd for those that lack it."""
    found = crash(machine, machine.user_unit, "alice", CRASH, "times", "20", "segv", n=20)
    named = [e for e in found if e.get("_SYSTEMD_UNIT", "").startswith("systemd-coredump@")]
    print(f"systemd {machine.version}: {len(named)} of 20 entries name their unit")
    assert all(logged_by_systemd(e) for e in found) and len(named) >= 10


@pytest.mark.parametrize("where", ["service", "scope", "session", "system"])
def test_where_it_ran(machine, where):
    if where in ("service", "scope"):
        unit = f"app-org.example.Boom-7.{where}"
        entry = crash(machine, machine.user_unit, "alice", CRASH, "abort", unit=unit, scope=where == "scope")
        assert entry["COREDUMP_USER_UNIT"] == unit and entry["COREDUMP_CGROUP"].endswith(f"/{unit}")
    elif where == "session":
        entry = crash(machine, machine.in_session, "alice", CRASH, "abort")
        assert "COREDUMP_USER_UNIT" not in entry
        assert entry["COREDUMP_UNIT"].startswith("session-") and entry["COREDUMP_UNIT"].endswith(".scope")
    else:
        entry = crash(machine, machine.call, "systemd-run", "--wait", "--quiet", "--unit=boom-system", "-p", "User=alice", CRASH, "abort")
        assert entry["COREDUMP_UNIT"] == "boom-system.service" and entry["COREDUMP_SLICE"] == "system.slice"
        assert "COREDUMP_USER_UNIT" not in entry
        machine.call("systemctl", "reset-failed", "boom-system.service")
    assert entry["COREDUMP_UID"] == "1000" and logged_by_systemd(entry)


def test_a_thread_and_its_name(machine):
    entry = crash(machine, machine.user_unit, "alice", CRASH, "threads", "3", "thread", "segv")
    assert entry["COREDUMP_COMM"] == "crash" and entry["COREDUMP_EXE"] == CRASH  # the process's, not the thread's
    assert entry.get("COREDUMP_THREAD_NAME", "worker") == "worker"


def test_a_hostile_name(machine):
    entry = crash(machine, machine.user_unit, "alice", CRASH, "name", "\x1b[31m\n$(id)", "segv")
    assert entry["COREDUMP_COMM"].startswith("\\033[31m")  # systemd escapes it (and 252 cuts it at the newline)
    assert corefile_state(machine, entry["COREDUMP_PID"], "alice") == "present"


def test_no_core_limit(machine):
    entry = crash(machine, machine.user_unit, "alice", CRASH, "limit", "0", "segv")
    if limit_is_passed_on(machine):
        assert "COREDUMP_FILENAME" not in entry and entry["COREDUMP_RLIMIT"] == "0"
        assert corefile_state(machine, entry["COREDUMP_PID"], "alice") == "none"
    else:
        assert corefile_state(machine, entry["COREDUMP_PID"], "alice") == "present"


def test_a_core_over_its_limit(machine):
    entry = crash(machine, machine.user_unit, "alice", CRASH, "limit", "65536", "big", "8", "segv")
    if limit_is_passed_on(machine):
        assert entry["COREDUMP_TRUNCATED"] == "1"
        assert corefile_state(machine, entry["COREDUMP_PID"], "alice") == "truncated"
    else:
        assert "COREDUMP_TRUNCATED" not in entry


def test_setuid_is_root_s_alone(machine):
    """A program that changed its credentials may hold secrets: the user sees the crash, not the core."""
    entry = crash(machine, machine.user_unit, "alice", SETUID, "segv")
    assert entry["COREDUMP_UID"] == "1000" and logged_by_systemd(entry)
    mark = [e for e in machine.journal(user="alice") if e.get("COREDUMP_PID") == entry["COREDUMP_PID"]]
    print(f"systemd {machine.version}: alice sees {len(mark)} of it, dumpable {entry.get('COREDUMP_DUMPABLE')}")
    assert not [line for line in acl(machine, entry["COREDUMP_FILENAME"]) if line.startswith("user:alice")]
    assert machine.as_user("alice", "cat", entry["COREDUMP_FILENAME"]).returncode == 1
    assert corefile_state(machine, entry["COREDUMP_PID"], "root") == "present"
    if mark:
        assert corefile_state(machine, entry["COREDUMP_PID"], "alice") == "inaccessible"


def test_not_dumpable_leaves_nothing(machine):
    """PR_SET_DUMPABLE 0: the kernel tells nobody. The crash behind it shows that we would have seen it."""
    mark = machine.cursor()
    machine.user_unit("alice", CRASH, "nodump", "segv")
    machine.user_unit("alice", CRASH, "abort")
    assert [e["COREDUMP_SIGNAL_NAME"] for e in entries(machine, mark)] == ["SIGABRT"]


def test_crash_at_logout(machine):
    """The last session of a user without linger ends, a program crashes on the way out: the entry is there when they return."""
    mark = machine.cursor()
    child = machine.popen(*machine.session_argv("bob", CRASH, "wait", "segv"), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert child.stdout.readline() == "ready\n"
    session, = [line.split()[0] for line in machine.run("loginctl", "--no-legend", "list-sessions").splitlines()
                if " bob " in line and "manager" not in line]
    machine.run("loginctl", "terminate-session", session)
    child.wait(30)
    child.stdout.close()
    entry, = entries(machine, mark)
    assert entry["COREDUMP_UID"] == "1001" and entry["COREDUMP_UNIT"] == f"session-{session}.scope"
    wait_for("bob's manager to end", lambda: machine.call("systemctl", "is-active", "user@1001.service").stdout.strip() == "inactive")
    assert [e for e in machine.journal(mark, user="bob") if e.get("COREDUMP_PID") == entry["COREDUMP_PID"]]
    assert corefile_state(machine, entry["COREDUMP_PID"], "bob") == "present"


def test_five_hundred_in_a_loop(machine):
    mark = machine.cursor()
    done = machine.user_unit("alice", CRASH, "times", "500", "segv", timeout=300)
    assert done.returncode == 0, done.stderr
    found = entries(machine, mark, 500, deadline=120)
    assert len({e["COREDUMP_PID"] for e in found}) == 500
    print(f"{sum('COREDUMP_FILENAME' in e for e in found)} of 500 kept a core")


def test_a_crash_of_the_machine_itself_goes_where_it_always_did(machine, tmp_path):
    """The relay stands in core_pattern for everybody: who is not in the container must not notice."""
    if machine.elsewhere != "core":
        pytest.skip(f"core_pattern here is '{machine.elsewhere}', which the relay does not imitate")
    mark = machine.cursor()
    os.chmod(tmp_path, 0o777)
    uses_pid = Path("/proc/sys/kernel/core_uses_pid").read_text().strip() == "1"
    child = subprocess.Popen(["sh", "-c", f"ulimit -c unlimited; exec '{BUILD}/tests/tools/crash' segv"], cwd=tmp_path)
    assert child.wait(30) == -11
    core = tmp_path / (f"core.{child.pid}" if uses_pid else "core")
    assert core.read_bytes()[:4] == b"\x7fELF"
    crash(machine, machine.user_unit, "alice", CRASH, "abort")
    assert len(entries(machine, mark)) == 1

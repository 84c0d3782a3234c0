# SPDX-License-Identifier: GPL-2.0-or-later
"""Crashes in the container, as its journal and its core files tell of them."""
from machine import TOOLS_AT, wait_for

CRASH = f"{TOOLS_AT}/crash"
SETUID = f"{TOOLS_AT}/crash-setuid"
COREDUMP = "fc2e22bc6ee647b6b90729ab34a250b1"  # systemd's message id of a crash
PATTERN_PATHS = ("/usr/lib/sysctl.d/50-coredump.conf", "/lib/sysctl.d/50-coredump.conf")


def entries(machine, mark, n=1, user=None, deadline=30):
    """The n crashes that the journal has behind a cursor, once they are all there; no more may be."""
    found = wait_for(f"{n} crashes", lambda: (lambda e: e if len(e) >= n else None)(
        machine.journal(mark, user=user, MESSAGE_ID=COREDUMP)), deadline)
    assert len(found) == n, [e.get("COREDUMP_CMDLINE") for e in found]
    return found


def crash(machine, start, *args, n=1, **kw):
    """Runs start(*args), one of Machine's ways to run a program, and gives the crash that the journal then has."""
    mark = machine.cursor()
    start(*args, **kw)
    found = entries(machine, mark, n)
    return found[0] if n == 1 else found


def logged_by_systemd(entry):
    """Whether the entry's trusted fields are those of systemd-coredump. They may be missing altogether: the process that logs
    ends at once, and journald sometimes comes too late to look it up (one in fifty with 252, 257 and 262, more on a busy machine)."""
    unit = entry.get("_SYSTEMD_UNIT")
    if unit is None:
        return "_SYSTEMD_CGROUP" not in entry and entry["_TRANSPORT"] == "journal"
    return unit.startswith("systemd-coredump@") or unit == "systemd-coredumpd.service"


def limit_is_passed_on(machine):
    """Whether this systemd asks the kernel for the crashed process's core limit (252 does not)."""
    return any(" %c " in machine.path(p).read_text() for p in PATTERN_PATHS if machine.path(p).exists())


def acl(machine, path):
    return machine.run("getfacl", "--absolute-names", "--omit-header", path).split()


def corefile_state(machine, pid, user):
    """What coredumpctl says of a crash's core to this user: present, missing, inaccessible, truncated, none, …"""
    done = machine.as_user(user, "coredumpctl", "--no-legend", "--no-pager", "list", str(pid))
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[8]

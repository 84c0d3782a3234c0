# SPDX-License-Identifier: GPL-2.0-or-later
"""Real programs of a real user crash in a booted system."""
import pytest

from machine import TOOLS_AT, wait_for

CRASH = f"{TOOLS_AT}/crash"


def test_debug(machine):
    machine.linger("alice")
    c = machine.cursor()
    print(machine.user_unit("alice", CRASH, "segv", unit="boom"))
    import time; time.sleep(3)
    for e in machine.journal(f"--after-cursor={c}"):
        print({k: v for k, v in e.items() if k.startswith("COREDUMP_FILE") or k in ("MESSAGE", "_SYSTEMD_UNIT")})
    print(machine.run_as("alice", "coredumpctl", "list"))
    print(machine.run("sh", "-c", "ls -la /var/lib/systemd/coredump; getfacl /var/lib/systemd/coredump/*; cat /proc/sys/kernel/core_pattern"))
    assert 0

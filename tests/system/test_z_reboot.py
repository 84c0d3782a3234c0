# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine reboots: the index and what was told are as they were, and crashes of both boots are listed. Runs last: what other
tests keep running in the container is gone afterwards."""
import pytest

from desktop import Desktop
from test_vigil_crash import CONFIG, HOME, UNIT, USER, Vigil, crashed


LOGIND_MINDS = 262  # seen with this one: it starts no manager where it and its services see two boot ids (see guard.py)


@pytest.fixture(scope="module")
def vigil(machine):
    vigil = Vigil(machine, Desktop(machine, USER))
    machine.write(f"{HOME}/.config/vigil/vigil.conf", CONFIG)
    machine.run("chown", "-R", f"{USER}:", f"{HOME}/.config")
    assert vigil.ctl("enable", "--now", UNIT).returncode == 0
    vigil.started()
    yield vigil
    vigil.ctl("disable", "--now", UNIT, "vigil-monitord.socket")
    vigil.desktop.end()


def times_seen(vigil, *names):
    """How many of the notifications that this session had speak of each."""
    seen = vigil.seen()
    print("\n".join(seen))
    return [len([s for s in seen if name in s]) for name in names]


def reboot(machine, vigil):
    """The daemon comes up before there is a screen, as it does where a session is slow to start."""
    machine.reboot()
    vigil.desktop = Desktop(machine, USER)
    vigil.started()


def test_after_a_reboot_nothing_is_told_twice_and_nothing_is_lost(machine, vigil):
    told, _, first = crashed(vigil, "segv")
    vigil.told(first)
    assert times_seen(vigil, told) == [1]
    assert vigil.ctl("stop", UNIT, "vigil-monitord.socket").returncode == 0
    untold, entry, second = crashed(vigil, "abort")  # the last thing before the machine goes down; nobody told of it
    rows = {(r["boot"], r["pid"]) for r in vigil.rows()}
    assert (entry["_BOOT_ID"], second) in rows

    if machine.version < LOGIND_MINDS:
        machine.write("/etc/vigil-test-boot-id", "")  # from now on, for every unit:
        machine.write("/etc/systemd/system/systemd-coredump@.service.d/boot-id.conf", "[Service]\nProtectKernelTunables=no\n")
    reboot(machine, vigil)
    vigil.told(second)
    late, after, third = crashed(vigil, "segv")
    vigil.told(third)
    assert (after["_BOOT_ID"] != entry["_BOOT_ID"]) == (machine.version < LOGIND_MINDS)
    # What was under way while the notification server came up is withdrawn and shown anew: its history has both.
    assert times_seen(vigil, told, untold, late) in ([0, 1, 1], [0, 2, 1])
    listed = [(r["boot"], r["pid"]) for r in vigil.rows("--all")]
    assert rows | {(after["_BOOT_ID"], third)} <= set(listed) and len(set(listed)) == len(listed)


def test_after_the_next_one_only_what_is_new_is_told(machine, vigil):
    reboot(machine, vigil)
    name, _, pid = crashed(vigil, "segv")
    vigil.told(pid)
    assert times_seen(vigil, name, "editor-") == [1, 1]

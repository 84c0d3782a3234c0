# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine reboots: the index and what was told are as they were, and crashes of both boots are listed. Runs last: what other
tests keep running in the container is gone afterwards."""
import pytest

from crashes import entries
from desktop import Desktop
from test_vigil_crash import CONFIG, HOME, UNIT, USER, Vigil, crashed


@pytest.fixture(scope="module")
def vigil(machine):
    vigil = Vigil(machine, Desktop(machine, USER))
    machine.write(f"{HOME}/.config/vigil/vigil.conf", CONFIG)
    machine.run("chown", "-R", f"{USER}:", f"{HOME}/.config")
    assert vigil.ctl("enable", "--now", UNIT).returncode == 0
    vigil.started()
    yield vigil
    vigil.ctl("disable", "--now", UNIT, "vigil-monitord.socket")
    machine.path("/etc/vigil-test-boot-id").unlink(missing_ok=True)


def test_after_a_reboot_nothing_is_told_twice_and_nothing_is_lost(machine, vigil):
    told, _, first = crashed(vigil, "segv")
    vigil.told(first)
    assert len([s for s in vigil.desktop.shown() if told in s]) == 1
    assert vigil.ctl("stop", UNIT, "vigil-monitord.socket").returncode == 0
    untold, entry, second = crashed(vigil, "abort")  # the last thing before the machine goes down; nobody told of it
    rows = {(r["boot"], r["pid"]) for r in vigil.rows()}
    assert (entry["_BOOT_ID"], second) in rows

    machine.write("/etc/vigil-test-boot-id", "")
    machine.reboot()
    vigil.desktop = Desktop(machine, USER)
    assert vigil.ctl("is-enabled", UNIT).stdout.strip() == "enabled"
    vigil.started()
    vigil.told(second)
    late, after, third = crashed(vigil, "segv")
    vigil.told(third)
    print(f"boot {entry['_BOOT_ID']}, then {after['_BOOT_ID']}")
    assert after["_BOOT_ID"] != entry["_BOOT_ID"]

    print(f"{len(machine.journal(COREDUMP_COMM='dunst'))} crashes of dunst, which was called before there was a screen")
    vigil.desktop.close_all()
    shown = vigil.desktop.shown()
    assert [len([s for s in shown if name in s]) for name in (told, untold, late)] == [1, 1, 1], shown
    listed = [(r["boot"], r["pid"]) for r in vigil.rows("--all")]
    assert rows | {(after["_BOOT_ID"], third)} <= set(listed) and len(set(listed)) == len(listed)


def test_the_screen_stays_quiet_after_a_second_one(machine, vigil):
    before = vigil.desktop.shown()
    machine.reboot()
    vigil.desktop = Desktop(machine, USER)
    vigil.started()
    mark = machine.cursor()
    name, _, pid = crashed(vigil, "segv")
    assert len(entries(machine, mark)) == 1
    vigil.told(pid)
    vigil.desktop.close_all()
    assert len(vigil.desktop.shown()) == len(before) + 1 and name in vigil.desktop.shown()[-1]

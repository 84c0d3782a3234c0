# SPDX-License-Identifier: GPL-2.0-or-later
"""vigil-monitord as installed: a unit of a real user's manager, beside a real notification daemon."""
import json

import pytest

from desktop import Desktop
from machine import TOOLS_AT, wait_for

USER, UNIT = "alice", "vigil-monitord.service"


@pytest.fixture(scope="module")
def desktop(machine):
    desktop = Desktop(machine, USER)
    yield desktop
    desktop.end()


class Unit:
    """The daemon's unit in the user's manager."""

    def __init__(self, machine):
        self.machine = machine

    def ctl(self, *args):
        return self.machine.as_user(USER, "systemctl", "--user", *args)

    def do(self, *args):
        done = self.ctl(*args)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def show(self, name):
        return self.do("show", "--value", "-p", name, UNIT).strip()

    def log(self, mark):
        return [e["MESSAGE"] for e in self.machine.journal(mark, _SYSTEMD_USER_UNIT=UNIT)]


@pytest.fixture
def unit(machine, desktop):
    unit = Unit(machine)
    unit.do("enable", "--now", UNIT)
    yield unit
    unit.ctl("disable", "--now", UNIT)
    unit.ctl("revert", UNIT)
    unit.ctl("daemon-reload")
    unit.ctl("reset-failed", UNIT)


def test_it_starts_and_says_so(unit):
    assert unit.show("ActiveState") == "active" and unit.show("SubState") == "running"  # Type=notify: it has said READY
    assert unit.show("Type") == "notify" and unit.show("WatchdogUSec") == "2min" and unit.show("NRestarts") == "0"
    assert unit.show("UnitFileState") == "enabled"


def test_the_watchdog_is_fed_and_bites(machine, unit):
    machine.run_as(USER, "sh", "-c", f"mkdir -p ~/.config/systemd/user/{UNIT}.d && printf '[Service]\\nWatchdogSec=2s\\nRestartSec=100ms\\n' "
                   f">~/.config/systemd/user/{UNIT}.d/test.conf")
    try:
        unit.do("daemon-reload")
        unit.do("restart", UNIT)
        pid, first = unit.show("MainPID"), int(unit.show("WatchdogTimestampMonotonic"))
        wait_for("it to feed the watchdog", lambda: int(unit.show("WatchdogTimestampMonotonic")) > first + 3_000_000)
        assert unit.show("MainPID") == pid
        mark = machine.cursor()
        machine.run("kill", "-STOP", pid)
        wait_for("the watchdog to end it", lambda: unit.show("NRestarts") == "1" and unit.show("ActiveState") == "active")
        assert unit.show("MainPID") != pid
        assert any("Watchdog timeout" in e["MESSAGE"] for e in machine.journal(mark, USER_UNIT=UNIT))
    finally:
        machine.run_as(USER, "rm", "-r", f"/home/{USER}/.config/systemd/user/{UNIT}.d")


def test_reload_reads_the_configuration(machine, unit):
    pid, mark = unit.show("MainPID"), machine.cursor()
    machine.run_as(USER, "sh", "-c", "mkdir -p ~/.config/vigil && printf '[Inotify]\\nWarnPercent=kitten\\n' >~/.config/vigil/vigil.conf")
    try:
        unit.do("reload", UNIT)
        wait_for("the complaint", lambda: [m for m in unit.log(mark) if "vigil.conf:2" in m and "kitten" in m])
        wait_for("the reload", lambda: "The configuration was read again" in unit.log(mark))
    finally:
        machine.path(f"/home/{USER}/.config/vigil/vigil.conf").unlink()
    assert unit.show("MainPID") == pid and unit.show("ActiveState") == "active"


def test_killed_it_comes_back(machine, unit):
    pid = unit.show("MainPID")
    machine.run("kill", "-KILL", pid)
    wait_for("it to come back", lambda: unit.show("NRestarts") == "1" and unit.show("ActiveState") == "active")
    assert unit.show("MainPID") not in (pid, "0")


def test_it_stops_cleanly(machine, unit):
    mark = machine.cursor()
    unit.do("stop", UNIT)
    assert unit.show("ActiveState") == "inactive" and unit.show("Result") == "success" and unit.show("ExecMainStatus") == "0"
    assert unit.show("ExecMainCode") == "1"  # it exited, no signal ended it
    assert not [m for m in unit.log(mark) if "rror" in m]


def test_the_bus_starts_it(machine, unit):
    unit.do("stop", UNIT)
    machine.run_as(USER, "busctl", "--user", "call", "org.vigil.Monitor1", "/org/vigil/Monitor1", "org.vigil.Monitor1", "Refresh")
    wait_for("the unit", lambda: unit.show("ActiveState") == "active")


def test_status_and_doctor(machine, unit):
    status = json.loads(machine.run_as(USER, "vigil", "status", "--json"))
    assert status["helper"] == "ready" and all(m["loaded"] for m in status["daemon"]["modules"]), status
    assert "inotify" in [m["name"] for m in status["daemon"]["modules"]]
    done = machine.as_user(USER, "vigil", "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    for link in ("session bus", "vigil-monitord", "notifications", "vigil-helper", "polkit"):
        assert f"✓ {link}" in done.stdout, done.stdout
    unit.do("stop", UNIT)
    # asking for the daemon must not start it
    done = machine.as_user(USER, "vigil", "doctor")
    assert done.returncode == 1 and "✗ vigil-monitord" in done.stdout
    assert unit.show("ActiveState") == "inactive"


def test_logs_carry_their_level(machine, unit):
    """stderr's prefixes reach the journal as priorities, not as text."""
    assert all(not e["MESSAGE"].startswith("<") for e in machine.journal(_SYSTEMD_USER_UNIT=UNIT))


@pytest.fixture
def hog(machine):
    """A program of the user's that holds 115 of the 128 instances, in a unit as a desktop starts it."""
    machine.run_as(USER, "systemd-run", "--user", "--quiet", "--collect", "--unit=app-hog", "-E", "TMPDIR=/tmp",
                   f"{TOOLS_AT}/inotify-load", "115", "1", "wait")
    yield
    machine.as_user(USER, "systemctl", "--user", "stop", "app-hog.service")


def refresh(machine):
    machine.run_as(USER, "busctl", "--user", "call", "org.vigil.Monitor1", "/org/vigil/Monitor1", "org.vigil.Monitor1", "Refresh")


def limit(machine):
    return int(machine.run("cat", "/proc/sys/fs/inotify/max_user_instances"))


def test_a_warning_its_button_and_its_end(machine, desktop, unit, hog):
    """The whole way: a real program takes too many, the desktop says so, the button asks polkit, the limit is raised."""
    machine.write("/etc/polkit-1/rules.d/10-test.rules", """polkit.addRule(function(action, subject) {
        if (action.id == "org.vigil.helper.raise-inotify-limit" && subject.user == "alice") return polkit.Result.YES; });""")
    machine.run("systemctl", "restart", "polkit.service")
    old = limit(machine)
    try:
        refresh(machine)
        wait_for("the warning", lambda: desktop.displayed() == 1)
        desktop.press("Raise")
        wait_for("the limit to be raised", lambda: limit(machine) > old)
        wait_for("the warning to go", lambda: desktop.displayed() == 0)
        entry = desktop.history()[0]
        assert "inotify instances" in entry["summary"] and "115" in entry["body"], entry
        assert "hog" in entry["body"] or "inotify-load" in entry["body"], entry
        assert machine.path("/etc/sysctl.d/60-vigil-inotify.conf").exists()
    finally:
        machine.call("vigil", "inotify", "reset")
        machine.path("/etc/polkit-1/rules.d/10-test.rules").unlink()
        machine.run("systemctl", "restart", "polkit.service")
    assert limit(machine) == old


def test_a_refused_raise_is_told(machine, desktop, unit, hog):
    """Nobody can be asked for a password here: the warning stays, and says why."""
    refresh(machine)
    wait_for("the warning", lambda: desktop.displayed() == 1)
    desktop.press("Raise")
    wait_for("the answer", lambda: [e for e in machine.journal(_SYSTEMD_USER_UNIT=UNIT) if "could not be raised" in e["MESSAGE"]
                                    or "Cannot raise" in e["MESSAGE"] or "authoris" in e["MESSAGE"]])
    assert limit(machine) == 128
    desktop.close_all()

# SPDX-License-Identifier: GPL-2.0-or-later
"""vigil-helper as installed: started by the system bus, guarded by the machine's polkitd, writing the real /proc/sys."""
import re
import time
from pathlib import Path

import pytest

from machine import TOOLS_AT, wait_for

VALUE = Path("/proc/sys/fs/inotify/max_user_instances")  # the container's is the machine's; the guard restores it at the end
DROPIN = "/etc/sysctl.d/60-vigil-inotify.conf"
RULES = "/etc/polkit-1/rules.d/10-test.rules"
OLD, NEW = 128, 256
RAISE = ["vigil", "inotify", "raise", "instances"]
UNIT = "vigil-helper.service"


def value():
    return int(VALUE.read_text())


@pytest.fixture(autouse=True)
def clean(machine):
    """Every test begins with the old limit, no drop-in and no helper."""
    machine.run("systemctl", "stop", UNIT)
    machine.path(DROPIN).unlink(missing_ok=True)
    VALUE.write_text(f"{OLD}\n")
    yield
    VALUE.write_text(f"{OLD}\n")
    machine.path(DROPIN).unlink(missing_ok=True)


@pytest.fixture
def rule(machine):
    """Lets bob raise limits, as an administrator may decide."""
    machine.write(RULES, """polkit.addRule(function(action, subject) {
        if (action.id == "org.vigil.helper.raise-inotify-limit" && subject.user == "bob" && action.lookup("old") == "128")
            return polkit.Result.YES;
        if (action.id == "org.vigil.helper.raise-inotify-limit" && subject.user == "bob" && action.lookup("limit") != "instances")
            return polkit.Result.YES;
    });""")
    machine.run("systemctl", "restart", "polkit.service")
    yield
    machine.path(RULES).unlink()
    machine.run("systemctl", "restart", "polkit.service")


def nothing_changed(machine):
    return value() == OLD and not machine.path(DROPIN).exists()


def helper_pid(machine):
    return int(machine.run("systemctl", "show", "--value", "-p", "MainPID", UNIT))


def test_root_raises_and_resets(machine):
    mark = machine.cursor()
    out = machine.run(*RAISE)
    assert f"{NEW}, was {OLD}" in out and "next boots" in out
    assert value() == NEW
    text = machine.path(DROPIN).read_text()
    assert f"fs.inotify.max_user_instances = {NEW}\n" in text and "by uid 0" in text and f"from {OLD}" in text
    assert machine.path(DROPIN).stat().st_mode & 0o777 == 0o644
    wait_for("the log", lambda: machine.journal(
        mark, _SYSTEMD_UNIT=UNIT, MESSAGE=f"uid 0 raised fs.inotify.max_user_instances from {OLD} to {NEW}"))
    machine.run("vigil", "inotify", "reset")
    assert nothing_changed(machine)


def test_the_bus_starts_it(machine):
    assert machine.call("systemctl", "is-active", UNIT).stdout.strip() == "inactive"
    machine.run("busctl", "call", "org.vigil.Helper1", "/org/vigil/Helper1", "org.freedesktop.DBus.Peer", "Ping")
    shown = machine.run("systemctl", "show", "-p", "ActiveState,Type,BusName", UNIT)
    assert "ActiveState=active" in shown and "Type=dbus" in shown and "BusName=org.vigil.Helper1" in shown


def test_the_drop_in_is_what_the_next_boot_applies(machine):
    machine.run(*RAISE)
    VALUE.write_text("77\n")
    machine.run("/usr/lib/systemd/systemd-sysctl", "--prefix=/fs/inotify/max_user_instances")
    assert value() == NEW


def test_a_file_that_wins_at_boot_is_named(machine):
    machine.write("/etc/sysctl.d/99-mine.conf", "fs.inotify.max_user_instances = 200\n")
    try:
        done = machine.call(*RAISE)
        assert done.returncode == 1 and "/etc/sysctl.d/99-mine.conf line 1 sets it to 200" in done.stdout
        assert value() == NEW
    finally:
        machine.path("/etc/sysctl.d/99-mine.conf").unlink()


@pytest.mark.parametrize("how", ["as_user", "in_session"])
@pytest.mark.parametrize("verb", ["raise", "reset"])
def test_a_user_without_an_agent_is_refused(machine, how, verb):
    done = getattr(machine, how)("alice", *(RAISE if verb == "raise" else ["vigil", "inotify", "reset"]))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "authoris" in done.stderr
    assert nothing_changed(machine)


def test_a_rule_allows(machine, rule):
    assert f"{NEW}, was {OLD}" in machine.run_as("bob", *RAISE)
    assert value() == NEW and "by uid 1001" in machine.path(DROPIN).read_text()
    assert machine.as_user("bob", *RAISE).returncode == 1  # the rule saw the details: only from 128
    assert value() == NEW
    assert machine.as_user("alice", "vigil", "inotify", "reset").returncode == 1
    assert value() == NEW
    machine.run_as("bob", "vigil", "inotify", "reset")
    assert nothing_changed(machine)


def test_an_administrator_s_password_on_the_terminal(machine):
    terminal = machine.terminal("alice", *RAISE)
    asked = terminal.expect("Password: ")
    assert f"the limit of inotify instances from {OLD} to {NEW}" in " ".join(asked.split())
    assert "carol" in asked
    assert nothing_changed(machine)
    terminal.type_secret("carol-secret")
    out = terminal.rest()
    assert f"{NEW}, was {OLD}" in out and terminal.status == 0
    assert "carol-secret" not in out
    assert value() == NEW and "by uid 1000" in machine.path(DROPIN).read_text()


def test_a_wrong_password_changes_nothing(machine):
    terminal = machine.terminal("alice", *RAISE)
    terminal.expect("Password: ")
    terminal.type_secret("alice-secret")  # hers, not an administrator's
    out = terminal.rest()
    assert "authoris" in out and terminal.status != 0
    assert nothing_changed(machine)


def test_no_ask_password_asks_nobody(machine):
    terminal = machine.terminal("alice", *RAISE, "--no-ask-password")
    out = terminal.rest()
    assert "Password" not in out and "authoris" in out and terminal.status != 0
    assert nothing_changed(machine)


def test_killed_while_somebody_is_asked(machine):
    terminal = machine.terminal("alice", *RAISE)
    terminal.expect("Password: ")
    machine.run("kill", "-KILL", str(helper_pid(machine)))
    out = terminal.rest()
    assert terminal.status != 0 and "vigil-helper did not answer" in out, out
    assert nothing_changed(machine)
    machine.run("systemctl", "reset-failed", UNIT)
    machine.run(*RAISE)
    assert value() == NEW


def test_interrupted_while_asked(machine):
    """Ctrl-C at the prompt: nothing is changed, and the terminal echoes again."""
    terminal = machine.terminal("alice", "sh", "-c", f"trap : INT; {' '.join(RAISE)}; echo status=$?; stty -a")
    terminal.expect("Password: ")
    terminal.type("\x03")
    terminal.expect("status=130")
    assert re.search(r"[; ]echo\b", terminal.rest())
    assert nothing_changed(machine)


def test_without_polkit_only_root_may(machine):
    machine.run("systemctl", "mask", "--now", "polkit.service")
    try:
        done = machine.as_user("alice", *RAISE)
        assert done.returncode == 1 and "only root may" in done.stderr and nothing_changed(machine)
        machine.run(*RAISE)
        assert value() == NEW
    finally:
        machine.run("systemctl", "unmask", "polkit.service")


def test_without_a_pager_nothing_complains(machine):
    """less is not installed here; the terminal has no size, so that a pager is wanted."""
    assert machine.call("sh", "-c", "command -v less").returncode != 0
    terminal = machine.terminal("alice", "env", "TERM=xterm", "vigil", "inotify", "limits")
    out = terminal.rest()
    assert terminal.status == 0 and "not found" not in out and "max_user_instances" in out


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_killed_between_two_steps_of_raising(machine, step):
    done = machine.call(f"{TOOLS_AT}/helper-kill", "raise", str(NEW), str(step))
    assert done.returncode == -9 or done.returncode == 128 + 9
    written, raised = machine.path(DROPIN).exists(), value() == NEW
    assert (written, raised) == {1: (False, False), 2: (False, False), 3: (True, False), 4: (True, True)}[step]
    assert value() in (OLD, NEW)
    assert sorted(p.name for p in machine.path("/etc/sysctl.d").iterdir() if "vigil" in p.name) == (["60-vigil-inotify.conf"] if written else [])
    machine.run("vigil", "inotify", "reset")  # whichever it is, the installed helper can take it back
    assert nothing_changed(machine)


@pytest.mark.parametrize("step", [1, 2])
def test_killed_between_two_steps_of_resetting(machine, step):
    machine.run(*RAISE)
    machine.call(f"{TOOLS_AT}/helper-kill", "reset", str(step))
    assert machine.path(DROPIN).exists() and value() == {1: NEW, 2: OLD}[step]
    machine.run("vigil", "inotify", "reset")
    assert nothing_changed(machine)


def test_it_is_locked_down(machine):
    out = machine.run("systemd-analyze", "security", "--no-pager", UNIT)
    score = float(re.search(r"exposure level for \S+ ([0-9.]+)", out).group(1))
    print(f"exposure {score}")
    assert score <= 2.0, out


def test_it_cannot_do_more(machine):
    """What the unit's settings come to for the running process."""
    machine.run("busctl", "call", "org.vigil.Helper1", "/org/vigil/Helper1", "org.freedesktop.DBus.Peer", "Ping")
    status = machine.path(f"/proc/{helper_pid(machine)}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["CapEff"].strip("0") == "" and fields["CapBnd"].strip("0") == ""
    assert fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2"


def test_it_leaves_when_idle(machine):
    machine.run("busctl", "call", "org.vigil.Helper1", "/org/vigil/Helper1", "org.freedesktop.DBus.Peer", "Ping")
    begin = time.monotonic()
    wait_for("it to leave", lambda: machine.call("systemctl", "is-active", UNIT).stdout.strip() == "inactive", 45)
    assert time.monotonic() - begin > 25
    shown = machine.run("systemctl", "show", "-p", "Result,ExecMainStatus", UNIT)
    assert "Result=success" in shown and "ExecMainStatus=0" in shown

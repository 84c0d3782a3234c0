# SPDX-License-Identifier: GPL-2.0-or-later
"""From the kernel's fault to the desktop: real programs of a real user crash beside the installed Vigil. For each: the journal's
entry, the core's state, the row, what stands on the screen, and the reporter that a button starts."""
import itertools
import json
import re
import shlex
import subprocess

import pytest

from crashes import CRASH, SETUID, entries, limit_is_passed_on
from desktop import Desktop
from machine import TOOLS_AT, wait_for

USER, UID, HOME = "alice", 1000, "/home/alice"
UNIT = "vigil-monitord.service"
REPORTER = f"{TOOLS_AT}/reporter"
CONFIG = f"[Monitor]\nModules=coredump\n[Coredump]\nCrashReporter={REPORTER} --for-maintainers\n"


class Vigil:
    """What the user has of Vigil: the daemon's unit, the command line, programs of theirs that crash."""
    numbers = itertools.count(100)  # no name is the beginning of another

    def __init__(self, machine, desktop):
        self.machine, self.desktop = machine, desktop

    def ctl(self, *args):
        return self.machine.as_user(USER, "systemctl", "--user", *args)

    def cli(self, *args, user=USER):
        return self.machine.as_user(user, "vigil", *args)

    def json(self, *args, user=USER):
        done = self.cli(*args, "--json", user=user)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def rows(self, *args, user=USER):
        return self.json("crash", "list", *args, user=user)["crashes"]

    def info(self, pid, user=USER):
        crash, = self.json("crash", "info", str(pid), user=user)["crashes"]
        return crash

    def module(self):
        done = self.cli("status", "--json")
        daemon = json.loads(done.stdout)["daemon"] if done.returncode == 0 else None
        return next((m["status"] for m in daemon["modules"] if m["name"] == "coredump" and m.get("status")), None) if daemon else None

    def started(self):
        wait_for("the daemon to catch up", lambda: (self.module() or {}).get("sources", {}).get("journal", {}).get("caughtUp"))

    def restart(self):
        """A daemon that has its patience for notifications whole again, and a clean screen."""
        self.desktop.close_all()
        self.ctl("reset-failed", UNIT)  # more restarts than systemd takes for sound
        done = self.ctl("restart", UNIT)
        assert done.returncode == 0, done.stderr
        self.started()

    def program(self, of=CRASH):
        """A program that nobody saw crash yet."""
        path = f"{TOOLS_AT}/{'setuid' if of == SETUID else 'editor'}-{next(self.numbers)}"
        self.machine.run("cp", "-p", of, path)
        return path

    def screen(self, name):
        """The one notification about a program, off the screen."""
        wait_for(f"a notification of {name}", lambda: any(name in e for e in self.seen()))
        found = [e for e in self.seen() if name in e]
        return found[0]

    def seen(self):
        return [f"{n['summary']}\n{n['body']}" for n in self.notices()]

    def notices(self):
        self.desktop.close_all()
        return self.desktop.history()

    def told(self, pid):
        try:
            return wait_for(f"the row of {pid} to be told", lambda: [r for r in self.rows() if r["pid"] == pid and r["told"] == "told"])
        except AssertionError as e:
            log = [entry["MESSAGE"] for entry in self.machine.journal(_SYSTEMD_USER_UNIT=UNIT)][-60:]
            raise AssertionError(f"{e}\n{[r for r in self.rows('--all') if r['pid'] == pid]}\n{self.module()}\n" + "\n".join(log)) from None


@pytest.fixture(scope="module")
def desktop(machine):
    desktop = Desktop(machine, USER)
    yield desktop
    desktop.end()


@pytest.fixture(scope="module")
def installed(machine, desktop):
    vigil = Vigil(machine, desktop)
    machine.write(f"{HOME}/.config/vigil/vigil.conf", CONFIG)
    machine.run("chown", "-R", f"{USER}:", f"{HOME}/.config")
    machine.write(REPORTER, f"#!/bin/sh\ncat >{HOME}/report.new\nenv >{HOME}/report.env\necho \"$@\" >{HOME}/report.args\n"
                            f"cat /proc/self/cgroup >{HOME}/report.cgroup\nmv {HOME}/report.new {HOME}/report-$VIGIL_CRASH_PID\nexec sleep 60\n", 0o755)
    machine.run("systemctl", "daemon-reload")
    done = vigil.ctl("enable", "--now", UNIT)
    assert done.returncode == 0, done.stderr
    vigil.started()
    yield vigil
    vigil.ctl("disable", "--now", UNIT, "vigil-monitord.socket")
    vigil.ctl("reset-failed", UNIT)
    machine.run("rm", "-rf", f"{HOME}/.config/vigil", f"{HOME}/.local/state/vigil")


@pytest.fixture
def vigil(installed):
    installed.restart()
    return installed


def crashed(vigil, *how, of=CRASH, start=None):
    """One crash of a program of its own: its name, and the journal's entry."""
    program = vigil.program(of)
    mark = vigil.machine.cursor()
    (start or vigil.machine.user_unit)(USER, program, *how)
    entry, = entries(vigil.machine, mark)
    return program.rsplit("/", 1)[1], entry, int(entry["COREDUMP_PID"])


def no_processor_waits(machine):
    """Each has found its entry, or that it came without a unit: none waits on."""
    wait_for("the processors to end", lambda: not machine.run(
        "systemctl", "--no-legend", "list-units", "--state=active,activating", "vigil-coredump-processor@*"))


def reported(vigil, name, entry, press=None):
    """Has a crash reported, over D-Bus or by a button: the reporter got this crash's facts, on stdin and in its environment."""
    machine, pid = vigil.machine, int(entry["COREDUMP_PID"])
    if press:
        vigil.desktop.press(press)
    else:
        machine.run_as(USER, "busctl", "--user", "call", "org.vigil.Monitor1", "/org/vigil/Monitor1", "org.vigil.Crash1", "Report", "s",
                       row_of(vigil, pid)["id"])
    report = machine.path(f"{HOME}/report-{pid}")
    wait_for("the report", report.exists)
    crash = json.loads(report.read_text())
    assert crash["pid"] == pid and crash["program"] == name and crash["signalName"] == entry["COREDUMP_SIGNAL_NAME"]
    env = dict(line.split("=", 1) for line in machine.path(f"{HOME}/report.env").read_text().splitlines() if "=" in line)
    assert env["VIGIL_CRASH_EXE"] == entry["COREDUMP_EXE"] and env["VIGIL_CRASH_SIGNAL_NAME"] == entry["COREDUMP_SIGNAL_NAME"]
    assert env["VIGIL_CRASH_BOOT_ID"] == entry["_BOOT_ID"] and env["VIGIL_CRASH_ID"] == crash["id"]
    assert machine.path(f"{HOME}/report.args").read_text() == "--for-maintainers\n"
    group = machine.path(f"{HOME}/report.cgroup").read_text()
    assert UNIT not in group
    unit = re.search(r"vigil-reporter-[^/]*\.service", group)[0]
    return unit


def stop_reporter(vigil, unit):
    assert vigil.ctl("stop", unit).returncode == 0


def row_of(vigil, pid):
    rows = wait_for("the row", lambda: [r for r in vigil.rows() if r["pid"] == pid])
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize("way, signal, words", [
    ("segv", "SIGSEGV", "was closed after an invalid memory access"),
    ("abort", "SIGABRT", "stopped itself after an internal error"),
    ("sigsys", "SIGSYS", "was closed after a system call that it is not allowed to make"),
    ("stack", "SIGSEGV", "was closed after an invalid memory access"),
])
def test_it_is_told_by_name_and_listed(vigil, way, signal, words):
    name, entry, pid = crashed(vigil, way)
    row = row_of(vigil, pid)
    assert row["verified"] and row["signalName"] == signal and row["program"] == name and row["uid"] == UID
    assert row["boot"] == entry["_BOOT_ID"] and row["time"] == int(entry["COREDUMP_TIMESTAMP"])
    assert vigil.info(pid)["core"]["state"] == "present"
    vigil.told(pid)
    assert vigil.screen(name).split("\n")[0] == f"{name} {words}"
    stop_reporter(vigil, reported(vigil, name, entry))


def test_it_is_understood_in_the_background(machine, vigil):
    """The notification learns where it happened, and what is known outlives the core."""
    heard = machine.path(f"{HOME}/notify.log")
    machine.run_as(USER, "systemd-run", "--user", "--quiet", "--collect", "--unit=listener", "sh", "-c",
                   f"exec busctl --user monitor --match=interface=org.freedesktop.Notifications,member=Notify >{HOME}/notify.log 2>&1")
    wait_for("the listener", lambda: heard.exists() and "Monitoring bus" in heard.read_text())
    name, entry, pid = crashed(vigil, "segv")
    vigil.told(pid)
    row, = wait_for("its trace", lambda: [r for r in vigil.rows() if r["pid"] == pid and "crash_inner < crash_outer" in (r.get("title") or "")])
    assert row["told"] == "told"  # still
    wait_for("the notification to say so", lambda: f"It happened in crash_segv of {name}." in heard.read_text())
    assert vigil.ctl("stop", "listener.service").returncode == 0
    assert len([e for e in vigil.seen() if name in e]) == 1  # the same one
    trace = vigil.cli("crash", "bt", str(pid)).stdout
    assert re.search(r"#0  crash_segv .*#1  crash_inner .*#2  crash_outer .*  main ", trace, re.S), trace
    machine.run("rm", entry["COREDUMP_FILENAME"])
    assert vigil.info(pid)["core"]["state"] == "missing"
    assert vigil.cli("crash", "bt", str(pid)).stdout == trace
    done = vigil.cli("crash", "bt", "--refresh", str(pid))
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert vigil.cli("crash", "bt", str(pid)).stdout == trace


def test_a_core_limit(vigil):
    """Where this systemd asks for the limit, no core is stored, and that is said; told it is all the same."""
    name, entry, pid = crashed(vigil, "limit", "0", "segv")
    row_of(vigil, pid)
    assert vigil.info(pid)["core"]["state"] == ("none" if limit_is_passed_on(vigil.machine) else "present")
    vigil.told(pid)
    assert name in vigil.screen(name)
    stop_reporter(vigil, reported(vigil, name, entry))


def test_a_core_over_its_limit(vigil):
    name, entry, pid = crashed(vigil, "limit", "65536", "big", "8", "segv")
    row_of(vigil, pid)
    assert vigil.info(pid)["core"]["state"] == ("truncated" if limit_is_passed_on(vigil.machine) else "present")
    vigil.told(pid)
    assert name in vigil.screen(name)
    stop_reporter(vigil, reported(vigil, name, entry))


def test_a_setuid_program(vigil):
    """Told as any other; the core is root's, and which rule withheld it is said."""
    name, entry, pid = crashed(vigil, "segv", of=SETUID)
    row_of(vigil, pid)
    core = vigil.info(pid)["core"]
    assert core["state"] == "inaccessible" and core["why"], core
    vigil.told(pid)
    assert name in vigil.screen(name)
    done = vigil.cli("crash", "dump", str(pid), "--no-ask-password", "-o", f"{HOME}/stolen")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert not vigil.machine.path(f"{HOME}/stolen").exists()
    stop_reporter(vigil, reported(vigil, name, entry))


def test_an_administrator_s_password_fetches_the_core(vigil):
    """As a person would: vigil crash dump on a terminal, carol's password at the prompt, the user's own file in the end."""
    machine = vigil.machine
    name, _, pid = crashed(vigil, "segv", of=SETUID)
    row_of(vigil, pid)
    terminal = machine.terminal(USER, "vigil", "crash", "dump", str(pid), "-o", f"{HOME}/fetched")
    asked = " ".join(terminal.expect("Password: ").split())
    assert name in asked and f"{USER} ({UID})" in asked, asked  # whose core of which program it is
    terminal.type_secret("carol-secret")
    text = terminal.rest()
    assert terminal.status == 0, text
    head = machine.run("head", "-c", "4", f"{HOME}/fetched")
    assert head == "\x7fELF" and machine.run("stat", "-c", "%U %a", f"{HOME}/fetched").strip() == f"{USER} 600"
    machine.run("rm", f"{HOME}/fetched")


def test_five_hundred_in_a_loop(vigil):
    """All are in the index, and the screen stays quiet."""
    machine, program = vigil.machine, vigil.program()
    mark, before = machine.cursor(), len(vigil.notices())
    assert machine.user_unit(USER, program, "times", "500", "segv", timeout=300).returncode == 0
    found = entries(machine, mark, 500, deadline=120)
    pids = {int(e["COREDUMP_PID"]) for e in found}
    name = program.rsplit("/", 1)[1]
    wait_for("all rows", lambda: len([r for r in vigil.rows("--all") if r["pid"] in pids and r["program"] == name]) == 500, 60)
    told = [e for e in vigil.seen()[:-before or None] if name in e]
    assert 1 <= len(told) <= 6, told
    assert any("again and again" in e or "500" in e or "100" in e or "times" in e for e in told), told
    no_processor_waits(machine)
    # one is unwound, and the others are that one from then on
    wait_for("one group of them", lambda: any(
        line.split()[0] == "500" for line in vigil.cli("crash", "groups", "--no-legend").stdout.splitlines() if name in line), 60)
    newest = max(found, key=lambda e: int(e["COREDUMP_TIMESTAMP"]))
    stop_reporter(vigil, reported(vigil, name, newest))


def test_the_report_button_starts_the_reporter_in_a_unit_of_its_own(vigil):
    machine = vigil.machine
    name, entry, pid = crashed(vigil, "segv")
    vigil.told(pid)
    reporter = reported(vigil, name, entry, press="Report")
    pid = vigil.ctl("show", "--value", "-p", "MainPID", reporter).stdout.strip()
    assert machine.run("ps", "-o", "args=", pid).strip() == "sleep 60"
    assert vigil.ctl("restart", UNIT).returncode == 0  # it outlives the daemon
    assert set(vigil.ctl("show", "--value", "-p", "ActiveState,MainPID", reporter).stdout.split()) == {pid, "active"}
    stop_reporter(vigil, reporter)


def test_a_crash_starts_the_daemon_through_its_socket(vigil):
    machine = vigil.machine
    assert vigil.ctl("stop", UNIT).returncode == 0
    assert vigil.ctl("is-active", "vigil-monitord.socket").stdout.strip() == "active"
    # The few entries that come without a unit are left to the catch-up: one of several crashes delivers.
    for _ in range(5):
        mark = machine.cursor()
        _, entry, pid = crashed(vigil, "abort")
        delivered = wait_for("the processor to end", lambda: [
            e for e in machine.journal(mark, SYSLOG_IDENTIFIER="vigil-coredump-processor")] or
            [e for e in machine.journal(mark) if "vigil-coredump-processor@" in e.get("_SYSTEMD_UNIT", "")])
        if any(f"pid {pid} delivered to uid {UID}" in e["MESSAGE"] for e in delivered):
            break
    else:
        raise AssertionError([e["MESSAGE"] for e in delivered])
    wait_for("the daemon", lambda: vigil.ctl("is-active", UNIT).stdout.strip() == "active")
    vigil.told(pid)


def test_what_happened_meanwhile_is_one_digest(vigil):
    assert vigil.ctl("stop", UNIT, "vigil-monitord.socket").returncode == 0
    before = len(vigil.notices())
    names = [crashed(vigil, "segv")[::2] for _ in range(3)]
    no_processor_waits(vigil.machine)
    assert vigil.ctl("start", UNIT).returncode == 0
    vigil.started()
    for _, pid in names:
        vigil.told(pid)
    new = vigil.seen()[:-before or None]
    assert len(new) == 1 and all(name in new[0] for name, _ in names), new
    vigil.restart()
    assert len(vigil.notices()) == before + 1  # nothing is told twice


def test_kill_9_loses_nothing(vigil):
    name, _, first = crashed(vigil, "segv")
    vigil.told(first)
    assert vigil.ctl("kill", "--signal=KILL", UNIT).returncode == 0
    other, _, second = crashed(vigil, "abort")
    wait_for("the daemon again", lambda: vigil.ctl("is-active", UNIT).stdout.strip() == "active")
    vigil.told(second)
    assert len([e for e in vigil.seen() if name in e]) == 1 and 1 <= len([e for e in vigil.seen() if other in e]) <= 2


def test_at_logout_nothing_is_lost(machine, vigil):
    """bob has no linger: his manager and daemon end with the session in which the program crashes."""
    done = machine.in_session("bob", "sh", "-c", f"{CRASH} segv; true")
    assert done.returncode == 0, done.stderr
    bob_is_gone(machine)
    found = machine.in_session("bob", "vigil", "crash", "list", "--json")
    assert found.returncode == 0, found.stderr
    assert [r["uid"] for r in json.loads(found.stdout)["crashes"]][-1:] == [1001]
    bob_is_gone(machine)


def bob_is_gone(machine):
    wait_for("bob's manager to end", lambda: machine.call("systemctl", "is-active", "user@1001.service").stdout.strip() == "inactive")


def session_of(machine, user):
    session, = [line.split()[0] for line in machine.run("loginctl", "--no-legend", "list-sessions").splitlines()
                if f" {user} " in line and "manager" not in line]
    return session


@pytest.mark.parametrize("what", ["in the session", "in a unit"])
def test_a_crash_on_the_way_out_is_told_at_the_next_login(machine, vigil, what):
    """The session ends: the daemon, the notification daemon and a program that crashes over it end together. Its crash is in the
    index, and was seen at least once and no more than twice when bob is back. (Twice: the daemon may be ended between showing
    and noting it.)"""
    name = vigil.program().rsplit("/", 1)[1]
    program = f"{TOOLS_AT}/{name}"
    screen = Desktop(machine, "bob", ":8")
    try:
        assert machine.as_user("bob", "systemctl", "--user", "enable", "--now", UNIT).returncode == 0
        mark = machine.cursor()
        if what == "in the session":
            child = machine.popen(*machine.session_argv("bob", program, "wait", "segv"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            assert child.stdout.readline() == "ready\n"
        else:
            child = machine.popen(*machine.session_argv("bob", "sleep", "infinity"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            wait_for("the session", lambda: " bob " in machine.run("loginctl", "--no-legend", "list-sessions"))
            machine.run_as("bob", "systemd-run", "--user", "--quiet", "--collect", "--unit=app-late", program, "wait", "abort")
            wait_for("the program", lambda: [e for e in machine.journal(mark, MESSAGE="ready")])
        machine.run("loginctl", "disable-linger", "bob")
        machine.run("loginctl", "terminate-session", session_of(machine, "bob"))
        child.wait(30)
        child.stdout.close()
        bob_is_gone(machine)
        entry, = entries(machine, mark)
        pid = int(entry["COREDUMP_PID"])
        print(f"{len([s for s in screen.shown() if name in s])} seen before the session was over")
        screen = Desktop(machine, "bob", ":8")
        row, = wait_for("the row to be told", lambda: [r for r in vigil.rows(user="bob") if r["pid"] == pid and r["told"] == "told"])
        assert row["program"] == name and row["verified"]
        screen.close_all()
        shown = [s for s in screen.shown() if name in s]
        assert 1 <= len(shown) <= 2, screen.shown()
    finally:
        machine.as_user("bob", "systemctl", "--user", "disable", "--now", UNIT, "vigil-monitord.socket")
        screen.end()
        machine.run("loginctl", "disable-linger", "bob")
        machine.call("loginctl", "terminate-user", "bob")


def test_who_sees_whose(machine, vigil):
    """A plain user their own, a member of systemd-journal and root everybody's; doctor says why."""
    _, _, pid = crashed(vigil, "segv")
    row_of(vigil, pid)
    assert pid not in [r["pid"] for r in vigil.rows("--all", user="bob")]
    machine.run("usermod", "--append", "--groups", "systemd-journal", "carol")
    for user in ("carol", "root"):
        row, = [r for r in vigil.rows("--all", user=user) if r["pid"] == pid]
        assert row["uid"] == UID and row["verified"]
        assert vigil.info(pid, user=user)["core"]["state"] == ("present" if user == "root" else "inaccessible")
    sees = {user: next(c["found"] for c in json.loads(vigil.cli("doctor", "--json", user=user).stdout)["checks"] if c["link"] == "what you see")
            for user in ("bob", "carol", "root")}
    assert "your own" in sees["bob"] and "systemd-journal" in sees["carol"] and "root" in sees["root"], sees


def test_others_are_not_told_of_it(machine, vigil):
    mark, before = machine.cursor(), len(vigil.notices())
    machine.run("systemd-run", "--quiet", "--collect", "-p", "DynamicUser=yes", "--unit=service-that-crashes", CRASH, "segv")
    entry, = entries(machine, mark)
    name, _, pid = crashed(vigil, "segv")
    vigil.told(pid)  # behind it: the other one has been passed over
    assert int(entry["COREDUMP_PID"]) not in [r["pid"] for r in vigil.rows()]
    assert len(vigil.notices()) == before + 1
    assert int(entry["COREDUMP_PID"]) in [r["pid"] for r in vigil.rows("--all", user="root")]


def test_a_forged_entry_is_listed_and_not_told(vigil):
    machine = vigil.machine
    fields = ["MESSAGE=Process 4000000 (bank) of user 1000 dumped core.", "MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1", "COREDUMP_PID=4000000",
              f"COREDUMP_UID={UID}", "COREDUMP_SIGNAL=11", "COREDUMP_EXE=/usr/bin/bank", "COREDUMP_COMM=bank",
              "COREDUMP_TIMESTAMP=1790000000000000"]
    assert machine.as_user(USER, "logger", "--journald", input="\n".join(fields) + "\n").returncode == 0
    row = row_of(vigil, 4000000)  # no process of these tests comes so far
    assert not row["verified"] and row["told"] != "told"
    name, _, pid = crashed(vigil, "segv")
    vigil.told(pid)
    assert vigil.screen(name) and not any("bank" in e for e in vigil.seen())


def test_doctor_finds_the_crash_half_sound(vigil):
    checks = {c["link"]: c for c in json.loads(vigil.cli("doctor", "--json").stdout)["checks"]}
    for link in ("kernel.core_pattern", "journal", "index"):
        assert checks[link]["state"] == "ok", checks[link]
    assert not [c for c in checks.values() if c["state"] == "bad"], shlex.join(c["link"] for c in checks.values() if c["state"] == "bad")

# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon on a real bus with a real notification daemon, in a user namespace whose limits are its own."""
import json
import os
import re
import subprocess
import time

import jsonschema
import pytest

from conftest import BUILD, LOAD, ROOT, silent_owner, vigil, wait_for

CONFIG = "[Inotify]\nCloseIntervalSec=1s\nIdleIntervalSec=1s\n"


class Daemon:
    """vigil-monitord in a namespace; what is run beside it is started through a shell in there."""

    inside = ["unshare", "-Ur", "--pid", "--fork", "--mount-proc", "--kill-child"]

    def __init__(self, processes, tmp, session, system=None, instances=20, watches=1000, config=CONFIG):
        self.processes = processes
        (tmp / "conf").mkdir(exist_ok=True)
        (tmp / "conf/vigil.conf").write_text("[Monitor]\nModules=inotify\n" + config)
        self.log = tmp / "monitord.log"
        env = dict(os.environ, DBUS_SESSION_BUS_ADDRESS=session.address, LC_ALL="C.UTF-8", TMPDIR=str(tmp),
                   DBUS_SYSTEM_BUS_ADDRESS=system.address if system else f"unix:path={tmp}/no-system-bus")
        self.env = env
        self.limits = (instances, watches)
        script = (f"{BUILD}/vigil-monitord --verbose --config={tmp}/conf >{self.log} 2>&1 & echo $!; "
                  "while read -r line; do eval \"$line\"; done")
        self.shell = processes.start([*self.inside, "sh", "-c", self.prepare() + 'exec "$@"', "sh", *self.enter(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        self.inner_pid = int(self.shell.stdout.readline())

    def prepare(self):
        """What is done in there first, as root."""
        instances, watches = self.limits
        return f"echo {instances} >/proc/sys/user/max_inotify_instances; echo {watches} >/proc/sys/user/max_inotify_watches; "

    def enter(self, script):
        """How the shell is started."""
        return ["sh", "-c", script]

    def run(self, line):
        self.shell.stdin.write(line + "\n")
        self.shell.stdin.flush()

    def reply(self):
        return self.shell.stdout.readline().strip()

    def text(self):
        return self.log.read_text()

    def load(self, instances, watches, name):
        """A holder with a name of its own; gives its pid in there."""
        self.run(f"cp {LOAD} $TMPDIR/{name}; rm -f $TMPDIR/out-{name}; "
                 f"$TMPDIR/{name} {instances} {watches} wait </dev/null >$TMPDIR/out-{name} & echo $!")
        pid = self.reply()
        out = self.processes.tmp / f"out-{name}"
        wait_for(f"{name} to be ready", lambda: out.exists() and out.read_text().startswith("ready"))
        return pid

    def get(self, prop):
        done = subprocess.run(["busctl", f"--address={self.env['DBUS_SESSION_BUS_ADDRESS']}", "get-property", "org.vigil.Monitor1",
                               "/org/vigil/Monitor1", "org.vigil.Inotify1", prop], capture_output=True, text=True, timeout=10)
        return done.stdout.split(" ", 1)[1].strip().strip('"') if done.returncode == 0 else None

    def call(self, *args):
        return subprocess.run(["busctl", f"--address={self.env['DBUS_SESSION_BUS_ADDRESS']}", "call", "org.vigil.Monitor1",
                               "/org/vigil/Monitor1", *args], capture_output=True, text=True, timeout=20)


@pytest.fixture(autouse=True)
def root():
    if os.geteuid() != 0:
        pytest.skip("needs root for namespaces with limits of their own")


def test_the_warning_names_the_culprit_and_goes_away(processes, tmp_path, session_bus, dunst):
    d = Daemon(processes, tmp_path, session_bus)
    wait_for("the level", lambda: d.get("Level") == "ok")
    wait_for("the first look", lambda: d.get("InstancesMax") == "20")
    pid = d.load(17, 1, "culprit")
    wait_for("the warning", lambda: dunst.displayed() == 1)
    assert d.get("Level") == "warning"
    d.run(f"kill {pid}")
    wait_for("the warning to go", lambda: dunst.displayed() == 0)
    wait_for("the level to clear", lambda: d.get("Level") == "ok")
    entry = dunst.history()[0]
    assert entry["summary"]["data"] == "inotify instances are running out"
    assert re.search(r"17 of 20 instances.*\n.*culprit.*17 \(85 %\)", entry["body"]["data"])
    assert "Show" in d.text() or "culprit" in d.text()


def test_the_warning_speaks_the_persons_language(processes, tmp_path, session_bus, dunst, monkeypatch):
    monkeypatch.setenv("LANGUAGE", "de")
    d = Daemon(processes, tmp_path, session_bus)
    d.load(17, 1, "culprit")
    wait_for("the warning", lambda: dunst.displayed() == 1)
    entry = dunst.newest()
    assert entry["summary"] == "inotify-Instanzen werden knapp"
    assert "17 von 20 Instanzen sind belegt" in entry["body"] and "culprit" in entry["body"]


def test_watches_run_out(processes, tmp_path, session_bus, dunst):
    d = Daemon(processes, tmp_path, session_bus, watches=100)
    d.load(1, 120, "watcher")
    wait_for("the warning", lambda: dunst.displayed() == 1)
    wait_for("urgency", lambda: d.get("Level") == "urgent")
    entry = dunst.newest()
    assert "watch files" in entry["summary"] and "watcher" in entry["body"]
    assert "no space left on device" in entry["body"]


def test_oscillation_gives_one_notification(processes, tmp_path, session_bus, dunst):
    d = Daemon(processes, tmp_path, session_bus)
    d.load(15, 1, "base")
    wait_for("the base", lambda: d.get("InstancesUsed") == "15")
    for _ in range(3):
        pid = d.load(1, 1, "swing")
        wait_for("80 %", lambda: d.get("InstancesUsed") == "16")
        d.run(f"kill {pid}")
        wait_for("75 %", lambda: d.get("InstancesUsed") == "15")
    assert dunst.displayed() == 1
    assert dunst.count("history") == 0
    assert len(re.findall("running out", d.text())) == 2  # once in the log, once told


def test_it_warns_with_nothing_left(processes, tmp_path, session_bus, dunst):
    d = Daemon(processes, tmp_path, session_bus, instances=5)
    wait_for("the daemon", lambda: d.get("Level") == "ok")
    d.run("echo 0 >/proc/sys/user/max_inotify_instances")
    wait_for("the warning", lambda: dunst.displayed() == 1)
    assert "start watching files" in dunst.newest()["summary"]


def test_pressing_ignore_keeps_it_quiet(processes, tmp_path, session_bus, dunst):
    d = Daemon(processes, tmp_path, session_bus)
    d.load(17, 1, "culprit")
    wait_for("the warning", lambda: dunst.displayed() == 1)
    press(dunst, "ignore")
    wait_for("it to close", lambda: dunst.displayed() == 0)
    d.load(3, 1, "more")
    wait_for("urgency", lambda: d.get("Level") == "urgent")
    d.call("org.vigil.Monitor1", "Refresh")
    assert dunst.displayed() == 0
    assert "you chose Ignore" in vigil("status", env={"DBUS_SESSION_BUS_ADDRESS": session_bus.address}).stdout


def press(dunst, action):
    """Presses a button as a person would, by dunst's context menu, whose chooser is a script here."""
    # libnotify believes only the server: so the button is pressed on dunst itself, by its context menu.
    menu = dunst.config.parent / "menu"
    label = {"ignore": "Ignore", "raise": "Raise", "show": "Show", "offered": "nothing"}[action]
    menu.write_text(f"#!/bin/sh\ntee {menu}-listed | grep -i -m1 \"{label}\"\n")
    menu.chmod(0o755)
    if f"dmenu = {menu}" not in dunst.config.read_text():
        dunst.config.write_text(dunst.config.read_text() + f"dmenu = {menu}\n")
        dunst.child.terminate()
        dunst.child.wait()
        dunst.start()
        wait_for("the warning on the new server", lambda: dunst.displayed() == 1)
    assert dunst.ctl("context").returncode == 0


def test_a_new_server_shows_what_still_holds(processes, tmp_path, session_bus, dunst):
    d = Daemon(processes, tmp_path, session_bus)
    d.load(17, 1, "culprit")
    wait_for("the warning", lambda: dunst.displayed() == 1)
    dunst.child.kill()
    dunst.child.wait()
    dunst.start()
    wait_for("the warning again", lambda: dunst.displayed() == 1)


def test_it_outlives_the_bus(processes, tmp_path, session_bus, dunst):
    d = Daemon(processes, tmp_path, session_bus)
    wait_for("the daemon", lambda: d.get("Level") == "ok")
    d.load(17, 1, "culprit")
    wait_for("the warning", lambda: dunst.displayed() == 1)
    session_bus.kill()
    dunst.child.wait(10)
    session_bus.start()
    dunst.start()
    wait_for("the daemon on the new bus", lambda: d.get("Level") == "warning")
    wait_for("the warning on the new bus", lambda: dunst.displayed() == 1)


def test_a_server_that_never_answers_delays_nothing(processes, tmp_path, session_bus):
    silent_owner(processes, session_bus, "org.freedesktop.Notifications")
    d = Daemon(processes, tmp_path, session_bus)
    wait_for("the level", lambda: d.get("Level") == "ok")
    d.load(17, 1, "culprit")
    wait_for("the level to rise", lambda: d.get("Level") == "warning")
    for _ in range(5):
        before = time.monotonic()
        assert d.call("org.vigil.Monitor1", "LoadedModules").returncode == 0
        assert time.monotonic() - before < 2
    wait_for("the log to say so", lambda: "could not be shown" in d.text())


def test_unloading_answers_whoever_waits_for_a_raise(processes, tmp_path, session_bus, system_bus):
    """A helper that never answers (somebody looks for the password); the module goes meanwhile, and its caller is told."""
    helper = silent_owner(processes, system_bus, "org.vigil.Helper1")
    d = Daemon(processes, tmp_path, session_bus, system_bus)
    wait_for("the level", lambda: d.get("Level") == "ok")
    caller = processes.start(["busctl", f"--address={session_bus.address}", "call", "org.vigil.Monitor1", "/org/vigil/Monitor1",
                              "org.vigil.Inotify1", "RaiseLimit", "st", "instances", "0"], stderr=subprocess.PIPE)
    assert helper.stdout.readline().strip() == "called"
    assert d.call("org.vigil.Monitor1", "UnloadModule", "s", "inotify").returncode == 0
    assert caller.wait(10) != 0
    assert "stopped waiting" in caller.stderr.read()
    helper.stdin.close()  # its name goes, so the bus answers the pending call: nobody may be touched by that any more
    helper.wait(10)
    assert d.call("org.vigil.Monitor1", "LoadModule", "s", "inotify").returncode == 0
    wait_for("the module", lambda: d.get("Level") == "ok")


def test_a_second_daemon_says_so(processes, tmp_path, session_bus):
    d = Daemon(processes, tmp_path, session_bus)
    wait_for("the first", lambda: d.get("Level") == "ok")
    done = subprocess.run([str(BUILD / "vigil-monitord"), f"--config={tmp_path}/conf"], env=d.env, capture_output=True, text=True,
                          timeout=20)
    assert done.returncode == 1
    assert "Another vigil-monitord" in done.stderr


def test_modules_come_and_go_and_the_configuration_is_read_again(processes, tmp_path, session_bus):
    d = Daemon(processes, tmp_path, session_bus, config=CONFIG + "WarnPercent=banana\n")
    wait_for("the level", lambda: d.get("Level") == "ok")
    assert re.search(r"vigil\.conf:6: WarnPercent=banana: expected a number from 1 to 100; the default 80 stays", d.text())
    assert "inotify" in d.call("org.vigil.Monitor1", "LoadedModules").stdout
    assert d.call("org.vigil.Monitor1", "UnloadModule", "s", "inotify").returncode == 0
    assert "as 0" in d.call("org.vigil.Monitor1", "LoadedModules").stdout
    assert d.get("Level") is None
    assert d.call("org.vigil.Monitor1", "LoadModule", "s", "nonsense").returncode != 0
    assert d.call("org.vigil.Monitor1", "LoadModule", "s", "inotify").returncode == 0
    wait_for("the module", lambda: d.get("Level") == "ok")
    (tmp_path / "conf/vigil.conf").write_text(CONFIG + "WarnPercent=71\n")
    d.run(f"kill -HUP {d.inner_pid}")
    wait_for("the reload", lambda: "read again" in d.text())
    d.load(15, 1, "culprit")  # 75 %
    wait_for("the new threshold", lambda: d.get("Level") == "warning")


def test_events_tell_of_levels_and_refusals(processes, tmp_path, session_bus):
    d = Daemon(processes, tmp_path, session_bus)
    wait_for("the first look", lambda: d.get("InstancesMax") == "20")
    child = processes.start([BUILD / "vigil", "events"], env=d.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while "Ctrl-C" not in child.stderr.readline():
        assert child.poll() is None
    d.load(17, 1, "culprit")
    lines = [child.stdout.readline()]
    d.run("echo 0 >/proc/sys/user/max_inotify_instances")
    lines += [child.stdout.readline() for _ in range(2)]
    print(lines)
    assert "warning" in lines[0] and any("urgent" in line for line in lines[1:]) and any("instances" in line for line in lines[1:]), lines


def test_ending_closes_what_it_showed(processes, tmp_path, session_bus, dunst):
    d = Daemon(processes, tmp_path, session_bus)
    d.load(17, 1, "culprit")
    wait_for("the warning", lambda: dunst.displayed() == 1)
    d.run(f"kill -TERM {d.inner_pid}")
    wait_for("the screen to be clean", lambda: dunst.displayed() == 0)


def bus_survey(d):
    done = d.call("--json=short", "org.vigil.Inotify1", "Survey")
    assert done.returncode == 0, done.stderr
    return json.loads(json.loads(done.stdout)["data"][0])


def test_survey_over_the_bus_is_the_command_lines(processes, tmp_path, session_bus):
    """The same document as `vigil inotify --json` in the same place, but for what a scan measures of itself."""
    d = Daemon(processes, tmp_path, session_bus)
    wait_for("the level", lambda: d.get("Level") == "ok")
    d.load(3, 5, "holder")
    wait_for("the daemon to see it", lambda: d.get("InstancesUsed") == "3")
    d.run(f"{BUILD}/vigil inotify --json >{tmp_path}/out-own; echo $?")
    assert d.reply() == "0"
    own, theirs = json.loads((tmp_path / "out-own").read_text()), bus_survey(d)
    jsonschema.validate(theirs, json.loads((ROOT / "man/schema/inotify.schema.json").read_text()))
    for survey in (own, theirs):
        for of_the_scan in ("durationUsec", "cpuUsec", "scanned"):  # the command line sees itself, too
            assert survey.pop(of_the_scan) > 0
    assert own == theirs


def test_asking_in_a_loop_does_not_make_it_scan_in_a_loop(processes, tmp_path, session_bus):
    d = Daemon(processes, tmp_path, session_bus, config="[Inotify]\nIdleIntervalSec=1h\nCloseIntervalSec=1h\n")
    wait_for("the level", lambda: d.get("Level") == "ok")
    first = time.monotonic()
    surveys = [bus_survey(d) for _ in range(40)]
    seconds = time.monotonic() - first
    looks = d.text().count("inotify: ")
    assert len({s["durationUsec"] for s in surveys}) <= looks <= 2 + seconds
    assert looks < 20
    # an old one is not given out: what came since is in the next
    d.load(3, 5, "holder")
    wait_for("a fresh survey", lambda: bus_survey(d)["totals"]["instances"] == 3)


def test_unloading_answers_whoever_waits_for_a_survey(processes, tmp_path, session_bus):
    d = Daemon(processes, tmp_path, session_bus, config="[Inotify]\nIdleIntervalSec=1h\n")
    wait_for("the level", lambda: d.get("Level") == "ok")
    for _ in range(20):
        caller = processes.start(["busctl", f"--address={session_bus.address}", "call", "org.vigil.Monitor1", "/org/vigil/Monitor1",
                                  "org.vigil.Inotify1", "Survey"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        assert d.call("org.vigil.Monitor1", "UnloadModule", "s", "inotify").returncode == 0
        caller.wait(10)  # with a survey, or told that there will be none; never left to its own time-out of 25 s
        assert d.call("org.vigil.Monitor1", "LoadModule", "s", "inotify").returncode == 0


def test_only_the_canary_takes_instances(processes, tmp_path, session_bus):
    """At most one instance a look, let go at once; none is held. (-D: what is ended is the daemon, not its tracer.)"""
    trace = tmp_path / "trace"
    env = dict(os.environ, DBUS_SESSION_BUS_ADDRESS=session_bus.address, DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/vigil.conf").write_text("[Monitor]\nModules=inotify\n" + CONFIG)
    child = processes.start(["strace", "-D", "-f", "-o", trace, "-e", "trace=inotify_init,inotify_init1,execve", BUILD / "vigil-monitord",
                             "--verbose", f"--config={tmp_path}/conf"], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    looks = 3
    for _ in range(looks):
        assert child.stdout.readline().startswith("inotify:")
    held = [os.readlink(f"/proc/{child.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{child.pid}/fd")]
    assert "anon_inode:[eventfd]" in held and "anon_inode:inotify" not in held
    calls = trace.read_text()
    assert "execve" in calls and calls.count("inotify_init") <= looks + 1

# SPDX-License-Identifier: GPL-2.0-or-later
"""The warning's buttons, pressed: a daemon whose user's limits are ours to raise, because /proc/sys/fs/inotify is a directory of
the test's in its mount namespace, and vigil-helper's code, started by the bus, works on the same directory."""
import json
import os
import subprocess

import pytest

from conftest import BUILD, wait_for
from test_monitord import CONFIG, Daemon, press

LIMIT = 20


@pytest.fixture(autouse=True)
def root():
    if os.geteuid() != 0:
        pytest.skip("needs root for mount namespaces")


@pytest.fixture
def limits(tmp_path):
    (tmp_path / "proc").mkdir()
    for name, value in (("user_instances", LIMIT), ("user_watches", 65536), ("queued_events", 16384)):
        (tmp_path / f"proc/max_{name}").write_text(f"{value}\n")
    (tmp_path / "etc/sysctl.d").mkdir(parents=True)
    return tmp_path / "proc"


@pytest.fixture
def helper(system_bus, polkit, limits, tmp_path):
    system_bus.activatable("org.vigil.Helper1", ["/usr/bin/env", f"DBUS_SYSTEM_BUS_ADDRESS={system_bus.address}",
                                                 BUILD / "tests/tools/helper-test", limits, tmp_path / "etc/sysctl.d", tmp_path])


class UserDaemon(Daemon):
    """The daemon of an ordinary user, in the first user namespace."""

    inside = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]

    def prepare(self):
        return (f"mount --bind {self.processes.tmp}/proc /proc/sys/fs/inotify; "
                f"mount --bind {self.processes.tmp}/etc/sysctl.d /etc/sysctl.d; ")

    def enter(self, script):
        return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "sh", "-c", script]


@pytest.fixture
def daemon(processes, tmp_path, session_bus, system_bus, limits):
    def start(config=""):
        d = UserDaemon(processes, tmp_path, session_bus, system_bus, config=CONFIG + config)
        wait_for("the level", lambda: d.get("Level") == "ok")
        wait_for("the first look", lambda: d.get("InstancesMax") == str(LIMIT))
        return d
    return start


def limit_of(limits):
    return int((limits / "max_user_instances").read_text())


def test_pressing_raise_raises_the_limit_and_clears_the_warning(daemon, helper, limits, dunst, tmp_path):
    d = daemon()
    d.load(17, 1, "culprit")
    wait_for("the warning", lambda: dunst.displayed() == 1)
    press(dunst, "raise")
    wait_for("the limit", lambda: limit_of(limits) == 2 * LIMIT)
    wait_for("the level", lambda: d.get("Level") == "ok")
    wait_for("the screen to be clean", lambda: dunst.displayed() == 0)
    assert d.get("InstancesMax") == str(2 * LIMIT)
    text = (tmp_path / "etc/sysctl.d/60-vigil-inotify.conf").read_text()
    assert "by uid 65534 " in text and f"fs.inotify.max_user_instances = {2 * LIMIT}" in text


def test_a_file_that_wins_at_boot_is_told(daemon, helper, limits, dunst, tmp_path):
    (tmp_path / "etc/sysctl.d/99-<b>mine.conf").write_text(f"# mine\nfs.inotify.max_user_instances = {LIMIT}\n")
    d = daemon()
    d.load(17, 1, "culprit")
    wait_for("the warning", lambda: dunst.displayed() == 1)
    press(dunst, "raise")
    wait_for("the level", lambda: d.get("Level") == "ok")
    wait_for("the word on it", lambda: "overrides the raised limit at the next boot" in d.text())
    wait_for("the warning to go and the word to come", lambda: dunst.displayed() == 1)
    entry = dunst.newest()
    assert entry["summary"] == "The raised limit lasts until the next boot only"
    assert f"99-&lt;b&gt;mine.conf line 2 sets it to {LIMIT}" in entry["body"] or f"99-<b>mine.conf line 2 sets it to {LIMIT}" in entry["body"]


def test_a_failed_raise_is_told_in_the_warning(daemon, helper, limits, dunst, tmp_path):
    (tmp_path / "etc/sysctl.d/60-vigil-inotify.conf").write_text("fs.inotify.max_user_instances = 5\n")
    d = daemon()
    d.load(17, 1, "culprit")
    wait_for("the warning", lambda: dunst.displayed() == 1)
    press(dunst, "raise")
    wait_for("the failure", lambda: "could not be raised" in d.text())
    wait_for("the warning again", lambda: dunst.displayed() == 1)
    body = dunst.newest()["body"]
    assert "The limit could not be raised: " in body and "changed by hand" in body and "culprit" in body
    assert limit_of(limits) == LIMIT


def test_without_a_helper_no_such_button_is_offered(daemon, limits, dunst):
    d = daemon()
    d.load(17, 1, "culprit")
    wait_for("the warning", lambda: dunst.displayed() == 1)
    press(dunst, "offered")
    assert sorted(offered(dunst)) == ["Ignore until restart", "Show"]


def test_all_buttons_are_offered(daemon, helper, limits, dunst):
    d = daemon()
    d.load(17, 1, "culprit")
    wait_for("the warning", lambda: dunst.displayed() == 1)
    press(dunst, "offered")
    assert sorted(offered(dunst)) == ["Ignore until restart", "Raise limit", "Show"]


def offered(dunst):
    """What dunst's menu listed at the last press: "#LABEL (SUMMARY) [ID,ACTION]"."""
    menu = dunst.config.parent / "menu-listed"
    lines = wait_for("the menu", lambda: menu.exists() and menu.read_text().splitlines())
    return {line.lstrip("#").split(" (")[0] for line in lines if line.startswith("#")}


def test_pressing_show_starts_the_configured_program(daemon, helper, limits, dunst, tmp_path):
    show = tmp_path / "show program"
    show.write_text(f"#!/bin/sh\nid -u >{tmp_path}/out-shown\n")
    show.chmod(0o755)
    (tmp_path / "link").symlink_to(show)
    d = daemon(f"ShowCommand={tmp_path}/link\n")
    d.load(17, 1, "culprit")
    wait_for("the warning", lambda: dunst.displayed() == 1)
    press(dunst, "show")
    out = tmp_path / "out-shown"
    wait_for("the program", lambda: out.exists() and out.read_text() == "65534\n")
    assert limit_of(limits) == LIMIT


def raise_limit(d, *args):
    return d.call("org.vigil.Inotify1", "RaiseLimit", "st", *args)


def test_raise_limit_over_the_bus(daemon, helper, limits):
    d = daemon()
    done = raise_limit(d, "instances", "50")
    assert done.returncode == 0, done.stderr
    assert limit_of(limits) == 50
    wait_for("the daemon to know", lambda: d.get("InstancesMax") == "50")
    done = raise_limit(d, "instances", "100")  # polkit's rule allows this user only from 20 or 128
    assert done.returncode != 0 and "authoris" in done.stderr
    assert limit_of(limits) == 50
    done = raise_limit(d, "instances", "49")
    assert done.returncode != 0 and "below the limit" in done.stderr
    done = raise_limit(d, "descriptors", "49")
    assert done.returncode != 0 and "Expected 'instances' or 'watches'" in done.stderr


def test_without_a_value_the_use_counts(daemon, helper, limits, tmp_path):
    """A limit lowered below what is in use: twice the limit would not do."""
    d = daemon()
    d.load(LIMIT + 10, 1, "holder")
    wait_for("the daemon to see it", lambda: d.get("InstancesUsed") == str(LIMIT + 10))
    d.run(f"{BUILD}/vigil inotify raise instances --dry-run --json >{tmp_path}/out-plan; echo $?")
    assert d.reply() == "0"
    plan = json.loads((tmp_path / "out-plan").read_text())
    assert (plan["old"], plan["new"]) == (LIMIT, 2 * (LIMIT + 10))
    done = raise_limit(d, "instances", "0")
    assert done.returncode == 0, done.stderr
    assert limit_of(limits) == 2 * (LIMIT + 10)


def test_raise_limit_says_that_there_is_no_helper(daemon, limits):
    done = raise_limit(daemon(), "instances", "0")
    assert done.returncode != 0 and "org.vigil.Helper1" in done.stderr
    assert limit_of(limits) == LIMIT

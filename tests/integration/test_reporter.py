# SPDX-License-Identifier: GPL-2.0-or-later
"""Crash reporters really started: what a program that stands in for DrKonqi, or for a command, gets."""
import json
import os
import shutil
import subprocess

import pytest

from conftest import BUILD, ROOT, wait_for

BOOT = "0123456789abcdef0123456789abcdef"
METADATA = """[KCrash]
exe=/usr/bin/kate
platform=offscreen
appname=kate
signal=11
pid=4711
programname=Crash; of "Vigil's" tests
exceptionwhat=one\\ntwo
restarted=true
[KCrashComplete]
"""


class Reporter:
    """A cache folder, a core, and a program that leaves what it got in `got`."""

    def __init__(self, tmp, processes):
        self.tmp, self.processes = tmp, processes
        self.cache = tmp / "cache"
        self.metadata = self.cache / f"kcrash-metadata/kate.{BOOT}.4711.ini"
        self.metadata.parent.mkdir(parents=True)
        self.metadata.write_text(METADATA)
        self.core = tmp / "core"
        self.core.touch()
        self.program = tmp / "drkonqi"
        shutil.copy(ROOT / "tests/tools/fake-drkonqi", self.program)
        self.got = tmp / "drkonqi.got"
        self.got.mkdir()

    def start(self, choice, *command, drkonqi=None, env=None):
        clean = {k: v for k, v in os.environ.items() if k not in ("DBUS_SESSION_BUS_ADDRESS", "KDE_DEBUG")}
        self.child = self.processes.start(
            [BUILD / "tests/tools/reporter-start", choice, self.cache, drkonqi or self.program, "/usr/bin/kate", BOOT,
             "4711", self.core, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(clean, **(env or {})))
        return self.child.stdout.readline().split()

    def done(self):
        wait_for("the reporter", (self.got / "done").exists)

    def words(self, name):
        return (self.got / name).read_text().split("\0")[:-1]

    def environ(self):
        return dict(v.split("=", 1) for v in self.words("environ"))


@pytest.fixture
def reporter(tmp_path, processes):
    return Reporter(tmp_path, processes)


ARGV = ["--platform", "offscreen", "--appname", "kate", "--signal", "11", "--pid", "4711", "--programname",
        "Crash; of \"Vigil's\" tests", "--exceptionwhat", "one\ntwo", "--restarted"]


def test_drkonqi_6(reporter):
    assert reporter.start("auto") == ["started", "drkonqi", "6"]
    reporter.done()
    assert reporter.words("argv") == ARGV
    path = f"{reporter.cache}/drkonqi/crashes/kate.{BOOT}.4711.1700000000000000.ini"
    assert reporter.environ()["DRKONQI_BACKEND"] == "COREDUMPD"
    assert reporter.environ()["DRKONQI_METADATA_FILE"] == path
    data = json.loads((reporter.got / "metadata").read_text())
    assert data["version"] == 2 and data["kcrash-complete"] is True
    assert data["kcrash"]["exceptionwhat"] == "one\ntwo"
    assert data["journal"]["COREDUMP_TIMESTAMP"] == "1700000000000000"
    assert data["drkonqi"] == {"PickedUp": True}
    assert (reporter.got / "metadata.mode").read_text() == "600\n"
    assert (reporter.got / "input").read_bytes() == b""
    assert not reporter.metadata.exists(), "consumed"


def test_drkonqi_5(reporter):
    (reporter.got / "version").write_text("5.27.5")
    assert reporter.start("drkonqi") == ["started", "drkonqi", "5"]
    reporter.done()
    assert reporter.words("argv") == ARGV
    text = (reporter.got / "metadata").read_text()
    assert text.startswith("[KCrash]\nexe=/usr/bin/kate\n")
    assert "\n[Journal]\n" in text and "\nCOREDUMP_PID=@ByteArray(4711)\n" in text


def test_it_lives_on_in_a_session_of_its_own(reporter):
    assert reporter.start("auto")[0] == "started"
    reporter.done()
    session = int((reporter.got / "session").read_text())
    assert session not in (os.getsid(0), os.getsid(reporter.child.pid))
    children = subprocess.run(["ps", "--ppid", str(reporter.child.pid), "-o", "pid="], capture_output=True, text=True)
    assert children.stdout.split() == [], "nothing is left to wait for"


def test_a_command(reporter):
    name = reporter.start("command", reporter.program, "two words", "*")
    assert name == ["started", "command", "6"]
    reporter.done()
    assert reporter.words("argv") == ["two words", "*"], "no shell has been at it"
    environ = reporter.environ()
    assert environ["VIGIL_CRASH_EXE"] == "/usr/bin/kate"
    assert environ["VIGIL_CRASH_SIGNAL_NAME"] == "SIGSEGV"
    assert environ["VIGIL_CRASH_CORE_FILE"] == str(reporter.core)
    crash = json.loads((reporter.got / "input").read_text())
    assert crash["id"] == environ["VIGIL_CRASH_ID"] and crash["pid"] == 4711
    assert crash["kcrash"]["KCrash"]["appname"] == "kate"


def test_a_large_crash_does_not_wait_for_its_reader(reporter):
    """More than a pipe holds, and a reader that never reads: the input is a file."""
    reporter.metadata.write_text("[KCrash]\nexe=/usr/bin/kate\nexceptionwhat=" + "x" * 200000 + "\n")
    assert reporter.start("command", "sh", "-c", f"sleep 0.2; wc -c >{reporter.tmp}/size.new; mv {reporter.tmp}/size.new "
                          f"{reporter.tmp}/size")[0] == "started"
    reporter.child.stdin.close()
    assert reporter.child.wait(10) == 0
    wait_for("the reader", (reporter.tmp / "size").exists)
    assert int((reporter.tmp / "size").read_text()) > 200000


def test_a_session_without_systemd(reporter, session_bus):
    assert reporter.start("auto", env={"DBUS_SESSION_BUS_ADDRESS": session_bus.address})[0] == "started"
    reporter.done()
    assert reporter.words("argv") == ARGV


def test_nobody_is_started(reporter):
    assert reporter.start("drkonqi", env={"KDE_DEBUG": "1"}) == ["none", "No", "such", "file", "or", "directory"]
    reporter.child.stdin.close()
    assert reporter.child.wait(10) == 0
    assert not (reporter.got / "argv").exists()
    assert not (reporter.cache / "drkonqi").exists()


def test_without_a_terminal_the_builtin_says_so(reporter):
    path = f"{reporter.tmp}/empty"
    assert reporter.start("builtin", drkonqi="-", env={"PATH": path})[:1] == ["none"]


def test_the_builtin_opens_a_terminal(reporter):
    """With nothing in PATH but a terminal and what the program in its place needs."""
    folder = reporter.tmp / "bin"
    folder.mkdir()
    shutil.copy(reporter.program, folder / "xterm")
    for tool in ("mkdir", "cat", "cut", "stat", "mv"):
        (folder / tool).symlink_to(shutil.which(tool))
    got = reporter.start("builtin", drkonqi="-", env={"PATH": str(folder), "FAKE_REPORTER_DIR": str(reporter.got)})
    assert got[:2] == ["started", "builtin"]
    reporter.done()
    words = reporter.words("argv")
    assert words[:5] == ["-e", "vigil", "--wait", "crash", "report"] and len(words[5]) == 12

# SPDX-License-Identifier: GPL-2.0-or-later
"""Crashes understood in the background: what is told first and updated then, what waits, what is left, what hangs."""
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from conftest import BUILD, wait_for
from cores import write_core
from crashes import CONFIG, COUNTED, TOLD, CrashDaemon, Notices
from journals import now

SET_TRACE = BUILD / "tests/tools/set-trace"
WHAT_IT_WAS = "00000000000000aa"
QUIET = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
SHORT = "some avg10=31.00 avg60=9.00 avg300=2.00 total=4711\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=47\n"


VICTIM = """#include <stdlib.h>
struct Window { int *title; };
__attribute__((noinline)) static void paint_title(struct Window *window) { *window->title = 1; }
int main(int argc, char **argv) { struct Window window = {argc > 9 ? &argc : NULL}; (void)argv; paint_title(&window); return 0; }
"""
PATTERN = Path("/proc/sys/kernel/core_pattern").read_text().strip()
MACHINE_ID = Path("/etc/machine-id").read_text().strip()  # of other machines' crashes the files are not here


def left_core(tmp):
    """A program that crashes, built and run; gives its pid and the core that the kernel left."""
    (tmp / "victim.c").write_text(VICTIM)
    subprocess.run(["gcc", "-g", "-O1", "-o", tmp / "victim", tmp / "victim.c"], check=True, timeout=60)
    if PATTERN != "core":
        pytest.skip(f"core_pattern is '{PATTERN}': the kernel leaves no file 'core' here")
    (tmp / "work").mkdir(exist_ok=True)
    child = subprocess.Popen(["sh", "-c", 'ulimit -c unlimited; exec "$0"', tmp / "victim"], cwd=tmp / "work")
    assert child.wait(30) < 0
    return child.pid, next(path for path in (tmp / "work/core", tmp / f"work/core.{child.pid}") if path.exists())


class Analyst(CrashDaemon):
    """The daemon with cores to look into. script: a stand-in for the program that it starts, see script(); None: the real one."""

    def __init__(self, processes, tmp, bus, script="understand", config=CONFIG, start=True, **kw):
        super().__init__(processes, tmp, bus, config=config, start=False, **kw)
        self.core, self.begun = tmp / "core.4711", tmp / "begun"
        if script:
            write_core(self.core, size=1 << 20)
        (tmp / "pressure").write_text(QUIET)
        for name in ("power/AC", "power/BAT0", "bin"):
            (tmp / name).mkdir(parents=True)
        (tmp / "power/AC/type").write_text("Mains\n")
        (tmp / "power/BAT0/type").write_text("Battery\n")
        self.on_battery(False)
        self.options = [f"--pressure={tmp}/pressure", f"--power={tmp}/power"]
        self.env["PATH"] = f"{tmp}/bin:{os.environ['PATH']}"
        self.begun.write_text("")
        if script:
            self.script(script)
        else:
            self.core = left_core(tmp)[1]
        if start:
            self.start()

    def script(self, script, title="nsFoo::bar < main", became=WHAT_IT_WAS, extra=""):
        """What comes of a crash from now on: understand, fail, hang, crash, or shell."""
        index = self.state / "vigil.db"
        does = {"understand": f"{SET_TRACE} {index} $hash {became} '{title}' {extra}",
                "fail": "echo 'Cannot unwind: the core is damaged.' >&2; exit 1",
                "hang": f"sleep 1000 & echo $! >>{self.tmp}/sleepers; wait", "crash": "ulimit -c 0; kill -SEGV $$"}.get(script, script)
        path = self.tmp / "bin/vigil"
        (self.tmp / "bin/new").write_text(f"#!/bin/sh\nfor hash; do :; done\necho \"$$ $*\" >>{self.begun}\n{does}\n")
        (self.tmp / "bin/new").chmod(0o755)
        (self.tmp / "bin/new").rename(path)

    def on_battery(self, on):
        (self.tmp / "power/AC/online").write_text("0\n" if on else "1\n")
        (self.tmp / "power/BAT0/status").write_text("Discharging\n" if on else "Charging\n")

    def crash(self, exe="/usr/bin/gimp", n=1, **fields):
        fields.setdefault("COREDUMP_FILENAME", str(self.core))
        fields.setdefault("machine", MACHINE_ID)
        return super().crash(exe, n, **fields)

    def attempts(self):
        """[(pid, hash)] of the children so far."""
        return [(int(line.split()[0]), line.split()[-1]) for line in self.begun.read_text().splitlines()]

    def trace(self, pid):
        """Its row of the index, with what was understood of it."""
        with contextlib.closing(sqlite3.connect(f"file:{self.state}/vigil.db?mode=ro", uri=True, timeout=5)) as db:
            db.row_factory = sqlite3.Row
            return db.execute("SELECT c.hash, c.signature, c.title, t.trace, t.attempts, t.retry, t.error FROM crashes c "
                              "LEFT JOIN traces t ON t.crash = c.id WHERE c.pid = ?", (pid,)).fetchone()

    def unwinding(self):
        return self.status().get("unwinding", {})

    def idle(self):
        return "running" not in self.unwinding()


class Signals:
    """Signals of the daemon as they come: [(member, arguments)]."""

    def __init__(self, processes, bus):
        self.child = processes.start(["busctl", f"--address={bus.address}", "--json=short", "monitor",
                                      "--match=type='signal',interface='org.vigil.Crash1'"], stdout=subprocess.PIPE)
        self.lines = []
        os.set_blocking(self.child.stdout.fileno(), False)

    def seen(self):
        while line := self.child.stdout.readline():
            with contextlib.suppress(ValueError):
                message = json.loads(line)
                self.lines.append((message["member"], message["payload"]["data"]))
        return self.lines


@pytest.fixture
def notices(processes, session_bus):
    return Notices(processes, session_bus)


@pytest.fixture
def analyst(processes, tmp_path, session_bus, notices):
    """With a stand-in that does as it is told."""
    return Analyst(processes, tmp_path, session_bus)


@pytest.fixture
def real(processes, tmp_path, session_bus, notices):
    return Analyst(processes, tmp_path, session_bus, script=None)


def is_gone(pid):
    """Ended, whether somebody took note of it or not."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


# ---- what comes of it

def test_it_is_told_first_and_then_updated_in_place(processes, tmp_path, session_bus, notices):
    d = Analyst(processes, tmp_path, session_bus, start=False)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    d.script(f"read x <{gate}; {SET_TRACE} {d.state}/vigil.db $hash {WHAT_IT_WAS} 'nsFoo::bar < main'")
    d.start()
    signals = Signals(processes, session_bus)
    row = d.wait_row(d.crash(), TOLD)
    wait_for("the child", d.attempts)
    assert [hash for _, hash in d.attempts()] == [row["hash"]]
    assert d.unwinding()["running"] == row["hash"][:12]
    assert len(notices.shown) == 1 and "nsFoo" not in notices.shown[0]["body"]
    gate.write_text("now\n")
    wait_for("the place", lambda: "It happened in nsFoo::bar.\n" in notices.shown[-1]["body"])
    assert len(notices.popups) == 1 and notices.shown[-1]["replaces"] == notices.shown[0]["id"]
    assert notices.shown[-1]["summary"] == notices.shown[0]["summary"]
    assert notices.shown[-1]["actions"] == notices.shown[0]["actions"]
    wait_for("the signal", lambda: ("Analyzed", [row["hash"][:12]]) in signals.seen())
    assert d.trace(row["pid"])["trace"] and d.trace(row["pid"])["signature"] == WHAT_IT_WAS
    assert d.rows()[row["pid"]]["told"] == TOLD
    status = d.unwinding()
    assert (status["analyzed"], status["failed"], status["waiting"]) == (1, 0, 0) and "running" not in status
    assert d.status()["announced"] == 1


def test_it_runs_in_the_background(processes, tmp_path, session_bus, notices):
    d = Analyst(processes, tmp_path, session_bus, start=False)
    d.script(f"cut -d ' ' -f 19 /proc/self/stat >{tmp_path}/nice; cat /proc/self/oom_score_adj >{tmp_path}/oom; ulimit -d >{tmp_path}/limit;"
             f"echo \"$STATE_DIRECTORY\" >{tmp_path}/seen; mv {tmp_path}/seen {tmp_path}/done")
    d.prefix = [] if BUILD.name == "sanitize" else ["prlimit", f"--data={256 << 20}:unlimited"]
    d.start()
    d.crash()
    wait_for("the child", (tmp_path / "done").exists)
    assert (tmp_path / "nice").read_text() == "19\n"
    assert (tmp_path / "oom").read_text() == "1000\n"
    assert (tmp_path / "limit").read_text() == "unlimited\n"
    assert (tmp_path / "done").read_text() == f"{d.state}\n"
    assert d.attempts()[0][1] in d.begun.read_text()
    assert "crash bt --refresh --json" in d.begun.read_text() and "--debuginfod" not in d.begun.read_text()


def test_debuginfod_is_asked_where_the_configuration_says_so(processes, tmp_path, session_bus, notices):
    d = Analyst(processes, tmp_path, session_bus, config=CONFIG + "Debuginfod=yes\n")
    d.crash()
    wait_for("the child", d.attempts)
    assert "crash bt --refresh --json --debuginfod" in d.begun.read_text()


def test_it_can_be_switched_off(processes, tmp_path, session_bus, notices):
    d = Analyst(processes, tmp_path, session_bus, config=CONFIG + "Unwind=no\n")
    pid = d.crash()
    d.wait_row(pid, TOLD)
    assert d.unwinding()["enabled"] is False and d.unwinding()["waiting"] == 1
    d.configure(CONFIG)
    d.child.send_signal(signal.SIGHUP)  # then what waits is done
    wait_for("the trace", lambda: d.trace(pid)["trace"])
    assert [hash for _, hash in d.attempts()] == [d.rows()[pid]["hash"]]


def test_what_the_person_closed_stays_away(processes, tmp_path, session_bus, notices):
    d = Analyst(processes, tmp_path, session_bus, start=False)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    d.script(f"read x <{gate}; {SET_TRACE} {d.state}/vigil.db $hash {WHAT_IT_WAS} 'nsFoo::bar < main'")
    d.start()
    pid = d.crash()
    d.wait_row(pid, TOLD)
    wait_for("the child", d.attempts)
    notices.dismiss(notices.shown[0])
    wait_for("it to be gone", lambda: d.status()["shown"] == 0)
    gate.write_text("now\n")
    wait_for("the trace", lambda: d.unwinding()["analyzed"] == 1)
    d.script("fail")
    d.wait_row(d.crash("/usr/bin/marker"), TOLD)
    assert [n["summary"].split()[0] for n in notices.shown] == ["gimp", "marker"]


def test_repeats_stay_repeats(real, notices):
    """Under the name of the trace, and after a restart; what is left out bears that name, too."""
    first = real.crash()
    wait_for("the place", lambda: notices.shown and "It happened in paint_title of victim." in notices.shown[-1]["body"])
    is_now = real.trace(first)["signature"]
    second = real.crash()
    real.wait_row(second, COUNTED)
    wait_for("the count", lambda: "happened 2 times" in notices.shown[-1]["body"])
    assert "paint_title" in notices.shown[-1]["body"]
    wait_for("it to be left out", lambda: real.trace(second)["signature"] == is_now)
    assert real.trace(second)["title"] == real.trace(first)["title"] and real.trace(second)["trace"] is None
    real.stop()
    real.start()
    third = real.crash()
    real.wait_row(third, COUNTED)
    wait_for("the third by its name", lambda: real.trace(third)["signature"] == is_now)
    assert len(notices.popups) == 1


def test_a_repeat_before_the_first_trace_is_counted(processes, tmp_path, session_bus, notices):
    d = Analyst(processes, tmp_path, session_bus, start=False)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    d.script(f"read x <{gate}; {SET_TRACE} {d.state}/vigil.db $hash {WHAT_IT_WAS} 'nsFoo::bar < main'")
    d.start()
    d.wait_row(d.crash(), TOLD)
    wait_for("the child", d.attempts)
    second = d.crash()
    d.wait_row(second, COUNTED)
    gate.write_text("now\n")
    wait_for("both", lambda: "happened 2 times" in (body := notices.shown[-1]["body"]) and "nsFoo::bar" in body)
    wait_for("the second to be the same", lambda: d.trace(second)["signature"] == WHAT_IT_WAS)
    assert len(d.attempts()) == 1 and len(notices.popups) == 1


def test_a_muted_signature_stays_muted_under_its_new_name(analyst, notices):
    script = {"COREDUMP_CMDLINE": "/usr/bin/python3 /home/me/sync.py", "COREDUMP_USER_UNIT": None, "COREDUMP_CGROUP": None}
    first = analyst.crash("/usr/bin/python3.11", **script)
    wait_for("the place", lambda: notices.shown and "nsFoo::bar" in notices.shown[-1]["body"])
    notices.press(notices.shown[0], "ignore")
    wait_for("it to close", lambda: notices.closed == [1])
    assert analyst.trace(first)["signature"] == WHAT_IT_WAS
    analyst.wait_row(analyst.crash("/usr/bin/python3.11", **script), COUNTED)
    analyst.wait_row(analyst.crash("/usr/bin/marker"), TOLD)
    assert [n["summary"].split()[0] for n in notices.popups] == ["python3.11", "marker"]


def test_hostile_names(processes, tmp_path, session_bus, notices):
    d = Analyst(processes, tmp_path, session_bus, start=False)
    d.script("understand", title="<b>x</b>&" + "A" * 5000)
    d.start()
    d.wait_row(d.crash(), TOLD)
    wait_for("the place", lambda: "It happened in" in notices.shown[-1]["body"])
    body = notices.shown[-1]["body"]
    assert "<b>" not in body and len(body) < 300 and "…" in body


# ---- the real one

def test_a_real_core_is_understood(processes, tmp_path, session_bus, notices):
    d = Analyst(processes, tmp_path, session_bus, script=None)
    signals = Signals(processes, session_bus)
    pid = d.crash(str(tmp_path / "victim"))
    row = d.wait_row(pid, TOLD)
    wait_for("the place", lambda: "It happened in paint_title of victim." in notices.shown[-1]["body"], 60)
    assert len(notices.popups) == 1 and "paint_title" not in notices.shown[0]["body"]
    wait_for("the signal", lambda: ("Analyzed", [row["hash"][:12]]) in signals.seen())
    trace = json.loads(d.trace(pid)["trace"])
    thread = trace["threads"][0]
    assert [f["function"] for f in thread["frames"][:2]] == ["paint_title", "main"] and d.trace(pid)["title"].startswith("paint_title")
    d.core.unlink()  # as a vacuum does: what was understood stays
    shown = subprocess.run([BUILD / "vigil", "crash", "bt", "--json", row["hash"]], env=dict(d.env, STATE_DIRECTORY=str(d.state), XDG_STATE_HOME=str(tmp_path)),
                           capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0 and json.loads(shown.stdout)["trace"]["threads"][0]["frames"][0]["function"] == "paint_title", shown


# ---- what waits

def test_it_waits_while_memory_is_short(real):
    (real.tmp / "pressure").write_text(SHORT)
    pid = real.crash()
    real.wait_row(pid, TOLD)
    wait_for("it to wait", lambda: real.unwinding().get("waitsFor") == "memory")
    assert real.unwinding()["waiting"] == 1
    (real.tmp / "pressure").write_text(QUIET)
    assert real.call("org.vigil.Monitor1", "Refresh").returncode == 0
    wait_for("the trace", lambda: real.trace(pid)["trace"])
    assert "waitsFor" not in real.unwinding()


def test_it_waits_for_mains_power(real):
    real.on_battery(True)
    pid = real.crash()
    real.wait_row(pid, TOLD)
    wait_for("it to wait", lambda: real.unwinding().get("waitsFor") == "battery")
    assert not real.trace(pid)["attempts"]
    real.on_battery(False)
    assert real.call("org.vigil.Monitor1", "Refresh").returncode == 0
    wait_for("the trace", lambda: real.trace(pid)["trace"])


def test_it_waits_for_mains_power_only_so_long(processes, tmp_path, session_bus, notices):
    d = Analyst(processes, tmp_path, session_bus, script=None, config=CONFIG + "UnwindBatteryWaitSec=0\n")
    d.on_battery(True)
    pid = d.crash()
    wait_for("the trace", lambda: d.trace(pid) and d.trace(pid)["trace"])


def test_what_was_there_before_waits_until_the_login_is_over(processes, tmp_path, session_bus, notices):
    d = Analyst(processes, tmp_path, session_bus, start=False)
    pid = d.crash()
    d.start()
    assert d.unwinding()["waiting"] == 1 and "waitsFor" not in d.unwinding() and not d.attempts()
    marker = d.crash("/usr/bin/marker")  # what comes now is done now, and that on the way
    wait_for("both", lambda: d.trace(marker) and d.trace(marker)["trace"] and d.trace(pid)["trace"])
    assert [hash for _, hash in d.attempts()] == [d.trace(marker)["hash"], d.trace(pid)["hash"]]


# ---- what is left

def test_a_loop_of_one_crash_costs_one_trace(real):
    last = real.crash(n=500)
    wait_for("all of them in the index", lambda: last in real.rows())
    wait_for("an end", lambda: real.idle() and real.unwinding()["waiting"] == 0)
    status = real.unwinding()
    assert (status["analyzed"], status["failed"], status["leftOut"]) == (1, 0, 499)
    assert len({row["signature"] for row in real.rows().values()}) == 1
    assert {row["title"].split()[0] for row in real.rows().values()} == {"paint_title"}


def test_a_loop_of_which_nothing_is_known(real, notices):
    """Program and signal alone: three are looked into, and as long as they are one, so are the others."""
    last = real.crash(n=40, MESSAGE="Process 4711 (gimp) of user 1000 dumped core.")
    wait_for("all of them in the index", lambda: last in real.rows())
    wait_for("an end", lambda: real.idle() and real.unwinding()["waiting"] == 0, 60)
    status = real.unwinding()
    assert (status["analyzed"], status["failed"], status["leftOut"]) == (3, 0, 37)
    assert {row["title"].split()[0] for row in real.rows().values()} == {"paint_title"}
    assert len(notices.popups) <= 2


def test_a_loop_of_a_crash_that_cannot_be_unwound(analyst):
    analyst.script("crash")
    last = analyst.crash(n=500)
    wait_for("all of them in the index", lambda: last in analyst.rows())
    wait_for("an end", lambda: analyst.idle() and analyst.unwinding()["waiting"] == 0)
    assert len(analyst.attempts()) == 3
    assert analyst.unwinding()["failed"] == 3


@pytest.mark.parametrize("what, fields", [
    ("forged", {"_SYSTEMD_UNIT": "user@1000.service", "_UID": 1000}),
    ("own", {"COREDUMP_USER_UNIT": "vigil-reporter-0123456789ab.service"}),
    ("foreign", {"uid": 4242}),
    ("without a core", {"COREDUMP_FILENAME": None}),
    ("vacuumed", {"COREDUMP_FILENAME": "/var/lib/systemd/coredump/core.gone.zst"}),
])
def test_what_is_never_unwound(analyst, what, fields):
    pid = analyst.crash(**fields)
    marker = analyst.crash("/usr/bin/marker")
    wait_for("the marker's trace", lambda: analyst.trace(marker) and analyst.trace(marker)["trace"])
    wait_for("an end", lambda: analyst.idle() and analyst.unwinding()["waiting"] == 0)
    assert [hash for _, hash in analyst.attempts()] == [analyst.trace(marker)["hash"]], what
    assert analyst.trace(pid)["trace"] is None


def test_muted_ones_come_last(processes, tmp_path, session_bus, notices):
    d = Analyst(processes, tmp_path, session_bus, config=CONFIG + "Unwind=no\nIgnorePrograms=noisy\n")
    loud, noisy = d.crash("/usr/bin/loud"), d.crash("/usr/bin/noisy")
    d.wait_row(noisy, COUNTED)
    d.configure(CONFIG + "IgnorePrograms=noisy\n")
    d.child.send_signal(signal.SIGHUP)
    wait_for("both", lambda: len(d.attempts()) == 2 and d.idle())
    assert [hash for _, hash in d.attempts()] == [d.rows()[loud]["hash"], d.rows()[noisy]["hash"]]


# ---- what goes wrong

def test_one_that_hangs_is_ended_and_the_next_is_done(processes, tmp_path, session_bus, notices):
    d = Analyst(processes, tmp_path, session_bus, script="hang", config=CONFIG + "UnwindTimeoutSec=1s\n")
    hung = d.crash("/usr/bin/hangs")
    wait_for("the first to hang", (tmp_path / "sleepers").exists)
    d.script("understand")
    good = d.crash()
    wait_for("the second", lambda: d.trace(good) and d.trace(good)["trace"])
    assert is_gone(d.attempts()[0][0]) and is_gone(int((tmp_path / "sleepers").read_text()))
    row = d.trace(hung)
    assert row["attempts"] == 1 and row["error"] == "it took longer than 1s" and row["trace"] is None
    assert now() + 3500e6 < row["retry"] < now() + 3700e6
    assert d.unwinding()["failed"] == 1


@pytest.mark.parametrize("script, error", [
    ("crash", "what unwinds was ended by signal 11"),
    ("fail", None),
    ("exit 0", None),  # it says that all is well, and nothing is there
    ("head -c 1000000 /dev/urandom; head -c 1000000 /dev/urandom >&2; exit 1", None),
])
def test_one_that_fails_costs_that_trace(analyst, notices, script, error):
    analyst.script(script)
    pid = analyst.crash("/usr/bin/hard")
    wait_for("it to fail", lambda: analyst.unwinding().get("failed") == 1)
    assert analyst.trace(pid)["attempts"] == 1 and analyst.trace(pid)["error"] == error
    analyst.script("understand")
    good = analyst.crash()
    wait_for("the next", lambda: analyst.trace(good) and analyst.trace(good)["trace"])
    assert len(analyst.attempts()) == 2
    analyst.wait_row(good, TOLD)
    assert [n["summary"].split()[0] for n in notices.popups] == ["hard", "gimp"]


def test_it_is_given_up_in_the_end(analyst):
    analyst.script("fail")
    pid = analyst.crash()
    for attempt in (1, 2, 3):
        wait_for(f"attempt {attempt}", lambda: analyst.unwinding().get("failed") == attempt)
        if attempt < 3:  # as if the hour, the day, were over
            with contextlib.closing(sqlite3.connect(analyst.state / "vigil.db", timeout=5)) as db, db:
                assert db.execute("UPDATE traces SET retry = 1 WHERE retry > 1").rowcount == 1
            assert analyst.call("org.vigil.Monitor1", "Refresh").returncode == 0
    row = analyst.trace(pid)
    assert row["attempts"] == 3 and row["retry"] == 0
    assert analyst.unwinding()["givenUp"] == 1 and analyst.unwinding()["waiting"] == 0
    assert "is given up: Cannot unwind: the core is damaged." in analyst.text()


def test_an_incomplete_one_is_tried_once_more(analyst):
    analyst.script("understand", extra="incomplete")
    pid = analyst.crash()
    row = wait_for("the trace", lambda: (r := analyst.trace(pid)) and r["trace"] and r["retry"] and r)
    assert now() + 86000e6 < row["retry"] < now() + 87000e6
    with contextlib.closing(sqlite3.connect(analyst.state / "vigil.db", timeout=5)) as db, db:
        db.execute("UPDATE traces SET retry = 1")
    assert analyst.call("org.vigil.Monitor1", "Refresh").returncode == 0
    wait_for("the second", lambda: analyst.unwinding()["analyzed"] == 2)
    assert analyst.trace(pid)["retry"] == 0 and len(analyst.attempts()) == 2


@pytest.mark.parametrize("how", ["stop", "kill", "unload"])
def test_no_child_outlives_it(processes, tmp_path, session_bus, notices, how):
    d = Analyst(processes, tmp_path, session_bus, script="exec sleep 1000")
    pid = d.crash()
    wait_for("the child", d.attempts)
    child = d.attempts()[0][0]
    if how == "unload":
        assert d.call("org.vigil.Monitor1", "UnloadModule", "s", "coredump").returncode == 0
    else:
        getattr(d, how)()
    wait_for("the child to be gone", lambda: is_gone(child))
    assert d.trace(pid)["attempts"] == 1
    if how == "unload":
        assert d.call("org.vigil.Monitor1", "LoadModule", "s", "coredump").returncode == 0
    else:
        d.start()
    d.script("understand")  # what was begun has had its attempt
    good = d.crash("/usr/bin/marker")
    wait_for("the next", lambda: d.trace(good) and d.trace(good)["trace"])
    assert [hash for _, hash in d.attempts()] == [d.trace(pid)["hash"], d.trace(good)["hash"]]


def test_without_the_program(processes, tmp_path, session_bus, notices):
    """A daemon that was copied elsewhere has no vigil beside it."""
    (tmp_path / "alone").mkdir()
    d = Analyst(processes, tmp_path, session_bus, start=False)
    subprocess.run(["cp", BUILD / "vigil-monitord", tmp_path / "alone/"], check=True)
    (tmp_path / "bin/vigil").unlink()
    d.env["PATH"] = f"{tmp_path}/bin"
    d.program = tmp_path / "alone/vigil-monitord"
    d.start()
    pid = d.crash()
    d.wait_row(pid, TOLD)
    wait_for("it to wait", lambda: d.unwinding().get("waitsFor") == "program")
    assert d.text().count("There is no program 'vigil'") == 1
    assert d.trace(pid)["attempts"] is None


# ---- what is told of it

def test_status_says_what_waits_and_why(analyst):
    def status():
        return subprocess.run([BUILD / "vigil", "status"], env=analyst.env, capture_output=True, text=True, timeout=20).stdout
    (analyst.tmp / "pressure").write_text(SHORT)
    analyst.crash("/usr/bin/one")
    analyst.wait_row(analyst.crash("/usr/bin/two"), TOLD)
    wait_for("them to wait", lambda: analyst.unwinding().get("waitsFor") == "memory")
    assert "2 backtraces are yet to be made, once memory is not short\n" in status()
    (analyst.tmp / "pressure").write_text(QUIET)
    assert analyst.call("org.vigil.Monitor1", "Refresh").returncode == 0
    wait_for("both", lambda: analyst.unwinding()["analyzed"] == 2)
    assert "backtrace" not in status()


def test_events_tell_when_a_backtrace_is_ready(processes, analyst):
    child = processes.start([BUILD / "vigil", "events", "--json"], env=analyst.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines = []
    os.set_blocking(child.stdout.fileno(), False)

    def events():
        while line := child.stdout.readline():
            lines.append(json.loads(line))
        return [e["event"] for e in lines]
    pid = wait_for("the listener", lambda: analyst.crash(f"/usr/bin/n{analyst.next_pid}") and "crash" in events() and analyst.next_pid)
    row = wait_for("the trace", lambda: (r := analyst.trace(pid)) and r["trace"] and r)
    wait_for("the event", lambda: events() and any(e["event"] == "analyzed" and e["id"] == row["hash"][:12] for e in lines))


def test_a_crash_of_what_unwinds_is_not_told(analyst, notices):
    """Its file says so, where no unit does; a program of that name elsewhere is any other's."""
    real = os.path.realpath(BUILD / "vigil-unwind")
    session = {"COREDUMP_USER_UNIT": None, "COREDUMP_CGROUP": "/user.slice/user-0.slice/session-1.scope"}
    pid = analyst.crash(real, **session)
    analyst.wait_row(pid, COUNTED)
    analyst.wait_row(analyst.crash("/opt/other/vigil-unwind", **session), TOLD)
    assert [n["summary"].split()[0] for n in notices.popups] == ["vigil-unwind"]
    assert analyst.trace(pid)["trace"] is None

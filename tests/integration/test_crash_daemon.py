# SPDX-License-Identifier: GPL-2.0-or-later
"""Crashes from a journal to the person: the daemon on a real bus, over real journal files."""
import contextlib
import json
import os
import re
import socket
import sqlite3
import subprocess
import time

import pytest

from conftest import BUILD, ROOT, wait_for
from crashes import CONFIG, COUNTED, TOLD, UNTOLD, CrashDaemon, Notices, flood
from journals import append, now, traceback_entry, write_journal

DESKTOP = "[Desktop Entry]\nType=Application\nName=Fancy Editor\nIcon=fancy\nExec=fancy-editor %U\n"


@pytest.fixture
def notices(processes, session_bus):
    return Notices(processes, session_bus)


@pytest.fixture
def daemon(processes, tmp_path, session_bus, notices):
    return CrashDaemon(processes, tmp_path, session_bus)


def program(daemon, name, text):
    """A program that the daemon finds in its PATH."""
    folder = daemon.tmp / "bin"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)
    daemon.env["PATH"] = f"{folder}:{os.environ['PATH']}"
    return folder / name


# ---- one crash

def test_a_crash_is_announced_once_by_name(processes, tmp_path, session_bus, dunst):
    (tmp_path / "data/applications").mkdir(parents=True)
    (tmp_path / "data/applications/org.example.Fancy.desktop").write_text(DESKTOP)
    d = CrashDaemon(processes, tmp_path, session_bus)
    unit = "app-gnome-org.example.Fancy-77.scope"
    pid = d.crash("/usr/bin/fancy-editor", COREDUMP_USER_UNIT=unit,
                  COREDUMP_CGROUP=f"/user.slice/user-0.slice/user@0.service/app.slice/{unit}")
    wait_for("the notification", lambda: dunst.displayed() == 1)
    d.wait_row(pid, TOLD)
    entry = dunst.newest()
    assert entry["summary"] == "Fancy Editor was closed after an invalid memory access"
    assert entry["body"] == "/usr/bin/fancy-editor, SIGSEGV"


def test_a_desktop_entry_that_is_no_utf8(daemon, notices):
    (daemon.tmp / "data/applications/org.example.Fancy.desktop").write_bytes(
        DESKTOP.replace("fancy\n", "FANCY\n").encode().replace(b"FANCY", b"\xff\xfe").replace(b"Fancy", b"Fan\xffcy"))
    unit = "app-gnome-org.example.Fancy-77.scope"
    pid = daemon.crash("/usr/bin/fancy-editor", COREDUMP_USER_UNIT=unit)
    daemon.wait_row(daemon.crash("/usr/bin/marker"), TOLD)
    assert notices.summaries() == ["Fan\\xffcy Editor was closed after an invalid memory access",
                                   "marker was closed after an invalid memory access"]
    assert daemon.rows()[pid]["told"] == TOLD
    assert "CRITICAL" not in daemon.text()


def test_repeats_are_counted_in_place(daemon, notices):
    first = daemon.crash()
    daemon.wait_row(first, TOLD)
    second = daemon.crash()
    daemon.wait_row(second, COUNTED)
    wait_for("the count", lambda: "happened 2 times" in notices.shown[-1]["body"])
    third = daemon.crash()
    wait_for("the loop", lambda: notices.summaries()[-1] == "gimp keeps crashing")
    daemon.wait_row(third, TOLD)  # it was told, as a loop
    assert len(notices.popups) == 1
    assert {c["id"] for c in notices.shown} == {1}


def test_a_dismissed_one_stays_away_until_the_tenth(daemon, notices):
    daemon.wait_row(daemon.crash(), TOLD)
    notices.dismiss(notices.shown[0])
    wait_for("it to be gone", lambda: daemon.status()["shown"] == 0)
    daemon.wait_row(daemon.crash(), COUNTED)
    daemon.wait_row(daemon.crash(), TOLD)  # before the next is asked for: what waits in the queue is replaced there
    daemon.wait_row(daemon.crash(n=7), TOLD)
    # a loop and the 10th are worth telling, the six in between are not
    assert notices.summaries() == ["gimp was closed after an invalid memory access", "gimp keeps crashing",
                                   "gimp keeps crashing"]


@pytest.mark.parametrize("what, fields", [
    ("forged", {"_SYSTEMD_UNIT": "user@1000.service", "_UID": 1000}),
    ("own", {"COREDUMP_USER_UNIT": "vigil-monitord.service",
             "COREDUMP_CGROUP": "/user.slice/user-0.slice/user@0.service/background.slice/vigil-monitord.service"}),
    ("reporter", {"COREDUMP_USER_UNIT": "vigil-reporter-0123456789ab.service"}),
    ("foreign", {"uid": 4242}),
    ("ignored by path", {"exe": "/opt/noisy/bin/x"}),
    ("ignored by name", {"exe": "/usr/bin/flaky-7"}),
])
def test_what_is_listed_but_never_announced(processes, tmp_path, session_bus, notices, what, fields):
    d = CrashDaemon(processes, tmp_path, session_bus, CONFIG + "IgnorePrograms=/opt/noisy/* flaky-*\n")
    pid = d.crash(**fields)
    row = d.wait_row(pid, COUNTED)
    assert row["trust"] == (0 if what == "forged" else 1)
    d.wait_row(d.crash("/usr/bin/marker"), TOLD)
    assert notices.summaries() == ["marker was closed after an invalid memory access"], what


def test_a_program_named_like_vigil_is_announced(daemon, notices):
    daemon.wait_row(daemon.crash("/usr/bin/vigil-monitord"), TOLD)
    assert notices.summaries() == ["vigil-monitord was closed after an invalid memory access"]


def test_a_forged_entry_does_not_hide_the_real_one(daemon, notices):
    forged = daemon.entry(when=None, _SYSTEMD_UNIT="user@0.service", _UID=1000)
    append(daemon.journal, [forged])
    daemon.wait_row(daemon.next_pid, COUNTED)
    real = [(k, v) if k not in ("_SYSTEMD_UNIT", "_UID") else (k, {"_UID": 0, "_SYSTEMD_UNIT":
            "systemd-coredump@3-1297-0.service"}[k]) for k, v in forged if not k.startswith("__")]
    append(daemon.journal, [[(k, v) for k, v in forged if k.startswith("__")] + real])
    row = daemon.wait_row(daemon.next_pid, TOLD)
    assert row["trust"] == 1
    assert len(notices.shown) == 1


def test_what_was_forged_before_the_first_start_hides_nothing(processes, tmp_path, session_bus, notices):
    d = CrashDaemon(processes, tmp_path, session_bus, start=False)
    logged = now() - 3_600_000_000
    for i in range(12):  # whoever logs them sets the time that they tell: far in the future
        append(d.journal, [d.entry(when=logged + 10**15 + i, logged=logged + i, _SYSTEMD_UNIT="user@1000.service", _UID=1000)])
    forged = d.next_pid
    d.start()
    assert wait_for("the forged one in the index", lambda: d.rows().get(forged))["trust"] == 0
    pid = d.crash()
    d.wait_row(d.crash("/usr/bin/marker"), TOLD)
    assert d.rows()[pid]["told"] == TOLD
    assert notices.summaries()[0] == "gimp was closed after an invalid memory access"
    assert "times" not in notices.shown[0]["body"]
    assert d.rows()[forged]["told"] == COUNTED


def test_tracebacks_are_listed(daemon, notices):
    append(daemon.journal, [traceback_entry(77, uid=os.getuid(), _UID=1000)])
    daemon.wait_row(77, COUNTED)  # anybody can log one: unverified
    daemon.wait_row(daemon.crash("/usr/bin/marker"), TOLD)
    assert len(notices.shown) == 1


def test_hostile_fields(daemon, notices):
    pid = daemon.crash("/tmp/x", COREDUMP_EXE="/tmp/<b>x<b>\n%s%n\x1b[31m", COREDUMP_USER_UNIT=b"\xff\xfe.service", COREDUMP_CMDLINE="A" * 100000,
                       COREDUMP_CGROUP=["/../..", "/x"])
    daemon.wait_row(pid, TOLD)
    notice = notices.shown[0]
    assert "\n" not in notice["summary"] and "\x1b" not in notice["summary"] + notice["body"]
    assert "<b>" not in notice["body"]
    assert len(notice["summary"]) < 200 and len(notice["body"]) < 500
    assert daemon.status()["index"]["crashes"] == 1


# ---- buttons

def test_ignore_is_for_good(daemon, notices):
    daemon.wait_row(daemon.crash(), TOLD)
    notices.press(notices.shown[0], "ignore")
    wait_for("it to close", lambda: notices.closed == [1])
    daemon.wait_row(daemon.crash(), COUNTED)
    daemon.stop()
    daemon.start()
    daemon.wait_row(daemon.crash(), COUNTED)
    daemon.wait_row(daemon.crash("/usr/bin/marker"), TOLD)
    assert len(notices.shown) == 2


def test_ignoring_a_script_spares_its_interpreter(daemon, notices):
    script = {"COREDUMP_CMDLINE": "/usr/bin/python3 /home/me/sync.py", "COREDUMP_USER_UNIT": None, "COREDUMP_CGROUP": None}
    daemon.wait_row(daemon.crash("/usr/bin/python3.11", **script), TOLD)
    assert notices.shown[0]["summary"].startswith("python3.11 (sync.py) was closed")
    assert "Ignore this crash" in notices.shown[0]["actions"]
    notices.press(notices.shown[0], "ignore")
    wait_for("it to close", lambda: notices.closed == [1])
    daemon.wait_row(daemon.crash("/usr/bin/python3.11", **script), COUNTED)
    daemon.wait_row(daemon.crash("/usr/bin/python3.11", MESSAGE="Process 1 dumped core.\n\nStack trace of thread 1:\n"
                                 "#0  0x00007f1122334455 elsewhere (libother.so + 0x1)\n", **script), TOLD)


def test_details_open_in_a_terminal(processes, tmp_path, session_bus, notices):
    d = CrashDaemon(processes, tmp_path, session_bus, start=False)
    program(d, "xdg-terminal-exec", f"#!/bin/sh\necho \"$@\" >{tmp_path}/terminal.new; mv {tmp_path}/terminal.new {tmp_path}/terminal\n")
    d.start()
    row = d.wait_row(d.crash(), TOLD)
    notices.press(notices.shown[0], "details")
    wait_for("the terminal", (tmp_path / "terminal").exists)
    assert (tmp_path / "terminal").read_text().split()[-4:] == ["--wait", "crash", "info", row["hash"][:12]]
    assert d.status()["shown"] == 1  # the other buttons are still wanted


def test_debug_is_for_developers(processes, tmp_path, session_bus, notices):
    d = CrashDaemon(processes, tmp_path, session_bus, CONFIG + "Developer=yes\n", start=False)
    program(d, "xdg-terminal-exec", f"#!/bin/sh\necho \"$@\" >{tmp_path}/terminal.new; mv {tmp_path}/terminal.new {tmp_path}/terminal\n")
    d.start()
    row = d.wait_row(d.crash(), TOLD)
    notices.press(notices.shown[0], "debug")
    wait_for("the debugger", (tmp_path / "terminal").exists)
    assert (tmp_path / "terminal").read_text().split()[-4:] == ["--wait", "crash", "debug", row["hash"][:12]]


def test_a_command_reports(processes, tmp_path, session_bus, notices):
    reporter = tmp_path / "reporter"
    reporter.write_text(f"#!/bin/sh\ncat >{tmp_path}/input\nenv | grep ^VIGIL_CRASH_ >{tmp_path}/env\n"
                        f"echo \"$@\" >{tmp_path}/args.new\nmv {tmp_path}/args.new {tmp_path}/args\n")
    reporter.chmod(0o755)
    d = CrashDaemon(processes, tmp_path, session_bus, CONFIG + f"CrashReporter={reporter} --flag\n")
    row = d.wait_row(d.crash(), TOLD)
    notices.press(notices.shown[0], "report")
    wait_for("the reporter", (tmp_path / "args").exists)
    assert (tmp_path / "args").read_text() == "--flag\n"
    assert json.loads((tmp_path / "input").read_text())["hash"] == row["hash"]
    assert f"VIGIL_CRASH_ID={row['hash'][:12]}\n" in (tmp_path / "env").read_text()
    # and over the bus
    (tmp_path / "args").unlink()
    assert d.call("org.vigil.Crash1", "Report", "s", "latest").returncode == 0
    wait_for("the reporter", (tmp_path / "args").exists)


def test_restart_only_where_it_is_known_what(processes, tmp_path, session_bus, notices):
    d = CrashDaemon(processes, tmp_path, session_bus, start=False)
    program(d, "fancy-editor", "#!/bin/sh\n")
    program(d, "gio", f"#!/bin/sh\necho \"$@\" >{tmp_path}/started.new; mv {tmp_path}/started.new {tmp_path}/started\n")
    (tmp_path / "data/applications/org.example.Fancy.desktop").write_text(DESKTOP)
    d.start()
    d.wait_row(d.crash("/usr/bin/fancy-editor", COREDUMP_USER_UNIT="app-gnome-org.example.Fancy-77.scope"), TOLD)
    d.wait_row(d.crash("/usr/bin/cc1", COREDUMP_USER_UNIT="app-gnome-org.example.Fancy-77.scope"), TOLD)
    d.wait_row(d.crash("/usr/bin/ls", COREDUMP_USER_UNIT=None, COREDUMP_CGROUP="/user.slice/user-0.slice/session-2.scope"), TOLD)
    app, helper, tool = notices.shown
    assert "restart" in app["actions"] and "restart" not in helper["actions"] and "restart" not in tool["actions"]
    assert "It ran in Fancy Editor." in helper["body"]
    notices.press(app, "restart")
    wait_for("the application", (tmp_path / "started").exists)
    assert (tmp_path / "started").read_text() == f"launch {tmp_path}/data/applications/org.example.Fancy.desktop\n"


# ---- KDE's programs

def kde_daemon(processes, tmp_path, session_bus, config=CONFIG):
    d = CrashDaemon(processes, tmp_path, session_bus, config, start=False)
    (tmp_path / "libexec").mkdir()
    (tmp_path / "libexec/drkonqi").write_text((ROOT / "tests/tools/fake-drkonqi").read_text())
    (tmp_path / "libexec/drkonqi").chmod(0o755)
    d.env.update(LIBEXEC_PATH=str(tmp_path / "libexec"), FAKE_REPORTER_DIR=str(tmp_path / "got"))
    (tmp_path / "core").write_text("not a core")
    return d


def metadata(daemon, pid, exe="/usr/bin/dolphin", boot="b007b007b007b007b007b007b007b001", **more):
    folder = daemon.tmp / "cache/kcrash-metadata"
    folder.mkdir(exist_ok=True)
    path = folder / f"{os.path.basename(exe)}.{boot}.{pid}.ini"
    keys = {"exe": exe, "pid": pid, "signal": 11, "appname": "dolphin", "programname": "Dolphin", **more}
    path.write_text("[KCrash]\n" + "".join(f"{k}={v}\n" for k, v in keys.items()) + "[KCrashComplete]\ncomplete=true\n")
    return path


def test_drkonqi_tells_of_its_own(processes, tmp_path, session_bus, notices):
    d = kde_daemon(processes, tmp_path, session_bus)
    d.start()
    path = metadata(d, d.next_pid + 1)
    pid = d.crash("/usr/bin/dolphin", COREDUMP_FILENAME=tmp_path / "core")
    d.wait_row(pid, TOLD)
    wait_for("DrKonqi", (tmp_path / "got/done").exists)
    assert b"--appname\0dolphin\0" in (tmp_path / "got/argv").read_bytes()
    assert not path.exists()
    assert d.ask("org.vigil.Crash1", "Get", "s", str(pid))["kcrash"]["KCrash"]["programname"] == "Dolphin"
    d.wait_row(d.crash("/usr/bin/marker"), TOLD)
    assert notices.summaries() == ["marker was closed after an invalid memory access"]  # no second one of ours


def test_without_drkonqi_it_is_ours(processes, tmp_path, session_bus, notices):
    d = kde_daemon(processes, tmp_path, session_bus, CONFIG + "CrashReporter=builtin\n")
    d.start()
    path = metadata(d, d.next_pid + 1)
    d.wait_row(d.crash("/usr/bin/dolphin", COREDUMP_FILENAME=tmp_path / "core"), TOLD)
    assert notices.summaries() == ["dolphin was closed after an invalid memory access"]
    assert not path.exists() and not (tmp_path / "got/done").exists()


def test_a_hung_program_is_said_to_have_hung(processes, tmp_path, session_bus, notices):
    d = kde_daemon(processes, tmp_path, session_bus)
    d.start()
    when = int(time.time() * 1e6)
    folder = tmp_path / "cache/drkonqi/application-not-responding"
    folder.mkdir(parents=True)
    (folder / f"kate.b007b007b007b007b007b007b007b001.{d.next_pid + 1}.{when - 2000000}.json").write_text("{}")
    row = d.wait_row(d.crash("/usr/bin/kate", when=when, signal=6), TOLD)
    assert row["notResponding"] == 1
    assert notices.summaries() == ["kate did not respond and was closed"]
    assert "report" not in notices.shown[0]["actions"]


def test_hostile_metadata_is_left_alone(processes, tmp_path, session_bus, notices):
    d = kde_daemon(processes, tmp_path, session_bus)
    d.start()
    path = metadata(d, d.next_pid + 1)
    path.unlink()
    path.symlink_to("/etc/passwd")
    d.wait_row(d.crash("/usr/bin/dolphin", COREDUMP_FILENAME=tmp_path / "core"), TOLD)
    assert path.is_symlink()
    assert len(notices.shown) == 1


# ---- what arrived while nobody looked

def test_a_digest_after_the_start(daemon, notices):
    daemon.wait_row(daemon.crash(), TOLD)
    daemon.stop()
    pids = [daemon.crash("/usr/bin/one", n=3), daemon.crash("/usr/bin/two"), daemon.crash("/usr/bin/three"), daemon.crash()]
    daemon.start()
    for pid in pids:
        daemon.wait_row(pid, TOLD)
    assert len(notices.popups) == 2
    digest = notices.shown[-1]
    assert digest["summary"].startswith("4 programs crashed since ")
    assert digest["body"].startswith("one (3 times), ") and "gimp" in digest["body"]
    # once is enough
    daemon.stop()
    daemon.start()
    daemon.wait_row(daemon.crash("/usr/bin/marker"), TOLD)
    assert len(notices.popups) == 3


def test_a_single_one_is_told_with_its_time(daemon, notices):
    daemon.stop()
    hour_ago = int((time.time() - 3600) * 1e6)
    pid = daemon.crash(when=hour_ago, logged=int(time.time() * 1e6))
    daemon.start()
    daemon.wait_row(pid, TOLD)
    assert notices.summaries() == ["gimp was closed after an invalid memory access"]
    assert time.strftime("%H:%M", time.gmtime(hour_ago / 1e6)) in notices.shown[0]["body"]


def test_at_the_very_first_start_old_ones_are_listed(processes, tmp_path, session_bus, notices):
    d = CrashDaemon(processes, tmp_path, session_bus, start=False)
    old = d.crash(n=20)
    d.start()
    d.wait_row(old, TOLD)
    assert len(d.rows()) == 20
    pid = d.crash("/usr/bin/marker")
    d.wait_row(pid, TOLD)
    # and the old ones do not make the first new one a repeat
    d.wait_row(d.crash(), TOLD)
    assert notices.summaries() == ["marker was closed after an invalid memory access",
                                   "gimp was closed after an invalid memory access"]


def test_forged_entries_from_before_do_not_silence_a_program(processes, tmp_path, session_bus, notices):
    """Anybody may have logged, before the first start, that a program has crashed in years to come."""
    d = CrashDaemon(processes, tmp_path, session_bus, start=False)
    in_years = int((time.time() + 5 * 366 * 86400) * 1e6)
    forged = d.crash(n=20, when=in_years, logged=int((time.time() - 3600) * 1e6), _SYSTEMD_UNIT="user@1000.service", _UID=1000)
    d.start()
    row = wait_for("the forged ones", lambda: d.rows().get(forged))
    assert row["trust"] == 0 and row["time"] < time.time() * 1e6  # and they are not the latest for years
    d.wait_row(d.crash(), TOLD)
    assert notices.summaries() == ["gimp was closed after an invalid memory access"]
    assert "happened" not in notices.shown[0]["body"]


def test_after_a_restart_repeats_are_counts(daemon, notices):
    daemon.wait_row(daemon.crash(), TOLD)
    daemon.stop()
    daemon.start()
    daemon.wait_row(daemon.crash(), COUNTED)
    daemon.wait_row(daemon.crash("/usr/bin/marker"), TOLD)
    assert len(notices.shown) == 2


# ---- servers that come, go, and do not answer

def test_a_server_that_never_answers_delays_nothing(processes, tmp_path, session_bus):
    silent = Notices(processes, session_bus, silent=True)
    d = CrashDaemon(processes, tmp_path, session_bus)
    pids = [d.crash("/usr/bin/first")]
    for name in ("second", "third"):
        began = time.monotonic()
        pids.append(d.crash(f"/usr/bin/{name}"))
        wait_for("the row", lambda: pids[-1] in d.rows())
        assert d.status()["arrived"] == len(pids)
        assert time.monotonic() - began < 3
    wait_for("the deadline", lambda: d.status()["serverAnswers"] is False)
    assert all(d.rows()[pid]["told"] == UNTOLD for pid in pids)
    assert d.text().count("does not answer") == 1
    pids.append(d.crash("/usr/bin/fourth"))
    wait_for("the row", lambda: pids[-1] in d.rows())
    silent.end()
    good = Notices(processes, session_bus)
    for pid in pids:
        d.wait_row(pid, TOLD, deadline=40)  # libnotify's own patience with the silent one is 25 s
    # What the silent one left waiting may come by itself, the rest comes in one.
    told = [c["summary"] + c["body"] for c in good.popups]
    assert len(told) <= 4
    for name in ("first", "second", "third", "fourth"):
        assert 1 <= sum(name in text for text in told) <= 2, told


def test_without_a_server_it_waits_for_one(processes, tmp_path, session_bus):
    d = CrashDaemon(processes, tmp_path, session_bus)
    pid = d.crash()
    wait_for("the refusal", lambda: "no notification server takes it" in d.text())
    wait_for("the attempt to be taken back", lambda: d.rows()[pid]["attempts"] == 0)
    assert d.rows()[pid]["told"] == UNTOLD
    for _ in range(3):  # nor do restarts without one use it up
        d.stop()
        d.start()
        wait_for("the refusal", lambda: d.status()["index"]["untold"] == 1)
    good = Notices(processes, session_bus)
    d.wait_row(pid, TOLD)
    assert len(good.shown) == 1


def test_a_new_server_hears_only_what_was_not_told(processes, tmp_path, session_bus, notices):
    d = CrashDaemon(processes, tmp_path, session_bus)
    d.wait_row(d.crash(), TOLD)
    notices.end()
    other = Notices(processes, session_bus)
    d.wait_row(d.crash("/usr/bin/marker"), TOLD)
    assert other.summaries() == ["marker was closed after an invalid memory access"]


def test_a_new_bus(processes, tmp_path, session_bus, notices):
    d = CrashDaemon(processes, tmp_path, session_bus)
    d.wait_row(d.crash(), TOLD)
    session_bus.kill()
    pid = d.crash("/usr/bin/between")
    wait_for("the row", lambda: pid in d.rows())
    session_bus.start()
    other = Notices(processes, session_bus)
    d.wait_row(pid, TOLD)
    wait_for("the daemon on the bus", d.caught_up)
    assert other.summaries() == ["between was closed after an invalid memory access"]


# ---- the index in trouble

def test_a_damaged_index_is_begun_anew(daemon, notices):
    first = daemon.crash()
    daemon.wait_row(first, TOLD)
    daemon.kill()
    for companion in ("vigil.db-wal", "vigil.db-shm"):
        (daemon.state / companion).unlink(missing_ok=True)
    with open(daemon.state / "vigil.db", "r+b") as f:
        f.seek(100)
        f.write(b"\xa5" * 8000)
    daemon.start()
    wait_for("all of the journal", lambda: first in daemon.rows())
    assert daemon.status()["index"]["replaced"] is True
    assert list(daemon.state.glob("vigil.db.damaged-*"))
    daemon.wait_row(daemon.crash("/usr/bin/marker"), TOLD)
    assert notices.summaries()[-1] == "marker was closed after an invalid memory access"
    assert len(notices.shown) == 2  # what it had told before is not told again


def tmpfs(processes, tmp_path, size="2m"):
    """A prefix that runs the daemon with a small state folder of its own, and what runs a command in there."""
    (tmp_path / "state").mkdir(exist_ok=True)
    script = f"mount -t tmpfs -o size={size} tmpfs {tmp_path}/state && echo $$ >{tmp_path}/inside && exec \"$@\""

    def inside(*command):
        pid = (tmp_path / "inside").read_text().strip()
        return subprocess.run(["nsenter", "-t", pid, "-m", *command], capture_output=True, text=True)

    return ["unshare", "-m", "sh", "-c", script, "sh"], inside


@pytest.fixture
def root():
    if os.geteuid() != 0:
        pytest.skip("needs root for mounts of its own")


def test_a_full_disk(root, processes, tmp_path, session_bus, notices):
    prefix, inside = tmpfs(processes, tmp_path)
    d = CrashDaemon(processes, tmp_path, session_bus, prefix=prefix)
    d.crash("/usr/bin/before")
    wait_for("the first", lambda: len(notices.shown) == 1)
    assert inside("sh", "-c", f"cat /dev/zero >{tmp_path}/state/filler").returncode != 0
    names = [f"program-{i}" for i in range(3)]
    for name in names:  # large ones, so that nothing of it fits into what is left of a page
        d.crash(f"/usr/bin/{name}", MESSAGE="x" * 200000)
    wait_for("the index to be in memory", lambda: d.status()["index"]["inMemory"])
    assert "space" in d.status()["index"]["error"]
    d.crash("/usr/bin/marker")
    wait_for("the marker", lambda: any("marker" in s for s in notices.summaries()))
    wait_for("all of them to be told", lambda: d.status()["index"]["untold"] == 0)
    told = " ".join(c["summary"] + c["body"] for c in notices.shown)
    assert all(name in told for name in names)
    shown = len(notices.shown)
    # room again: it goes back, with what it learned, and tells nothing twice
    assert inside("rm", f"{tmp_path}/state/filler").returncode == 0
    d.call("org.vigil.Monitor1", "Refresh")
    wait_for("the file", lambda: d.status()["index"]["inMemory"] is False)
    assert d.status()["index"]["crashes"] == 5 and d.status()["index"]["untold"] == 0
    d.crash("/usr/bin/last")
    # on a fast machine the sixth to pop up within half a minute, which waits for its turn
    wait_for("the last", lambda: any("last" in s for s in notices.summaries()), 60)
    assert len(notices.shown) == shown + 1


def test_a_read_only_home(root, processes, tmp_path, session_bus, notices):
    (tmp_path / "state").mkdir()
    prefix = ["unshare", "-m", "sh", "-c", f"mount -t tmpfs -o ro tmpfs {tmp_path}/state && exec \"$@\"", "sh"]
    d = CrashDaemon(processes, tmp_path, session_bus, prefix=prefix, start=False)
    d.crash("/usr/bin/old")
    d.start()
    assert d.status()["index"]["inMemory"] is True
    assert "kept in memory" in d.text()
    d.crash()
    wait_for("the notification", lambda: len(notices.shown) == 1)
    assert notices.summaries() == ["gimp was closed after an invalid memory access"]
    assert d.status()["index"]["crashes"] == 2


def test_a_read_only_home_that_was_written_before(root, processes, tmp_path, session_bus, notices):
    d = CrashDaemon(processes, tmp_path, session_bus)
    d.wait_row(d.crash(), TOLD)
    d.stop()
    d.crash("/usr/bin/away")
    d.prefix = ["unshare", "-m", "sh", "-c", f"mount --bind {tmp_path}/state {tmp_path}/state && "
                f"mount -o remount,ro,bind {tmp_path}/state && exec \"$@\"", "sh"]
    d.start()
    wait_for("what arrived meanwhile", lambda: len(notices.shown) == 2)
    assert d.status()["index"]["inMemory"] is True
    assert notices.summaries()[1] == "away was closed after an invalid memory access"


def test_old_crashes_go(processes, tmp_path, session_bus, notices):
    d = CrashDaemon(processes, tmp_path, session_bus)
    old = d.crash(when=int((time.time() - 3 * 86400) * 1e6), logged=int(time.time() * 1e6))
    d.wait_row(old, TOLD)
    new = d.crash("/usr/bin/new")
    d.wait_row(new, TOLD)
    d.stop()
    d.configure(CONFIG + "MaxAge=2d\n")
    d.start()
    wait_for("it to go", lambda: list(d.rows()) == [new])
    assert "1 crashes that were never reported went out of the index" in d.text()


def test_a_flood_of_large_entries_is_trimmed_while_it_lasts(processes, tmp_path, session_bus, notices):
    d = CrashDaemon(processes, tmp_path, session_bus, CONFIG + "MaxUse=1M\n")
    real = d.crash()
    d.wait_row(real, TOLD)
    for _ in range(3):  # of those that anybody may log
        append(d.journal, [d.entry("/usr/bin/x", MESSAGE="x" * 20000, _SYSTEMD_UNIT="user@1000.service", _UID=1000)
                           for _ in range(400)])
        last = d.next_pid
        wait_for("them in the index", lambda: d.status()["sources"]["journal"]["added"] >= last - 1000)
    wait_for("the index to be small again", lambda: len(d.rows()) < 300)
    assert d.rows()[real]["trust"] == 1


# ---- two roads

def test_the_socket_and_the_journal_tell_of_one_crash(processes, tmp_path, session_bus, notices):
    d = CrashDaemon(processes, tmp_path, session_bus, "[Monitor]\nModules=coredump\n[Coredump]\nSources=journal socket\n")
    entry = d.entry()
    text = json.dumps({k: str(v) for k, v in entry if not k.startswith("__") and k not in ("MESSAGE",)}).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect(str(tmp_path / "run/vigil/coredump"))
        for at in range(0, len(text), 500):
            s.send(text[at:at + 500])
    row = d.wait_row(d.next_pid, TOLD)
    assert row["cursor"] is None
    append(d.journal, [entry])
    wait_for("the journal's part of it", lambda: d.rows()[d.next_pid]["cursor"])
    d.wait_row(d.crash("/usr/bin/marker"), TOLD)
    assert notices.summaries() == ["gimp was closed after an invalid memory access", "marker was closed after an invalid memory access"]
    assert len(d.rows()) == 2
    d.stop()
    assert not (tmp_path / "run/vigil/coredump").exists()


# ---- killed at any step

def kill_run(processes, folder, session_bus, at):
    """One crash, the daemon ended at that step of it, then another daemon. Gives the number of steps if it was not reached."""
    folder.mkdir()
    notices = Notices(processes, session_bus)
    d = CrashDaemon(processes, folder, session_bus, start=False)
    metadata(d, d.next_pid + 1, "/usr/bin/gimp")
    d.start(env={"LD_PRELOAD": str(BUILD / "tests/preload/kill-at.so"), "VIGIL_KILL_AT": str(at),
                 "VIGIL_KILL_ARMED": str(folder / "armed"), "VIGIL_KILL_COUNT": str(folder / "count"),
                 "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"})
    (folder / "armed").touch()
    pid = d.crash()
    if at == 0:
        d.wait_row(pid, TOLD)
        steps = int((folder / "count").read_text())
        d.kill()
    else:
        steps = wait_for(f"step {at}", lambda: d.child.poll() is not None)
        assert d.child.returncode == -9
    d.start()
    row = d.wait_row(pid, TOLD)
    assert 1 <= len(notices.popups) <= 2, at
    assert row["attempts"] <= 2
    before = len(notices.popups)
    d.kill()
    d.start()  # and a third one has nothing to say
    assert d.status()["index"]["untold"] == 0
    d.wait_row(d.crash("/usr/bin/marker"), TOLD)
    assert len(notices.popups) == before + 1, at
    assert all("gimp" in s for s in [c["summary"] for c in notices.popups[:before]])
    assert not list((folder / "cache/kcrash-metadata").iterdir()), "the metadata is read and removed"
    d.stop()
    notices.end()
    return steps


def test_killed_at_every_step_of_an_arrival(processes, tmp_path, session_bus):
    steps = kill_run(processes, tmp_path / "0", session_bus, 0)
    assert steps > 20
    for at in range(1, steps + 1):
        kill_run(processes, tmp_path / str(at), session_bus, at)
    print(f"{steps} points: no crash lost, none told more than twice")


# ---- floods

# The long one takes a minute and a half: where CI has the time.
FLOODS = [(1000, 10, 500), (2500, 15, 3), *([(10000, 60, 3)] if os.environ.get("CI") else [])]


@pytest.mark.parametrize("crashes, seconds, programs", FLOODS)
def test_a_flood(processes, tmp_path, session_bus, notices, crashes, seconds, programs):
    d = CrashDaemon(processes, tmp_path, session_bus)
    flood(processes, d, 300, 3, 1)  # warm: what is allocated once is
    before = d.memory_kib()
    began = len(notices.shown)
    last = flood(processes, d, crashes, seconds, programs)
    after = d.memory_kib()
    wait_for("the end of the flood", lambda: d.status()["flood"] is False, 90)
    wait_for("nothing left untold", lambda: d.status()["index"]["untold"] == 0, 60)
    popups = [c for c in notices.shown[began:] if c["replaces"] == 0]
    print(f"{crashes} crashes of {programs} programs in {seconds} s: {len(popups)} notifications and "
          f"{len(notices.shown) - began - len(popups)} updates, own memory {before} KiB before, {after} KiB after")
    assert last in d.rows() and len(d.rows()) == crashes + 300
    assert len(popups) <= 8
    assert len(notices.shown) - began <= 3 * seconds
    if BUILD.name != "sanitize":  # what is freed stays in quarantine there
        assert after < before + 3072
    over = [c for c in notices.shown if "were only counted" in c["summary"]]
    assert len(over) == 1 and int(over[0]["summary"].split()[0]) > crashes * 0.8


# ---- both halves

def test_it_takes_one_inotify_instance(processes, tmp_path, session_bus, notices):
    d = CrashDaemon(processes, tmp_path, session_bus, "")

    def held():
        try:
            links = [os.readlink(f"/proc/{d.child.pid}/fd/{n}") for n in os.listdir(f"/proc/{d.child.pid}/fd")]
        except FileNotFoundError:  # it was just closed
            return -1
        return links.count("anon_inode:inotify")

    wait_for("the journal's instance, and none beside it", lambda: held() == 1)


def test_without_an_inotify_instance(root, processes, tmp_path, session_bus, notices):
    inside = ["unshare", "-Ur", "sh", "-c", "echo 0 >/proc/sys/user/max_inotify_instances && exec \"$@\"", "sh"]
    d = CrashDaemon(processes, tmp_path, session_bus, "[Monitor]\nModules=coredump inotify\n[Coredump]\nSources=journal\n",
                    prefix=inside)
    assert d.status()["sources"]["journal"]["mode"] == "no-inotify-instance"
    wait_for("the other half", lambda: any("watching files" in s for s in notices.summaries()))
    d.crash()
    wait_for("the crash, within a poll", lambda: any("gimp" in s for s in notices.summaries()), 6)


# ---- the bus

def test_the_interface(daemon, notices):
    first, second = daemon.crash("/usr/bin/one"), daemon.crash("/usr/bin/two", signal=6)
    daemon.wait_row(first, TOLD)
    row = daemon.wait_row(second, TOLD)
    listed = daemon.ask("org.vigil.Crash1", "List", "a{sv}", "0")
    assert listed["version"] == 1 and listed["complete"] and [c["pid"] for c in listed["crashes"]] == [first, second]
    assert [c["told"] for c in listed["crashes"]] == ["told", "told"]
    newest = daemon.ask("org.vigil.Crash1", "List", "a{sv}", "1", "limit", "u", "1")
    assert [c["pid"] for c in newest["crashes"]] == [second]
    for match, pids in (("/usr/bin/one", [first]), (str(second), [second]), ("two", [second]), ("signal=SIGABRT", [second]),
                        ("COREDUMP_EXE=/usr/bin/*", [first, second]), ("none", [])):
        found = daemon.ask("org.vigil.Crash1", "List", "a{sv}", "1", "match", "as", "1", match)
        assert [c["pid"] for c in found["crashes"]] == pids, match
    both = daemon.ask("org.vigil.Crash1", "List", "a{sv}", "1", "match", "as", "2", f"COREDUMP_PID={first}", f"pid={second}")
    assert [c["pid"] for c in both["crashes"]] == [first, second]  # one field in two spellings
    soon = str(int((time.time() + 60) * 1e6))
    assert daemon.ask("org.vigil.Crash1", "List", "a{sv}", "1", "since", "t", soon)["crashes"] == []
    one = daemon.ask("org.vigil.Crash1", "Get", "s", row["hash"][:12])
    assert one["pid"] == second and "Stack trace" in one["message"]
    assert "hunter2" not in json.dumps(one)
    for pinned in (1, 0):  # as the command line writes it
        with contextlib.closing(sqlite3.connect(daemon.state / "vigil.db", timeout=5)) as db, db:
            db.execute("UPDATE crashes SET pinned = ? WHERE pid = ?", (pinned, second))
        if pinned:
            assert "is pinned" in daemon.call("org.vigil.Crash1", "Forget", "s", row["hash"][:12]).stderr and second in daemon.rows()
    assert daemon.call("org.vigil.Crash1", "Forget", "s", row["hash"][:12]).returncode == 0
    assert second not in daemon.rows()
    wait_for("it to leave the screen", lambda: notices.closed == [2])


def test_an_answer_has_a_bound(processes, tmp_path, session_bus):
    """Long command lines, and the memory that the unit allows: what does not fit is asked for with the next call."""
    unit = (ROOT / "units/vigil-monitord.service.in").read_text()
    mib = int(re.search(r"^LimitDATA=(\d+)M:infinity$", unit, re.MULTILINE)[1])
    limit = [] if BUILD.name == "sanitize" else ["prlimit", f"--data={mib << 20}"]
    d = CrashDaemon(processes, tmp_path, session_bus, start=False, prefix=limit)
    append(d.journal, [d.entry(COREDUMP_CMDLINE="x" * 60000) for _ in range(300)])
    pids = list(range(d.next_pid - 299, d.next_pid + 1))
    d.start()
    assert d.status()["index"]["crashes"] == 300
    seen, since = [], "0"
    for _ in range(4):
        answer = d.ask("org.vigil.Crash1", "List", "a{sv}", "1", "since", "t", since)
        assert len(json.dumps(answer)) < 9 << 20
        seen += [c["pid"] for c in answer["crashes"] if c["pid"] not in seen]
        if answer["complete"]:
            break
        since = str(answer["crashes"][-1]["time"])
    assert answer["complete"] and seen == pids
    newest = d.ask("org.vigil.Crash1", "List", "a{sv}", "1", "newestFirst", "b", "true")
    assert not newest["complete"] and newest["crashes"][0]["pid"] == pids[-1]


@pytest.mark.parametrize("args, error", [
    (("Get", "s", "0123456789ab"), "No crash is called '0123456789ab'."),
    (("Get", "s", "\x1b[31m"), "No crash is called"),
    (("Forget", "s", "nothing"), "No crash is called 'nothing'."),
    (("Report", "s", "nothing"), "No crash is called 'nothing'."),
    (("List", "a{sv}", "1", "colour", "s", "red"), "Known are since"),
    (("List", "a{sv}", "1", "since", "s", "today"), "Known are since"),
    (("List", "a{sv}", "1", "match", "as", "1", "nofield=x"), "Known are since"),
    (("List", "a{sv}", "1", "match", "as", "1", "=x"), "Known are since"),
    (("List", "a{sv}", "1", "match", "as", "1", "./a.out"), "Known are since"),
])
def test_wrong_calls(daemon, args, error):
    done = daemon.call("org.vigil.Crash1", *args)
    assert done.returncode != 0 and error in done.stderr
    assert daemon.status()["index"]["crashes"] == 0


def test_a_crash_that_d_bus_cannot_carry_hides_no_other(daemon, notices):
    """U+FFFE and its like are UTF-8 and JSON, but no D-Bus string."""
    odd = "/tmp/\ufffe\U0010ffff\ufdd0"
    pid = daemon.crash(odd, COREDUMP_CMDLINE=odd, COREDUMP_ODD=odd)
    row = daemon.wait_row(pid, TOLD)
    assert [c["pid"] for c in daemon.ask("org.vigil.Crash1", "List", "a{sv}", "0")["crashes"]] == [pid]
    assert daemon.ask("org.vigil.Crash1", "Get", "s", row["hash"])["exe"] == "/tmp/\ufffd\ufffd\ufffd"


def test_an_ambiguous_pid(daemon):
    append(daemon.journal, [daemon.entry("/usr/bin/one"), daemon.entry("/usr/bin/two", COREDUMP_PID=daemon.next_pid)])
    wait_for("both", lambda: daemon.status()["index"]["crashes"] == 2)
    done = daemon.call("org.vigil.Crash1", "Get", "s", str(daemon.next_pid - 1))
    assert done.returncode != 0 and "means several crashes: " in done.stderr


def test_arrivals_are_signalled(processes, daemon, session_bus):
    watch = processes.start(["busctl", f"--address={session_bus.address}", "--json=short", "monitor",
                             "--match=interface=org.vigil.Crash1,type=signal"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert "Monitoring" in watch.stderr.readline()
    pid = daemon.crash("/usr/bin/one", signal=6)
    row = daemon.wait_row(pid, TOLD)
    message = json.loads(watch.stdout.readline())
    assert message["member"] == "Arrived"
    assert message["payload"]["data"] == [row["hash"][:12], "/usr/bin/one", 6]

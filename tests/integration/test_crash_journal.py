# SPDX-License-Identifier: GPL-2.0-or-later
"""The journal as it comes, into the index: whole, hostile, rotated, vacuumed, in floods, and killed at every step."""
import json
import os
import signal
import sqlite3
import subprocess
import threading
from pathlib import Path

import pytest
from conftest import BUILD, DEADLINE, as_user, wait_for
from journals import (BOOT, MACHINE, UNIT_252, UNIT_257, UNIT_262, UNIT_SOCKET, append, crash_entry, now, other_entry,
                      traceback_entry, without, write_journal)

CATCH_UP = BUILD / "tests/tools/crash-catch-up"
ENTRY = BUILD / "tests/tools/crash-entry"
FOLLOW = BUILD / "tests/tools/crash-follow"
HOUR = 3600 * 10**6
STEPS = ["positioned", "read", "begun", "row-added", "cursor-set", "committed", "row-told"]
ODD = {"binary": b"\xff\x00\x1b[31m\nFAKE=1", "huge": b"x" * 300_000, "empty": "", "repeated": ["17", "18"]}


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "journals"
    folder.mkdir()
    return folder


@pytest.fixture
def index(tmp_path):
    return tmp_path / "index" / "vigil.db"


def rows(index, columns="pid"):
    with sqlite3.connect(f"file:{index}?mode=ro", uri=True) as db:
        return db.execute(f"SELECT {columns} FROM crashes ORDER BY id").fetchall()


def pids(index):
    return [pid for pid, in rows(index)]


class Caught:
    def __init__(self, text):
        lines = [line.split() for line in text.splitlines()]
        self.added = [int(line[2]) for line in lines if line[0] == "added"]
        done = next((line for line in lines if line[0] == "done"), None)
        self.seen, self.new, self.unverified = map(int, done[1:4]) if done else (None,) * 3
        self.memory = list(map(int, done[5:8])) if done else None  # KiB: at first, at last, at most


# An instrumented build keeps what was freed; that is not what is measured here.
FORGETFUL = ["env", f"ASAN_OPTIONS={os.environ.get('ASAN_OPTIONS', '')}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64"]


def catch_up(index, place, *kill):
    done = subprocess.run([*FORGETFUL, CATCH_UP, index, place, *map(str, kill)], capture_output=True, text=True, timeout=120)
    if kill:
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
    else:
        assert done.returncode == 0, done.stderr
    caught = Caught(done.stdout)
    caught.killed = done.returncode != 0
    return caught


class Follower:
    """The daemon's follower; its lines are read as they come."""

    def __init__(self, processes, index, place, prefix=()):
        self.child = processes.start([*prefix, FOLLOW, index, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE)
        self.lines, self.errors = [], []
        for pipe, into in ((self.child.stdout, self.lines), (self.child.stderr, self.errors)):
            threading.Thread(target=lambda p=pipe, i=into: [
                i.append(line.rstrip("\n")) for line in p], daemon=True).start()

    def said(self, *words):
        """The lines that begin with these words, as lists."""
        split = [line.split() for line in list(self.lines)]
        return [line for line in split if line[:len(words)] == list(words)]

    def wait(self, *words, count=1, deadline=DEADLINE):
        try:
            return wait_for(" ".join(words), lambda: self.said(*words)[count - 1:], deadline)[0]
        except AssertionError as e:
            raise AssertionError(f"{e}; it said {self.lines[-20:]} {self.errors[-5:]}") from e

    def arrived(self):
        return [int(line[2]) for line in self.said("arrived")]

    def wait_for_pids(self, *wanted, deadline=DEADLINE):
        wait_for(f"{wanted}, got {self.arrived()[-20:]} {self.errors[-5:]}", lambda: set(wanted) <= set(self.arrived()), deadline)

    def write(self, text):
        self.child.stdin.write(text)
        self.child.stdin.flush()

    def held_up(self):
        """The longest in ms that the loop was held up since the last question: on the clock, and by its own work."""
        before = len(self.said("tick"))
        self.write("t\n")
        return list(map(int, self.wait("tick", count=before + 1)[1:]))

    def deleted_files(self):
        """Journals that it holds open though they are gone."""
        fds = Path(f"/proc/{self.child.pid}/fd")
        return [fd for fd in fds.iterdir() if fd.is_symlink() and "journal (deleted)" in os.readlink(fd)]

    def memory(self):
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:")))


@pytest.fixture
def follow(processes, index):
    def start(place, prefix=()):
        return Follower(processes, index, place, prefix)
    return start


# ---- what entries tell -----------------------------------------------------------------------------

def test_an_entry_is_read_whole(index, place):
    when = now() - HOUR
    write_journal(place / "a.journal", [other_entry(when=when - 1), crash_entry(4711, "/opt/gimp", when, 1000, 6)])
    caught = catch_up(index, place)
    assert (caught.seen, caught.new, caught.unverified, caught.added) == (1, 1, 0, [4711])
    assert rows(index, "pid, time, exe, comm, uid, signal, boot, machine, trust, hostname, coreInJournal") == [
        (4711, when, "/opt/gimp", "gimp", 1000, 6, BOOT, MACHINE, 1, "host-4d5e", 0)]
    assert catch_up(index, place).seen == 0


def test_each_field_may_be_missing(index, place):
    whole = crash_entry(1, when=now() - HOUR)
    names = [name for name, _ in whole if not name.startswith("__")]
    entries = []
    for i, name in enumerate(names):
        entry = crash_entry(100 + i, when=now() - HOUR + i)
        entries.append(without(entry, name))
    write_journal(place / "a.journal", entries)
    catch_up(index, place)
    # Without a pid there is no identity, without its message id it is no crash.
    expected = [100 + i for i, name in enumerate(names) if name not in ("COREDUMP_PID", "MESSAGE_ID")]
    assert sorted(pids(index)) == expected
    trust = dict(rows(index, "pid, trust"))
    assert [names[pid - 100] for pid in trust if not trust[pid]] == ["_SYSTEMD_UNIT"]


@pytest.mark.parametrize("kind", ODD)
def test_each_field_may_be_odd(index, place, kind):
    whole = crash_entry(1, when=now() - HOUR)
    keep = ("__REALTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP", "MESSAGE_ID", "_BOOT_ID")
    names = [name for name, _ in whole if name not in keep]
    write_journal(place / "a.journal", [crash_entry(100 + i, when=now() - HOUR + i, **{name: ODD[kind]})
                                        for i, name in enumerate(names)])
    catch_up(index, place)
    expected = {100 + i for i, name in enumerate(names) if name != "COREDUMP_PID"}
    assert set(pids(index)) - {17, 18} == expected
    trust = dict(rows(index, "pid, trust"))
    distrusted = {names[pid - 100] for pid in expected if not trust[pid]}
    assert distrusted == ({"_SYSTEMD_UNIT", "_UID"} if kind in ("repeated", "huge", "binary") else {"_SYSTEMD_UNIT"})


def test_secrets_do_not_reach_the_index(index, place):
    write_journal(place / "a.journal", [crash_entry(1, when=now() - HOUR), traceback_entry(2, COREDUMP_ENVIRON="SECRET=hunter2")])
    catch_up(index, place)
    assert len(rows(index)) == 2
    for file in index.parent.iterdir():
        assert b"hunter2" not in file.read_bytes(), file


@pytest.mark.parametrize("unit, uid, exe, genuine", [
    (UNIT_252, 1000, "/usr/lib/systemd/systemd-coredump", True),
    (UNIT_257, 1000, "/usr/lib/systemd/systemd-coredump", True),
    (UNIT_262, 1000, "/usr/lib/systemd/systemd-coredump", True),
    (UNIT_SOCKET, 1000, "/usr/lib/systemd/systemd-coredump", True),
    ("init.scope", 0, "/usr/lib/systemd/systemd", True),  # PID 1's and journald's own
    ("user@1000.service", 1000, "/usr/lib/systemd/systemd-coredump", False),  # systemd-coredump --backtrace
    ("session-2.scope", 1000, "/usr/bin/logger", False),
    ("systemd-coredump@.service", 1000, "/usr/lib/systemd/systemd-coredump", False),
    ("xsystemd-coredump@1.service", 1000, "/usr/lib/systemd/systemd-coredump", False),
    (b"systemd-coredumpd.service\0.evil", 1000, "/usr/lib/systemd/systemd-coredump", False),
    ([UNIT_257, "user@1000.service"], 1000, "/usr/lib/systemd/systemd-coredump", False),
    (["user@1000.service", UNIT_257], 1000, "/usr/lib/systemd/systemd-coredump", False),
    (None, 1000, "/usr/lib/systemd/systemd-coredump", False),
    (None, [0, 1000], "/usr/lib/systemd/systemd-coredump", False),
])
def test_forged_entries_are_listed_and_not_believed(index, place, unit, uid, exe, genuine):
    write_journal(place / "a.journal", [crash_entry(7, when=now() - HOUR, _SYSTEMD_UNIT=unit, _UID=uid, _EXE=exe)])
    catch_up(index, place)
    assert rows(index, "pid, trust") == [(7, int(genuine))]


@pytest.fixture
def cores(tmp_path, monkeypatch):
    """What stands for systemd's folder of cores."""
    folder = tmp_path / "cores"
    folder.mkdir(mode=0o755)
    monkeypatch.setenv("VIGIL_TEST_CORES", str(folder))
    return folder


def nameless(folder, when, file=None, **fields):
    """An entry whose sender had ended before journald looked at it, and the core it tells of."""
    name = file or f"core.gimp.1000.{BOOT}.7.{when}.zst"
    return without(crash_entry(7, when=when, COREDUMP_FILENAME=f"{folder}/{name}", **fields),
                   "_SYSTEMD_UNIT", "_SYSTEMD_SLICE", "_EXE", "_COMM")


@pytest.mark.parametrize("spoil", [
    None, "no core", "of another", "not root's", "a link", "a folder for all", "a folder of another", "another uid", "another logger",
    "another time", "another program", "elsewhere", "another unit"])
def test_roots_core_proves_an_entry_without_a_unit(index, place, cores, spoil):
    when = now() - HOUR
    core = cores / f"core.gimp.1000.{BOOT}.7.{when}.zst"
    if spoil != "no core":
        core.write_bytes(b"")
        os.setxattr(core, "user.coredump.exe", b"/usr/bin/evil" if spoil == "another program" else b"/usr/bin/gimp")
    entry = nameless(cores, when)
    if spoil == "of another":
        core.rename(cores / f"core.gimp.1000.{BOOT}.8.{when}.zst")
    elif spoil == "not root's":
        os.chown(core, 1000, 1000)
    elif spoil == "a link":
        core.rename(cores / "x")
        core.symlink_to("x")
    elif spoil == "a folder for all":
        cores.chmod(0o1777)
    elif spoil == "a folder of another":
        os.chown(cores, 1000, 1000)
    elif spoil == "another uid":
        core.rename(cores / f"core.gimp.1001.{BOOT}.7.{when}.zst")
        entry = nameless(cores, when, f"core.gimp.1001.{BOOT}.7.{when}.zst")
    elif spoil == "another logger":
        entry = nameless(cores, when, _UID=1001)
    elif spoil == "another time":
        entry = nameless(cores, when, COREDUMP_TIMESTAMP=str(when + 1))
    elif spoil == "elsewhere":
        entry = nameless(cores / "..", when)
    elif spoil == "another unit":
        entry.append(("_SYSTEMD_UNIT", "session-2.scope"))
    write_journal(place / "a.journal", [entry])
    catch_up(index, place)
    assert rows(index, "pid, trust") == [(7, int(spoil is None))]


def test_a_core_that_cannot_be_read_proves_by_its_name(index, place, cores):
    when = now() - HOUR
    (cores / f"core.gimp.1000.{BOOT}.7.{when}.zst").write_bytes(b"")  # without attributes, as for whoever may not read them
    write_journal(place / "a.journal", [nameless(cores, when)])
    catch_up(index, place)
    assert rows(index, "pid, trust") == [(7, 1)]


def test_a_genuine_entry_behind_a_forged_one_is_told(index, place):
    when = now() - HOUR
    catch_up(index, write_journal(place / "a.journal", [crash_entry(7, when=when, unit="session-2.scope")]).parent)
    append(place / "a.journal", [crash_entry(7, when=when, logged=when + 1)])
    assert catch_up(index, place).added == [7]
    assert rows(index, "pid, trust") == [(7, 1)]


def test_tracebacks(index, place):
    when = now() - HOUR
    write_journal(place / "a.journal", [
        traceback_entry(11, when=when),
        without(traceback_entry(12, when=when + 1), "COREDUMP_PID", "COREDUMP_TIMESTAMP", "COREDUMP_UID", "COREDUMP_EXE")])
    catch_up(index, place)
    assert rows(index, "pid, kind, time, uid, exe, trust") == [
        (11, 1, when, 1000, "/usr/bin/python3.11", 0), (12, 1, when + 1, 1000, "/usr/bin/python3.11", 0)]


def test_a_pid_in_two_boots_is_two_crashes(index, place):
    when = now() - HOUR
    write_journal(place / "a.journal", [crash_entry(7, when=when), crash_entry(7, when=when, logged=when + 1, boot="b" * 32)])
    catch_up(index, place)
    assert [boot for boot, in rows(index, "boot")] == [BOOT, "b" * 32]


def test_a_core_in_the_entry_is_seen_and_not_loaded(index, place):
    size = 100 * 2**20  # systemd-journal-remote makes files of at most 128 MB
    write_journal(place / "a.journal", [
        crash_entry(1, when=now() - HOUR, COREDUMP=os.urandom(2**20) * (size // 2**20), COREDUMP_FILENAME=None),
        crash_entry(2, when=now() - HOUR + 1, MESSAGE="m" * 200_000)])
    caught = catch_up(index, place)
    assert rows(index, "pid, coreInJournal, exe, trust") == [(1, 1, "/usr/bin/gimp", 1), (2, 0, "/usr/bin/gimp", 1)]
    assert caught.memory[2] < 16 * 1024
    with sqlite3.connect(index) as db:
        assert [n for n, in db.execute("SELECT length(message) FROM details ORDER BY crash")][1] == 200_000


def test_a_field_beyond_the_memory_hides_nothing(index, place):
    bomb = b"\0" * (120 * 2**20)
    write_journal(place / "a.journal", [crash_entry(1, when=now() - HOUR, BOMB=bomb)])
    write_journal(place / "b.journal", [crash_entry(2, when=now() - HOUR + 1, MESSAGE=bomb),
                                        crash_entry(3, when=now() - HOUR + 2)])
    limited = ["prlimit", f"--data={64 * 2**20}"]
    if b"__asan_init" in CATCH_UP.read_bytes():  # whose own tables are larger than any limit
        limited = ["env", "ASAN_OPTIONS=allocator_may_return_null=1:max_allocation_size_mb=64"]
    done = subprocess.run([*limited, CATCH_UP, index, place], capture_output=True, text=True, timeout=120)
    assert Caught(done.stdout).added == [1, 2, 3], done.stderr
    assert rows(index, "pid, exe, trust, coreInJournal") == [(pid, "/usr/bin/gimp", 1, 0) for pid in (1, 2, 3)]


# ---- where the journal was read to -----------------------------------------------------------------

def test_a_machine_that_reports_late_is_heard(index, place):
    old, new = now() - 48 * HOUR, now() - HOUR
    write_journal(place / "remote-a.journal", [crash_entry(1, when=new, machine="a" * 32)])
    catch_up(index, place)
    write_journal(place / "remote-b.journal", [crash_entry(i, when=old + i, machine="b" * 32) for i in range(2, 5)])
    write_journal(place / "remote-c.journal", [without(crash_entry(5, when=new + 1), "_MACHINE_ID")])
    assert sorted(catch_up(index, place).added) == [2, 3, 4, 5]
    append(place / "remote-b.journal", [crash_entry(6, when=old + 6, machine="b" * 32)])
    assert catch_up(index, place).added == [6]
    assert sorted(rows(index, "pid, machine"))[-1] == (6, "b" * 32)


def test_a_vacuumed_cursor_costs_nothing(index, place):
    when = now() - HOUR
    write_journal(place / "a.journal", [crash_entry(i, when=when + i) for i in range(1, 200)])
    catch_up(index, place)
    (place / "a.journal").unlink()
    write_journal(place / "b.journal", [crash_entry(i, when=when + i) for i in range(190, 210)])
    caught = catch_up(index, place)
    assert caught.added == list(range(200, 210))
    assert sorted(pids(index)) == list(range(1, 210))
    assert catch_up(index, place).seen == 0


def test_a_damaged_cursor_costs_nothing(index, place):
    write_journal(place / "a.journal", [crash_entry(i, when=now() - HOUR + i) for i in range(1, 20)])
    catch_up(index, place)
    with sqlite3.connect(index) as db:
        db.execute("UPDATE cursors SET cursor = 's=nonsense;i=\x1b' WHERE cursor IS NOT NULL")
    append(place / "a.journal", [crash_entry(50)])
    assert catch_up(index, place).added == [50]


def test_old_crashes_are_told_and_new_ones_are_not_yet(index, place):
    write_journal(place / "a.journal", [crash_entry(i, when=now() - HOUR + i) for i in range(1, 300)])
    assert catch_up(index, place, STEPS.index("committed"), 1).killed  # the very first is interrupted
    assert 0 < len(rows(index)) < 299
    append(place / "a.journal", [crash_entry(1000)])
    catch_up(index, place)
    assert len(rows(index)) == 300
    assert [pid for pid, told in rows(index, "pid, told") if told == 0] == [1000]


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_every_step(index, place, step):
    write_journal(place / "a.journal", [other_entry(when=now() - HOUR)])
    catch_up(index, place)  # from here on crashes are news
    when = now()
    entries = [crash_entry(i, when=when + i) for i in range(1, 300)]
    append(place / "a.journal", entries)
    told, kills = [], 0
    for nth in (1, 2, 130):
        caught = catch_up(index, place, STEPS.index(step), nth)
        told += caught.added
        kills += caught.killed
        with sqlite3.connect(index) as db:
            present = [pid for pid, in db.execute("SELECT pid FROM crashes ORDER BY pid")]
            cursor = db.execute("SELECT time FROM cursors WHERE source = ?", (f"journal/{MACHINE}",)).fetchone()
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # What the cursor has passed is there, and nothing else is.
        assert present == list(range(1, (cursor[0] - when if cursor else 0) + 1))
    assert kills >= 2
    told += catch_up(index, place).added
    assert sorted(pids(index)) == list(range(1, 300))
    assert len(told) == len(set(told))
    # Whoever was not told of is still to be told of: that is what the digest shows.
    assert all(told == 0 for told, in rows(index, "told"))


def test_two_catch_ups_at_once(index, place):
    write_journal(place / "a.journal", [crash_entry(i, when=now() - HOUR + i) for i in range(1, 5001)])
    children = [subprocess.Popen([CATCH_UP, index, place], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    results = [Caught(child.communicate(timeout=120)[0]) for child in children]
    assert [child.returncode for child in children] == [0, 0, 0]
    assert sorted(pid for caught in results for pid in caught.added) == list(range(1, 5001))
    assert sorted(pids(index)) == list(range(1, 5001))
    assert catch_up(index, place).seen == 0


def test_files_and_another_root(index, place, tmp_path):
    when = now() - HOUR
    write_journal(place / "a.journal", [crash_entry(1, when=when)])
    write_journal(place / "b.journal", [crash_entry(2, when=when + 1)])
    assert catch_up(index, place / "b.journal").added == [2]
    root = tmp_path / "root"
    folder = root / "var/log/journal" / MACHINE
    folder.mkdir(parents=True)
    write_journal(folder / "system.journal", [crash_entry(3, when=when + 2)])
    write_journal(place / "c.journal", [crash_entry(4, when=when + 3)])
    assert catch_up(tmp_path / "root.db", root).added == [3]
    assert catch_up(tmp_path / "files.db", place / "[ab].journal").added == [1, 2]


def test_a_plain_user_reads_what_is_readable(place, tmp_path, processes):
    when = now() - HOUR
    write_journal(place / "system.journal", [crash_entry(1, when=when, uid=0)])
    write_journal(place / "user-1000.journal", [crash_entry(2, when=when + 1)])
    place.chmod(0o755)
    (place / "system.journal").chmod(0o600)
    (place / "user-1000.journal").chmod(0o644)
    done = subprocess.run([*as_user(1000), CATCH_UP, tmp_path / "own.db", place], capture_output=True, text=True, timeout=60)
    assert Caught(done.stdout).added == [2], done.stderr


def test_an_entry_and_its_core_are_read_again(index, place, tmp_path):
    core = os.urandom(300_000)
    write_journal(place / "a.journal", [crash_entry(1, when=now() - HOUR, COREDUMP=core, COREDUMP_FILENAME=None,
                                                    SOMETHING_NEW="kept")])
    catch_up(index, place)
    cursor, identity = rows(index, "cursor, hash")[0]
    done = subprocess.run([ENTRY, place, cursor, tmp_path / "core"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    crash = json.loads(done.stdout)
    assert (crash["hash"], crash["pid"], crash["coreInJournal"]) == (identity, 1, True)
    assert (tmp_path / "core").read_bytes() == core
    gone = subprocess.run([ENTRY, place, cursor.replace("i=", "i=f"), tmp_path / "core"], capture_output=True, text=True, timeout=60)
    assert gone.returncode == 1 and "No such file" in gone.stderr


# ---- following -------------------------------------------------------------------------------------

def test_late_and_live(follow, place):
    write_journal(place / "a.journal", [crash_entry(i, when=now() - HOUR + i) for i in range(1, 4)])
    follower = follow(place)
    follower.wait("caught-up", "3")
    assert {tuple(line[3:]) for line in follower.said("arrived")} == {("late", "told", "genuine", "new")}
    append(place / "a.journal", [crash_entry(10), traceback_entry(11)])
    follower.wait_for_pids(10, 11)
    assert [line[3:] for line in follower.said("arrived")][3:] == [
        ["live", "untold", "genuine", "new"], ["live", "untold", "unverified", "new"]]
    assert follower.errors == []


def test_rotation_under_the_follower(follow, place, index):
    follower = follow(place)
    follower.wait("mode", "following")
    wanted = []
    for i in range(1, 21):
        append(place / "a.journal", [crash_entry(i)])
        wanted.append(i)
        if i % 4 == 0:  # rotated
            (place / "a.journal").rename(place / f"a@{i}.journal")
        if i % 8 == 0:  # vacuumed
            follower.wait_for_pids(*wanted)
            (place / f"a@{i}.journal").unlink()
        if i % 10 == 0:  # everything is gone, and begins anew
            follower.wait_for_pids(*wanted)
            for file in place.iterdir():
                file.unlink()
    append(place / "a.journal", [crash_entry(21)])
    wanted.append(21)
    follower.wait_for_pids(*wanted)
    assert follower.arrived() == wanted
    assert sorted(pids(index)) == wanted
    wait_for("deleted journals to be let go", lambda: not follower.deleted_files())


def test_a_journal_that_comes_later(follow, tmp_path):
    place = tmp_path / "later"
    follower = follow(place)
    follower.wait("mode", "no-journal")
    wait_for("a warning", lambda: follower.errors)
    assert len(follower.errors) == 1 and "there is no journal" in follower.errors[0]
    place.mkdir()
    append(place / "a.journal", [crash_entry(1)])
    follower.write("r\n")
    follower.wait("mode", "following")
    follower.wait_for_pids(1)
    append(place / "a.journal", [crash_entry(2)])
    follower.wait_for_pids(2)


def in_namespace(setting):
    return ["unshare", "--user", "--map-root-user", "sh", "-c", f"echo 0 >/proc/sys/user/{setting} && exec \"$@\"", "sh"]


@pytest.mark.parametrize("setting, mode", [("max_inotify_instances", "no-inotify-instance"),
                                           ("max_inotify_watches", "no-inotify-watch")])
def test_without_inotify_it_polls_and_says_so(follow, place, setting, mode):
    append(place / "a.journal", [crash_entry(1, when=now() - HOUR)])
    follower = follow(place, in_namespace(setting))
    follower.wait("mode", mode)
    follower.wait("caught-up", "1")
    append(place / "a.journal", [crash_entry(2)])
    follower.wait_for_pids(2, deadline=6)  # one poll
    append(place / "b.journal", [crash_entry(3)])
    follower.wait_for_pids(3, deadline=6)
    assert len(follower.errors) == 1 and "every 3 s" in follower.errors[0], follower.errors
    subprocess.run(["nsenter", "-t", str(follower.child.pid), "-U", "--preserve-credentials", "sh", "-c",
                    f"echo 100 >/proc/sys/user/{setting}"], check=True)
    follower.wait("mode", "following")
    append(place / "a.journal", [crash_entry(4)])
    follower.wait_for_pids(4)
    assert follower.arrived() == [1, 2, 3, 4]
    assert len(follower.errors) == 2 and "following the journal again" in follower.errors[1]


def test_without_descriptors_it_polls_and_says_so(follow, place):
    for i in range(1, 31):
        append(place / f"{i}.journal", [crash_entry(i, when=now() - HOUR + i)])
    follower = follow(place, ["prlimit", "--nofile=24:1024"])
    follower.wait("mode", "no-file-descriptor")
    subprocess.run(["prlimit", f"--pid={follower.child.pid}", "--nofile=1024:1024"], check=True)
    follower.wait("mode", "following")
    follower.wait("caught-up")
    assert sorted(follower.arrived()) == list(range(1, 31))


def test_a_full_disk_delays_and_loses_nothing(follow, place, index):
    index.parent.mkdir()
    write_journal(place / "a.journal", [crash_entry(i, when=now() - HOUR + i) for i in range(1, 2001)])
    follower = follow(place, ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                              f"mount -t tmpfs -o size=600k none '{index.parent}' && exec \"$@\"", "sh"])
    follower.wait("error", "index", "28")
    inside = ["nsenter", "-t", str(follower.child.pid), "-U", "-m", "--preserve-credentials"]
    subprocess.run([*inside, "mount", "-o", "remount,size=64m", str(index.parent)], check=True)
    follower.wait("caught-up")
    follower.wait("error", "index", "0")
    assert sorted(follower.arrived()) == list(range(1, 2001))
    count = subprocess.run([*inside, "python3", "-c", "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("
                            "'SELECT count(*), count(DISTINCT hash) FROM crashes').fetchone())", str(index)],
                           capture_output=True, text=True, check=True)
    assert count.stdout.strip() == "(2000, 2000)"
    assert len(follower.errors) == 2, follower.errors


def test_a_busy_index_holds_up_nobody(follow, place, index):
    follower = follow(place)
    follower.wait("caught-up")
    with sqlite3.connect(index, isolation_level=None) as db:
        db.execute("BEGIN IMMEDIATE")
        follower.held_up()
        append(place / "a.journal", [crash_entry(1)])
        follower.wait("error", "index", "16")  # only said when it lasts
        assert follower.held_up()[0] < 2000  # others wait up to 5 s
        db.execute("ROLLBACK")
    follower.wait_for_pids(1)
    assert len(follower.errors) == 2, follower.errors


def test_a_flood_is_indexed_whole(follow, place, index):
    append(place / "a.journal", [crash_entry(1)])
    follower = follow(place, FORGETFUL)
    follower.wait_for_pids(1)
    append(place / "a.journal", [crash_entry(2 + i, MESSAGE="m" * 20_000) for i in range(500)])
    follower.wait_for_pids(501)
    before = follower.memory()
    follower.held_up()
    for batch in range(20):
        append(place / "a.journal", [crash_entry(1000 + 500 * batch + i, MESSAGE="m" * 20_000) for i in range(500)])
    follower.wait_for_pids(10999, deadline=60)
    wait_for("all", lambda: len(follower.arrived()) == 10501)
    assert len(pids(index)) == 10501
    grown = follower.memory() - before
    assert grown < 4 * 1024, grown  # of 200 MB that went through
    wall, work = follower.held_up()
    assert work < 100 and wall < 1000, (wall, work)  # the clock also counts whoever else is busy here


def test_other_peoples_log_lines_do_not_keep_it_busy(follow, place):
    follower = follow(place)
    follower.wait("caught-up")
    def ticks():
        return sum(map(int, Path(f"/proc/{follower.child.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))
    before = ticks()
    append(place / "a.journal", [other_entry(f"line {i}") for i in range(20_000)])
    append(place / "a.journal", [crash_entry(1)])
    follower.wait_for_pids(1)
    assert ticks() - before < 50  # of 10 ms

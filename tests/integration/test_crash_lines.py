# SPDX-License-Identifier: GPL-2.0-or-later
"""The last lines of a crashed process, out of real journals."""
import json
import subprocess

from conftest import BUILD
from journals import COREDUMP, crash_entry, now, other_entry, traceback_entry, write_journal

SECOND = 1_000_000
OTHER_BOOT = "b007b007b007b007b007b007b007b002"


def lines(tmp_path, entries):
    (tmp_path / "journal").mkdir()
    entries.sort(key=lambda entry: dict(entry)["__REALTIME_TIMESTAMP"])
    write_journal(tmp_path / "journal/system.journal", entries)
    done = subprocess.run([BUILD / "tests/tools/crash-lines", tmp_path / "journal"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found, = [json.loads(line) for line in done.stdout.splitlines()]
    return found


def line(message, when, pid=4711, **fields):
    return other_entry(message, when, _PID=pid, **fields)


def test_lines_of_the_process_in_the_seconds_before(tmp_path):
    when = now() // SECOND * SECOND - 60 * SECOND
    got = lines(tmp_path, [
        line("too early", when - 9 * SECOND),
        line("first", when - 7 * SECOND, PRIORITY=4),
        line("another process", when - 6 * SECOND, pid=4712),
        line("another boot", when - 5 * SECOND, _BOOT_ID=OTHER_BOOT),
        line("no priority", when - 4 * SECOND, PRIORITY=None),
        line("odd priority", when - 3 * SECOND, PRIORITY="info"),
        line("in the same second", when + SECOND // 2, PRIORITY=3),
        line("the pid again", when + 2 * SECOND),
        crash_entry(4711, when=when, logged=when + 3 * SECOND),
    ])
    assert got == [
        {"time": when - 7 * SECOND, "priority": 4, "message": "first"},
        {"time": when - 4 * SECOND, "message": "no priority"},
        {"time": when - 3 * SECOND, "message": "odd priority"},
        {"time": when + SECOND // 2, "priority": 3, "message": "in the same second"},
    ]


def test_the_last_thirty_and_each_with_a_bound(tmp_path):
    when = now() - 60 * SECOND
    got = lines(tmp_path, [line(f"line {i}", when - SECOND + i) for i in range(50)] +
                [line(b"\xc3\xa4" * 600, when - 2), line(b"bad \xff\n\x1b[31mbytes", when - 1),
                 crash_entry(4711, when=when)])
    assert len(got) == 30
    assert [entry["message"] for entry in got[:28]] == [f"line {i}" for i in range(22, 50)]
    assert got[28]["message"] == "ä" * 256
    assert got[29]["message"] == "bad \ufffd\n\x1b[31mbytes"


def test_what_is_about_crashes_is_left_out(tmp_path):
    when = now() - 60 * SECOND
    got = lines(tmp_path, [line("mine", when - 2), line("said so", when - 1, MESSAGE_ID=COREDUMP),
                           line("", when - 1), line(b"", when - 1, MESSAGE=None),
                           traceback_entry(4711, when=when)])
    assert [entry["message"] for entry in got] == ["mine"]


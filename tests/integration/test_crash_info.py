# SPDX-License-Identifier: GPL-2.0-or-later
"""vigil crash info: one page on a crash that was looked into, of real programs and their cores."""
import json
import re
import shutil
import sqlite3
import time
from pathlib import Path

import jsonschema
import pytest

from conftest import ROOT
from cores import crash_program, run_to_crash
from journals import crash_entry, now, write_journal
from test_crash_cli import asked, crash
from test_crash_debug import index_path


@pytest.fixture
def program(tmp_path):
    folder = tmp_path / "program"
    folder.mkdir()
    return Path(shutil.copy(crash_program(), folder / "crash"))


def crashed(tmp_path, program, *args, name="core.crashed"):
    core = run_to_crash(tmp_path, program, *args, "segv").rename(tmp_path / name)
    return asked("crash-import", "import", str(core))["crashes"][0]["id"], core


def page(*args):
    """What stands behind each key; the lines that go on below it are kept."""
    done = crash("info", *args)
    assert done.returncode == 0, done
    keys, at = {}, None
    for line in done.stdout.splitlines():
        m = re.match(r"^ *([A-Z][A-Za-z ]*): (.*)$", line)
        if m and line.index(":") == 15:
            at = m[1]
            keys[at] = [m[2]]
        elif at and line.startswith(" " * 17):
            keys[at].append(line[17:])
    return keys


def log_lines(lines):
    with sqlite3.connect(index_path()) as index:
        index.execute("UPDATE traces SET log = ?", (json.dumps(lines),))


def test_what_was_understood_is_on_the_page(tmp_path, program):
    id_, core = crashed(tmp_path, program)
    before = page(id_)
    assert "Backtrace" not in before and "Rating" not in before
    assert f"vigil crash bt {id_}  make a backtrace of the core" in before["Next"]
    assert crash("bt", id_).returncode == 0
    log_lines([{"time": now() - 10 + i, "priority": 3 if i == 9 else 6, "message": f"word {i}\x1b[2J"} for i in range(10)])
    keys = page(id_)
    assert keys["In Words"][0].startswith("crash was closed") and "null pointer" in keys["Fault"][0]
    assert re.match(r" *#0 +crash_segv", keys["Backtrace"][0]) and any("crash_inner" in line and "crash.c:" in line for line in keys["Backtrace"])
    assert 3 <= len(keys["Backtrace"]) <= 20 and "crash_segv" in keys["Signature"][0]
    assert len(keys["Last Words"]) == 8 and keys["Last Words"][-1].endswith(" word 9\\x1b[2J") and "word 2" in keys["Last Words"][0]
    assert keys["Next"] == [f"vigil crash bt {id_}  the whole backtrace", f"vigil crash debug {id_}  a debugger on the core",
                            f"vigil crash report {id_}  a text for a bug report"]
    core.unlink()  # what was understood stays
    keys = page(id_)
    assert "crash_segv" in keys["Backtrace"][0] and keys["Storage"][0].endswith("(missing)")
    assert not any("crash debug" in line for line in keys["Next"]) and f"vigil crash bt {id_}  the whole backtrace" in keys["Next"]


def test_all_of_it_is_in_the_json(tmp_path, program):
    id_, _ = crashed(tmp_path, program)
    got = asked("crash-info", "info", id_)["crashes"][0]
    assert "trace" not in got and got["group"]["count"] == 1
    assert crash("bt", id_).returncode == 0
    log_lines([{"time": 1, "priority": 6, "message": "a line"}])
    got = asked("crash-info", "info", id_)["crashes"][0]
    trace_schema = json.loads((ROOT / "man/schema/trace.schema.json").read_text())
    jsonschema.validate(got["trace"], trace_schema)
    crashed_thread = got["trace"]["threads"][0]
    assert crashed_thread["crashed"] and crashed_thread["frames"][0]["function"] == "crash_segv"
    assert got["rating"] in ("may-help", "probably-useful", "useful") and "null pointer" in got["fault"]
    assert got["logLines"] == [{"time": 1, "priority": 6, "message": "a line"}]
    assert abs(got["analyzed"] / 1e6 - time.time()) < 300 and isinstance(got["complete"], bool)


def test_why_there_is_no_trace(tmp_path, program):
    id_, _ = crashed(tmp_path, program)
    with sqlite3.connect(index_path()) as index:
        index.execute("INSERT INTO traces (crash, error) SELECT id, ? FROM crashes", ("it took too long\x1b[2J",))
    assert page(id_)["Backtrace"] == ["it took too long\\x1b[2J"]
    assert asked("crash-info", "info", id_)["crashes"][0]["traceError"] == "it took too long\x1b[2J"


def test_the_group_and_those_like_it(tmp_path, program):
    ids = [crashed(tmp_path, program, name=f"core.{i}")[0] for i in range(3)]
    assert crash("note", ids[0], "known upstream").returncode == 0
    for id_ in ids:
        assert crash("bt", id_).returncode == 0
    with sqlite3.connect(index_path()) as index:
        index.execute("UPDATE crashes SET version = '2.0' WHERE hash LIKE ?", (ids[2] + "%",))
    keys = page(ids[1])
    assert keys["Group"][0].startswith("3 crashes like this, first ") and keys["Own Note"] == ["known upstream"] and keys["Versions"] == ["2.0"]
    assert keys["Next"][-1] == f"vigil crash info --similar {ids[1]}  the others like this"
    group = asked("crash-info", "info", ids[1])["crashes"][0]["group"]
    assert (group["count"], group["note"], group["versions"]) == (3, "known upstream", ["2.0"])
    header, *rows = crash("info", "--similar", ids[1]).stdout.splitlines()
    assert header.split() == ["ID", "TIME", "PID", "VERSION", "COREFILE"] and [row.split()[0] for row in rows] == [ids[0], ids[2]]
    assert [c["id"] for c in asked("crash-info", "info", "--similar", ids[1])["crashes"]] == [ids[0], ids[2]]
    assert crash("mute", ids[0]).returncode == 0
    assert "muted: nobody is told of them" in page(ids[2])["Group"]
    for args in (["--similar", ids[0], ids[1]], ["--similar", ids[0], "-n", "2"]):
        assert crash("info", *args).returncode == 2
    other = crashed(tmp_path, program, "thread", name="core.other")[0]
    with sqlite3.connect(index_path()) as index:
        index.execute("UPDATE crashes SET signature = '00000000000000aa' WHERE hash LIKE ?", (other + "%",))
    assert crash("info", "--similar", other).stdout.splitlines()[-1:] == [f"No other crash is like {other}."]


def test_systemds_trace_gives_way_to_ours(tmp_path, program):
    core = run_to_crash(tmp_path, program, "segv").rename(tmp_path / "core.crashed")
    write_journal(tmp_path / "system.journal", [crash_entry(7, str(program), now(), COREDUMP_FILENAME=str(core))])
    where = ["-D", str(tmp_path)]
    assert any("raise (libc" in line for line in page("7", *where)["Message"])
    assert crash("bt", "7", "--refresh", *where).returncode == 0
    keys = page("7", *where)
    assert keys["Message"] == ["Process 7 (crash) of user 1000 dumped core."] and "crash_segv" in keys["Backtrace"][0]
    assert "raise (libc" in asked("crash-info", "info", "7", *where)["crashes"][0]["message"]

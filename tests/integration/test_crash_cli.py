# SPDX-License-Identifier: GPL-2.0-or-later
"""vigil crash and vigil events, on real journals and real core files."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import jsonschema
import pytest

from conftest import BUILD, ROOT, as_user, vigil, wait_for
from cores import write_core
from crashes import CrashDaemon
from journals import BOOT, MACHINE, append, crash_entry, now, traceback_entry, without, write_journal
from test_cli import in_terminal
from test_helper import Helper

MINUTE = 60_000_000
OTHER_MACHINE = "99887766554433221100ffeeddccbbaa"
VIGIL = str(BUILD / "vigil")
USER = 4242


def schema(name):
    found = json.loads((ROOT / f"man/schema/{name}.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(found)
    return found


def crash(*args, **kw):
    kw["env"] = {"TZ": "UTC", "LC_ALL": "C.UTF-8", **kw.get("env", {})}
    return vigil("crash", *args, **kw)


def asked(name, *args, status=0, **kw):
    """The JSON of a verb, held against its schema."""
    done = crash(*args, "--json", **kw)
    assert done.returncode == status, done
    data = json.loads(done.stdout)
    jsonschema.validate(data, schema(name))
    return data


@pytest.fixture
def place(tmp_path):
    path = tmp_path / "journals"
    path.mkdir(mode=0o755)
    for parent in list(tmp_path.parents)[:2]:
        os.chmod(parent, 0o755)
    os.chmod(tmp_path, 0o755)
    return path


def readable(path):
    """systemd-journal-remote makes its files 0640."""
    for journal in path.rglob("*.journal"):
        journal.chmod(0o644)


@pytest.fixture
def start():
    return now() // MINUTE * MINUTE - 120 * MINUTE


def ten_crashes(place, start):
    """Ten crashes a minute apart: gimp (SIGSEGV) and kate (SIGABRT) in turn, and one of a service."""
    entries = [crash_entry(100 + i, "/usr/bin/gimp" if i % 2 else "/usr/bin/kate", start + i * MINUTE, signal=11 if i % 2 else 6)
               for i in range(9)]
    entries.append(crash_entry(109, "/usr/lib/very-long-program-name", start + 9 * MINUTE, uid=0, COREDUMP_UNIT="dbus.service"))
    write_journal(place / "system.journal", entries)
    return ["-D", str(place)]


def rows(done):
    assert done.returncode == 0, done.stderr
    return [re.split(r"\s\s+", line) for line in done.stdout.splitlines()]


def hms(usec, form="%Y-%m-%d %H:%M:%S"):
    return datetime.fromtimestamp(usec // 1_000_000, timezone.utc).strftime(form)


# ---- lists -----------------------------------------------------------------------------------


def test_piped_list_is_coredumpctls_with_ids(place, start):
    got = rows(crash("list", *ten_crashes(place, start)))
    assert got[0] == ["ID", "TIME", "PID", "UID", "SIG", "COREFILE", "EXE", "SIZE"]
    assert [r[1] for r in got[1:]] == [hms(start + i * MINUTE) for i in range(10)]
    assert got[2][2:6] == ["101", "1000", "SIGSEGV", "missing"] and got[2][6] == "/usr/bin/gimp"
    assert len({r[0] for r in got[1:]}) == 10 and all(re.fullmatch("[0-9a-f]{12}", r[0]) for r in got[1:])
    assert rows(crash("list", "-D", str(place), "--no-legend")) == got[1:]


@pytest.mark.parametrize("args, pids", [
    ([], range(100, 110)),
    (["gimp"], [101, 103, 105, 107]),
    (["/usr/bin/kate"], [100, 102, 104, 106, 108]),
    (["gimp", "kate"], range(100, 109)),
    (["g*"], [101, 103, 105, 107]),
    (["/usr/*/k*"], [100, 102, 104, 106, 108]),
    (["very-long-program-name"], [109]),
    (["104"], [104]),
    (["104", "105"], [104, 105]),
    (["gimp", "COREDUMP_SIGNAL_NAME=SIGSEGV", "105"], [105]),
    (["signal=ABRT", "-n", "2"], [106, 108]),
    (["COREDUMP_UNIT=dbus.service"], [109]),
    (["uid=0"], [109]),
    (["-1"], [109]),
    (["-n", "3"], [107, 108, 109]),
    (["-n", "3", "-r"], [109, 108, 107]),
    (["-r", "kate"], [108, 106, 104, 102, 100]),
    (["--present", "gimp"], []),
], ids=str)
def test_filters(place, start, args, pids):
    data = asked("crash-list", "list", *ten_crashes(place, start), *args)
    assert [c["pid"] for c in data["crashes"]] == list(pids)


def test_times(place, start):
    where = ten_crashes(place, start)
    since = hms(start + 3 * MINUTE)
    until = hms(start + 5 * MINUTE, "%Y-%m-%dT%H:%M:%SZ")
    data = asked("crash-list", "list", *where, "--since", since, "--until", until)
    assert [c["pid"] for c in data["crashes"]] == [103, 104, 105]
    assert asked("crash-list", "list", *where, "-S", "-1min")["crashes"] == []
    assert len(asked("crash-list", "list", *where, "-S", "-1d", "-U", "now")["crashes"]) == 10
    assert len(asked("crash-list", "list", *where, "-S", f"@{(start + 9 * MINUTE) // 1000000}")["crashes"]) == 1


@pytest.mark.parametrize("columns", [80, 64, 120])
def test_the_list_fits_the_terminal(place, start, columns):
    where = ten_crashes(place, start)
    env = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8", TERM="xterm", PAGER="cat", NO_COLOR="1")
    out = in_terminal([VIGIL, "crash", "list", *where], columns, env).replace("\r", "").splitlines()
    assert len(out) == 11
    assert max(len(line) for line in out) <= columns
    if columns == 80:
        ids = [r[0] for r in rows(crash("list", *where, "--no-legend"))]
        assert out[2] == f"{ids[1][:8]}  {hms(start + MINUTE, '%Y-%m-%d %H:%M')}  101  1000  SIGSEGV  missing   /usr/bin/gimp"
        assert re.search(r"missing   …[a-z-]*-program-name$", out[10])


def test_colours_tell_the_state(place, start, tmp_path):
    core = tmp_path / "core.gimp"
    write_core(core)
    write_journal(place / "system.journal", [crash_entry(1, when=start, COREDUMP_FILENAME=str(core)),
                                             crash_entry(2, when=start + 1, COREDUMP_FILENAME=str(core) + ".gone")])
    out = crash("list", "-D", str(place), "--color=always").stdout
    assert "\033[32mpresent\033[0m" in out and "\033[2mmissing\033[0m" in out
    assert "\033" not in crash("list", "-D", str(place)).stdout


def test_many_machines(place, start):
    entries = [crash_entry(1, when=start), crash_entry(2, when=start + 1, machine=OTHER_MACHINE, boot="c" * 32)]
    write_journal(place / "a.journal", entries[:1])
    assert rows(crash("list", "-D", str(place)))[0][-1] == "SIZE"  # one host: no column of it
    write_journal(place / "b.journal", entries[1:])
    got = rows(crash("list", "-D", str(place)))
    assert got[0][-1] == "HOST" and [r[-1] for r in got[1:]] == ["host-4d5e", "host-9988"]
    for match in ("_HOSTNAME=host-9988", "hostname=host-9*", f"_MACHINE_ID={OTHER_MACHINE}"):
        assert [c["pid"] for c in asked("crash-list", "list", "-D", str(place), match)["crashes"]] == [2]
    assert [c["pid"] for c in asked("crash-list", "list", "--file", str(place / "b*"))["crashes"]] == [2]
    assert len(asked("crash-list", "list", "--file", str(place / "a.journal"), "--file", str(place / "b.journal"))["crashes"]) == 2


def test_rows_outlive_the_journal(place, start):
    where = ten_crashes(place, start)
    assert len(asked("crash-list", "list", *where)["crashes"]) == 10
    write_journal(place / "system.journal", [crash_entry(500, when=now())])
    assert len(asked("crash-list", "list", *where)["crashes"]) == 11


def test_values_of_a_field(place, start):
    where = ten_crashes(place, start)
    done = crash("list", *where, "-F", "COREDUMP_EXE")
    assert done.stdout.splitlines() == ["/usr/bin/kate", "/usr/bin/gimp", "/usr/lib/very-long-program-name"]
    assert asked("crash-values", "list", *where, "-F", "COREDUMP_SIGNAL_NAME")["values"] == ["SIGABRT", "SIGSEGV"]
    assert asked("crash-values", "list", *where, "-F", "COREDUMP_OWNER_UID")["values"] == ["1000", "0"]
    assert asked("crash-values", "list", *where, "-F", "NOT_THERE")["values"] == []


def test_groups(place, start):
    where = ten_crashes(place, start)
    data = asked("crash-groups", "groups", *where)["groups"]
    assert [(g["program"], g["count"]) for g in data] == [("kate", 5), ("gimp", 4), ("very-long-program-name", 1)]
    assert (data[1]["first"], data[1]["last"]) == (start + MINUTE, start + 7 * MINUTE)
    assert [g["count"] for g in asked("crash-groups", "groups", *where, "-r")["groups"]] == [1, 4, 5]
    assert [g["count"] for g in asked("crash-groups", "groups", *where, "-n", "1")["groups"]] == [5]
    newest = asked("crash-info", "info", *where, data[1]["newest"])["crashes"][0]
    assert newest["pid"] == 107
    listed = asked("crash-list", "list", *where, f"signature={data[1]['signature']}")["crashes"]
    assert [c["pid"] for c in listed] == [101, 103, 105, 107]


def test_groups_and_info_on_a_narrow_terminal(place, start):
    """Programs keep their names, and our own sentences go on below themselves."""
    write_journal(place / "system.journal", [crash_entry(i, "/usr/bin/tracker-miner-fs", start + i, unit="user@1000.service") for i in range(1, 4)])
    env = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8", TERM="xterm", PAGER="cat", NO_COLOR="1")

    def shown(*args, columns=80):
        return in_terminal([VIGIL, "crash", *args, "-D", str(place)], columns, env).replace("\r", "").splitlines()

    title, row = shown("groups")
    assert "FIRST" not in title and " tracker-miner-fs  main" in row and len(row) <= 80
    assert "FIRST" in shown("groups", columns=120)[0]
    lines = shown("info", "2", columns=60)
    at = next(i for i, line in enumerate(lines) if line.startswith("         Reason: "))
    assert lines[at:at + 3] == ["         Reason: it was deleted since, by age or because", " " * 17 + "cores took too much space",
                                next(line for line in lines if "Signature: " in line)]
    assert " " * 17 + "any program of that user may have written" in lines
    assert any(line.startswith("        Storage: /var/lib/systemd/coredump/core.tracker-miner-f.1000.") and len(line) > 60 for line in lines)


def test_a_window_stays_until_enter(place, start):
    """As the Details button opens it: what fits the screen would be gone with the terminal's window."""
    where = ten_crashes(place, start)
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    child = subprocess.Popen([VIGIL, "--wait", "crash", "list", *where, "-n", "2"], stdin=side, stdout=side, stderr=side,
                             env=dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm"))
    os.close(side)
    out = b""
    while b"Enter closes this." not in out:
        out += os.read(main, 4096)
    assert out.count(b"SIG") == 3 and child.poll() is None
    os.write(main, b"\n")
    assert child.wait(10) == 0
    os.close(main)
    assert crash("list", *where, "--wait").returncode == 0  # without a terminal nobody is waited for


# ---- hostile text ----------------------------------------------------------------------------

EVIL = "/tmp/\033[31mred\n\033]0;title\007\u202egnp.exe\u2066\x7f\x9b%s%n `<b>*x*</b>`"


def evil_crash(place, start):
    evil = EVIL.encode("utf-8", "surrogateescape") + b"\xff\xfe"
    entry = crash_entry(66, "/x", start, COREDUMP_EXE=evil, COREDUMP_COMM=b"\033[2Jevil\n", COREDUMP_CMDLINE=evil, MESSAGE=evil + b"\n\nStack trace of thread 1:\n#0 0x1 \033[31mf (x + 0x1)\n```\n",
                        COREDUMP_HOSTNAME=evil, COREDUMP_FILENAME=b"/nowhere/" + evil, SOMETHING=evil)
    write_journal(place / "system.journal", [entry, crash_entry(67, when=start + 1)])
    return ["-D", str(place)]


@pytest.mark.parametrize("args", [["list"], ["info", "66"], ["groups"], ["report", "66"], ["list", "-F", "COREDUMP_EXE"], ["dump", "66", "-o", "/dev/null"],
                                  ["delete", "66", "--yes"], ["list", "no\033such"]], ids=str)
def test_hostile_text_reaches_no_terminal(place, start, args):
    where = evil_crash(place, start)
    env = dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm", PAGER="cat", NO_COLOR="1")
    done = crash(*args, *where)
    for text in (done.stdout, done.stderr, in_terminal([VIGIL, "crash", *args, *where], 80, env).replace("\r", "")):
        bad = [c for c in text if (c < " " and c not in "\n") or "\x7f" <= c < "\xa0" or "\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069"]
        assert not bad, (bad, text)


def test_hostile_text_in_json(place, start):
    where = evil_crash(place, start)
    for verb, name in (("list", "crash-list"), ("info", "crash-info")):
        got = asked(name, verb, *where, *(["66"] if verb == "info" else []))["crashes"][0]
        assert got["exe"].startswith("/tmp/\033[31mred\n")
    assert asked("crash-info", "info", *where, "66")["crashes"][0]["fields"]["SOMETHING"].startswith("/tmp/")


def test_secrets_are_not_kept(place, start, tmp_path):
    where = ten_crashes(place, start)
    crash("list", *where)
    assert "hunter2" not in crash("info", *where, "gimp").stdout + json.dumps(asked("crash-info", "info", *where, "gimp"))
    for path in tmp_path.rglob("*.db*"):
        assert b"hunter2" not in path.read_bytes()


# ---- one crash -------------------------------------------------------------------------------


def test_info_reads_as_coredumpctls(place, start):
    where = ten_crashes(place, start)
    done = crash("info", *where, "gimp")
    lines = done.stdout.splitlines()
    keys = {}
    for line in lines:
        m = re.match(r"^ *([A-Z][A-Za-z ]*): (.*)$", line)
        if m and line.index(":") == 15:
            keys.setdefault(m[1], m[2])
    assert keys["PID"] == "107 (gimp)" and keys["Signal"] == "11 (SEGV)" and keys["Executable"] == "/usr/bin/gimp"
    assert keys["Timestamp"].startswith(datetime.fromtimestamp((start + 7 * MINUTE) / 1e6, timezone.utc).strftime("%a %Y-%m-%d %H:%M:%S UTC"))
    assert keys["Storage"].endswith("(missing)") and "deleted since" in keys["Reason"]
    assert keys["Group"].startswith("4 crashes like this, first ") and keys["In Words"].startswith("gimp ")
    assert keys["Message"] == "Process 107 (gimp) of user 1000 dumped core."
    assert "                 #0  0x00007f1122334455 raise (libc.so.6 + 0x3bebc)" in lines
    assert crash("info", *where).stdout.splitlines()[2] == "            PID: 109 (very-long-progr)"


def test_info_of_many(place, start):
    where = ten_crashes(place, start)
    assert [c["pid"] for c in asked("crash-info", "info", *where, "100", "103")["crashes"]] == [100, 103]
    assert [c["pid"] for c in asked("crash-info", "info", *where, "-n", "2", "gimp")["crashes"]] == [105, 107]
    assert asked("crash-info", "info", *where, "COREDUMP_UNIT=dbus.service")["crashes"][0]["pid"] == 109


def test_a_pid_that_came_twice_is_ambiguous(place, start):
    write_journal(place / "system.journal", [crash_entry(7, when=start), crash_entry(7, "/usr/bin/kate", start + MINUTE)])
    done = crash("info", "-D", str(place), "7")
    assert done.returncode == 1
    first, *several = done.stderr.splitlines()
    assert "may be one of 2 crashes" in first
    assert [line.split()[4] for line in several] == ["kate", "gimp"]
    for line in several:
        assert asked("crash-info", "info", "-D", str(place), line.split()[0])["crashes"][0]["program"] == line.split()[4]


def test_unverified_and_tracebacks(place, start):
    forged = crash_entry(1, when=start, unit="user@1000.service")
    write_journal(place / "system.journal", [forged, traceback_entry(2, when=start + 1), without(crash_entry(3, when=start + 2), "COREDUMP_EXE", "COREDUMP_CMDLINE")])
    done = crash("list", "-D", str(place))
    assert rows(done)[1][-1] == "unverified" and "1 entry is unverified" not in rows(done)[0]
    data = asked("crash-list", "list", "-D", str(place))["crashes"]
    assert [(c["kind"], c["verified"], c["core"]["state"]) for c in data] == [
        ("coredump", False, "missing"), ("traceback", False, "none"), ("coredump", True, "missing")]
    assert rows(done)[3][6] == "gimp"  # no path: its name


def test_report_is_ready_to_be_pasted(place, start):
    message = "Process 5 (gimp) of user 1000 dumped core.\n\nStack trace of thread 5:\n```\n#1 /home/alice/x.so\n" + \
        "".join(f"#{i}  0x0000{i:012x} f{i} (libx.so + 0x{i:x})\n" for i in range(5000))
    write_journal(place / "system.journal", [crash_entry(5, "/home/alice/bin/gimp", start, MESSAGE=message, COREDUMP_CMDLINE="/home/alice/bin/gimp /home/alice/secret.xcf")])
    text = asked("crash-report", "report", "-D", str(place), "5")["markdown"]
    assert text == crash("report", "-D", str(place), "5").stdout
    assert 10_000 < len(text.encode()) <= 60_000
    assert text.startswith("## gimp was closed after an invalid memory access\n") and "SIGSEGV (11)" in text
    assert "alice" not in text and "`~/bin/gimp ~/secret.xcf`" in text
    assert "<details>" in text and text.rstrip().endswith("</details>")
    assert "hunter2" not in text and "host-4d5e" not in text
    fences = [line for line in text.splitlines() if set(line) == {"`"}]
    assert fences == ["````", "```", "````"]  # longer than the one inside


# ---- cores -----------------------------------------------------------------------------------


@pytest.fixture
def cores(place, start, tmp_path):
    """Crashes whose cores are: plain, zstd, gone, no core at all, never stored."""
    plain = write_core(tmp_path / "core.plain", pid=1)
    packed = write_core(tmp_path / "core.packed", pid=2, compress="zstd")
    (tmp_path / "core.text").write_text("not a core")
    names = ["core.plain", "core.packed.zst", "core.gone", "core.text", None]
    write_journal(place / "system.journal", [crash_entry(i + 1, when=start + i, COREDUMP_FILENAME=name and str(tmp_path / name), COREDUMP_RLIMIT=0 if not name else None)
                                             for i, name in enumerate(names)])
    return {"where": ["-D", str(place)], "plain": plain, "packed": packed}


def test_states_of_cores(cores):
    got = {c["pid"]: c["core"]["state"] for c in asked("crash-list", "list", *cores["where"])["crashes"]}
    assert got[1] == got[2] == "present" and got[3] == "missing" and got[5] == "none"
    assert [c["pid"] for c in asked("crash-list", "list", *cores["where"], "--present", "-n", "2")["crashes"]][:1] in ([1], [2])
    assert "core limit was 0" in crash("info", *cores["where"], "5").stdout


@pytest.mark.parametrize("pid, which", [("1", "plain"), ("2", "packed")])
def test_dump_to_a_file(cores, tmp_path, pid, which):
    out = tmp_path / "out.core"
    data = asked("crash-dump", "dump", *cores["where"], pid, "-o", str(out))
    assert out.read_bytes() == cores[which] and data["bytes"] == len(cores[which])
    assert out.stat().st_mode & 0o777 == 0o600
    assert out.stat().st_blocks * 512 < 1 << 20  # 8 MiB long
    assert data["dataBytes"] < 1 << 20


@pytest.mark.parametrize("pid, which", [("1", "plain"), ("2", "packed")])
def test_dump_to_a_pipe_and_to_a_redirect(cores, tmp_path, pid, which):
    argv = [VIGIL, "crash", "dump", *cores["where"], pid]
    assert subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=60).stdout == cores[which]
    for mode in ("wb", "ab"):
        with open(tmp_path / mode, mode) as out:
            if mode == "ab":
                out.write(b"before")
                out.flush()
            subprocess.run(argv, stdout=out, check=True, timeout=60)
        assert (tmp_path / mode).read_bytes() == (b"before" if mode == "ab" else b"") + cores[which]
    reader = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    reader.stdout.close()  # it has had enough
    assert reader.wait(60) == 1 and reader.stderr.read() == b""
    reader.stderr.close()


def test_dump_refuses_a_terminal(cores):
    env = dict(os.environ, LC_ALL="C.UTF-8")
    out = in_terminal([VIGIL, "crash", "dump", *cores["where"], "1"], 80, env)
    assert "ELF" not in out and "-o FILE" in out


def test_dump_replaces_whole_or_not_at_all(cores, tmp_path):
    out, victim = tmp_path / "out", tmp_path / "victim"
    out.write_text("precious")
    for pid in ("3", "4", "5"):
        assert crash("dump", *cores["where"], pid, "-o", str(out)).returncode == 1
        assert out.read_text() == "precious"
    victim.write_text("precious")
    out.unlink()
    out.symlink_to(victim)
    assert crash("dump", *cores["where"], "1", "-o", str(out)).returncode == 0
    assert victim.read_text() == "precious" and not out.is_symlink() and out.read_bytes() == cores["plain"]
    assert sorted(p.name for p in tmp_path.iterdir() if "vigil" in p.name or p.name.startswith(".")) == []


def interrupted_dump(tmp_path, number):
    """A dump of a large core, ended in the middle by a signal. What is left in its folder."""
    folder = tmp_path / "target"
    folder.mkdir()
    child = subprocess.Popen([VIGIL, "crash", "dump", "-D", str(tmp_path / "journals"), "1", "-o", str(folder / "core")], stderr=subprocess.PIPE, text=True)

    def writing():
        assert child.poll() is None, "it was done too early"
        for fd in os.listdir(f"/proc/{child.pid}/fd"):
            try:
                if os.readlink(f"/proc/{child.pid}/fd/{fd}").startswith(str(folder) + "/") and os.stat(f"/proc/{child.pid}/fd/{fd}").st_size > 0:
                    return True
            except OSError:
                pass
        return False
    wait_for("the first bytes", writing)
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    return child.returncode, err, list(folder.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_dump_leaves_nothing(place, start, tmp_path, number):
    core = tmp_path / "core.big"
    write_core(core, pid=1)
    with open(core, "r+b") as file:  # incompressible, so that it takes its time
        for at in range(1 << 20, 200 << 20, 1 << 20):
            file.seek(at)
            file.write(os.urandom(1 << 20))
    write_journal(place / "system.journal", [crash_entry(1, when=start, COREDUMP_FILENAME=str(core))])
    status, err, left = interrupted_dump(tmp_path, number)
    assert left == []
    assert status == (-signal.SIGKILL if number == signal.SIGKILL else 1)
    if number != signal.SIGKILL:
        assert "Interrupted: nothing was kept" in err and err.count("\n") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a full disk takes root")
def test_a_full_disk(place, start, tmp_path):
    core = tmp_path / "core.random"
    write_core(core, pid=1, size=1 << 20)
    with open(core, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom((1 << 20) - 4096))
    write_journal(place / "system.journal", [crash_entry(1, when=start, COREDUMP_FILENAME=str(core))])
    script = f"""mount -t tmpfs -o size=300k none {tmp_path}/mnt || exit 99
        {VIGIL} crash dump -D {place} 1 -o {tmp_path}/mnt/core </dev/null; echo "status $?" >&2
        {VIGIL} crash dump -D {place} 1 -o {tmp_path}/mnt/core --yes </dev/null; echo "status $?" >&2
        ls -A {tmp_path}/mnt | wc -l"""
    (tmp_path / "mnt").mkdir()
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=60)
    refused, first, tried, second = done.stderr.splitlines()
    assert "1.0 MiB long, and only 300 KiB are free" in refused and first == "status 1"  # before anything is written
    assert "No space left" in tried and second == "status 1"
    assert done.stdout.strip() == "0"


def test_the_core_in_the_journal(place, start, tmp_path):
    data = write_core(tmp_path / "x", size=64 << 10)
    write_journal(place / "system.journal", [crash_entry(1, when=start, COREDUMP_FILENAME=None, COREDUMP=data)])
    assert asked("crash-list", "list", "-D", str(place))["crashes"][0]["core"]["state"] == "journal"
    assert crash("dump", "-D", str(place), "1", "-o", str(tmp_path / "out")).returncode == 0
    assert (tmp_path / "out").read_bytes() == data


@pytest.mark.skipif(os.geteuid() != 0, reason="a core that the reader may not read takes another owner")
def test_an_inaccessible_core_says_why(place, start, tmp_path):
    core = tmp_path / "core.root"
    write_core(core)
    core.chmod(0o600)
    write_journal(place / "system.journal", [crash_entry(1, when=start, uid=USER, COREDUMP_FILENAME=str(core), COREDUMP_DUMPABLE=2)])
    readable(place)
    env = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/no-bus"}
    got = asked("crash-list", "list", "-D", str(place), prefix=as_user(USER))["crashes"][0]["core"]
    assert got["state"] == "inaccessible" and "credentials" in got["why"]
    done = crash("dump", "-D", str(place), "1", "-o", str(tmp_path / "xdg_cache_home/out"), prefix=as_user(USER), env=env)
    assert done.returncode == 1 and "sudo vigil crash dump" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "xdg_cache_home/out").exists()


# ---- keeping and letting go ------------------------------------------------------------------


def test_import_forget_and_their_errors(tmp_path):
    core = tmp_path / "core.imported"
    write_core(core, pid=77, signal=6, comm="blender")
    got = asked("crash-import", "import", str(core))["crashes"][0]
    assert (got["program"], got["signalName"], got["pid"], got["core"]["state"], got["told"]) == ("blender", "SIGABRT", 77, "present", "told")
    assert asked("crash-import", "import", str(core))["crashes"][0]["id"] == got["id"]  # once is enough
    assert [c["id"] for c in asked("crash-list", "list")["crashes"]] == [got["id"]]
    (tmp_path / "text").write_text("no core")
    done = crash("import", str(tmp_path / "text"), str(tmp_path / "absent"), str(tmp_path), str(core))
    assert done.returncode == 1 and done.stdout.split()[:2] == [got["id"], "blender"]
    assert ["no core file" in done.stderr, "No such file" in done.stderr, "no regular file" in done.stderr] == [True] * 3
    assert asked("crash-forget", "forget", got["id"])["forgotten"] == [got["id"]]
    assert asked("crash-list", "list")["crashes"] == [] and core.exists()
    again = crash("import", str(core))
    assert again.returncode == 1 and "was forgotten" in again.stderr


def test_forgotten_crashes_stay_so(place, start):
    where = ten_crashes(place, start)
    crash("forget", *where, "103")
    append(place / "system.journal", [crash_entry(200, when=now())])
    assert 103 not in [c["pid"] for c in asked("crash-list", "list", *where)["crashes"]]


def test_pins_outlive_the_core(tmp_path):
    core = tmp_path / "core.pinned"
    data = write_core(core, pid=5)
    id_ = asked("crash-import", "import", str(core))["crashes"][0]["id"]
    assert asked("crash-pin", "pin", id_) == {"version": 1, "pinned": True, "crashes": [id_]}
    core.unlink()
    got = asked("crash-info", "info", id_)["crashes"][0]
    assert got["pinned"] and got["core"]["state"] == "present"
    assert "Vigil's copy" in crash("info", id_).stdout
    out = tmp_path / "out"
    assert crash("dump", id_, "-o", str(out)).returncode == 0 and out.read_bytes() == data
    assert asked("crash-du", "du")["vigil"]["pins"] == 1
    assert rows(crash("list"))[1][-1] == "pinned"
    assert "is pinned: vigil crash unpin" in crash("forget", id_).stderr and rows(crash("list"))[1][-1] == "pinned"
    assert asked("crash-pin", "unpin", id_)["pinned"] is False
    assert asked("crash-info", "info", id_)["crashes"][0]["core"]["state"] == "missing"
    assert "is not pinned" in crash("unpin", id_).stderr


def test_notes(tmp_path):
    """A note is on all crashes that are the same, whichever of them it was written on."""
    ids = []
    for pid in (1, 2):
        write_core(tmp_path / f"core.{pid}", pid=pid, comm="blender")
        ids.append(asked("crash-import", "import", str(tmp_path / f"core.{pid}"))["crashes"][0])
    id_, signature = ids[0]["id"], ids[0]["signature"]
    assert ids[1]["signature"] == signature
    assert crash("note", id_).returncode == 1 and "no note" in crash("note", id_).stderr
    assert "note" not in asked("crash-note", "note", id_)
    assert crash("note", id_, "known upstream,", "wait for 4.0\x1b[31m").stdout == "known upstream, wait for 4.0\\x1b[31m\n"
    assert crash("note", ids[1]["id"]).stdout == crash("note", signature).stdout == "known upstream, wait for 4.0\\x1b[31m\n"
    group = asked("crash-groups", "groups")["groups"][0]
    assert group["note"] == "known upstream, wait for 4.0\x1b[31m" and group["count"] == 2
    assert crash("mute", signature).returncode == 0
    assert rows(crash("groups"))[1][-1] == "muted; known upstream, wait for 4.0\\x1b[31m"
    assert asked("crash-note", "note", id_, "another")["note"] == "another"
    for args, status, said in (
            (["note", "0123456789abcdef", "x"], 1, "No crash has the signature"),
            (["note", id_, ""], 2, "--delete"), (["note", id_, "x", "--delete"], 2, "--delete"),
            (["note", id_, "x" * 4097], 1, "4096"), (["note"], 2, "ID|SIGNATURE")):
        done = crash(*args)
        assert (done.returncode, said in done.stderr) == (status, True), done
    assert crash("note", id_).stdout == "another\n"
    assert crash("note", id_, "--delete").returncode == 0
    assert "no note" in crash("note", "-d", signature).stderr
    assert "note" not in asked("crash-groups", "groups")["groups"][0]


def test_groups_tell_versions(place, start):
    write_journal(place / "system.journal", [
        crash_entry(i, "/usr/bin/tool", start + i * MINUTE, COREDUMP_PACKAGE_NAME="toolbox", COREDUMP_PACKAGE_VERSION=version)
        for i, version in enumerate(("1.0", "2.0", "1.0", "3.0~rc1"), 1)])
    group, = asked("crash-groups", "groups", "-D", str(place))["groups"]
    assert group["versions"] == ["3.0~rc1", "1.0", "2.0"]
    assert "        Package: toolbox 3.0~rc1\n" in crash("info", "4", "-D", str(place)).stdout
    assert "3.0~rc1, 1.0, 2.0" in crash("groups", "-D", str(place)).stdout
    assert [c["packageVersion"] for c in asked("crash-list", "list", "-D", str(place))["crashes"]] == ["1.0", "2.0", "1.0", "3.0~rc1"]


def test_mutes(tmp_path):
    core = tmp_path / "core.muted"
    write_core(core, pid=5, comm="blender")
    got = asked("crash-import", "import", str(core))["crashes"][0]
    program = got.get("exe", got["comm"])
    assert asked("crash-mute", "mute", "blender")["value"] == program
    assert asked("crash-mute", "mute", got["id"][:8], "--until", "+2h")["kind"] == "signature"
    assert asked("crash-mute", "mute", "/usr/bin/never-crashed")["value"] == "/usr/bin/never-crashed"
    listed = {(m["kind"], m["value"]): m.get("until") for m in asked("crash-mutes", "mute")["mutes"]}
    assert set(listed) == {("program", program), ("signature", got["signature"]), ("program", "/usr/bin/never-crashed")}
    assert 7000 < listed["signature", got["signature"]] / 1e6 - time.time() < 7300
    assert asked("crash-groups", "groups")["groups"][0]["muted"]
    assert len(crash("mute").stdout.splitlines()) == 4
    for what in ("blender", got["signature"], "/usr/bin/never-crashed"):
        assert asked("crash-mute", "unmute", what)["muted"] is False
    assert asked("crash-mutes", "mute")["mutes"] == []
    assert "is not muted" in crash("unmute", "blender").stderr
    assert "is over already" in crash("mute", "blender", "--until", "yesterday").stderr


@pytest.fixture
def mounted(tmp_path, start):
    """Another system's root: a journal and a folder of cores, of two programs, an hour apart."""
    root = tmp_path / "root"
    folder = root / "var/lib/systemd/coredump"
    folder.mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc/machine-id").write_text(MACHINE + "\n")
    journal = root / "var/log/journal" / MACHINE
    journal.mkdir(parents=True)
    entries = []
    for i in range(6):
        program, when = ("gimp", "kate")[i % 2], start - (6 - i) * 60 * MINUTE
        name = f"core.{program}.1000.{BOOT}.{i + 1}.{when}"
        write_core(folder / name, pid=i + 1, comm=program, compress="zstd")
        os.utime(folder / (name + ".zst"), (when / 1e6, when / 1e6))
        entries.append(crash_entry(i + 1, f"/usr/bin/{program}", when, COREDUMP_FILENAME=f"/var/lib/systemd/coredump/{name}.zst"))
    write_journal(journal / "system.journal", entries)
    return root, folder


def left(folder):
    return sorted(int(p.name.split(".")[4]) for p in folder.iterdir())


def test_du_of_another_system(mounted):
    root, folder = mounted
    (root / "etc/systemd").mkdir()
    (root / "etc/systemd/coredump.conf").write_text("[Coredump]\nMaxUse=100M\nProcessSizeMax=1G\n")
    data = asked("crash-du", "du", "--root", str(root))
    assert data["cores"]["count"] == 6 and data["cores"]["diskBytes"] == sum(p.stat().st_blocks * 512 for p in folder.iterdir())
    assert data["limits"]["maxUse"] == 100 << 20 and data["limits"]["maxUseSet"] and data["limits"]["processSizeMax"] == 1 << 30
    assert {p["comm"]: p["cores"] for p in data["programs"]} == {"gimp": 3, "kate": 3}
    assert "6 cores take" in crash("du", "--root", str(root)).stdout


@pytest.mark.parametrize("args, stay", [
    (["--per-program=1"], [5, 6]),
    (["--max-age=210min"], [5, 6]),
    (["--max-size=0"], []),
    (["--max-size=1G"], [1, 2, 3, 4, 5, 6]),
], ids=str)
@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user lets go only of their own cores")
def test_vacuum(mounted, start, args, stay):
    root, folder = mounted
    if "--max-age" in args[0]:
        args = [f"--max-age={(now() - (start - 150 * MINUTE)) // 1_000_000}s"]
    before = left(folder)
    planned = asked("crash-delete", "vacuum", "--root", str(root), *args, "--dry-run")
    assert left(folder) == before and len(planned["deleted"]) == 6 - len(stay)
    done = asked("crash-delete", "vacuum", "--root", str(root), *args)
    assert done["deleted"] == planned["deleted"] and left(folder) == stay
    assert len(asked("crash-list", "list", "--root", str(root))["crashes"]) == 6


def test_delete(mounted):
    root, folder = mounted
    where = ["--root", str(root)]
    assert asked("crash-delete", "delete", *where, "3", "--dry-run")["dryRun"] and left(folder) == [1, 2, 3, 4, 5, 6]
    got = asked("crash-delete", "delete", *where, "3", "4")
    assert left(folder) == [1, 2, 5, 6] and len(got["deleted"]) == 2
    assert {c["pid"]: c["core"]["state"] for c in asked("crash-list", "list", *where)["crashes"]}[3] == "missing"
    done = crash("delete", *where, "3")
    assert done.returncode == 1 and "has no core" in done.stderr


def test_an_entry_names_no_file_to_be_deleted(place, start, tmp_path):
    """Whoever may log an entry names a file in it, and root, or whoever reads that journal, deletes the "core"."""
    precious = tmp_path / "precious"
    precious.write_text("all there is")
    linked = tmp_path / f"core.x.1000.{BOOT}.8.{start}.zst"
    linked.symlink_to(precious)
    mine = tmp_path / f"core.x.1000.{BOOT}.9.{start}.zst"
    mine.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(64))
    forged = {"_SYSTEMD_UNIT": "user@1000.service"}
    write_journal(place / "system.journal", [
        crash_entry(7, when=start, COREDUMP_FILENAME=precious, **forged),
        crash_entry(8, when=start, COREDUMP_FILENAME=linked, **forged),
        crash_entry(6, when=start, COREDUMP_FILENAME=precious),  # another machine's journal may say what it likes
        crash_entry(5, when=start, COREDUMP_FILENAME=mine, **forged),
        crash_entry(9, when=start, COREDUMP_FILENAME=mine, **forged)])
    for pid in "7", "6", "5":
        done = crash("delete", "-D", str(place), pid, "--yes")
        assert precious.exists() and mine.exists(), pid
        assert done.returncode == 1 and "is not shown to be its core" in done.stderr and done.stderr.count("\n") == 1, done
    assert crash("delete", "-D", str(place), "8", "--yes").returncode == 1
    assert linked.is_symlink() and precious.exists()
    assert crash("delete", "-D", str(place), "9", "--yes").returncode == 0
    assert not mine.exists()


def answered(argv, answer):
    """What a program shows on a terminal where somebody types the answer."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe(argv[0], argv, dict(os.environ, LC_ALL="C.UTF-8"))
    out = b""
    try:
        while b"[y/N]" not in out:
            out += os.read(fd, 4096)
        os.write(fd, answer)
        while True:
            out += os.read(fd, 4096)
    except OSError:
        pass
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    return os.waitstatus_to_exitcode(status), out.decode()


def test_deleting_asks_first(mounted):
    root, folder = mounted
    argv = [VIGIL, "crash", "delete", "--root", str(root), "2", "3"]
    for no in (b"n\n", b"\n", b"\x04"):
        status, out = answered(argv, no)
        assert status == 1 and "Delete 2 cores for good?" in out and left(folder) == [1, 2, 3, 4, 5, 6]
    assert answered(argv, b"y\n")[0] == 0 and left(folder) == [1, 4, 5, 6]


@pytest.mark.skipif(os.geteuid() != 0, reason="a folder of root's takes root")
def test_deleting_without_the_right(mounted, tmp_path):
    root, folder = mounted
    readable(root)
    for path in (tmp_path, *list(tmp_path.parents)[:2], root):
        path.chmod(0o755)
    done = crash("delete", "--root", str(root), "3", prefix=as_user(USER))
    assert done.returncode == 1 and "You may not delete" in done.stderr and "sudo" in done.stderr
    assert done.stderr.count("\n") == 1 and left(folder) == [1, 2, 3, 4, 5, 6]


# ---- errors ----------------------------------------------------------------------------------

ERRORS = [
    (["list", "--since", "whenever"], 2, "expected a time"),
    (["list", "--since", "now", "--until", "yesterday"], 2, "later than"),
    (["list", "=x"], 2, "FIELD=VALUE"),
    (["list", "NO_SUCH_FIELD=1"], 2, "no such field"),
    (["list", "-n", "0"], 2, "from 1 on"),
    (["list", "nobody-has-this"], 1, "No crash matches"),
    (["list", "-D", "/nonexistent"], 1, "Cannot read '/nonexistent'"),
    (["list", "-D", "/tmp", "--root", "/"], 2, "only one"),
    (["list", "--file", "/nonexistent/*"], 1, "Cannot read journals"),
    (["lits"], 1, "No crash matches"),
    (["info", "feedface"], 1, "No crash matches"),
    (["info"], 1, "No crash is known"),
    (["dump", "feedface", "-o", "/tmp/x"], 1, "No crash matches"),
    (["dump", "--json"], 2, "-o FILE"),
    (["dump", "a", "b"], 2, "takes [ID]"),
    (["forget"], 2, "takes ID..."),
    (["delete"], 2, "takes ID..."),
    (["vacuum"], 2, "--max-size"),
    (["vacuum", "--max-size=lots"], 2, "500M"),
    (["vacuum", "--max-age=old"], 2, "4weeks"),
    (["vacuum", "--per-program=0"], 2, "from 1 on"),
    (["mute", "nobody-has-this"], 1, "No crash matches"),
    (["mute", "x", "--until", "never"], 2, "expected a time"),
    (["unmute", "/usr/bin/gimp"], 1, "is not muted"),
    (["import"], 2, "takes CORE..."),
    (["import", "/nonexistent"], 1, "No such file"),
    (["report", "feedface"], 1, "No crash matches"),
    (["groups", "nobody-has-this"], 1, "No crash matches"),
]


@pytest.mark.parametrize("args, status, words", ERRORS, ids=[" ".join(r[0]) for r in ERRORS])
def test_errors_are_one_line(args, status, words):
    done = crash(*args)
    assert done.returncode == status, done
    assert words in done.stderr and done.stderr.count("\n") == 1 and done.stderr.startswith("vigil: ")
    assert done.stdout == ""


# ---- the index -------------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0, reason="root writes everywhere; it takes another user to be refused")
def test_read_only_home(place, start, tmp_path):
    where = ten_crashes(place, start)
    readable(place)
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    env = {"XDG_CACHE_HOME": str(locked), "XDG_STATE_HOME": str(locked)}
    done = crash("list", *where, env=env, prefix=as_user(USER))
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 12
    assert "index cannot be written (Permission denied)" in done.stdout
    done = crash("forget", *where, "103", env=env, prefix=as_user(USER))
    assert done.returncode == 1 and "Nothing was changed" in done.stderr
    data = json.loads(crash("list", *where, "--json", env=env, prefix=as_user(USER)).stdout)
    assert len(data["crashes"]) == 10 and not data["complete"]


@pytest.mark.skipif(os.geteuid() != 0, reason="root reads everything; it takes another user to be refused")
def test_journals_that_may_not_be_read_are_told(place, start):
    where = ten_crashes(place, start)  # 0640 and root's
    done = crash("list", *where, prefix=as_user(USER))
    assert "1 journal file there may not be read by you" in done.stdout
    assert not json.loads(crash("list", *where, "--json", prefix=as_user(USER)).stdout)["complete"]


def database(tmp_path):
    return next((tmp_path / "xdg_cache_home/vigil").glob("journal-*.db"))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a full disk takes root")
def test_no_room_for_the_index(place, start, tmp_path):
    write_journal(place / "system.journal", [crash_entry(1000 + i, when=start + i * 1000) for i in range(1000)])
    (tmp_path / "mnt").mkdir()
    script = f"mount -t tmpfs -o size=200k none {tmp_path}/mnt || exit 99; exec {VIGIL} crash list --json -D {place}"
    for _ in range(2):
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, XDG_CACHE_HOME=str(tmp_path / "mnt")))
        data = json.loads(done.stdout)
        assert [c["pid"] for c in data["crashes"]] == [1000 + i for i in range(1000)] and not data["complete"]


def test_the_index_keeps_within_its_bounds_without_a_daemon(place, start, tmp_path):
    (tmp_path / "conf/vigil").mkdir(parents=True)
    (tmp_path / "conf/vigil/vigil.conf").write_text("[Coredump]\nMaxUse=1M\n")
    env = {"XDG_CONFIG_HOME": str(tmp_path / "conf")}
    write_journal(place / "system.journal", [crash_entry(1000 + i, when=start + i * 1000) for i in range(2000)])
    data = asked("crash-list", "list", "-D", str(place), env=env)
    assert 100 < len(data["crashes"]) < 1900 and data["dropped"] == 2000 - len(data["crashes"])
    assert data["crashes"][-1]["pid"] == 2999  # the oldest went
    assert f"{data['dropped']} crashes that were never reported had to make room" in crash("list", "-D", str(place), env=env).stdout
    assert len(asked("crash-list", "list", "-D", str(place), env=env)["crashes"]) == len(data["crashes"])  # they do not come back


def test_who_read_the_list_is_not_told_again(place, start, tmp_path):
    where = ten_crashes(place, start)
    crash("list", *where)
    append(place / "system.journal", [crash_entry(500, when=now())])
    assert asked("crash-list", "list", *where)["crashes"][-1]["told"] == "untold"  # a program read it, no person
    in_terminal([VIGIL, "crash", "list", *where], 80, dict(os.environ, LC_ALL="C.UTF-8", PAGER="cat"))
    assert asked("crash-list", "list", *where)["crashes"][-1]["told"] == "told"


@pytest.mark.parametrize("damage", ["header", "middle", "empty-page", "text"])
def test_damaged_index(place, start, tmp_path, damage):
    where = ten_crashes(place, start)
    crash("list", *where)
    path = database(tmp_path)
    data = bytearray(path.read_bytes())
    if damage == "header":
        data[0:16] = b"x" * 16
    elif damage == "middle":
        data[4096:] = os.urandom(len(data) - 4096)
    elif damage == "empty-page":
        data[4096:8192] = bytes(4096)
    else:
        data = b"this is no database\n" * 500
    path.write_bytes(data)
    got = asked("crash-list", "list", *where)
    assert [c["pid"] for c in got["crashes"]] == list(range(100, 110))
    assert [c["pid"] for c in asked("crash-list", "list", *where)["crashes"]] == list(range(100, 110))


def test_catching_up_survives_kills(place, start, tmp_path):
    entries = [crash_entry(1000 + i, when=start + i * 1000) for i in range(4000)]
    write_journal(place / "system.journal", entries)
    kills = 0
    for delay in [d / 1000 for d in range(4, 120, 4)]:
        child = subprocess.Popen([VIGIL, "crash", "list", "-D", str(place)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            child.wait(delay)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            kills += 1
    assert kills > 5
    pids = [c["pid"] for c in asked("crash-list", "list", "-D", str(place))["crashes"]]
    assert pids == [1000 + i for i in range(4000)]


def test_catching_up_at_once(place, start):
    write_journal(place / "system.journal", [crash_entry(1000 + i, when=start + i * 1000) for i in range(1500)])
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: asked("crash-list", "list", "-D", str(place)), range(4)))
    for data in runs:
        assert [c["pid"] for c in data["crashes"]] == [1000 + i for i in range(1500)]


# ---- events ----------------------------------------------------------------------------------


def events(processes, *args):
    child = processes.start([VIGIL, "events", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert "Ctrl-C" in child.stderr.readline()
    return child


def test_events_of_a_folder(place, start, processes):
    ten_crashes(place, start)
    child = events(processes, "-D", str(place))
    append(place / "system.journal", [crash_entry(300, "/usr/bin/new\033[31m", now())])
    line = child.stdout.readline()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  crash     [0-9a-f]{12}  SIGSEGV  /usr/bin/new\\x1b\[31m\n", line), line
    child.send_signal(signal.SIGINT)
    assert child.wait(10) == 0 and child.stdout.read() == ""


def test_events_as_json(place, start, processes):
    ten_crashes(place, start)
    child = processes.start([VIGIL, "events", "--json", "-D", str(place)], stdout=subprocess.PIPE)
    seen = []
    for i in range(3):
        # the first may come before it follows; those that come later are told, each once
        append(place / "system.journal", [crash_entry(300 + i, when=now())])
        if i == 0:
            time.sleep(0)
            wait_for("it follows", lambda: any("inotify" in os.readlink(f"/proc/{child.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{child.pid}/fd")))
    while not seen or seen[-1]["crash"]["pid"] != 302:
        seen.append(json.loads(child.stdout.readline()))
        jsonschema.validate(seen[-1], schema("events"))
    pids = [e["crash"]["pid"] for e in seen]
    assert pids == sorted(set(pids)) and {301, 302} <= set(pids)
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == 0


# ---- setup and doctor --------------------------------------------------------------------------


@pytest.fixture
def fake_systemctl(tmp_path):
    """A systemctl that remembers what it was asked, and what it enabled."""
    bin_ = tmp_path / "bin"
    bin_.mkdir(mode=0o755)
    state = tmp_path / "units"
    state.mkdir()
    state.chmod(0o777)
    tool = bin_ / "systemctl"
    tool.write_text(f'#!/bin/sh\necho "$*" >>{state}/calls\ncase "$2" in\nis-*) test -e "{state}/$3" ;;\nenable) : >"{state}/$4" ;;\n*) exit 1 ;;\nesac\n')
    tool.chmod(0o755)
    os.chmod(tmp_path, 0o755)
    return {"PATH": f"{bin_}:{os.environ['PATH']}"}, state


@pytest.mark.skipif(os.geteuid() != 0, reason="root has no session to set up; it takes another user")
def test_setup(fake_systemctl, tmp_path):
    env, state = fake_systemctl
    for parent in list(tmp_path.parents)[:2]:
        os.chmod(parent, 0o755)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, USER, USER)
    env = {**env, "XDG_CONFIG_HOME": str(home / "config"), "HOME": str(home)}

    def setup(*args):
        done = vigil("setup", "--json", *args, env=env, prefix=as_user(USER))
        data = json.loads(done.stdout)
        jsonschema.validate(data, schema("setup"))
        return done.returncode, {s["command"]: s["state"] for s in data["steps"] if "sudo" not in s["command"]}
    status, steps = setup("--dry-run")
    assert status == 0 and set(steps.values()) == {"to-do"}
    assert "systemctl --user enable --now vigil-monitord.service" in steps
    assert not [c for c in (state / "calls").read_text().splitlines() if "enable --now" in c]
    status, steps = setup("--yes")
    assert status == 0 and set(steps.values()) == {"done"}
    assert (state / "vigil-monitord.service").exists() and (state / "vigil-monitord.socket").exists()
    written = home / "config/environment.d/50-vigil.conf"
    assert written.exists() == any("KCRASH" in c for c in steps)
    assert set(setup()[1].values()) == {"already"}
    if written.exists():
        assert "\nKCRASH_DUMP_ONLY=1\n" in written.read_text()
        written.write_text("# mine\nFOO=1\n")
        assert "by-hand" in setup("--yes")[1].values() and written.read_text() == "# mine\nFOO=1\n"


def test_setup_of_root_changes_nothing(fake_systemctl):
    env, state = fake_systemctl
    if os.geteuid() != 0:
        pytest.skip("this is about root")
    done = vigil("setup", "--yes", env=env)
    assert done.returncode == 0 and "You are root" in done.stdout
    assert not (state / "calls").exists()


def test_doctor_looks_at_every_link():
    data = json.loads(vigil("doctor", "--json").stdout)
    jsonschema.validate(data, schema("doctor"))
    links = {c["link"]: c for c in data["checks"]}
    for link in ("kernel.core_pattern", "systemd-coredump", "journal", "what you see", "core limit", "crash watch", "index"):
        assert link in links
        assert links[link]["state"] == "ok" or links[link].get("mend"), links[link]


# ---- beside the daemon -------------------------------------------------------------------------


@pytest.fixture
def daemon(processes, tmp_path, session_bus):
    return CrashDaemon(processes, tmp_path, session_bus)


def beside(daemon):
    """The environment in which the CLI finds the daemon, and its index."""
    return {"DBUS_SESSION_BUS_ADDRESS": daemon.bus.address, "STATE_DIRECTORY": str(daemon.state), "XDG_STATE_HOME": str(daemon.state)}


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's index is not in STATE_DIRECTORY")
def test_beside_the_daemon_the_journal_is_not_opened(daemon, tmp_path):
    pid = daemon.crash()
    wait_for("the row", lambda: daemon.rows().get(pid))
    trace = tmp_path / "trace"
    done = crash("list", "--json", env=beside(daemon), prefix=["strace", "-f", "-e", "trace=openat,open,inotify_init1", "-o", str(trace)])
    data = json.loads(done.stdout)
    assert [c["pid"] for c in data["crashes"]] == [pid] and data["complete"]
    calls = trace.read_text()
    assert "vigil.db" in calls and "log/journal" not in calls and "inotify_init" not in calls
    status = json.loads(vigil("status", "--json", env=beside(daemon)).stdout)
    assert status["crashes"]["today"] == 1 and status["crashes"]["complete"]


def test_events_of_the_daemon(daemon, processes):
    child = processes.start([VIGIL, "events", "--json"], env=dict(os.environ, **beside(daemon)), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    text = processes.start([VIGIL, "events"], env=dict(os.environ, TZ="UTC", **beside(daemon)), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert "daemon tells" in text.stderr.readline()
    first = daemon.crash("/usr/bin/gimp")
    line = text.stdout.readline()
    assert line.endswith("SIGSEGV  /usr/bin/gimp\n")
    assert daemon.rows()[first]["hash"].startswith(line.split()[3])
    # The other says nothing when it has begun to listen: crashes go on until it has heard of one.
    wait_for("an event", lambda: select.select([child.stdout], [], [], 0.5)[0] or not daemon.crash("/usr/bin/other"))
    event = json.loads(child.stdout.readline())
    jsonschema.validate(event, schema("events"))
    assert event["id"] in [row["hash"][:12] for row in daemon.rows().values()]
    for c in (child, text):
        c.send_signal(signal.SIGINT)
        assert c.wait(10) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="root's index can be put anywhere")
def test_plain_core_files_are_found_without_daemon_and_journal(tmp_path):
    """Where core_pattern names a file, as in a /proc of the test's own."""
    home, proc = tmp_path / "home", tmp_path / "proc"
    home.mkdir()
    (proc / "sys/kernel/random").mkdir(parents=True)
    (proc / "sys/kernel/core_pattern").write_text("core\n")
    (proc / "sys/kernel/core_uses_pid").write_text("1\n")
    (proc / "sys/kernel/random/boot_id").write_text("b007b007-b007-b007-b007-b007b007b001\n")
    write_core(home / "core.4711", pid=4711, uid=0, comm="editor")
    (home / "core.4711").chmod(0o600)
    os.utime(home / "core.4711", (time.time() - 60,) * 2)
    env = {"HOME": str(home), "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/none"}
    for _ in range(2):  # once is enough
        status = json.loads(vigil("status", "--json", "--proc", str(proc), env=env).stdout)
        assert status["crashes"]["today"] == 1
    got = json.loads(crash("list", "--json", env=env).stdout)["crashes"]
    assert [(c["program"], c["pid"], c["core"]["state"], c["verified"]) for c in got] == [("editor", 4711, "present", True)]


@pytest.fixture
def helper(processes, system_bus, polkit, tmp_path):
    """vigil-helper's code over a folder of cores; polkit lets nobody have them and asks anybody else for a password."""
    (tmp_path / "rules/1.rules").write_text("""polkit.addRule(function(action, subject) {
        return action.id == "org.vigil.helper.fetch-core" && subject.user == "nobody" ? polkit.Result.YES : polkit.Result.NOT_HANDLED;
    });""")
    (tmp_path / "cores").mkdir(mode=0o755)
    return Helper(processes, system_bus, tmp_path, cores_dir=tmp_path / "cores")


@pytest.mark.skipif(os.geteuid() != 0, reason="polkitd takes root")
def test_an_inaccessible_core_comes_through_the_helper(helper, place, start, tmp_path):
    plain = tmp_path / f"cores/core.gimp.65534.{BOOT}.1.{start}"
    data = write_core(plain, pid=1, compress="zstd")
    plain.with_name(plain.name + ".zst").chmod(0o600)
    write_journal(place / "system.journal", [crash_entry(1, when=start, uid=65534, COREDUMP_FILENAME=f"{plain}.zst", COREDUMP_DUMPABLE=2)])
    readable(place)
    folder = tmp_path / "out"
    folder.mkdir()
    folder.chmod(0o777)
    env = {"DBUS_SYSTEM_BUS_ADDRESS": helper.bus.address}

    def dump(user, name, *args):
        return crash("dump", "-D", str(place), "1", "-o", str(folder / name), *args, prefix=["setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups"], env=env)

    wait_for("polkitd to read its rules", lambda: dump("nobody", "probe").returncode == 0)
    done = dump("nobody", "core")
    assert done.returncode == 0, done.stderr
    assert (folder / "core").read_bytes() == data and (folder / "core").stat().st_mode & 0o777 == 0o600
    done = dump("daemon", "refused")
    assert done.returncode == 1 and "You may not read this core: " in done.stderr and done.stderr.count("\n") == 1
    assert sorted(p.name for p in folder.iterdir()) == ["core", "probe"]


def on_machine(place, tmp_path, machine, storage):
    """Runs vigil where the journal of `place` is the machine's own."""
    readable(place)
    (tmp_path / "machine-id").write_text(machine + "\n")
    script = f"""mount --bind {tmp_path}/machine-id /etc/machine-id && mkdir -p /run/log && mount -t tmpfs none /var/log && mount -t tmpfs none /run/log &&
        mkdir -p {storage}/journal/{machine} && cp {place}/system.journal {storage}/journal/{machine}/ && chmod -R a+rX {storage} || exit 99
        exec "$@" """

    def run(*args, user=None):
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", *(as_user(user) if user else []), VIGIL, *args], capture_output=True, text=True,
                              timeout=60, env=dict(os.environ, LC_ALL="C.UTF-8", DBUS_SESSION_BUS_ADDRESS=f"unix:path={tmp_path}/none"))
        assert done.returncode in (0, 1), done
        return done.stdout

    return run


@pytest.mark.skipif(os.geteuid() != 0, reason="a journal of the machine's own takes a mount namespace")
@pytest.mark.parametrize("storage", ["/var/log", "/run/log"])
def test_the_machines_own_journal(place, start, tmp_path, storage):
    """What each user sees of it by default: their own crashes, root everybody's."""
    machine = "5" * 32
    write_journal(place / "system.journal", [crash_entry(i, when=start + i, uid=uid, machine=machine, boot="6" * 32)
                                             for i, uid in enumerate((USER, 0, USER, 7), 1)])
    run = on_machine(place, tmp_path, machine, storage)

    def pids(*args, user=None):
        return [c["pid"] for c in json.loads(run("crash", "list", "--json", *args, user=user))["crashes"]]

    assert pids(user=USER) == [1, 3] and pids("--all", user=USER) == [1, 2, 3, 4]
    assert "2 crashes of other users are not shown; --all shows them." in run("crash", "list", user=USER)
    assert pids("uid=0", user=USER) == [2] and pids("uid=0", "uid=7", user=USER) == [2, 4]
    assert pids() == [1, 2, 3, 4]
    links = {c["link"]: c for c in json.loads(run("doctor", "--json", user=USER))["checks"]}
    assert ("kept over reboots" if storage == "/var/log" else "in memory only") in links["journal"]["found"]
    assert "your own crashes" in links["what you see"]["found"] and "sound, 4 crashes" == links["index"]["found"]


@pytest.mark.skipif(os.geteuid() != 0, reason="a journal of the machine's own takes a mount namespace")
def test_status_counts_whose_crashes_the_list_shows(place, tmp_path):
    machine = "5" * 32
    write_journal(place / "system.journal", [crash_entry(i, uid=uid, machine=machine, boot="6" * 32) for i, uid in enumerate((USER, 0, 7), 1)])
    run = on_machine(place, tmp_path, machine, "/var/log")
    assert [json.loads(run("status", "--json", user=user))["crashes"]["today"] for user in (USER, None)] == [1, 3]


@pytest.mark.skipif(os.geteuid() != 0, reason="a journal of the machine's own takes a mount namespace")
def test_kcrash_metadata_is_read_and_left_for_the_daemon(place, start, tmp_path):
    machine, boot = "5" * 32, "6" * 32
    write_journal(place / "system.journal", [crash_entry(i, "/usr/bin/dolphin", start + i, uid=uid, machine=machine, boot=boot, signal=6) for i, uid in ((1, 0), (2, USER))])
    folder = tmp_path / "xdg_cache_home/kcrash-metadata"
    folder.mkdir()
    for pid in (1, 2):
        (folder / f"dolphin.{boot}.{pid}.ini").write_text(f"[KCrash]\nexe=/usr/bin/dolphin\npid={pid}\nappversion=24.12\n")
    hung = tmp_path / "xdg_cache_home/drkonqi/application-not-responding"
    hung.mkdir(parents=True)
    (hung / f"dolphin.{boot}.1.{start}.json").write_text("{}")
    run = on_machine(place, tmp_path, machine, "/var/log")
    own, other = (json.loads(run("crash", "info", str(pid), "--json"))["crashes"][0] for pid in (1, 2))
    assert own["kcrash"]["KCrash"]["appversion"] == "24.12" and own["notResponding"]
    assert "kcrash" not in other  # whoever reads has no metadata of another user
    assert "24.12" in run("crash", "report", "1")
    assert len(list(folder.iterdir())) == 2

# SPDX-License-Identifier: GPL-2.0-or-later
"""Real journal files for tests, made by systemd-journal-remote from the journal's export format.

An entry is a list of (name, value) pairs, so that a field may be missing, binary, huge or there twice:

    entry = crash_entry(4711, "/usr/bin/gimp", when=now(), uid=1000, COREDUMP_SIGNAL="6")
    write_journal(tmp_path / "system.journal", [entry, without(crash_entry(…), "COREDUMP_EXE")])
    append(tmp_path / "system.journal", [entry])

https://systemd.io/JOURNAL_EXPORT_FORMATS/
"""
import os
import subprocess
import tempfile
import time
from pathlib import Path

JOURNAL_REMOTE = next((p for p in ("/usr/lib/systemd/systemd-journal-remote", "/lib/systemd/systemd-journal-remote")
                       if os.path.exists(p)), "systemd-journal-remote")
COREDUMP = "fc2e22bc6ee647b6b90729ab34a250b1"
TRACEBACK = "1f4e0a44a88649939aaea34fc6da8c95"
MACHINE = "4d5e6f00112233445566778899aabbcc"
BOOT = "b007b007b007b007b007b007b007b001"
UNIT_252 = "systemd-coredump@0-61-0.service"
UNIT_257 = "systemd-coredump@3-1297-0.service"
UNIT_262 = "systemd-coredump@0-1-79_28092-0.service"
UNIT_SOCKET = "systemd-coredumpd.service"  # one service for all, systemd 262 on newer kernels
SIGNALS = {4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV", 31: "SIGSYS"}


def now():
    """Microseconds since 1970, as the journal counts."""
    return time.time_ns() // 1000


def _bytes(value):
    return value if isinstance(value, bytes) else str(value).encode()


def _field(name, value):
    name, value = _bytes(name), _bytes(value)
    if b"\n" in value or any(c < 32 and c != 9 for c in value) or not _is_text(value):
        return name + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
    return name + b"=" + value + b"\n"


def _is_text(value):
    try:
        value.decode()
        return True
    except UnicodeDecodeError:
        return False


def export(entries):
    """The bytes of the export format for these entries."""
    return b"".join(b"".join(_field(name, value) for name, value in entry) + b"\n" for entry in entries)


def _replaced(entry, fields):
    """fields over entry: None takes one away, a list gives it several times, anything else is its value."""
    for name, value in fields.items():
        at = next((i for i, (n, _) in enumerate(entry) if n == name), len(entry))
        entry = [pair for pair in entry if pair[0] != name]
        values = [] if value is None else value if isinstance(value, list) else [value]
        entry[at:at] = [(name, v) for v in values]
    return entry


def without(entry, *names):
    """The entry without these fields."""
    return _replaced(list(entry), {name: None for name in names})


def crash_entry(pid, exe="/usr/bin/gimp", when=None, uid=1000, signal=11, boot=BOOT, machine=MACHINE, unit=UNIT_257,
                logged=None, monotonic=None, **fields):
    """What systemd-coredump logs of one crash. when: of the crash, in µs; logged: of the entry, by itself the same (a journal
    file takes no entry older than its newest, nor one from the future).

    Keywords in capitals are journal fields: None drops one, a list repeats it.
    """
    when = now() if when is None else when
    logged = when if logged is None else logged
    comm = os.path.basename(exe)[:15]
    entry = [
        ("__REALTIME_TIMESTAMP", logged),
        ("__MONOTONIC_TIMESTAMP", (logged // 1000) % 10**12 if monotonic is None else monotonic),
        ("_BOOT_ID", boot),
        ("_MACHINE_ID", machine),
        ("_HOSTNAME", "host-" + machine[:4]),
        ("_TRANSPORT", "journal"),
        ("_UID", uid), ("_GID", uid),
        ("_PID", pid + 100000),
        ("_COMM", "systemd-coredum"),
        ("_EXE", "/usr/lib/systemd/systemd-coredump"),
        ("_SYSTEMD_UNIT", unit),
        ("_SYSTEMD_SLICE", "system-systemd\\x2dcoredump.slice"),
        ("PRIORITY", 2),
        ("SYSLOG_IDENTIFIER", "systemd-coredump"),
        ("MESSAGE_ID", COREDUMP),
        ("MESSAGE", f"Process {pid} ({comm}) of user {uid} dumped core.\n\n"
                    f"Stack trace of thread {pid}:\n#0  0x00007f1122334455 raise (libc.so.6 + 0x3bebc)\n"
                    f"#1  0x0000555500001234 main ({comm} + 0x1234)\n"),
        ("COREDUMP_PID", pid),
        ("COREDUMP_UID", uid), ("COREDUMP_GID", uid),
        ("COREDUMP_SIGNAL", signal),
        ("COREDUMP_SIGNAL_NAME", SIGNALS.get(signal, f"SIG{signal}")),
        ("COREDUMP_TIMESTAMP", when),
        ("COREDUMP_RLIMIT", 18446744073709551615),
        ("COREDUMP_HOSTNAME", "host-" + machine[:4]),
        ("COREDUMP_COMM", comm),
        ("COREDUMP_EXE", exe),
        ("COREDUMP_CMDLINE", exe + " --new-window"),
        ("COREDUMP_UNIT", f"user@{uid}.service"),
        ("COREDUMP_USER_UNIT", f"app-{comm}@abc.service"),
        ("COREDUMP_SLICE", f"user-{uid}.slice"),
        ("COREDUMP_OWNER_UID", uid),
        ("COREDUMP_CGROUP", f"/user.slice/user-{uid}.slice/user@{uid}.service/app.slice/app-{comm}@abc.service"),
        ("COREDUMP_CWD", f"/home/{uid}"),
        ("COREDUMP_ROOT", "/"),
        ("COREDUMP_PROC_STATUS", f"Name:\t{comm}\nPid:\t{pid}\n"),
        ("COREDUMP_PROC_MAPS", "00400000-00401000 r-xp 00000000 08:01 1 " + exe + "\n"),
        ("COREDUMP_ENVIRON", "SECRET=hunter2\nPATH=/usr/bin\n"),
        ("COREDUMP_FILENAME", f"/var/lib/systemd/coredump/core.{comm}.{uid}.{boot}.{pid}.{when}.zst"),
    ]
    return _replaced(entry, fields)


def traceback_entry(pid, exe="/usr/bin/python3.11", when=None, uid=1000, **fields):
    """What `systemd-coredump --backtrace` logs for a language's own traceback: the entry's own _PID is the program's."""
    fields = {"MESSAGE_ID": TRACEBACK, "_PID": pid, "_EXE": exe, "_COMM": os.path.basename(exe),
              "_SYSTEMD_UNIT": f"user@{uid}.service", "COREDUMP_SIGNAL": None, "COREDUMP_SIGNAL_NAME": None,
              "COREDUMP_FILENAME": None, "COREDUMP_PROC_MAPS": None, "COREDUMP_ENVIRON": None,
              "MESSAGE": f"Process {pid} of user {uid} failed with ZeroDivisionError: division by zero\n\n"
                         "Traceback (most recent call last):\n  File \"x.py\", line 3, in <module>\n    f()\n"
                         "ZeroDivisionError: division by zero", **fields}
    return crash_entry(pid, exe, when, uid, **fields)


def other_entry(message="Started something.", when=None, **fields):
    """An entry that has nothing to do with crashes."""
    when = now() if when is None else when
    return _replaced([("__REALTIME_TIMESTAMP", when), ("__MONOTONIC_TIMESTAMP", (when // 1000) % 10**12),
                      ("_BOOT_ID", BOOT), ("_MACHINE_ID", MACHINE), ("_UID", 0), ("PRIORITY", 6),
                      ("MESSAGE", message)], fields)


def append(path, entries, env=None):
    """Adds entries to the journal file; makes it where it is not there. Whoever follows it is woken as by journald."""
    path = Path(path)
    with tempfile.NamedTemporaryFile(suffix=".export", dir=path.parent) as file:
        file.write(export(entries))
        file.flush()
        done = subprocess.run([JOURNAL_REMOTE, f"--output={path}", file.name], capture_output=True, text=True, timeout=120,
                              env=dict(os.environ, **(env or {})))
    assert done.returncode == 0, done.stderr
    assert f"writing {len(entries)} entries" in done.stderr, done.stderr
    return path


def write_journal(path, entries, env=None):
    """A journal file of these entries alone."""
    Path(path).unlink(missing_ok=True)
    return append(path, entries, env)

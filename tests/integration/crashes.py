# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon over a journal of its own, and a notification server that tells every call."""
import json
import os
import sqlite3
import subprocess
import threading
import time

from conftest import BUILD, wait_for
from journals import JOURNAL_REMOTE, append, crash_entry, export, other_entry, write_journal

SERVER = BUILD / "tests/tools/notification-server"
CONFIG = "[Monitor]\nModules=coredump\n[Coredump]\nSources=journal\n"
UNTOLD, TOLD, COUNTED = 0, 1, 2


class Notices:
    """A notification server without a screen."""

    def __init__(self, processes, bus, silent=False):
        self.calls, self.synced = [], threading.Semaphore(0)
        self.child = processes.start([SERVER, bus.address, *(["silent"] if silent else [])], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE)
        assert json.loads(self.child.stdout.readline()) == {"call": "owned"}
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.child.stdout:
            call = json.loads(line)
            if call["call"] == "sync":
                self.synced.release()
            else:
                self.calls.append(call)

    def _tell(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def sync(self):
        """Until all calls that the server answered so far are in .calls."""
        self._tell("sync")
        assert self.synced.acquire(timeout=20)

    def end(self):
        self.child.stdin.close()
        self.child.wait(10)
        self.thread.join(10)

    @property
    def shown(self):
        """All Notify calls."""
        if self.child.poll() is None:
            self.sync()
        return [c for c in self.calls if c["call"] == "Notify"]

    @property
    def popups(self):
        """Those that replace nothing."""
        return [c for c in self.shown if c["replaces"] == 0]

    @property
    def closed(self):
        self.sync()
        return [c["id"] for c in self.calls if c["call"] == "CloseNotification"]

    def summaries(self):
        return [c["summary"] for c in self.shown]

    def press(self, notice, action):
        assert action in notice["actions"][::2], notice["actions"]
        self._tell(f"press {notice['id']} {action}")

    def dismiss(self, notice):
        self._tell(f"close {notice['id']} 2")


class CrashDaemon:
    """vigil-monitord with the coredump module, all its places in a folder of the test's."""

    def __init__(self, processes, tmp, bus, config=CONFIG, env=None, start=True, prefix=()):
        self.processes, self.tmp, self.bus, self.prefix = processes, tmp, bus, list(prefix)
        self.journal, self.state, self.log = tmp / "journal/system.journal", tmp / "state", tmp / "monitord.log"
        for name in ("journal", "home", "run", "conf", "cache", "data/applications"):
            (tmp / name).mkdir(parents=True, exist_ok=True)
        (tmp / "run").chmod(0o700)
        self.configure(config)
        self.env = dict(os.environ, DBUS_SESSION_BUS_ADDRESS=bus.address, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={tmp}/none",
                        HOME=str(tmp / "home"), XDG_RUNTIME_DIR=str(tmp / "run"), XDG_CACHE_HOME=str(tmp / "cache"),
                        XDG_DATA_HOME=str(tmp / "data"), LC_ALL="C.UTF-8", TZ="UTC", **(env or {}))
        for name in ("INVOCATION_ID", "JOURNAL_STREAM", "KDE_DEBUG", "XDG_DATA_DIRS"):
            self.env.pop(name, None)
        self.next_pid, self.program, self.options = 1000, BUILD / "vigil-monitord", []
        if not self.journal.exists():
            write_journal(self.journal, [other_entry()])
        self.child = None
        if start:
            self.start()

    def configure(self, config):
        (self.tmp / "conf/vigil.conf").write_text(config)

    def start(self, env=None, wait=True):
        with open(self.log, "a") as log:
            self.child = self.processes.start(
                [*self.prefix, self.program, "--verbose", "--debug", f"--config={self.tmp}/conf",
                 f"--journal={self.journal.parent}", f"--state={self.state}", *self.options],
                env=dict(self.env, **(env or {})), stdout=log, stderr=log)
        if wait:
            wait_for("the daemon to have caught up", self.caught_up)

    def stop(self):
        self.child.terminate()
        assert self.child.wait(10) == 0

    def kill(self):
        self.child.kill()
        self.child.wait()

    def text(self):
        return self.log.read_text(errors="replace")

    def call(self, interface, method, *args):
        return subprocess.run(["busctl", f"--address={self.bus.address}", "--json=short", "call", "org.vigil.Monitor1",
                               "/org/vigil/Monitor1", interface, method, *args], capture_output=True, text=True, timeout=20)

    def ask(self, interface, method, *args):
        """The JSON that a method answers with."""
        done = self.call(interface, method, *args)
        assert done.returncode == 0, done.stderr
        return json.loads(json.loads(done.stdout)["data"][0])

    def status(self):
        done = self.call("org.vigil.Monitor1", "Status")
        if done.returncode != 0:
            return {}
        module = next(m for m in json.loads(json.loads(done.stdout)["data"][0])["modules"] if m["name"] == "coredump")
        return module.get("status", {})

    def caught_up(self):
        journal = self.status().get("sources", {}).get("journal", {})
        return journal.get("caughtUp")

    def entry(self, exe="/usr/bin/gimp", **fields):
        self.next_pid += 1
        fields.setdefault("uid", os.getuid())
        return crash_entry(self.next_pid, exe, **fields)

    def crash(self, exe="/usr/bin/gimp", n=1, **fields):
        """n crashes of a program; gives the pid of the last."""
        append(self.journal, [self.entry(exe, **fields) for _ in range(n)])
        return self.next_pid

    def rows(self):
        """The index as it stands on disk: pid → row."""
        path = self.state / "vigil.db"
        if not path.exists():
            return {}
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            db.row_factory = sqlite3.Row
            db.text_factory = lambda text: text.decode(errors="replace")
            return {row["pid"]: row for row in db.execute("SELECT * FROM crashes ORDER BY id")}
        except sqlite3.OperationalError:  # not made yet
            return {}
        finally:
            db.close()

    def wait_row(self, pid, told, deadline=20):
        return wait_for(f"crash {pid} to be told={told}",
                        lambda: (r := self.rows().get(pid)) and r["told"] == told and r, deadline)

    def memory_kib(self):
        """Its own memory (what is mapped of journal files is the page cache's), in KiB."""
        with open(f"/proc/{self.child.pid}/smaps_rollup") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("Anonymous:"))


class Stream:
    """Entries into a journal as they come, as journald would write them."""

    def __init__(self, processes, path):
        self.child = processes.start([JOURNAL_REMOTE, f"--output={path}", "-"], stdin=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL)
        self.pipe = self.child.stdin.buffer

    def write(self, entries):
        self.pipe.write(export(entries))
        self.pipe.flush()

    def end(self):
        self.child.stdin.close()
        self.child.wait(60)


def flood(processes, daemon, crashes, seconds, programs):
    """So many crashes at an even rate, all in the index when it returns; gives the pid of the last."""
    stream = Stream(processes, daemon.journal)
    began, batch = time.monotonic(), max(1, crashes // (seconds * 10))
    for done in range(0, crashes, batch):
        stream.write([daemon.entry(f"/usr/bin/flood-{i % programs}") for i in range(done, min(crashes, done + batch))])
        pause_until(began + (done + batch) * seconds / crashes)
    stream.end()
    wait_for("the last of them in the index", lambda: daemon.next_pid in daemon.rows(), 60)
    return daemon.next_pid


def pause_until(when):
    """Sleeps until a point of time.monotonic(): for a rate that is the test's subject, not to wait for anything."""
    left = when - time.monotonic()
    if left > 0:
        time.sleep(left)

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""From a journal entry to the notification on the bus, and what floods cost: arrival.py BUILD.

An entry's time is taken just before it is written into the journal (by systemd-journal-remote, as journald writes), the
notification's when the server has the call in hand. Each crash is another program.
"""
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ["VIGIL_BUILD"] = sys.argv[1]
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from conftest import Bus, Processes, wait_for  # noqa: E402
from crashes import CrashDaemon, Notices, Stream, flood  # noqa: E402

ARRIVALS = 60
BUDGET_MSEC = 50


def arrivals(processes, tmp, bus, notices):
    """Latencies in µs. The bucket would hold most of them back: a daemon for each handful."""
    took = []
    while len(took) < ARRIVALS:
        daemon = CrashDaemon(processes, tmp / str(len(took)), bus)
        stream = Stream(processes, daemon.journal)
        for _ in range(5):
            name = f"bench-{len(took)}"
            entry = daemon.entry(f"/usr/bin/{name}")
            written = time.time_ns() // 1000
            stream.write([entry])
            shown = wait_for(name, lambda: next((c for c in notices.shown if c["summary"].startswith(name + " ")), None))
            took.append(shown["time"] - written)
            time.sleep(0.3)  # so that the follower rests, as between real crashes
        stream.end()
        daemon.stop()
    return sorted(took)


def floods(processes, tmp, bus, notices):
    for crashes, seconds in ((1000, 10), (10000, 60)):
        daemon = CrashDaemon(processes, tmp / f"flood-{crashes}", bus)
        flood(processes, daemon, 300, 3, 3)
        before, seen, cpu = daemon.memory_kib(), len(notices.shown), cpu_seconds(daemon.child.pid)
        flood(processes, daemon, crashes, seconds, 3)
        cpu = cpu_seconds(daemon.child.pid) - cpu
        after = daemon.memory_kib()
        wait_for("the end of the flood", lambda: not daemon.status()["flood"], 90)
        indexed = daemon.status()["index"]["crashes"] - 300
        print(f"flood of {crashes} crashes in {seconds} s: {indexed} indexed, {len(notices.shown) - seen} notifications and updates, "
              f"own memory {before} KiB before, {after} KiB after, {cpu:.1f} s of a core", flush=True)
        daemon.stop()


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    with tempfile.TemporaryDirectory() as folder:
        tmp = Path(folder)
        processes = Processes(tmp)
        try:
            bus = Bus(processes, tmp, "session")
            notices = Notices(processes, bus)
            took = arrivals(processes, tmp, bus, notices)
            print(f"arrival, journal entry to notification on the bus: median {statistics.median(took) / 1000:.1f} ms, "
                  f"95th percentile {took[int(len(took) * 0.95)] / 1000:.1f} ms of {len(took)} (budget {BUDGET_MSEC} ms median)", flush=True)
            floods(processes, tmp, bus, notices)
        finally:
            processes.end()


main()

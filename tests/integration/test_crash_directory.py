# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine without systemd-coredump: the kernel's own core files, of programs that really crash."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from conftest import BUILD, vigil, wait_for
from crashes import TOLD, CrashDaemon, Notices

CRASH = BUILD / "tests/tools/crash"
CONFIG = "[Monitor]\nModules=coredump\n[Coredump]\nDirectories={}\n"


@pytest.fixture
def folder(tmp_path):
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if pattern != "core":
        pytest.skip(f"core_pattern is '{pattern}': no core comes into a folder of the test's")
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def crash(folder, way="segv"):
    child = subprocess.Popen(["sh", "-c", f"ulimit -c unlimited; exec '{CRASH}' {way}"], cwd=folder)
    assert child.wait(30) < 0
    return child.pid


def test_the_daemon_tells_of_it_without_a_journal_entry(processes, tmp_path, session_bus, folder):
    notices = Notices(processes, session_bus)
    d = CrashDaemon(processes, tmp_path, session_bus, config=CONFIG.format(folder))
    pid = crash(folder, "abort")
    row = d.wait_row(pid, TOLD)
    assert row["exe"] == str(CRASH) and row["signal"] == 6 and row["trust"] == 1 and Path(row["coreFile"]).parent == folder
    assert "crash stopped itself after an internal error" in [n["summary"] for n in notices.popups]
    second = crash(folder, "segv")
    wait_for("the second", lambda: second in d.rows())
    fds = [os.readlink(f.path) for f in os.scandir(f"/proc/{d.child.pid}/fd")]
    assert fds.count("anon_inode:inotify") <= 1  # the journal's; none for the folder


def test_the_command_line_finds_it_by_itself(tmp_path, folder):
    config = tmp_path / "config/vigil"
    config.mkdir(parents=True)
    (config / "vigil.conf").write_text(CONFIG.format(folder))
    env = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/none"}
    pid = crash(folder)
    crashes = json.loads(vigil("crash", "list", "--json", env=env).stdout)["crashes"]
    found, = [c for c in crashes if c["pid"] == pid]
    assert found["signalName"] == "SIGSEGV" and found["exe"] == str(CRASH) and found["core"]["state"] == "present"

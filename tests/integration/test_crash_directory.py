# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine without systemd-coredump: the kernel's own core files, of programs that really crash."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from conftest import BUILD, vigil, wait_for
from cores import write_core
from crashes import TOLD, CrashDaemon, Notices

CRASH = BUILD / "tests/tools/crash"
CONFIG = "[Monitor]\nModules=coredump\n[Coredump]\nDirectories={}\n"


PATTERN = Path("/proc/sys/kernel/core_pattern").read_text().strip()
KERNEL_WRITES = PATTERN == "core"  # else a core is made as the kernel makes it, and Vigil sees a pattern of the test's


@pytest.fixture
def folder(tmp_path):
    if not KERNEL_WRITES and os.geteuid() != 0:
        pytest.skip(f"core_pattern is '{PATTERN}', and it takes root to show another one to Vigil")
    (tmp_path / "work").mkdir()
    (tmp_path / "pattern").write_text("core\n")
    return tmp_path / "work"


def seeing_files(tmp_path):
    """A prefix: what is started with it sees that cores go to files."""
    return [] if KERNEL_WRITES else ["unshare", "-m", "sh", "-c", f"mount --bind {tmp_path}/pattern /proc/sys/kernel/core_pattern && exec \"$@\"", "sh"]


def crash(folder, way="segv"):
    """Gives the pid of a program that crashed, its core in the folder."""
    # Instrumented it would take its own fault for a finding, and leave no core.
    env = dict(os.environ, ASAN_OPTIONS="handle_segv=0:handle_abort=0:disable_coredump=0")
    child = subprocess.Popen(["sh", "-c", f"ulimit -c unlimited; exec '{CRASH}' {way}"], cwd=folder, env=env)
    assert child.wait(30) < 0
    if not KERNEL_WRITES:
        name = f"core.{child.pid}" if int(Path("/proc/sys/kernel/core_uses_pid").read_text()) else "core"
        write_core(folder / ".core", pid=child.pid, uid=os.getuid(), comm="crash", signal={"segv": 11, "abort": 6}[way])
        (folder / ".core").chmod(0o600)
        (folder / ".core").rename(folder / name)
    return child.pid


def test_the_daemon_tells_of_it_without_a_journal_entry(processes, tmp_path, session_bus, folder):
    notices = Notices(processes, session_bus)
    d = CrashDaemon(processes, tmp_path, session_bus, config=CONFIG.format(folder), prefix=seeing_files(tmp_path))
    pid = crash(folder, "abort")
    row = d.wait_row(pid, TOLD)
    assert row["comm"] == "crash" and row["signal"] == 6 and row["trust"] == 1 and Path(row["coreFile"]).parent == folder
    assert "crash stopped itself after an internal error" in [n["summary"] for n in notices.popups]
    assert row["exe"] == str(CRASH) or not KERNEL_WRITES
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
    crashes = json.loads(vigil("crash", "list", "--json", env=env, prefix=seeing_files(tmp_path)).stdout)["crashes"]
    found, = [c for c in crashes if c["pid"] == pid]
    assert found["signalName"] == "SIGSEGV" and found["program"] == "crash" and found["core"]["state"] == "present"

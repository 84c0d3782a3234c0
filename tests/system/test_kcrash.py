# SPDX-License-Identifier: GPL-2.0-or-later
"""A real KDE program (Qt, Debian's KCrash) crashes with KCRASH_DUMP_ONLY=1: its metadata gets into the index and is gone from the
cache, and DrKonqi is started with what it says, in a unit of its own. DrKonqi itself is played by tests/tools/fake-drkonqi."""
import re
import shutil
import subprocess

import pytest

import rootfs
from crashes import entries
from machine import ROOT, TOOLS_AT, wait_for
from test_vigil_crash import HOME, UNIT, USER, Vigil, desktop  # noqa: F401 (a fixture)

APP = f"{TOOLS_AT}/kcrash-app"
DRKONQI = "/usr/lib/x86_64-linux-gnu/libexec/drkonqi"
GOT = f"{HOME}/drkonqi.got"
CONFIG = "[Monitor]\nModules=coredump\n[Coredump]\nCrashReporter=auto\n"


def build(to):
    """Compiles the program on this machine; gives why that cannot be."""
    if not shutil.which("g++") or subprocess.run(["pkg-config", "--exists", "Qt5Gui"]).returncode != 0:
        return "g++, qtbase5-dev and libkf5crash-dev are needed"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "Qt5Gui"], check=True, capture_output=True, text=True).stdout.split()
    done = subprocess.run(["g++", "-fPIC", "-o", str(to), str(ROOT / "tests/system/kcrash-app.cpp"), *flags, "-I/usr/include/KF5/KCrash",
                           "-I/usr/include/KF5/KCoreAddons", "-lKF5Crash", "-lKF5CoreAddons"], capture_output=True, text=True)
    return done.stderr.strip()[-500:] if done.returncode != 0 else None


@pytest.fixture(scope="module")
def kde(machine, desktop, tmp_path_factory):  # noqa: F811
    if machine.suite not in rootfs.KDE:
        pytest.skip(f"kcrash-app: {machine.suite} has another KCrash than the one that this machine compiles against")
    app = tmp_path_factory.mktemp("kcrash") / "kcrash-app"
    why_not = build(app)
    if why_not:
        pytest.skip(f"kcrash-app: {why_not}")
    for source, target in ((app, APP), (ROOT / "tests/tools/fake-drkonqi", DRKONQI)):
        machine.path(target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, machine.path(target))
    # KCrash looks whether DrKonqi would pick its metadata up before it writes any
    machine.write(f"{TOOLS_AT}/libexec/drkonqi-coredump-processor", "#!/bin/sh\n", 0o755)
    vigil = Vigil(machine, desktop)
    machine.write(f"{HOME}/.config/vigil/vigil.conf", CONFIG)
    machine.run("chown", "-R", f"{USER}:", f"{HOME}/.config")
    machine.run_as(USER, "mkdir", "-p", GOT)
    machine.run_as(USER, "sh", "-c", f"echo 5.27.5 >{GOT}/version; touch {GOT}/stay")
    assert vigil.ctl("set-environment", f"FAKE_REPORTER_DIR={GOT}").returncode == 0
    assert vigil.ctl("enable", "--now", UNIT).returncode == 0
    vigil.started()
    yield vigil
    vigil.ctl("unset-environment", "FAKE_REPORTER_DIR")
    vigil.ctl("disable", "--now", UNIT, "vigil-monitord.socket")
    machine.run("rm", "-rf", f"{HOME}/.config/vigil", f"{HOME}/.local/state/vigil", GOT, DRKONQI)


def test_a_kde_program_that_leaves_its_crash_to_systemd(machine, kde):
    mark = machine.cursor()
    done = machine.user_unit(USER, "env", "KCRASH_DUMP_ONLY=1", f"LIBEXEC_PATH={TOOLS_AT}/libexec", APP, "segv")
    entry, = entries(machine, mark)
    pid = int(entry["COREDUMP_PID"])
    assert entry["COREDUMP_EXE"] == APP and entry["COREDUMP_SIGNAL_NAME"] == "SIGSEGV", done.stderr
    wait_for("the row's metadata", lambda: [r for r in kde.rows() if r["pid"] == pid] and kde.info(pid).get("kcrash"))
    groups = kde.info(pid)["kcrash"]
    assert groups["KCrash"]["appname"] == "kcrash-app" and groups["KCrash"]["appversion"] == "1.2.3"
    wait_for("the metadata to be consumed", lambda: not list(machine.path(f"{HOME}/.cache/kcrash-metadata").glob("*.ini")))

    wait_for("DrKonqi", machine.path(f"{GOT}/done").exists)
    words = machine.path(f"{GOT}/argv").read_text().split("\0")
    for key, value in (("--appname", "kcrash-app"), ("--pid", str(pid)), ("--signal", "11"), ("--appversion", "1.2.3")):
        assert words[words.index(key) + 1] == value, words
    assert "--exe" not in words
    environment = machine.path(f"{GOT}/environ").read_text().split("\0")
    assert "DRKONQI_BACKEND=COREDUMPD" in environment
    metadata = machine.path(f"{GOT}/metadata").read_text()
    assert "[KCrash]" in metadata and "[Journal]" in metadata and APP in metadata
    assert machine.path(f"{GOT}/metadata.mode").read_text().strip() == "600"
    reporter = re.search(r"vigil-reporter-[^/]*\.service", machine.path(f"{GOT}/cgroup").read_text())[0]
    assert kde.ctl("restart", UNIT).returncode == 0  # its unit outlives the daemon's
    assert kde.ctl("is-active", reporter).stdout.strip() == "active"
    assert kde.ctl("stop", reporter).returncode == 0
    assert not [e for e in kde.seen() if "Vigil" in e], "DrKonqi tells of it itself"

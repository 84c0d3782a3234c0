# SPDX-License-Identifier: GPL-2.0-or-later
"""Root file systems that cannot be had: given up in time, and said in one line."""
import os
import time
from pathlib import Path

import pytest

import rootfs
from machine import wait_for
from test_a_guard import ended


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mmdebstrap of the test's own, and a cache that is empty."""
    def says(script):
        program = tmp_path / "mmdebstrap"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    if os.geteuid() != 0:
        pytest.skip("not root: the cache is root's")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("VIGIL_SYSTEM_MIRROR", "http://nowhere.example/debian")
    return says


def test_a_mirror_that_stalls_is_given_up(mirror, monkeypatch, tmp_path):
    monkeypatch.setattr(rootfs, "BOOTSTRAP_SECONDS", 1)
    mirror(f"echo 0% waiting for headers; sleep 1000 & echo $! >{tmp_path}/pid; wait")
    begin = time.monotonic()
    with pytest.raises(rootfs.Failure) as failure:
        rootfs.cached("bookworm")
    assert time.monotonic() - begin < 20
    message = str(failure.value)
    assert "given up after 1 s" in message and "'bookworm' from http://nowhere.example/debian" in message, message
    assert "0% waiting for headers" in message and "\n" not in message
    wait_for("its children to end, too", lambda: ended(int((tmp_path / "pid").read_text())))
    assert not list((tmp_path / "cache").glob("vigil-test/*"))


def test_one_that_traps_the_signal_is_killed(mirror, monkeypatch):
    status, out = rootfs.bounded(["sh", "-c", "trap 'echo not me' TERM; echo here; while :; do sleep 0.1; done"], 0.5, grace=0.5)
    assert status is None and out.startswith("here\n")


def test_what_it_says_is_passed_on(mirror):
    mirror("echo E: no such suite; exit 25")
    with pytest.raises(rootfs.Failure, match="of 'potato': E: no such suite$"):
        rootfs.cached("potato")


def test_last_week_s_is_better_than_none(mirror, capfd):
    mirror("for a; do case $a in */bookworm-run-*) mkdir -p $a/etc;; esac; done")
    first = rootfs.cached("bookworm")
    old = first.rename(first.with_name(first.name[:-7] + "2001w01"))
    mirror("echo E: unreachable; exit 1")
    assert rootfs.cached("bookworm") == old and Path(old, "etc").is_dir()
    assert "no new root file system" in capfd.readouterr().err

# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots one container and owns everything of the machine that this needs, until it has put it back.

usage: guard.py SUITE STAGING RELAY     (STAGING: files to lay over the container's root; RELAY: the program core-relay)

A process of its own, in a session and a mount namespace of its own. It says one JSON object a line on stdout: {"waiting": WHY},
{"leader": PID} (once more when the container has rebooted), then, at the end, {"restored": true} or {"error": LINE}. When its stdin ends, for whatever reason (the tests
are done, failed, or were killed), or at SIGTERM, SIGINT and SIGHUP, it ends the container and restores core_pattern, sysctls, cgroups and
mounts. Should it be killed itself, the next run restores from what it had noted in /run/vigil-test/saved.json.
"""
import ctypes
import errno
import fcntl
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import inside
import rootfs
from rootfs import Failure, overlay

STATE = Path("/run/vigil-test")
LOCK_SECONDS = 900  # as long as another run may take
BOOT_SECONDS = 90
REBOOT = 133  # nspawn's exit status then, with --keep-unit
END_SECONDS = 15
RELAY_FILES = ("systemd-coredump", "relay.conf")  # beside the run's directory; the first is the name that programs look for in core_pattern
PATTERN_MAX = 127  # CORENAME_MAX_SIZE
# All that a container with a writable /proc/sys, and the tests in it, change on purpose.
SYSCTLS = ["kernel/core_pattern", "kernel/core_uses_pid", "kernel/core_pipe_limit", "fs/suid_dumpable",
           "fs/inotify/max_user_instances", "fs/inotify/max_user_watches", "fs/inotify/max_queued_events",
           "user/max_inotify_instances", "user/max_inotify_watches"]
# nspawn gives the container a boot id of its own by a bind mount in /proc, which services with a private /proc do not see:
# systemd-coredump would name cores after another boot than the journal's, and newer logind refuse to open sessions.
# A test that wants another boot id than the machine's makes the file.
INIT = "/usr/lib/vigil-test/init"
INIT_SCRIPT = """#!/bin/sh
[ -e /etc/vigil-test-boot-id ] || umount /proc/sys/kernel/random/boot_id
exec /lib/systemd/systemd
"""
# What would reach through to the machine: other sysctls, modules, the random seed, binfmt_misc, disks.
MASKED = """systemd-sysctl.service systemd-modules-load.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount
systemd-random-seed.service systemd-repart.service systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket
systemd-timesyncd.service systemd-firstboot.service systemd-oomd.service apt-daily.timer apt-daily-upgrade.timer""".split()
USERS = [("alice", 1000, None), ("bob", 1001, None), ("carol", 1002, "sudo")]  # carol may give her password as an administrator


def sysctl(name, value=None):
    path = Path("/proc/sys") / name
    if value is None:
        return path.read_text().rstrip("\n")
    return path.write_text(value + "\n")


def say(**message):
    try:
        print(json.dumps(message), flush=True)
    except BrokenPipeError:
        pass


class Cgroup:
    """A control group of the container's own in the unified hierarchy; nspawn may add its likes in others."""

    def __init__(self, name):
        self.name = name
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            fields = line.split()
            if fields[fields.index("-") + 1] == "cgroup2":
                self.path = Path(fields[4]) / name
                return
        raise Failure("no cgroup2 file system is mounted here, and a booted systemd needs one")

    def make(self):
        """An empty one: a group whose groups have controllers takes no process of its own."""
        self.kill()
        self.remove()
        self.path.mkdir()

    def kill(self):
        """Ends whatever runs in it; gives when none does."""
        end = time.monotonic() + END_SECONDS
        while self.path.exists() and "populated 1" in (self.path / "cgroup.events").read_text():
            if (self.path / "cgroup.kill").exists():
                (self.path / "cgroup.kill").write_text("1")
            for procs in self.path.rglob("cgroup.procs"):
                for pid in procs.read_text().split():
                    try:
                        os.kill(int(pid), signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            if time.monotonic() > end:
                raise Failure(f"processes in '{self.path}' do not end")
            time.sleep(0.05)

    def remove(self):
        hierarchies = [self.path, *Path("/sys/fs/cgroup").glob(f"*/{self.name}")]
        for top in hierarchies:
            for path in [*sorted(top.rglob("*/"), reverse=True), top]:
                if path.is_dir():
                    path.rmdir()


class Saved:
    """What the machine was like before; also on disk, for the run after one that was killed."""
    path = STATE / "saved.json"

    @classmethod
    def note(cls, **also):
        data = dict(also, sysctls={name: sysctl(name) for name in SYSCTLS if (Path("/proc/sys") / name).exists()})
        fresh = cls.path.with_suffix(".new")
        fresh.write_text(json.dumps(data))
        fresh.rename(cls.path)
        return data

    @classmethod
    def restore(cls):
        if not cls.path.exists():
            return
        data = json.loads(cls.path.read_text())
        for name, value in data["sysctls"].items():
            if sysctl(name) != value:
                sysctl(name, value)
        cgroup = Cgroup(data["cgroup"])
        cgroup.kill()
        cgroup.remove()
        shutil.rmtree(data["directory"], ignore_errors=True)
        for name in RELAY_FILES:
            Path(data["directory"]).with_name(name).unlink(missing_ok=True)
        cls.path.unlink()


def lock():
    """Only one run at a time may own core_pattern. The lock goes with the process that holds it."""
    STATE.mkdir(mode=0o700, exist_ok=True)
    info = STATE.lstat()
    if info.st_uid != 0 or info.st_mode & 0o022:
        raise Failure(f"'{STATE}' is not root's alone")
    fd = os.open(STATE / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for left in range(LOCK_SECONDS, 0, -1):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except OSError as e:
            if e.errno != errno.EWOULDBLOCK:
                raise
        if left == LOCK_SECONDS:
            say(waiting="another run of the system tests")
        if wait_for_end(1):
            raise Failure("told to end while waiting for another run of the system tests")
    raise Failure(f"another run of the system tests holds '{STATE}/lock' for more than {LOCK_SECONDS} s")


def wait_for_end(seconds=None, *others):
    """Whether whoever started us is gone or wants us to end. Also gives when one of others (fds) is ready."""
    ready, _, _ = select.select([0, WAKE, *others], [], [], seconds)
    return 0 in ready or WAKE in ready


def lay_over(tree, root):
    subprocess.run(["cp", "-a", "--no-preserve=ownership", f"{tree}/.", str(root)], check=True)


def install(suite, root, staging, directory):
    """What is to be tested: as it was built on this machine or, where that does not run in this suite, as it is built there."""
    lay_over(staging, root)
    missing = inside.missing_libraries(root)
    if missing or os.environ.get("VIGIL_SYSTEM_BUILD") == "inside":
        say(building=f"inside {suite}: {missing or 'as asked for'}")
        lay_over(inside.build(suite, directory / "build"), root)
        missing = inside.missing_libraries(root)
    if missing:
        raise Failure(f"Vigil does not run in '{suite}': {missing}")


def furnish(root):
    """Users, quiet units, a journal that lasts."""
    for unit in MASKED:
        link = root / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    init = root / INIT.lstrip("/")
    init.parent.mkdir(parents=True, exist_ok=True)
    init.write_text(INIT_SCRIPT)
    init.chmod(0o755)
    (root / "etc/hostname").write_text("vigil\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost vigil\n")
    (root / "etc/machine-id").write_text(uuid.uuid4().hex + "\n")
    (root / "var/log/journal").mkdir(exist_ok=True)
    conf = root / "etc/systemd/journald.conf.d"
    conf.mkdir(exist_ok=True)
    (conf / "test.conf").write_text("[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\n")
    conf = root / "etc/systemd/logind.conf.d"
    conf.mkdir(exist_ok=True)
    (conf / "test.conf").write_text("[Login]\nUserStopDelaySec=1\n")  # logouts are waited for
    for name, uid, group in USERS:
        subprocess.run(["chroot", str(root), "useradd", "-m", "-s", "/bin/bash", "-u", str(uid), *(["-G", group] if group else []), name],
                       check=True, capture_output=True)
    subprocess.run(["chroot", str(root), "chpasswd"], input="".join(f"{name}:{name}-secret\n" for name, *_ in USERS), text=True, check=True)


def container_pattern(root):
    """The words of the core_pattern that this container's own systemd would set."""
    for path in ("usr/lib/sysctl.d/50-coredump.conf", "lib/sysctl.d/50-coredump.conf"):
        if (root / path).exists():
            found = re.search(r"^kernel\.core_pattern\s*=\s*\|(.+)$", (root / path).read_text(), re.M)
            if found:
                return found.group(1).split()
    raise Failure("the container has no sysctl.d/50-coredump.conf with a core_pattern that is a pipe")


def relay_cores(root, leader, program, saved):
    """From here on crashes in the container go to its systemd-coredump (see tests/tools/core-relay.c)."""
    words = container_pattern(root)
    target, conf_file = (rootfs.cache_directory() / name for name in RELAY_FILES)
    fresh = target.with_suffix(".new")
    shutil.copy(program, fresh)
    fresh.chmod(0o700)
    fresh.rename(target)
    letters = "".join(word[1] if len(word) == 2 and word[0] == "%" else "-" for word in words[1:])
    conf = {"leader": leader, "pidns": os.stat(f"/proc/{leader}/ns/pid").st_ino, "program": words[0], "letters": letters,
            "elsewhere": saved["kernel/core_pattern"], "uses-pid": saved["kernel/core_uses_pid"]}
    fresh = conf_file.with_suffix(".new")  # never half of it: crashes of the machine's pass here, too
    fresh.write_text("".join(f"{key} {value}\n" for key, value in conf.items()))
    fresh.rename(conf_file)
    seen_inside = root / str(target).lstrip("/")  # whoever asks in there what core_pattern runs finds the real one
    seen_inside.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not seen_inside.is_symlink():
        seen_inside.symlink_to(words[0])
    pattern = " ".join([f"|{target}", "%P", "%c", "%d", *words[1:]])
    if len(pattern) > PATTERN_MAX or " " in str(target):
        raise Failure(f"'{pattern}' is no possible core_pattern: choose a shorter XDG_CACHE_HOME")
    sysctl("kernel/core_pattern", pattern)
    sysctl("kernel/core_pipe_limit", "16")  # both as systemd's 50-coredump.conf has them
    sysctl("fs/suid_dumpable", "2")


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def boot(root, cgroup, log):
    def prepare():
        die_with_parent()
        (cgroup.path / "cgroup.procs").write_text(str(os.getpid()))
    env = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
           "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1"}
    return subprocess.Popen(["systemd-nspawn", "--quiet", f"--directory={root}", "--register=no", "--keep-unit", "--private-network",
                             "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--hostname=vigil", "--machine=vigil-test",
                             "--console=pipe", INIT],
                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, preexec_fn=prepare, start_new_session=True)


def leader_of(nspawn):
    """The container's PID 1: the child of nspawn that is number 1 in a namespace of its own."""
    for pid in Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split():
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        ids = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
        if len(ids) == 2 and ids[1] == "1" and Path(f"/proc/{pid}/comm").read_text().strip() == "systemd":
            return int(pid)
    return None


def wait_until_booted(root, nspawn, log):
    end, leader = time.monotonic() + BOOT_SECONDS, None
    while True:
        leader = leader or (leader_of(nspawn.pid) if nspawn.poll() is None else None)
        if leader:
            done = subprocess.run(["nsenter", "-t", str(leader), "-a", "systemctl", "is-system-running"], capture_output=True, text=True)
            if done.stdout.strip() in ("running", "degraded"):
                return leader
        if nspawn.poll() is not None or time.monotonic() > end:
            log.seek(0)
            journal = subprocess.run(["journalctl", f"--directory={root}/var/log/journal", "--no-pager", "-n", "40"], capture_output=True, text=True)
            raise Failure(f"the container did not boot: {log.read()[-2000:].decode(errors='replace').strip()}\n{journal.stdout}")
        if wait_for_end(0.05):
            raise Failure("told to end while the container booted")


def power_off(nspawn, leader):
    os.kill(leader, signal.SIGRTMIN + 4)  # systemd(1): poweroff.target
    try:
        nspawn.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        nspawn.kill()
        nspawn.wait()


def run(suite, staging, relay):
    Saved.restore()  # what a run that was killed left
    lower = rootfs.cached(suite)
    directory = rootfs.cache_directory() / f"run-{os.getpid()}"
    cgroup = Cgroup(f"vigil-test-{os.getpid()}")
    saved = Saved.note(cgroup=cgroup.name, directory=str(directory))["sysctls"]
    nspawn = leader = None
    try:
        directory.mkdir(mode=0o700)
        root = overlay(lower, directory)
        install(suite, root, staging, directory)
        furnish(root)
        with open(directory / "console.log", "w+b") as log:
            while True:
                cgroup.make()
                nspawn = boot(root, cgroup, log)
                leader = wait_until_booted(root, nspawn, log)
                relay_cores(root, leader, relay, saved)
                say(leader=leader, elsewhere=saved["kernel/core_pattern"])
                if wait_for_end(None, os.pidfd_open(nspawn.pid)):
                    break
                if nspawn.wait() != REBOOT:
                    raise Failure(f"the container ended by itself (status {nspawn.returncode})")
    finally:
        if nspawn and leader and nspawn.poll() is None:
            power_off(nspawn, leader)
        rootfs.unmount_below(directory)
        Saved.restore()


def main():
    global WAKE
    WAKE, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # the pipe tells
    try:
        held = lock()
        run(*sys.argv[1:4])
        os.close(held)
        say(restored=True)
        return 0
    except Failure as e:
        say(error=str(e))
    except (OSError, subprocess.SubprocessError) as e:
        say(error=f"{type(e).__name__}: {e}")
    return 1


if __name__ == "__main__":
    sys.exit(main())

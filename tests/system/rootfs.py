# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian root file systems for the system tests, made by mmdebstrap and kept for a week."""
import datetime
import hashlib
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

# What Vigil's programs link, what a booted session needs, and what the tests ask their questions with. Where a suite has
# renamed a library (libarchive13t64), the new package provides the old name.
PACKAGES = """
systemd systemd-sysv dbus dbus-user-session libpam-systemd systemd-coredump polkitd login passwd procps util-linux mount acl
libsystemd0 libnotify4 libjansson4 libinih1 libpopt0 libsqlite3-0 libarchive13 libglib2.0-0 libdw1 libelf1 libseccomp2 libstdc++6 libdebuginfod1 libcurl4
dunst xvfb
""".split()
KDE = {"bookworm": ["libkf5crash5"]}  # where a real KDE program crashes, too
BOOTSTRAP_SECONDS = 600  # a mirror that stalls is given up then; half a minute is usual
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def build_packages():
    """What builds Vigil, from the one place that lists it."""
    text = (Path(__file__).resolve().parents[2] / "bootstrap").read_text()
    return re.search(r"^\tapt\) echo (.*?);;", text, re.M | re.S).group(1).replace("\\\n", " ").split()


class Failure(Exception):
    """One line for people: what failed, on what, why."""


def cache_directory():
    """Where root file systems are kept. It is executed from as root, so it must be root's alone."""
    path = Path(os.environ.get("XDG_CACHE_HOME") or "/var/cache") / "vigil-test"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    info = path.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != 0 or info.st_mode & 0o077:
        raise Failure(f"'{path}' is not a directory of root's alone (0700): remove it and try again")
    return path


def host_mirror():
    """The archive that this machine's apt takes Debian's main packages from; None: not a Debian, or never updated."""
    if not shutil.which("apt-get"):
        return None
    done = subprocess.run(["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)", "Created-By: Packages"],
                          capture_output=True, text=True, timeout=60)
    for line in done.stdout.splitlines():
        origin, label, component, uri = line.split("|", 3)
        if (origin, label, component) == ("Debian", "Debian", "main"):
            return uri
    return None


def host_apt_options():
    """What apt was told about the way to its archive: proxies, and dates that are not to be checked."""
    if not shutil.which("apt-config"):
        return []
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, timeout=60).stdout
    wanted = re.compile(r'Acquire::(\S*Proxy\S*|Check-\S+|Retries|ForceIPv[46]) ".+";$')
    return [f"--aptopt={line}" for line in dump.splitlines() if wanted.match(line)]


def bounded(argv, seconds, grace=10):
    """Runs argv, its children with it, for no longer than that: (status or None, what it said)."""
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        child, late = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True), False
        for patience, number in ((seconds, signal.SIGTERM), (grace, signal.SIGKILL)):  # SIGTERM first: it has mounts to undo
            try:
                child.wait(patience)
                break
            except subprocess.TimeoutExpired:
                late = True
                os.killpg(child.pid, number)
        child.wait()
        out.seek(0)
        return None if late else child.returncode, out.read()


def _bootstrap(suite, packages, target):
    mirror = os.environ.get("VIGIL_SYSTEM_MIRROR") or host_mirror()
    argv = ["mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", f"--include={','.join(packages)}", *host_apt_options(),
            *([f"--keyring={KEYRING}"] if KEYRING.exists() else []), suite, str(target), *([mirror] if mirror else [])]
    status, out = bounded(argv, BOOTSTRAP_SECONDS)
    if status is None:
        raise Failure(f"mmdebstrap was given up after {BOOTSTRAP_SECONDS} s, '{suite}' from {mirror or 'its default mirror'} "
                      f"(VIGIL_SYSTEM_MIRROR names another): {out[-500:].strip() or 'it said nothing'}")
    if status != 0:
        raise Failure(f"mmdebstrap could not make a root file system of '{suite}': {out[-2000:].strip()}")


def _discard(tree):
    unmount_below(tree)  # before anything is removed: what hangs there is the machine's
    shutil.rmtree(tree, ignore_errors=True)


def cached(suite, role="run"):
    """A root file system with the packages to run or to build Vigil, of this week; never written to. Made if need be."""
    cache = cache_directory()
    packages = sorted(PACKAGES + KDE.get(suite, []) if role == "run" else build_packages())
    kind = f"{suite}-{role}-{hashlib.sha256(' '.join(packages).encode()).hexdigest()[:10]}"
    year, week, _ = datetime.date.today().isocalendar()
    ready = cache / f"{kind}-{year}w{week:02}"
    if ready.is_dir():
        return ready
    fresh = cache / f"{ready.name}.new"
    _discard(fresh)
    same = sorted(p for p in cache.glob(f"{kind}-*w*") if p != fresh)
    try:
        _bootstrap(suite, packages, fresh)
    except Failure:
        _discard(fresh)
        if not same:
            raise
        print(f"no new root file system of '{suite}' could be made; going on with '{same[-1].name}'", file=sys.stderr, flush=True)
        return same[-1]
    fresh.rename(ready)
    for path in cache.glob(f"{suite}-{role}-*"):
        if path != ready:
            shutil.rmtree(path)
    return ready


def overlay(lower, directory):
    """A root of its own over the cached one, which stays as it is."""
    root = directory / "root"
    for layers in (directory, directory / "memory"):
        layers.mkdir(mode=0o700, parents=True, exist_ok=True)
        if layers.name == "memory":  # an overlay cannot be written on top of another: take memory
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "tmpfs", str(layers)], check=True)
        for name in ("upper", "work"):
            (layers / name).mkdir()
        root.mkdir(exist_ok=True)
        options = f"lowerdir={lower},upperdir={layers}/upper,workdir={layers}/work"
        done = subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", str(root)], capture_output=True, text=True)
        if done.returncode == 0:
            return root
    raise Failure(f"cannot mount an overlay over '{lower}': {done.stderr.strip()}")


def unmount_below(directory):
    """The newest mount first."""
    for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
        if line.split()[4].startswith(f"{directory}/"):
            subprocess.run(["umount", "-l", line.split()[4]], check=True)

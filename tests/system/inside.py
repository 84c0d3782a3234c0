# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds Vigil in a root file system of the suite under test, for machines whose own build does not run there."""
import subprocess
from pathlib import Path

import machine
import rootfs
from rootfs import Failure

BUILD = "build/inside"


def missing_libraries(root):
    """What the loader of that system does not find for Vigil's programs: libraries, or symbols of newer ones. "": nothing."""
    programs = [*(root / "usr/bin").glob("vigil*"), *(root / "usr/libexec/vigil").glob("*")]
    inside = [f"/{p.relative_to(root)}" for p in programs if p.read_bytes()[:4] == b"\x7fELF"]
    if not inside:
        raise Failure("make install put no programs into /usr/bin and /usr/libexec/vigil")
    done = subprocess.run(["chroot", str(root), "ldd", *inside], capture_output=True, text=True)
    return "; ".join(sorted({line.strip() for line in (done.stdout + done.stderr).splitlines() if "not found" in line}))


def copy_sources(target):
    """Every file that git knows or would: what a clone has, with the changes that are being worked on."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"], cwd=machine.ROOT, check=True,
                            capture_output=True).stdout
    files = b"\0".join(name for name in listed.split(b"\0") if name and (machine.ROOT / name.decode()).exists())
    packed = subprocess.run(["tar", "--null", "-T", "-", "-cf", "-"], cwd=machine.ROOT, input=files, check=True, capture_output=True).stdout
    subprocess.run(["tar", "--no-same-owner", "-xf", "-", "-C", str(target)], input=packed, check=True)


def build(suite, directory):
    """Builds and installs; gives the tree that is to be laid over a root. directory: for the build's own root."""
    root = rootfs.overlay(rootfs.cached(suite, "build"), directory)
    source, out = root / "source", root / "out"
    source.mkdir()
    out.mkdir()
    copy_sources(source)
    tools = [f"{BUILD}/tests/tools/{name}" for name in machine.TOOLS]
    for goal in (tools, ["install", "DESTDIR=/out"]):
        done = subprocess.run(["chroot", str(root), "make", "-s", "-C", "/source", "-j2", f"B={BUILD}", "PREFIX=/usr", *goal],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"Vigil does not build in '{suite}': {done.stderr[-3000:]}")
    machine.stage_tools(source / BUILD, out)
    return Path(out)

# SPDX-License-Identifier: GPL-2.0-or-later
"""vigil-unwind as its caller starts it: fds inherited, an unnamed file for the image."""
import json
import os
import subprocess
import tempfile

from conftest import BUILD

UNWIND = BUILD / "vigil-unwind"


def scan_args(core, image, *args):
    return [str(UNWIND), "scan", f"--core={core.fileno()}", f"--image={image.fileno()}", *map(str, args)]


def run_scan(path, *args, prefix=(), image=None):
    """The finished process; `image`, if given, is the file that is written."""
    with open(path, "rb") as core, tempfile.TemporaryFile(dir=os.path.dirname(path)) as own:
        into = image or own
        return subprocess.run([*prefix, *scan_args(core, into, *args)], capture_output=True, text=True, timeout=120,
                              pass_fds=(core.fileno(), into.fileno()))


def scan(path, *args, image=None):
    """What it says of a core; it must succeed, without a word on stderr."""
    done = run_scan(path, *args, image=image)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return json.loads(done.stdout)


def refusal(path, *args):
    """The one line with which it says why not."""
    done = run_scan(path, *args)
    assert done.returncode == 1, done
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("vigil-unwind: "), lines
    return lines[0].removeprefix("vigil-unwind: ")


def plan_of(trace):
    """A plan that trusts every path, as the tests' own programs may be."""
    rows = [{"index": i, "file": m["path"]} for i, m in enumerate(trace["modules"]) if m["path"].startswith("/")]
    return {"version": 1, "modules": rows}


def trace(path, *args):
    """Both steps, of a plain core or a compressed one."""
    with open(path, "rb") as core, tempfile.TemporaryFile(dir=os.path.dirname(path)) as image, tempfile.TemporaryFile("w+") as plan:
        first = scan(path, *args, image=image)
        json.dump(plan_of(first), plan)
        plan.flush()
        source = core if first["image"] == "core" else image
        done = subprocess.run([str(UNWIND), "trace", f"--image={source.fileno()}", f"--plan={plan.fileno()}", *map(str, args)], capture_output=True,
                              text=True, timeout=120, pass_fds=(source.fileno(), plan.fileno()))
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return json.loads(done.stdout)

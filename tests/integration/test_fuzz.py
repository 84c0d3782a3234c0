# SPDX-License-Identifier: GPL-2.0-or-later
"""A second of each fuzz target; `make fuzz` takes longer. The seed is the day's, so that every day tries others and a failure can be
repeated."""
import subprocess
import time

import pytest

from conftest import BUILD, ROOT

TARGETS = sorted(p.stem for p in (ROOT / "tests/fuzz").glob("fuzz-*.c"))


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_breaks(target):
    seed = int(time.time()) // 86400
    done = subprocess.run([str(BUILD / "tests/fuzz" / target), "1", str(seed)], capture_output=True, text=True, errors="replace", timeout=60)
    assert done.returncode == 0, f"seed {seed}: {done.stdout}{done.stderr}"
    assert int(done.stdout.split()[-2]) > 0

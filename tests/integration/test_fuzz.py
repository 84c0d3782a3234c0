# SPDX-License-Identifier: GPL-2.0-or-later
"""A second of each fuzz target, and its corpus, instrumented; `make fuzz` takes longer. The seed is the day's, so that every day tries others
and a failure can be repeated."""
import subprocess
import time

import pytest

from conftest import BUILD, ROOT

TARGETS = sorted(p.stem for p in (ROOT / "tests/fuzz").glob("fuzz-*.c"))
CORPUS = ROOT / "tests/fuzz/corpus"
INSTRUMENTED = ROOT / "build/sanitize/tests/fuzz"  # of `make replay-programs`, which `make check` does


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_breaks(target):
    seed = int(time.time()) // 86400
    done = subprocess.run([str(BUILD / "tests/fuzz" / target), "1", str(seed)], capture_output=True, text=True, errors="replace", timeout=60)
    assert done.returncode == 0, f"seed {seed}: {done.stdout}{done.stderr}"
    assert int(done.stdout.split()[-2]) > 0


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_breaks_nothing(target):
    files = sorted(str(p) for p in (CORPUS / target).iterdir())
    assert len(files) >= 10, "a target brings a corpus: tests/fuzz/keep makes it"
    done = subprocess.run([str(INSTRUMENTED / target), *files], capture_output=True, text=True, errors="replace", timeout=120)
    assert done.returncode == 0, done.stderr[-6000:]
    assert done.stderr.split("\n")[:-1] == files


def test_a_finding_is_one(tmp_path):
    """The instrumentation is in force: a file that breaks a target (none of the corpus does) would be seen."""
    symbols = subprocess.run(["nm", "-C", str(INSTRUMENTED / TARGETS[0])], capture_output=True, text=True, check=True).stdout
    assert "__asan_report_load1" in symbols and "__ubsan_handle_" in symbols
    gone = subprocess.run([str(INSTRUMENTED / TARGETS[0]), str(tmp_path / "none")], capture_output=True, text=True, check=False)
    assert gone.returncode == 1 and str(tmp_path / "none") in gone.stderr


def test_small_enough_to_keep():
    sizes = [p.stat().st_size for p in CORPUS.rglob("*") if p.is_file()]
    assert max(sizes) <= 64 * 1024 and sum(sizes) <= 600 * 1024
    assert {p.name for p in CORPUS.iterdir()} == set(TARGETS)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Which crashes are one crash: the pairs of tests/corpus, real programs in real builds, their cores as vigil-unwind reads them. The score is
printed (pytest -s, or where it is not full)."""
import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import BUILD, ROOT
from crashers import crash, run, trace

CORPUS = ROOT / "tests/corpus"
SIGNATURE = BUILD / "tests/tools/trace-signature"
BUILDS = {
    "debug": ["-g", "-O0"],
    "fast": ["-g", "-O2"],
    "size": ["-g", "-Os"],
    "lto": ["-g", "-O2", "-flto"],
    "static": ["-g", "-O1", "-static"],
    "nopie": ["-g", "-O1", "-no-pie", "-fno-pie"],
    "noframe": ["-g", "-O1", "-fomit-frame-pointer"],
    "symbols": ["-g0", "-O0"],
    "protected": ["-g", "-O1", "-fstack-protector-all"],
    "shifted": ["-g", "-O0"],  # with lines in front
    "changed": ["-g", "-O0", "-DCHANGED"],
    "clang": ["-g", "-O1"],
    "ubsan": ["-g", "-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all"],
    "stripped": ["-O2", "-s"],
    "stripped-again": ["-O2", "-s"],
    "stripped-shorter": ["-Os", "-s"],
}
RUST = {"debug": ["-g", "-Cpanic=abort"], "fast": ["-g", "-O", "-Cpanic=abort"]}


def pairs():
    rows = [line.split() for line in (CORPUS / "pairs").read_text().splitlines() if line and not line.startswith("#")]
    assert all(len(row) == 3 and row[0] in ("same", "different") for row in rows)
    return [(row[0] == "same", *row[1:]) for row in rows]


def compiled(folder, name, build):
    """The program, in a folder of its own: it has the same name in each build."""
    place = folder / f"{name}-{build}"
    place.mkdir()
    source = next(CORPUS.glob(f"{name}.*"))
    if build == "shifted":
        moved = place / source.name
        moved.write_text("\n" * 40 + source.read_text())
        source = moved
    if source.suffix == ".rs":
        run("rustc", *RUST[build], "-o", place / name, source)
    else:
        cxx = source.suffix == ".cpp"
        compiler = {True: "clang++" if cxx else "clang", False: "g++" if cxx else "gcc"}[build == "clang"]
        glib = run("pkg-config", "--cflags", "--libs", "glib-2.0").split() if name == "library" else []
        run(compiler, *BUILDS[build], "-pthread", "-I", CORPUS, "-o", place / name, source, *glib)
    return place / name


# What finds the fault ends the program itself. (The sanitizer of addresses would, too, but where addresses are very random it is now and then
# itself what crashes: its shadow does not fit.)
UBSAN = ["env", "UBSAN_OPTIONS=abort_on_error=1:disable_coredump=0"]


def signature(program, args, place):
    place.mkdir()
    core = crash(program, *args, folder=place, prefix=UBSAN if "-ubsan/" in str(program) else ())
    traced = trace(core)
    core.unlink()
    done = subprocess.run([SIGNATURE, str(program)], input=json.dumps(traced), capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.rstrip("\n").split(" ", 1)


def told_apart(rows, folder):
    """[(right, row, (signature, title), (signature, title))]"""
    specs = [spec for _, a, b in rows for spec in (a, b)]
    built = sorted({tuple(spec.split("/")[:2]) for spec in specs})
    # Each crash once, but for two that are written alike.
    runs = sorted({(spec, 0) for spec in specs} | {(a, 1) for _, a, b in rows if a == b})
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        programs = dict(zip(built, pool.map(lambda what: compiled(folder, *what), built)))
        found = dict(zip(runs, pool.map(lambda what: signature(programs[tuple(what[0].split("/")[:2])], what[0].split("/")[2:],
                                                               folder / f"run-{runs.index(what)}"), runs)))
    return [((found[a, 0][0] == found[b, int(a == b)][0]) == same, f"{'same' if same else 'different'} {a} {b}", found[a, 0], found[b, int(a == b)])
            for same, a, b in rows]


def check(rows, folder):
    results = told_apart(rows, folder)
    wrong = [f"{row}: {a} {b}" for right, row, a, b in results if not right]
    print(f"corpus: {len(results) - len(wrong)} of {len(results)} pairs right")
    assert not wrong, "\n".join(wrong)
    return results


def test_pairs_of_c_and_cpp(tmp_path):
    rows = [row for row in pairs() if not row[1].startswith("panics/")]
    assert len(rows) >= 95
    results = check(rows, tmp_path)
    # Right for the right reason: what is own stands first in the title, what ended the program nowhere.
    titles = {row.split()[1]: a[1] for _, row, a, _ in results}
    assert titles["calls/debug/first"] == "store < first"
    assert titles["checks/debug/assert"] == "check"
    assert titles["recursion/debug/walk/3"] == "leaf < walk"
    assert titles["shapes/debug/use-int"] == "(anonymous)::Box<>::open < (anonymous)::use<>"


def test_pairs_of_rust(tmp_path):
    if not shutil.which("rustc"):
        pytest.skip("no rustc")
    results = check([row for row in pairs() if row[1].startswith("panics/")], tmp_path)
    assert results[0][2][1] == "panics::unwrap_nothing < panics::main"

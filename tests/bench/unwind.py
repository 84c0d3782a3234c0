#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""unwind.py BUILD [THREADS MIB PAIRS]: a real core of 64 threads and 1.5 GB, plain and zstd: vigil-unwind's two steps beside eu-stack and gdb,
in turns; the median of each, and what was written to disk. vigil crash bt finds the plan and the packages, too."""
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

build = Path(sys.argv[1]).resolve()
threads, mib, pairs = (int(x) for x in (sys.argv[2:] + ["64", "1536", "7"][len(sys.argv) - 2:]))
UNWIND = build / "vigil-unwind"
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def make_core(folder):
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if pattern != "core":
        sys.exit(f"bench: core_pattern is '{pattern}', and a core is wanted that the kernel leaves as 'core'")
    subprocess.run(["sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh", build / "tests/bench/big-crash", str(threads), str(mib)], cwd=folder, **QUIET)
    return next(folder.glob("core*"))


def timed(what):
    """Seconds that passed, seconds of CPU, what it gave."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    result = what()
    passed, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return passed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, result


def make_plan(scanned):
    rows = []
    for index, module in enumerate(scanned["modules"]):
        id_ = module.get("buildId", "-")
        debug = f"/usr/lib/debug/.build-id/{id_[:2]}/{id_[2:]}.debug"
        if module["path"].startswith("/"):  # not the vDSO
            rows.append({"index": index, "file": module["path"], "debugFiles": [debug] if os.path.exists(debug) else []})
    return {"version": 1, "modules": rows}


def step(core, image, plan=None):
    fds = [core.fileno(), image.fileno()] if plan is None else [image.fileno(), plan.fileno()]
    names = ["--core", "--image"] if plan is None else ["--image", "--plan"]
    done = subprocess.run([UNWIND, "trace" if plan else "scan", *(f"{n}={fd}" for n, fd in zip(names, fds))], pass_fds=fds, capture_output=True, check=True)
    return json.loads(done.stdout)


def vigil(path, folder, planned):
    """Both steps; gives the trace and the bytes of disk that the image took."""
    with open(path, "rb") as core, tempfile.TemporaryFile(dir=folder) as image:
        scanned = step(core, image)
        if not planned.tell():
            planned.write(json.dumps(make_plan(scanned)).encode())
            planned.flush()
        traced = step(core, image if scanned["image"] == "image" else core, planned)
        assert len(traced["threads"]) == threads and traced["threads"][0]["frames"][0]["function"] == "crash", traced["threads"][0]
        return os.fstat(image.fileno()).st_blocks * 512


def tool(*argv):
    return lambda: subprocess.run([str(a) for a in argv], check=True, **QUIET)


def compare(title, rows):
    """Each in its turn; the first round, which fills caches, does not count."""
    times = {name: [] for name in rows}
    results = {}
    for at in range(pairs + 1):
        for name, what in rows.items():
            *seconds, results[name] = timed(what)
            if at:
                times[name].append(seconds)
    print(f"{title}, passed (CPU): " + ", ".join(
        f"{name} {statistics.median(p for p, _ in t) * 1000:.0f} ms ({statistics.median(c for _, c in t) * 1000:.0f})" for name, t in times.items()))
    return times, results


def ratio(times, mine, other):
    """Median of the pairs: of time that passed, of CPU."""
    pairs = list(zip(times[mine], times[other]))
    return f"{statistics.median(a[0] / b[0] for a, b in pairs):.2f} (budget 1.00), of CPU {statistics.median(a[1] / b[1] for a, b in pairs):.2f}"


def main():
    program = build / "tests/bench/big-crash"
    with tempfile.TemporaryDirectory() as tmp, tempfile.TemporaryFile() as planned:
        folder = Path(tmp)
        core = make_core(folder)
        size = core.stat().st_size
        vigil(core, folder, planned)
        times, results = compare(f"core of {threads} threads, {size / 1e9:.2f} GB, plain", {
            "vigil-unwind": lambda: vigil(core, folder, planned),
            "eu-stack -s -i": tool("eu-stack", "-s", "-i", f"--core={core}", f"--executable={program}"),
            "eu-stack": tool("eu-stack", f"--core={core}", f"--executable={program}"),
            "vigil crash bt": tool("env", f"XDG_STATE_HOME={folder}", f"XDG_CACHE_HOME={folder}", build / "vigil", "crash", "bt", core),
            "gdb": tool("gdb", "-batch", "-nx", "-iex", "set debuginfod enabled off", "-ex", "thread apply all bt", program, core),
        })
        print(f"  ratio to eu-stack with lines and inlined functions {ratio(times, 'vigil-unwind', 'eu-stack -s -i')}; written {results['vigil-unwind']} bytes")
        packed = folder / "core.zst"
        subprocess.run(["zstd", "-q", "-T0", "-3", core, "-o", packed], check=True)
        core.unlink()
        times, results = compare(f"the same core, zstd ({packed.stat().st_size / 1e6:.0f} MB)", {
            "vigil-unwind": lambda: vigil(packed, folder, planned),
            "vigil crash bt": tool("env", f"XDG_STATE_HOME={folder}", f"XDG_CACHE_HOME={folder}", build / "vigil", "crash", "bt", packed),
            "zstd -d >/dev/null": tool("zstd", "-q", "-d", "-c", packed),
            "with one thread": tool("zstd", "-q", "-d", "-c", "--no-asyncio", packed),
        })
        written = results["vigil-unwind"]
        print(f"  ratio to decompressing alone {ratio(times, 'vigil-unwind', 'zstd -d >/dev/null')}, with one thread {ratio(times, 'vigil-unwind', 'with one thread')}; "
              f"written {written / 1e6:.1f} MB, {100 * written / size:.2f} % of the core (budget 5 %)")


main()

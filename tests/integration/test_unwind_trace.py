# SPDX-License-Identifier: GPL-2.0-or-later
"""Stacks of programs that crash in known ways: the functions and lines that the source says, frame by frame what eu-stack and gdb say. Where
those know less, or other, stands beside the row, with the reason."""
import json
import os
import re
import shutil
import struct
import subprocess
from itertools import zip_longest
from pathlib import Path

import pytest

from conftest import vigil
from crashers import FRAMES_MAX, SOURCES, Frame, address, compile_into, crash, eu_stack, frames_of, gdb, lines_of, run, trace
from made_core import STACK, note, write_core

# Each way's functions below main, innermost first; a mark of ways.c is named as its function, where nothing else is said.
WAYS = {
    "segv": ["fall"],
    "abort": ["stop"],
    "assert": ["check"],
    "fpe": ["divide"],
    "null": ["jump"],
    "wild": ["jump_far"],
    "handler": ["stop", "handle", "fall", "handled"],
    "altstack": ["stop", "handle", "fall", "handled_elsewhere"],
    "vfork": ["fall", "fork_and_fall:child"],
}
BELOW = ["inlined", "middle", "outer", "main"]
SIGNALS = {"abort": 6, "assert": 6, "fpe": 8, "handler": 6, "altstack": 6}


def expected(names, source="ways.c"):
    marks = lines_of(source)
    return [(name.split(":")[0], marks[name.split(":")[-1]]) for name in names]


def own(frames, *sources):
    """Those of the program's own source."""
    return [f for f in frames if f.file and Path(f.file).name in (sources or ("ways.c",))]


def of_module(frames, name="prog"):
    """Names of those of a module, however much is known of them; what was inlined is no frame without debug information."""
    return [f.function for f in frames if f.module == name and f.function != "_start"]


def told(frames):
    return [(f.function, f.line) for f in frames]


def base(name):
    """"void a::b<int>::c(char) [clone .cold]" -> "c": what two demanglers and two readers of DWARF agree on."""
    if not name:
        return None
    name = name.replace("(anonymous namespace)", "anonymous").replace("operator()", "call").split("@")[0]
    name = re.sub(r"\[.*?\]|\{lambda.*?#\d+\}", "", name)
    while (shorter := re.sub(r"<[^<>]*>|\([^()]*\)", "", name)) != name:
        name = shorter
    return re.sub(r"\.(constprop|part|isra|cold|lto_priv)[.\d]*$", "", name.replace(" const", "").strip()).split("::")[-1].split(" ")[-1].lstrip("_")


def same_frames(ours, theirs, names=True, lines=True, gaps=False):
    """Each address, function and line of theirs is ours too; where they do not know, we may. gaps: they have a line, of another function,
    where there is none."""
    for at, (us, them) in enumerate(zip_longest(ours, theirs)):
        assert us and them, f"frame {at}: {us or them} is missing"
        assert us.pc == them.pc, f"frame {at}: {us} {them}"
        assert us.inlined == them.inlined, f"frame {at}: {us} {them}"
        if names and them.function and not them.signal:
            assert base(us.function) == base(them.function), f"frame {at}: {us} {them}"
        if them.line and lines and (us.line or not gaps):
            assert us.line == them.line and Path(us.file).name == Path(them.file).name, f"frame {at}: {us} {them}"


def same_as_gdb(traced, core, program, thread=0, end=None, **kw):
    """gdb knows no frame below main (set backtrace past-main goes on by guesses where there is no unwind information)."""
    tid = traced["threads"][thread]["tid"]
    theirs = gdb(core, program)[tid][:end]
    ours = frames_of(traced, thread)
    same_frames(ours[:len(theirs)], theirs, **kw)
    assert len(theirs) == len(ours) or theirs[-1].function == "main" or end


def same_as_eu_stack(traced, core, program, thread=0, inlined=True, **kw):
    ours = [f for f in frames_of(traced, thread) if inlined or not f.inlined]
    same_frames(ours, eu_stack(core, program)[traced["threads"][thread]["tid"]], **kw)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """compile_into(), each program once."""
    folder, made = tmp_path_factory.mktemp("built"), {}

    def build(source, *flags, compiler=None):
        key = (source, flags, compiler)
        if key not in made:
            made[key] = compile_into(folder, source, f"prog-{len(made)}", *flags, compiler=compiler)
        return made[key]

    return build


@pytest.fixture(autouse=True)
def no_core_stays(tmp_path):
    yield
    for core in tmp_path.rglob("*.core*"):
        core.unlink()


@pytest.fixture
def crashed(built, tmp_path):
    """Builds, runs, gives program and core. The program is named prog, in the test's own folder."""

    def one(source, flags, *args, compiler=None, expect=None):
        program = tmp_path / "prog"
        if not program.exists():
            shutil.copy(built(source, *flags, compiler=compiler), program)
        return program, crash(program, *args, expect=expect)

    return one


# ---- ways ------------------------------------------------------------------------------------------------------------------------

DEBUG = ("-g", "-O0")
OPTIMISED = ("-g", "-O2")


@pytest.mark.parametrize("flags", [DEBUG, OPTIMISED], ids=["O0", "O2"])
@pytest.mark.parametrize("way", WAYS)
def test_each_way_has_its_stack(crashed, way, flags):
    program, core = crashed("ways.c", flags, way, expect=99 if way == "vfork" else None)
    traced = trace(core)
    thread = traced["threads"][0]
    frames = frames_of(traced)
    assert thread["crashed"] and thread["complete"] and "error" not in thread
    assert traced["signal"] == SIGNALS.get(way, 11)
    assert told(own(frames)) == expected(WAYS[way] + BELOW)
    assert [f.function for f in own(frames) if f.inlined] == ["inlined"]
    assert {"rip", "rsp"} <= set(traced["registers"]) or os.uname().machine != "x86_64"
    assert [f.signal for f in frames].count(True) == (way in ("handler", "altstack"))
    if way in ("null", "wild"):  # where nothing is; eu-stack takes what stands in the frame pointer for the caller's frame
        assert frames[0] == Frame(0 if way == "null" else 0x4141414141)
    else:
        same_as_eu_stack(traced, core, program)
    same_as_gdb(traced, core, program)


BUILDS = {
    "no-pie": ("-g", "-O2", "-no-pie"),
    "static": ("-g", "-O2", "-static"),
    "static-pie": ("-g", "-O2", "-static-pie"),
    "omit-frame-pointer": ("-g", "-O2", "-fomit-frame-pointer"),
    "dwarf-4": ("-g", "-O2", "-gdwarf-4"),
    "compressed": ("-g", "-O2", "-gz"),
    "debug_frame": ("-g", "-O2", "-fno-asynchronous-unwind-tables"),
    "no-build-id": ("-g", "-O2", "-Wl,--build-id=none"),
    "32-bit": ("-g", "-O2", "-m32"),
    "lto": ("-g", "-O2", "-flto=auto"),
}


@pytest.mark.parametrize("build", BUILDS)
def test_each_build_has_its_stack(crashed, build):
    if build == "32-bit" and os.uname().machine != "x86_64":
        pytest.skip("no 32-bit programs on this machine")
    for way in ("segv", "handler"):
        program, core = crashed("ways.c", BUILDS[build], way)
        traced = trace(core)
        assert told(own(frames_of(traced))) == expected(WAYS[way] + BELOW)
        assert traced["bits"] == (32 if build == "32-bit" else 64)
        module = next(m for m in traced["modules"] if m["path"] == str(program))
        assert module["state"] == ("unproven" if build == "no-build-id" else "present") and module["symbols"] == "debug"
        if build != "lto":  # eu-stack finds no inlined functions in partial units
            same_as_eu_stack(traced, core, program, gaps=build.startswith("static"))  # functions of libc.a have none
        same_as_gdb(traced, core, program)


# ---- what is known of a program --------------------------------------------------------------------------------------------------

NAMES = ["fall", "middle", "outer", "main"]  # what was inlined is no symbol


def test_without_debug_information_there_are_names(crashed):
    program, core = crashed("ways.c", ("-O2",), "segv")
    traced = trace(core)
    assert of_module(frames_of(traced)) == NAMES
    assert traced["modules"][0]["symbols"] == "table"
    same_as_eu_stack(traced, core, program)
    same_as_gdb(traced, core, program)


def test_a_stripped_program_has_addresses(crashed):
    program, core = crashed("ways.c", ("-O2", "-s"), "segv")
    traced = trace(core)
    frames = [f for f in traced["threads"][0]["frames"] if f["module"] == 0]
    assert [f.get("function") for f in frames] == [None] * (len(NAMES) + 1)  # and _start
    bias = address(traced["modules"][0]["bias"])
    assert [address(f["offset"]) for f in frames] == [address(f["pc"]) - bias - (f is not frames[0]) for f in frames]
    assert traced["modules"][0]["symbols"] == "exported"
    same_as_eu_stack(traced, core, program)


@pytest.mark.parametrize("flags", [(), ("-fno-omit-frame-pointer",)], ids=["O0", "O2"])
def test_frame_pointers_are_the_last_resort(crashed, flags):
    """No unwind tables at all, as of a JIT or of assembler. gdb reads the functions' first instructions instead."""
    program, core = crashed("ways.c", ("-O2" if flags else "-O0", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", *flags), "segv")
    assert ".debug_frame" not in run("readelf", "-SW", program)
    traced = trace(core)
    names = of_module(frames_of(traced))
    # an optimised function that calls nobody keeps no frame even so, and its caller is not seen
    assert names == [n for n in NAMES if not flags or n != "middle"]


def separate(program, folder, *, link=True, build_id=True):
    """Moves the program's debug information into folder; gives the new file. link: named in .gnu_debuglink."""
    debug = folder / f"{program.name}.debug"
    folder.mkdir(exist_ok=True)
    run("objcopy", "--only-keep-debug", program, debug)
    run("strip", "-s", program)
    if link:
        run("objcopy", f"--add-gnu-debuglink={debug}", program)
    if build_id:
        id_ = re.search("Build ID: ([0-9a-f]+)", run("readelf", "-n", debug))[1]
        place = folder / ".build-id" / id_[:2] / f"{id_[2:]}.debug"
        place.parent.mkdir(parents=True)
        debug.rename(place)
        debug = place
    return debug


@pytest.fixture
def split(built, tmp_path):
    """Builds a program whose debug information lies in a folder beside it; gives both files, and the folder."""

    def one(*flags, **kw):
        program = tmp_path / "prog"
        shutil.copy(built("ways.c", *flags), program)
        return program, separate(program, tmp_path / "debug", **kw), tmp_path / "debug"

    return one


@pytest.mark.parametrize("how", ["build-id", "debuglink", "debuglink-without-build-id"])
def test_separate_debug_information_is_found(split, how):
    flags = (*OPTIMISED, *(["-Wl,--build-id=none"] if how == "debuglink-without-build-id" else []))
    program, debug, folder = split(*flags, build_id=how == "build-id", link=how != "build-id")
    core = crash(program, "segv")
    traced = trace(core, debug=[folder])
    assert told(own(frames_of(traced))) == expected(WAYS["segv"] + BELOW)
    assert traced["modules"][0]["symbols"] == "debug" and traced["modules"][0]["debugFile"] == str(debug)
    if how == "build-id":  # gdb and eu-stack would want it in /usr/lib/debug, or beside the program under its name
        return
    shutil.copy(debug, program.parent)
    same_as_gdb(traced, core, program)
    same_as_eu_stack(traced, core, program)


@pytest.mark.parametrize("build_id", [True, False])
def test_debug_information_of_another_build_is_not_used(split, built, tmp_path, build_id):
    flags = (*OPTIMISED, *([] if build_id else ["-Wl,--build-id=none"]))
    program, debug, folder = split(*flags, build_id=False)
    core = crash(program, "segv")
    shutil.copy(built("ways.c", "-g", "-O0", *flags[2:]), tmp_path / "other")
    other = separate(tmp_path / "other", tmp_path / "debug2", build_id=False, link=False)
    other.replace(debug)
    traced = trace(core, debug=[folder])
    assert traced["modules"][0]["symbols"] == "exported" and "debugFile" not in traced["modules"][0]
    assert of_module(frames_of(traced)) == [None] * (len(NAMES) + 1)


def test_what_dwz_moved_away_is_found(built, tmp_path):
    """Names of functions that two programs have in common stand in a third file then."""
    program, other = tmp_path / "prog", tmp_path / "other"
    shutil.copy(built("ways.c", *OPTIMISED, "-gdwarf-4"), program)
    shutil.copy(built("ways.c", "-g", "-O1", "-gdwarf-4"), other)
    run("dwz", "-m", tmp_path / "common", program, other)
    core = crash(program, "segv")
    assert told(own(frames_of(trace(core, alt=[tmp_path / "common"])))) == expected(WAYS["segv"] + BELOW)
    shutil.copy(other, tmp_path / "common2")
    for alt in ([], [tmp_path / "common2"]):  # the program has the file's path, but nobody planned it; planned is something else
        without = trace(core, alt=alt)
        if without["sandbox"]["landlock"]:
            assert [f.function for f in frames_of(without) if f.inlined] != ["inlined"]


def test_a_small_table_of_functions_is_read(built, tmp_path):
    """.gnu_debugdata, of Fedora: what .dynsym does not have, compressed."""
    program = tmp_path / "prog"
    shutil.copy(built("ways.c", "-O2"), program)
    (tmp_path / "names").write_text("\n".join(NAMES))
    run("objcopy", "--only-keep-debug", program, tmp_path / "debug")
    run("objcopy", "-S", f"--keep-symbols={tmp_path / 'names'}", tmp_path / "debug", tmp_path / "mini")
    run("xz", "--force", tmp_path / "mini")
    run("strip", "-s", program)
    run("objcopy", f"--add-section=.gnu_debugdata={tmp_path / 'mini.xz'}", program)
    core = crash(program, "segv")
    traced = trace(core)
    assert of_module(frames_of(traced)) == [*NAMES, None]  # _start
    assert traced["modules"][0]["symbols"] == "table"


# ---- C++ -------------------------------------------------------------------------------------------------------------------------

SHAPES = {  # the innermost of them without what a mark's name is that of the function
    "virtual": [("shapes::Box<std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >, 3>::fill("
                 "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > const&)", "fill"),
                ("shapes::Circle::draw(std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > const&)", "draw"),
                ("main", "main_virtual")],
    "throw": [("shapes::(anonymous namespace)::throw_up(int)", "throw_up"), ("main", "main_throw")],
    "noexcept": [("shapes::(anonymous namespace)::throw_up(int)", "throw_up"), ("shapes::never_throws(int)", "never_throws"), ("main", "main_noexcept")],
    "lambda": [("shapes::(anonymous namespace)::throw_up(int)", "throw_up"), ("LAMBDA::operator()(int) const", "lambda"),
               ("shapes::call(std::function<void (int)> const&)", "call"), ("main", "main_lambda")],
}
COMPILERS = [c for c in ("g++", "clang++") if shutil.which(c)]


LAMBDAS = {"g++": "main::{lambda(int)#1}", "clang++": "main::$_0"}


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("flags", [DEBUG, OPTIMISED], ids=["O0", "O2"])
@pytest.mark.parametrize("way", SHAPES)
def test_cplusplus(crashed, way, flags, compiler):
    program, core = crashed("shapes.cpp", flags, way, compiler=compiler)
    traced = trace(core)
    marks = lines_of("shapes.cpp")
    rows = [(name.replace("LAMBDA", LAMBDAS[compiler]), marks[mark]) for name, mark in SHAPES[way]]
    if (way, compiler) == ("noexcept", "clang++"):  # what the exception left is gone when never_throws() stops it
        rows = rows[1:]
    frames = frames_of(traced)
    for f in frames:  # as its DWARF names it: it has no symbol where it was inlined
        f.function = f.function and f.function.replace("main::{unnamed}::operator()", rows[1][0])
    assert told(own(frames, "shapes.cpp")) == rows
    assert way == "virtual" or way == "noexcept" or "std::terminate()" in [f.function for f in frames]
    # of two lines that an instruction belongs to gdb takes the one where a statement begins
    same_as_gdb(traced, core, program, lines=flags == DEBUG)
    same_as_eu_stack(traced, core, program, inlined=compiler == "g++")  # clang writes no .debug_aranges, and elfutils 0.188 finds no unit then


# ---- threads, recursion, damage --------------------------------------------------------------------------------------------------


def test_all_threads_the_crashed_one_first(crashed):
    program, core = crashed("ways.c", OPTIMISED, "threads", "64")
    traced = trace(core)
    assert len(traced["threads"]) == 64 and [t.get("crashed", False) for t in traced["threads"]] == [True] + [False] * 63
    assert told(own(frames_of(traced))) == expected(["fall", "fall_in_thread"])
    theirs, debugger = eu_stack(core, program), gdb(core, program)
    others = []
    for at, thread in enumerate(traced["threads"]):
        frames = frames_of(traced, at)
        assert thread["complete"], thread
        same_frames(frames, theirs[thread["tid"]])
        same_frames(frames[:len(debugger[thread["tid"]])], debugger[thread["tid"]])
        others.append([f.function for f in own(frames)])  # past the barrier or still in it
    assert sorted(others[1:]) == sorted([["in_threads", *BELOW]] + [["wait_in_thread"]] * 62)


@pytest.mark.parametrize("compressor", ["zstd", "lz4", "xz"])
def test_a_compressed_core_has_the_same_stacks(crashed, compressor):
    _, core = crashed("ways.c", OPTIMISED, "threads", "16")
    plain = trace(core)
    with open(f"{core}.packed", "wb") as out:
        subprocess.run([compressor, "-q", "-c", core], stdout=out, check=True)
    packed = trace(f"{core}.packed")
    for key in ("threads", "modules", "registers", "signal"):
        assert packed[key] == plain[key]


def test_the_thread_that_others_say_crashed_comes_first(crashed):
    _, core = crashed("ways.c", OPTIMISED, "threads", "3")
    tid = trace(core)["threads"][2]["tid"]
    threads = trace(core, tid=tid)["threads"]
    assert [t["tid"] for t in threads].index(tid) == 0 and threads[0]["crashed"] and "crashed" not in threads[1]


@pytest.mark.parametrize("flags", [DEBUG, OPTIMISED], ids=["O0", "O2"])
def test_runaway_recursion_keeps_both_ends_and_names_its_cycle(crashed, flags):
    program, core = crashed("ways.c", flags, "stack")
    traced = trace(core)
    thread, frames = traced["threads"][0], frames_of(traced)
    assert thread["complete"] and FRAMES_MAX - 8 < len(frames) <= FRAMES_MAX
    left, cycle = thread["left"], thread["cycle"]
    assert left["count"] > 10000 and left["at"] == FRAMES_MAX / 2  # of 8 MiB
    assert sorted(told(frames[cycle["at"]:cycle["at"] + cycle["length"]])) == sorted(expected(["recurse1", "recurse2"])) and cycle["at"] <= 2
    assert abs(cycle["repeats"] * 2 - len(frames) - left["count"]) < 20
    assert told(own(frames))[-6:] == expected(["recurse1", "recurse", *BELOW])[:2] + expected(BELOW)
    same_frames(frames[:left["at"]], eu_stack(core, program)[thread["tid"]][:left["at"]])
    same_as_gdb(traced, core, program, end=left["at"])


def test_a_damaged_stack_ends_with_a_reason(crashed):
    _, core = crashed("ways.c", DEBUG, "smash")
    thread = trace(core)["threads"][0]
    assert "complete" not in thread and "0x4242424242424242 is no code" in thread["error"]
    assert [f.get("function") for f in thread["frames"]] == ["smash", None]


def test_a_stack_that_leads_in_a_circle_ends(crashed):
    program, core = crashed("ways.c", DEBUG, "circle")
    traced = trace(core)
    thread, frames = traced["threads"][0], frames_of(traced)
    assert "complete" not in thread and "leads back into the stack" in thread["error"]
    assert told(frames)[:2] == expected(["fall", "circle"]) and len(frames) < 5
    same_as_gdb(traced, core, program, end=2)


def test_a_stack_without_end_is_cut(crashed):
    """Two million frames that nobody called; a million is enough."""
    _, core = crashed("ways.c", ("-O0", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables"), "pile")
    thread = trace(core)["threads"][0]
    assert thread["error"] == "stopped after 1000000 frames" and "complete" not in thread
    assert len(thread["frames"]) == FRAMES_MAX and thread["left"]["count"] == 1000000 - FRAMES_MAX
    assert thread["cycle"]["length"] == 1 and thread["cycle"]["repeats"] > 999000
    assert [f.get("function") for f in thread["frames"][:4]] == ["fall", "pile_up", "pile_in_thread", "fall"]


# ---- files that are not there, or others -----------------------------------------------------------------------------------------


@pytest.fixture
def plugin(built, tmp_path):
    shutil.copy(built("plugin.c", "-g", "-O2", "-shared", "-fPIC"), tmp_path / "plugin.so")
    return tmp_path / "plugin.so"


PLUGIN = ["inner", "start_of_plugin", "plugin_start"]


def state_of(traced, path):
    return next(m["state"] for m in traced["modules"] if m["path"] == str(path))


def test_a_plugin_is_part_of_the_stack(crashed, plugin):
    program, core = crashed("ways.c", OPTIMISED, "plugin", str(plugin))
    traced = trace(core)
    frames = own(frames_of(traced), "ways.c", "plugin.c")
    assert told(frames) == expected(PLUGIN, "plugin.c") + expected(["load", *BELOW])
    assert [f.module for f in frames] == ["plugin.so"] * 3 + ["prog"] * 5
    same_as_eu_stack(traced, core, program)
    same_as_gdb(traced, core, program)


def test_a_replaced_library_is_not_used(crashed, plugin, built):
    program, core = crashed("ways.c", DEBUG, "plugin", str(plugin))
    shutil.copy(built("plugin.c", "-g", "-O0", "-shared", "-fPIC", "-DREPLACEMENT"), plugin.parent / "new")
    (plugin.parent / "new").rename(plugin)
    traced = trace(core)
    frames = frames_of(traced)
    assert state_of(traced, plugin) == "replaced" and state_of(traced, program) == "present"
    assert frames[0].module == "plugin.so" and not any(f.function for f in frames if f.module == "plugin.so")
    assert not any("other" in (f.function or "") for f in frames)
    # nothing tells how large its frames are: the frame pointer is that of load(), which has it from its caller
    assert "complete" not in traced["threads"][0] and "led on through plugin.so" in traced["threads"][0]["error"]
    assert told(own(frames)) == expected(BELOW)


def test_frame_pointers_lead_through_a_deleted_library(crashed, plugin, built):
    shutil.copy(built("plugin.c", "-g", "-O0", "-shared", "-fPIC"), plugin)
    program, core = crashed("ways.c", DEBUG, "plugin", str(plugin))
    plugin.unlink()
    traced = trace(core)
    frames = frames_of(traced)
    assert state_of(traced, plugin) == "unknown"  # whoever makes the plan has looked, and says that it is gone
    assert [f.function for f in frames if f.module == "plugin.so"] == [None] * 3
    assert told(own(frames)) == expected(["load", *BELOW])


def test_a_deleted_program(crashed):
    program, core = crashed("ways.c", DEBUG, "delete", str(Path("prog")))
    assert not program.exists()
    traced = trace(core)
    frames = frames_of(traced)
    assert traced["modules"][0]["path"] == str(program) and traced["modules"][0]["executable"]
    # -O0 keeps frame pointers; main's caller and what is below it are libc's, which is there
    assert [f.function for f in frames if f.module == "prog"][:5] == [None] * 5
    assert "__libc_start_main" in " ".join(f.function or "" for f in frames)


def test_a_deleted_file_under_another_name(crashed, built):
    """As debuginfod has it: the plan may name any file, and the build id tells."""
    program, core = crashed("ways.c", DEBUG, "delete", "prog")
    shutil.copy(built("ways.c", *DEBUG), program.parent / "cached")
    shutil.copy(built("ways.c", *OPTIMISED), program.parent / "other")

    def plan(name):
        return {"version": 1, "modules": [{"index": 0, "file": str(program.parent / name)}]}

    traced = trace(core, plan=plan("cached"))
    assert told(own(frames_of(traced))) == expected(["fall", "forget", *BELOW])
    traced = trace(core, plan=plan("other"))
    assert traced["modules"][0]["state"] == "replaced" and not own(frames_of(traced))
    traced = trace(core, plan=plan("none"))
    assert traced["modules"][0]["state"] == "deleted" and not own(frames_of(traced))
    (program.parent / "text").write_text("no program")
    assert trace(core, plan=plan("text"))["modules"][0]["state"] == "unreadable"


def test_in_a_chroot(built, tmp_path):
    """Its paths are those in there."""
    if os.geteuid() != 0:
        pytest.skip("chroot(2) takes root")
    (tmp_path / "root/bin").mkdir(parents=True)
    shutil.copy(built("ways.c", *OPTIMISED, "-static-pie"), tmp_path / "root/bin/prog")
    core = crash(Path("/bin/prog"), "segv", folder=tmp_path / "root", prefix=["chroot", str(tmp_path / "root")])
    traced = trace(core, root=str(tmp_path / "root"))
    assert state_of(traced, "/bin/prog") == "present"
    assert told(own(frames_of(traced))) == expected(WAYS["segv"] + BELOW)


def test_rust(tmp_path):
    """rustc writes no .debug_aranges, and its functions stand below the types and modules that they belong to."""
    rustc = shutil.which("rustc")
    if not rustc:
        pytest.skip("no rustc")
    (tmp_path / "fall.rs").write_text(RUST)
    run(rustc, "-g", "-o", tmp_path / "prog", tmp_path / "fall.rs")
    core = crash(tmp_path / "prog")
    frames = own(frames_of(trace(core)), "fall.rs")
    line = {mark: at for at, text in enumerate(RUST.splitlines(), 1) for mark in re.findall(r"// (\w+)", text)}
    assert told(frames)[:3] == [("fall::inner::Thing::fall", line["fall"]), ("fall::inner::call", line["call"]), ("fall::main", line["main"])]


RUST = """mod inner {
    pub struct Thing { pub value: i32 }
    impl Thing {
        #[inline(never)] pub fn fall(&self) { unsafe { std::ptr::write_volatile(8 as *mut i32, self.value); } } // fall
    }
    #[inline(never)] pub fn call(thing: &Thing) {
        thing.fall(); // call
    }
}
fn main() {
    inner::call(&inner::Thing { value: 7 }); // main
}
"""


def test_a_debug_file_alone_still_has_the_names(split, built, tmp_path):
    """After an update the file that crashed is gone; its debug information may still be there, or come from a server."""
    program, debug, folder = split(*DEBUG)
    core = crash(program, "segv")
    shutil.copy(built("ways.c", *OPTIMISED), program)
    traced = trace(core, debug=[folder])
    assert traced["modules"][0]["state"] == "replaced" and traced["modules"][0]["symbols"] == "debug"
    assert traced["modules"][0]["debugFile"] == str(debug)
    frames = frames_of(traced)
    assert told(own(frames)) == expected(WAYS["segv"] + BELOW)  # -O0 keeps frame pointers
    assert traced["threads"][0]["error"] == "no way on through prog without its file"  # _start has no frame pointer
    program.unlink()
    assert told(own(frames_of(trace(core, debug=[folder])))) == expected(WAYS["segv"] + BELOW)


# ---- as people ask for it --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [("segv",), ("null",), ("stack",), ("threads", "8"), ("handler",)], ids=lambda way: way[0])
def test_vigil_crash_bt_tells_the_same(crashed, way):
    """With a plan of its own making."""
    _, core = crashed("ways.c", OPTIMISED, *way)
    done = vigil("crash", "bt", "--json", str(core))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trace"]["threads"] == trace(core)["threads"]


def test_vigil_crash_bt_finds_debug_files_beside_the_program(split):
    program, debug, _ = split(*OPTIMISED, build_id=False)
    shutil.copy(debug, program.parent)
    core = crash(program, "segv")
    done = vigil("crash", "bt", str(core))
    assert done.returncode == 0, done.stderr
    line = lines_of("ways.c")["fall"]
    assert re.search(rf"#0 +fall +at .*/ways.c:{line}\b", done.stdout), done.stdout


# ---- another machine -------------------------------------------------------------------------------------------------------------

ARM64 = """
	.globl _start, middle, leaf, in_middle, in_start
	.type _start, %function
	.type middle, %function
	.type leaf, %function
leaf:
	.cfi_startproc
	str xzr, [x0]
	ret
	.cfi_endproc
	.size leaf, .-leaf
middle:
	.cfi_startproc
	hint #25 // paciasp
	.cfi_negate_ra_state
	stp x29, x30, [sp, #-32]!
	.cfi_def_cfa_offset 32
	.cfi_offset 29, -32
	.cfi_offset 30, -24
	mov x29, sp
	bl leaf
in_middle:
	ldp x29, x30, [sp], #32
	ret
	.cfi_endproc
	.size middle, .-middle
_start:
	.cfi_startproc
	.cfi_undefined 30
	bl middle
in_start:
	nop
	.cfi_endproc
	.size _start, .-_start
"""


@pytest.mark.parametrize("signed", [False, True], ids=["", "signed"])
@pytest.mark.parametrize("nowhere", [False, True], ids=["leaf", "null"])
def test_arm64(tmp_path, nowhere, signed):
    """The return address of a function without a frame, and of a call to nowhere, is in the link register. Addresses may be signed."""
    (tmp_path / "prog.s").write_text(ARM64)
    run("clang", "--target=aarch64-linux-gnu", "-nostdlib", "-static", "-fuse-ld=lld", "-Wl,--build-id", "-o", tmp_path / "prog", tmp_path / "prog.s")
    symbols = {row.split()[2]: int(row.split()[0], 16) for row in run("nm", tmp_path / "prog").splitlines()}
    registers = [0] * 34
    registers[29:33] = STACK, symbols["in_middle"], STACK, 0 if nowhere else symbols["leaf"]
    mask = 0x007F000000000000
    saved = symbols["in_start"] | (0x002A000000000000 if signed else 0)
    core = write_core(tmp_path / "arm.core", tmp_path / "prog", 183, registers, struct.pack("<QQ", 0, saved),
                      note(0x406, struct.pack("<QQ", mask, mask), b"LINUX\0\0\0") if signed else b"")
    traced = trace(core)
    assert traced["machine"] == "aarch64" and traced["registers"]["x30"] == hex(symbols["in_middle"])
    assert [f.function for f in frames_of(traced)] == [None if nowhere else "leaf", "middle", "_start"]
    assert traced["threads"][0]["complete"] and traced["modules"][0]["state"] == "present"


PPC64 = """
	.abiversion 2
	.globl _start, middle, leaf, in_middle, in_start
	.type _start, @function
	.type middle, @function
	.type leaf, @function
leaf:
	.cfi_startproc
	ld 3, 0(3)
	blr
	.cfi_endproc
	.size leaf, .-leaf
middle:
	.cfi_startproc
	mflr 0
	std 0, 16(1)
	stdu 1, -32(1)
	.cfi_def_cfa_offset 32
	.cfi_offset 65, 16
	bl leaf
in_middle:
	nop
	.cfi_endproc
	.size middle, .-middle
_start:
	.cfi_startproc
	.cfi_undefined 65
	bl middle
in_start:
	nop
	.cfi_endproc
	.size _start, .-_start
"""


def test_a_machine_that_only_libdwfl_knows(tmp_path):
    """Big ones and small ones come for free; of their registers only libdwfl knows."""
    (tmp_path / "prog.s").write_text(PPC64)
    run("clang", "--target=powerpc64le-linux-gnu", "-nostdlib", "-static", "-fuse-ld=lld", "-Wl,--build-id", "-o", tmp_path / "prog", tmp_path / "prog.s")
    symbols = {row.split()[2]: int(row.split()[0], 16) for row in run("nm", tmp_path / "prog").splitlines()}
    registers = [0] * 48
    registers[1], registers[32], registers[36] = STACK, symbols["leaf"], symbols["in_middle"]
    core = write_core(tmp_path / "ppc.core", tmp_path / "prog", 21, registers, bytes(48) + struct.pack("<Q", symbols["in_start"]))
    traced = trace(core)
    assert traced["threads"][0].get("error") is None
    assert traced["machine"] == "ppc64" and [f.function for f in frames_of(traced)] == ["leaf", "middle", "_start"]
    assert traced["threads"][0]["complete"]

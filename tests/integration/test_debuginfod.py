# SPDX-License-Identifier: GPL-2.0-or-later
"""Debug files from debuginfod servers: a real one, and such as fail in every way that a server can."""
import json
import os
import pwd
import signal
import subprocess
import threading

import pytest

from conftest import BUILD, DEADLINE, silent_owner, vigil
from cores import run_to_crash
from debug_servers import Server, Silent, free_port, real_server, stripped_program

TOOL = BUILD / "tests/tools/debug-fetch"
PROGRAM = BUILD / "vigil-debuginfod"
DONE, NOTHING, NO_SERVERS, METERED, OUT_OF_TIME, OUT_OF_BYTES, INTERRUPTED = range(7)
GOT, NOT_FOUND, NO_ANSWER, TOO_LARGE, NO_TIME, STOPPED, NO_ROOM = range(7)
IDS = [f"{n:040x}" for n in range(1, 300)]


def module(build_id, **more):
    return {"path": "/usr/bin/a", "buildId": build_id, "start": "0x1000", "end": "0x2000", "bias": "0x0", "state": "present",
            "symbols": "none", **more}


def trace(*modules):
    """A trace whose crashed thread goes through these modules, innermost first."""
    return {"version": 1, "machine": "x86_64", "bits": 64, "signal": 11, "modules": list(modules),
            "threads": [{"tid": 1, "crashed": True,
                         "frames": [{"pc": "0x1100", "module": i, "offset": "0x100"} for i in range(len(modules))]}]}


class Client:
    def __init__(self, tmp_path, bus=None):
        self.tmp, self.cache = tmp_path, tmp_path / "debug-cache"
        self.env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=bus or f"unix:path={tmp_path}/no-bus")

    def argv(self, what, *args):
        path = self.tmp / "trace.json"
        path.write_text(json.dumps(what))
        return [str(TOOL), str(PROGRAM), str(self.cache), str(path), *map(str, args)]

    def fetch(self, what, *urls, args=()):
        done = subprocess.run(self.argv(what, *args), env=dict(self.env, DEBUGINFOD_URLS=" ".join(urls)), capture_output=True, text=True,
                              timeout=100, check=False)
        assert done.returncode == 0, done.stderr
        self.events = done.stdout.splitlines()[:-1]
        return json.loads(done.stdout.splitlines()[-1])

    def cached(self):
        """What is in the cache, as BUILDID/WHAT: bytes; Vigil's and libdebuginfod's own files left out."""
        return {str(p.relative_to(self.cache)): p.read_bytes() for p in self.cache.rglob("*") if p.is_file() and p.parent != self.cache}


@pytest.fixture
def client(tmp_path):
    return Client(tmp_path)


@pytest.fixture
def servers():
    made = []

    def make(kind, *args):
        made.append(kind(*args))
        return made[-1]
    yield make
    for s in made:
        s.close()


def counts(result):
    return {i: result[f"why{i}"] for i in range(7) if result[f"why{i}"]}


def test_the_real_server(client, processes, tmp_path):
    program, debug, build_id = stripped_program(tmp_path / "program")
    url = real_server(processes, tmp_path, [debug])
    what = trace(module(build_id), module(IDS[0]))
    result = client.fetch(what, url)
    assert result["end"] == DONE and result["wanted"] == 2 and counts(result) == {GOT: 1, NOT_FOUND: 1}
    assert client.cached()[f"{build_id}/debuginfo"] == debug.read_bytes()
    assert result["bytes"] == len(debug.read_bytes())
    # nobody but the user, or for root nobody, has it
    owner = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    assert (client.cache / build_id / "debuginfo").stat().st_uid == owner
    # what is there is not asked for again, and what is not is known
    assert client.fetch(what, url)["wanted"] == 1
    assert client.fetch(trace(module(build_id)), url)["end"] == NOTHING


def test_what_a_trace_lacks(client, servers):
    """By relevance: the crashed thread's modules; the code of those whose file is gone; nothing of what has its debug information."""
    server = servers(Server)
    what = trace(module(IDS[0], symbols="debug"), module(IDS[1], state="deleted"), module(IDS[2], symbols="table"), module(""),
                 module(IDS[3], state="memory"), module(IDS[4], state="replaced", symbols="debug"))
    what["threads"].append({"tid": 2, "frames": [{"pc": "0x1", "module": 6, "offset": "0x1"}]})
    what["modules"] += [module(IDS[5]), module(IDS[6])]
    assert client.fetch(what, server.url)["wanted"] == 5
    assert server.asked == [f"/buildid/{i}" for i in
                            (f"{IDS[1]}/executable", f"{IDS[1]}/debuginfo", f"{IDS[2]}/debuginfo", f"{IDS[4]}/executable", f"{IDS[5]}/debuginfo")]
    # without frames: the program first, then all
    server.asked.clear()
    result = client.fetch({**trace(), "modules": [module(IDS[7]), module(IDS[8], executable=True)]}, server.url)
    assert result["wanted"] == 2 and server.asked == [f"/buildid/{IDS[8]}/debuginfo", f"/buildid/{IDS[7]}/debuginfo"]
    assert client.fetch(trace(*map(module, IDS)), server.url)["wanted"] == 256


def test_a_miss_is_remembered_for_each_server_and_only_so_long(client, servers):
    first, second = servers(Server), servers(Server)
    what = trace(module(IDS[0]))
    assert counts(client.fetch(what, first.url)) == {NOT_FOUND: 1}
    assert counts(client.fetch(what, first.url, second.url)) == {NOT_FOUND: 1}
    assert len(first.asked) == 1 and len(second.asked) == 1
    # an empty file is how libdebuginfod keeps gdb from asking again
    assert client.cached() == {f"{IDS[0]}/debuginfo": b""}
    # one that is asked for the first time is not hidden by what another one said
    third = servers(Server, {f"{IDS[0]}/debuginfo": b"there it is"})
    assert counts(client.fetch(what, first.url, second.url, third.url)) == {GOT: 1}
    assert len(first.asked) == 1 and len(second.asked) == 1
    # and what was not there yesterday is asked for again
    (client.cache / "cache_miss_s").write_text("0")
    (client.cache / IDS[0] / "debuginfo").unlink()
    assert counts(client.fetch(what, first.url)) == {NOT_FOUND: 1}
    assert len(first.asked) == 2


@pytest.mark.parametrize("kind", ["refused", "silent", 500, 503, 429, "garbage"])
def test_a_server_that_fails_is_left_out_for_a_while(client, servers, kind):
    def garbage(handler):
        handler.wfile.write(b"\0\1\2\3 not http\r\n\r\n")
    good = servers(Server, {f"{i}/debuginfo": b"debug " + i.encode() for i in IDS[:4]})
    bad = servers(Silent) if kind == "silent" else None
    if kind == "garbage" or isinstance(kind, int):
        bad = servers(Server, {f"{i}/debuginfo": garbage if kind == "garbage" else kind for i in IDS})
    url = bad.url if bad else f"http://127.0.0.1:{free_port()}"
    result = client.fetch(trace(*map(module, IDS[:4])), url, good.url, args=(0, 0, 1))
    assert counts(result) == {GOT: 4} and result["server"] == url.removeprefix("http://")
    asked = len(bad.connections if kind == "silent" else bad.asked) if bad else 2
    assert asked == 2
    # it stays left out in the next run, and that it may have the file is not taken for a miss
    result = client.fetch(trace(module(IDS[5])), url, good.url, args=(0, 0, 1))
    assert counts(result) == {NO_ANSWER: 1} and client.cached().get(f"{IDS[5]}/debuginfo") is None
    assert asked == (len(bad.connections if kind == "silent" else bad.asked) if bad else 2)
    # until its time is over; one answer, and it counts as any other again
    state = client.cache / "vigil-servers.json"
    known = json.loads(state.read_text())
    assert known["servers"][url]["leftOutUntil"] > 0
    known["servers"][url]["leftOutUntil"] = 1
    state.write_text(json.dumps(known))
    if isinstance(kind, int):
        bad.answers = {f"{IDS[5]}/debuginfo": b"back"}
        assert counts(client.fetch(trace(module(IDS[5])), url, args=(0, 0, 1))) == {GOT: 1}
        assert json.loads(state.read_text())["servers"][url]["failures"] == 0


def test_passwords_of_servers_are_not_told(client, servers):
    result = client.fetch(trace(module(IDS[0]), module(IDS[1])), f"http://me:secret@127.0.0.1:{free_port()}/path")
    assert result["server"].startswith("127.0.0.1:") and not any("secret" in line for line in client.events)


def test_bytes_are_counted_over_all_files(client, servers):
    server = servers(Server, {f"{i}/debuginfo": bytes(60_000) for i in IDS[:3]} | {f"{IDS[3]}/debuginfo": bytes(10_000)})
    result = client.fetch(trace(*map(module, IDS[:4])), server.url, args=(100_000,))
    assert result["end"] == OUT_OF_BYTES and counts(result) == {GOT: 2, TOO_LARGE: 2} and result["bytes"] == 70_000
    assert sorted(client.cached()) == [f"{IDS[0]}/debuginfo", f"{IDS[3]}/debuginfo"]
    assert "larger" in result["words"]


def test_a_server_that_lies_about_the_length(client, servers):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(bytes(1 << 20))
        except OSError:
            pass
    server = servers(Server, {f"{IDS[0]}/debuginfo": endless})
    result = client.fetch(trace(module(IDS[0])), server.url, args=(20_000_000,))
    assert result["end"] == OUT_OF_BYTES and counts(result) == {TOO_LARGE: 1} and result["bytes"] <= 20_000_000
    assert client.cached() == {}


def test_time_is_counted_over_all_files(client, servers):
    server = servers(Silent)
    result = client.fetch(trace(*map(module, IDS[:100])), server.url, args=(0, 1))
    assert result["end"] == OUT_OF_TIME and counts(result) == {NO_TIME: 100}
    assert len(server.connections) == 1 and client.cached() == {}


def test_ctrl_c_ends_it_and_leaves_nothing_half_done(client, servers, processes):
    go_on = threading.Event()

    def slow(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 20))
        handler.end_headers()
        handler.wfile.write(bytes(1 << 19))
        handler.wfile.flush()
        go_on.wait(DEADLINE * 3)
    server = servers(Server, {f"{IDS[0]}/debuginfo": b"whole", f"{IDS[1]}/debuginfo": slow})
    tool = processes.start(client.argv(trace(*map(module, IDS[:3]))), env=dict(client.env, DEBUGINFOD_URLS=server.url), stdout=subprocess.PIPE)
    for line in tool.stdout:
        event = json.loads(line.split(" ", 2)[2])
        if event["event"] == "progress" and event["bytes"] == 1 << 19 and event["total"] == 1 << 20:
            break
    tool.send_signal(signal.SIGINT)
    lines = tool.stdout.read().splitlines()
    assert tool.wait(DEADLINE) == 0
    go_on.set()
    result = json.loads(lines[-1])
    assert result["end"] == INTERRUPTED and result[f"why{GOT}"] == 1
    # no temporary file, and no miss that would hide the file from gdb
    assert client.cached() == {f"{IDS[0]}/debuginfo": b"whole"}
    server.answers[f"{IDS[1]}/debuginfo"] = b"now"
    assert counts(client.fetch(trace(module(IDS[1])), server.url)) == {GOT: 1}


@pytest.mark.parametrize("value,metered", [(0, False), (1, True), (2, False), (3, True), (4, False)])
def test_a_metered_network_is_spared(tmp_path, processes, servers, system_bus, value, metered):
    client = Client(tmp_path, system_bus.address)
    network = processes.start([BUILD / "tests/tools/metered-network", str(value)], stdout=subprocess.PIPE,
                              env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=system_bus.address))
    assert network.stdout.readline() == "ready\n"
    server = servers(Server, {f"{IDS[0]}/debuginfo": b"x"})
    result = client.fetch(trace(module(IDS[0])), server.url)
    assert result["end"] == (METERED if metered else DONE) and len(server.asked) == (0 if metered else 1)
    if metered:
        assert "metered" in result["words"]
        assert counts(client.fetch(trace(module(IDS[0])), server.url, args=("always",))) == {GOT: 1}


def test_who_does_not_say_whether_it_is_metered(tmp_path, processes, servers, system_bus):
    client = Client(tmp_path, system_bus.address)
    server = servers(Server)
    # nobody there: nothing is started for the question
    system_bus.activatable("org.freedesktop.NetworkManager", ["/bin/false"])
    assert counts(client.fetch(trace(module(IDS[0])), server.url)) == {NOT_FOUND: 1}
    owner = silent_owner(processes, system_bus, "org.freedesktop.NetworkManager")
    assert counts(client.fetch(trace(module(IDS[1])), server.url)) == {NOT_FOUND: 1}
    assert owner.stdout.readline() == "called\n"


def direct(wants, tmp_path, *args, env=None):
    fd = os.memfd_create("wants", 0)
    os.write(fd, wants if isinstance(wants, bytes) else json.dumps(wants).encode())
    try:
        return subprocess.run([str(PROGRAM), f"--wants={fd}", f"--cache={tmp_path}/direct-cache", *args], pass_fds=[fd], capture_output=True,
                              text=True, timeout=60, env={k: v for k, v in {**os.environ, **(env or {})}.items() if v is not None}, check=False)
    finally:
        os.close(fd)


def test_which_servers(client, servers, tmp_path):
    folder = tmp_path / "urls"
    folder.mkdir()
    server = servers(Server, {f"{IDS[0]}/debuginfo": b"x"})
    wants = {"version": 1, "want": [{"buildId": IDS[0], "what": "debuginfo"}]}
    unset = {"DEBUGINFOD_URLS": None}
    assert direct(wants, tmp_path, f"--urls={folder}", env=unset).returncode == 3
    assert direct(wants, tmp_path, f"--urls={folder}/none", env=unset).returncode == 3
    (folder / "a.urls").write_text(f"ima:enforcing\n{server.url}\nftp://x/ nonsense\n")
    (folder / "b.list").write_text("http://127.0.0.1:1\n")
    # who emptied the variable does not want any
    assert direct(wants, tmp_path, f"--urls={folder}", env={"DEBUGINFOD_URLS": ""}).returncode == 3
    done = direct(wants, tmp_path, f"--urls={folder}", env=unset)
    assert done.returncode == 0 and '"why":"got"' in done.stderr
    assert server.asked == [f"/buildid/{IDS[0]}/debuginfo"]
    result = client.fetch(trace(module(IDS[0])))
    assert result["end"] == NO_SERVERS and "DEBUGINFOD_URLS" in result["words"]


def test_it_tells_servers_build_ids_and_no_more(client, servers):
    server = servers(Server)
    client.fetch(trace(module(IDS[0])), server.url, args=(12345,))
    assert server.asked == [f"/buildid/{IDS[0]}/debuginfo"]
    headers = server.headers[0]
    assert set(headers) <= {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection", "X-DEBUGINFOD-MAXSIZE", "x-debuginfod-maxsize"}
    assert any(v == "12345" for v in headers.values())


@pytest.mark.parametrize("bad", ["", "0", "012", "../../etc/passwd", "AB", "00/..", "ab" * 65])
def test_what_is_no_build_id_is_not_asked_for(tmp_path, servers, bad):
    server = servers(Server)
    done = direct({"version": 1, "want": [{"buildId": bad, "what": "debuginfo"}]}, tmp_path, env={"DEBUGINFOD_URLS": server.url})
    assert done.returncode == 1 and done.stderr.startswith("vigil-debuginfod: ") and server.asked == []


@pytest.mark.parametrize("bad", [b"", b"{}", b'{"version":2,"want":[]}', b'{"version":1,"want":[{"buildId":"00","what":"source"}]}',
                                 json.dumps({"version": 1, "want": [{"buildId": "00", "what": "debuginfo"}] * 257}).encode()])
def test_what_is_no_list_is_refused(tmp_path, bad):
    assert direct(bad, tmp_path, env={"DEBUGINFOD_URLS": "http://127.0.0.1:1"}).returncode == 1


def test_usage(tmp_path):
    for args in ([], ["--wants=0"], ["--cache=/x"], ["--wants=a", "--cache=/x"], ["--wants=0", f"--cache={tmp_path}", "--max-bytes=x"], ["--what"]):
        assert subprocess.run([str(PROGRAM), *args], capture_output=True, timeout=20, check=False).returncode == 2


def test_a_broken_memory_of_servers_is_forgotten(client, servers):
    server = servers(Server, {f"{i}/debuginfo": b"x" for i in IDS})
    assert counts(client.fetch(trace(module(IDS[0])), server.url)) == {GOT: 1}
    for i, text in enumerate(("nonsense", "[]", '{"servers":[]}', json.dumps({"servers": {server.url: {"failures": -1, "leftOutUntil": 1 << 62,
                              "misses": {f"{IDS[4]}/debuginfo": 1 << 62}}}}), '{"servers":{"%s":7}}' % server.url)):
        (client.cache / "vigil-servers.json").write_text(text)
        assert counts(client.fetch(trace(module(IDS[i + 1])), server.url)) == {GOT: 1}


def test_a_cache_that_cannot_be_used(client, servers, tmp_path):
    server = servers(Server)
    client.cache.write_text("a file")
    done = subprocess.run(client.argv(trace(module(IDS[0]))), env=dict(client.env, DEBUGINFOD_URLS=server.url), capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 1 and str(client.cache) in done.stderr and server.asked == []


# ---- the whole way -----------------------------------------------------------------------------------------------------------------

NESTED = """
static int deep(int *p) { return *p + 1; }
int middle(int *p) { return deep(p) + 2; }
int main(void) { return middle((int *)0); }
"""


def bt(client, core, *args, urls="", **kw):
    done = vigil("crash", "bt", *args, str(core), env={**client.env, "DEBUGINFOD_URLS": urls, "DEBUGINFOD_CACHE_PATH": str(client.cache),
                                                       "LC_ALL": "C.UTF-8"}, **kw)
    assert done.returncode == 0, done.stderr
    return done


def crashed(tmp_path):
    """A core of a stripped program; where its debug file is, the stripped program, and its build id."""
    program, debug, build_id = stripped_program(tmp_path / "program", source=NESTED)
    return program, debug, build_id, run_to_crash(tmp_path / "program", program)


def test_a_backtrace_gets_its_lines(client, processes, tmp_path):
    _, debug, build_id, core = crashed(tmp_path)
    url = real_server(processes, tmp_path, [debug])
    kept = tmp_path / "kept.debug"
    debug.rename(kept)
    before = bt(client, core)
    assert "program.c" not in before.stdout and "deep" not in before.stdout
    done = bt(client, core, "--debuginfod", urls=url)
    assert all(name in done.stdout for name in ("deep", "middle", "program.c:2", "program.c:3", "program.c:4"))
    assert "debug files were fetched" in done.stderr
    assert client.cached()[f"{build_id}/debuginfo"] == kept.read_bytes()
    # from then on it is known without a server
    assert "program.c:2" in bt(client, core).stdout


def test_a_program_that_is_gone_is_fetched_too(client, servers, tmp_path):
    """Without its code nobody finds the way past its frames."""
    program, debug, build_id, core = crashed(tmp_path)
    server = servers(Server, {f"{build_id}/executable": program.read_bytes(), f"{build_id}/debuginfo": debug.read_bytes()})
    program.unlink()
    debug.unlink()
    assert "deep" not in bt(client, core).stdout
    done = bt(client, core, "--debuginfod", urls=server.url)
    assert all(name in done.stdout for name in ("deep", "middle", "main", "program.c:2"))


def test_a_file_of_another_build_is_not_believed(client, servers, tmp_path):
    """Whatever a server sends, it must be what crashed."""
    _, debug, build_id, core = crashed(tmp_path)
    debug.unlink()
    _, other, _ = stripped_program(tmp_path / "other", source=NESTED.replace("deep", "liar"))
    for answer in (other.read_bytes(), b"\x7fELF" + bytes(5000), bytes(100), os.urandom(5000)):
        server = servers(Server, {f"{build_id}/debuginfo": answer})
        done = bt(client, core, "--debuginfod", urls=server.url)
        assert f"/buildid/{build_id}/debuginfo" in server.asked and "liar" not in done.stdout and "deep" not in done.stdout
        (client.cache / build_id / "debuginfo").unlink()


def test_nothing_is_asked_of_anybody_unasked(client, servers, tmp_path):
    _, _, _, core = crashed(tmp_path)
    server = servers(Server)
    bt(client, core, urls=server.url)
    assert server.asked == [] and not client.cache.exists()


def test_a_backtrace_is_shown_whatever_becomes_of_the_servers(client, tmp_path):
    _, debug, _, core = crashed(tmp_path)
    debug.unlink()
    done = bt(client, core, "--debuginfod")
    assert "DEBUGINFOD_URLS" in done.stderr and "SIGSEGV" in done.stdout
    port = free_port()
    done = bt(client, core, "--debuginfod", urls=f"http://127.0.0.1:{port}")
    assert f"127.0.0.1:{port}" in done.stderr and "does not answer" in done.stderr and "SIGSEGV" in done.stdout
    client.cache.rename(tmp_path / "away")
    client.cache.write_text("a file")
    done = bt(client, core, "--debuginfod", urls=f"http://127.0.0.1:{port}")
    assert "cannot be fetched" in done.stderr and "SIGSEGV" in done.stdout

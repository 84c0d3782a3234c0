# SPDX-License-Identifier: GPL-2.0-or-later
"""vigil-coredump-processor's code: from real journals to sockets of real users, and what may stand in between."""
import json
import os
import re
import socket
import struct
import subprocess
import threading
import time

import pytest

from conftest import BUILD, wait_for
from journals import BOOT, UNIT_252, UNIT_257, UNIT_262, UNIT_SOCKET, append, crash_entry, other_entry

TOOL = BUILD / "tests/tools/processor-test"
USER, OTHER = 12345, 12346
VIGIL, DRKONQI = "vigil/coredump", "drkonqi-coredump-launcher"


@pytest.fixture(autouse=True)
def root():
    if os.geteuid() != 0:
        pytest.skip("needs root: it delivers to other users")


class Listener:
    """A user's end: takes what comes and remembers it, with the peer's credentials and the sizes of the datagrams."""

    def __init__(self, path, uid, backlog=64, accepting=True, reading=True):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind(str(path))
        os.chown(path, uid, uid)
        os.chmod(path, 0o600)
        self.socket.listen(backlog)
        self.messages, self.peers, self.sizes, self.held = [], [], [], []
        self.reading = reading
        if accepting:
            threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.peers.append(struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)))
            if not self.reading:
                self.held.append(connection)
                continue
            data = b""
            while chunk := connection.recv(65536):
                self.sizes.append(len(chunk))
                data += chunk
            connection.close()
            self.messages.append(json.loads(data))

    def pids(self):
        return [int(m["COREDUMP_PID"]) for m in self.messages]


class Place:
    """A journal folder, a /run/user and a root folder of the test's own."""

    def __init__(self, processes, tmp):
        self.processes, self.tmp, self.listeners = processes, tmp, []
        self.journal, self.run, self.root, self.state = (tmp / n for n in ("journal", "user", "root", "state"))
        for folder in (self.journal, self.run, self.root, self.state):
            folder.mkdir(mode=0o755)

    def runtime_dir(self, uid):
        path = self.run / str(uid)
        path.mkdir(mode=0o700, exist_ok=True)
        os.chown(path, uid, uid)
        return path

    def folder(self, uid):
        path = self.runtime_dir(uid) / "vigil"
        path.mkdir(mode=0o700, exist_ok=True)
        os.chown(path, uid, uid)
        return path

    def listen(self, uid, name=VIGIL, owner=None, **kw):
        path = self.folder(uid).parent / name
        self.listeners.append(Listener(path, uid if owner is None else owner, **kw))
        return self.listeners[-1]

    def write(self, *entries):
        append(self.journal / "system.journal", list(entries))

    def argv(self, word, wait_msec=15000, delivery_msec=1000):
        return [str(a) for a in (TOOL, self.journal, self.run, self.root, word, wait_msec, delivery_msec, self.state)]

    def deliver(self, instance, prefix=(), **kw):
        done = subprocess.run([*prefix, *self.argv(instance, **kw)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        done.lines = done.stderr.splitlines()
        return done

    def follow(self, **kw):
        self.log = open(self.tmp / "follow.log", "a+")
        return self.processes.start(self.argv("--follow", **kw), stderr=self.log)

    def logged(self):
        return (self.tmp / "follow.log").read_text()


@pytest.fixture
def place(processes, tmp_path):
    p = Place(processes, tmp_path)
    yield p
    for listener in p.listeners:
        for connection in listener.held:
            connection.close()
        listener.socket.close()


def instance_of(unit):
    return re.fullmatch(r"systemd-coredump@(.*)\.service", unit)[1]


@pytest.mark.parametrize("unit", [UNIT_252, UNIT_257, UNIT_262])
def test_a_crash_reaches_the_user_s_socket_from_root(place, unit):
    listener = place.listen(USER)
    place.write(crash_entry(1, uid=USER, unit=UNIT_252 + "x"), crash_entry(4711, uid=USER, unit=unit, MESSAGE="x" * 100000))
    done = place.deliver(instance_of(unit))
    wait_for("the crash", lambda: listener.messages)
    message = listener.messages[0]
    assert listener.pids() == [4711] and listener.peers[0][1] == 0
    assert max(listener.sizes) <= 8192 and len(listener.sizes) > 10
    assert message["COREDUMP_EXE"] == "/usr/bin/gimp" and message["COREDUMP_SIGNAL"] == "11" and message["_BOOT_ID"] == BOOT
    assert message["_SYSTEMD_UNIT"] == unit and len(message["MESSAGE"]) == 100000
    assert message["_DRKONQI_SD_CURSOR"].startswith("s=") and "_DRKONQI_PICKUP" not in message
    assert all(isinstance(v, str) for v in message.values())
    assert "hunter2" not in json.dumps(message)
    assert len(done.lines) == 1 and f"delivered to uid {USER}" in done.lines[0]


def test_it_waits_for_its_own_entry(place):
    """Others' entries, forged ones of its unit's name, and another boot's are not it."""
    listener = place.listen(USER)
    place.write(crash_entry(1, uid=USER, unit=UNIT_257))
    child = place.processes.start(place.argv("0-61-0", 60000), stderr=subprocess.PIPE)
    place.write(crash_entry(2, uid=USER, unit="user@12345.service", SYSTEMD_UNIT=UNIT_252, COREDUMP_UNIT=UNIT_252))
    place.write(crash_entry(3, uid=USER, _SYSTEMD_UNIT=["user@12345.service", UNIT_252]))
    place.write(crash_entry(4, uid=USER, unit=UNIT_252, MESSAGE_ID="0" * 32))
    time.sleep(0.3)  # nothing is to happen, so nothing can be awaited
    assert child.poll() is None and not listener.messages
    place.write(crash_entry(5, uid=USER, unit=UNIT_252))
    assert child.wait(20) == 0
    wait_for("the crash", lambda: listener.messages)
    assert listener.pids() == [5]


def test_it_does_not_outlive_its_crash_s_unit_for_long(place):
    """An entry that came without a unit is not found here: the unit's end, which its control group tells, bounds the wait."""
    group = place.root / "sys/fs/cgroup/system.slice/system-systemd\\x2dcoredump.slice/systemd-coredump@7-1-0.service"
    group.mkdir(parents=True)
    place.write(other_entry())
    with open(place.tmp / "log", "w+") as log:
        child = place.processes.start(place.argv("7-1-0", wait_msec=60000), stderr=log)
        wait_for("it to follow", lambda: "anon_inode:inotify" in [os.readlink(f.path) for f in os.scandir(f"/proc/{child.pid}/fd")])
        group.rmdir()
        place.write(other_entry())  # systemd's own line about it
        assert child.wait(20) == 0
        log.seek(0)
        assert "left no entry in time" in log.read()


def test_an_entry_that_never_comes_is_one_line(place):
    place.write(crash_entry(1, uid=USER, unit=UNIT_257))
    done = place.deliver("0-61-0", wait_msec=300)
    assert len(done.lines) == 1 and "left no entry in time" in done.lines[0]


def test_a_user_who_is_not_logged_in(place):
    place.write(crash_entry(7, uid=USER, unit=UNIT_252))
    for prepare in (lambda: None, lambda: place.runtime_dir(USER), lambda: place.folder(USER)):
        prepare()
        done = place.deliver("0-61-0")
        assert len(done.lines) == 1 and "nobody listens" in done.lines[0]


def test_a_socket_that_nobody_listens_behind_any_more(place):
    place.listen(USER, accepting=False).socket.close()
    drkonqi = place.listen(USER, DRKONQI)
    place.write(crash_entry(7, uid=USER, unit=UNIT_252))
    place.deliver("0-61-0")
    wait_for("the crash at DrKonqi's", lambda: drkonqi.messages)


def test_drkonqi_is_served_where_vigil_is_absent(place):
    drkonqi = place.listen(USER, DRKONQI)
    place.write(crash_entry(7, uid=USER, unit=UNIT_252))
    assert "DrKonqi" in place.deliver("0-61-0").stderr
    wait_for("the crash", lambda: drkonqi.messages)
    vigil = place.listen(USER)
    place.deliver("0-61-0")
    wait_for("the crash", lambda: vigil.messages)
    assert len(drkonqi.messages) == 1


@pytest.mark.parametrize("folder", ["etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"])
def test_drkonqi_that_serves_itself_is_not_served_twice(place, folder):
    drkonqi = place.listen(USER, DRKONQI)
    wants = place.root / folder / "systemd-coredump@.service.wants"
    wants.mkdir(parents=True)
    (wants / "drkonqi-coredump-processor@.service").symlink_to("/nowhere")
    place.write(crash_entry(7, uid=USER, unit=UNIT_252))
    assert "nobody listens" in place.deliver("0-61-0").stderr
    assert not drkonqi.peers


def swap(path, target):
    path.rename(path.with_name(path.name + ".gone"))
    path.symlink_to(target)


@pytest.mark.parametrize("how", ["socket", "folder", "runtime"])
def test_symlinks_lead_nowhere(place, how):
    """Each stands for root's connecting to another user's socket on this user's behalf."""
    victim = place.listen(OTHER)
    place.listen(USER)
    mine, theirs = place.run / str(USER), place.run / str(OTHER)
    if how == "socket":
        swap(mine / VIGIL, theirs / VIGIL)
    elif how == "folder":
        swap(mine / "vigil", theirs / "vigil")
    else:
        swap(mine, theirs)
    place.write(crash_entry(7, uid=USER, unit=UNIT_252))
    done = place.deliver("0-61-0")
    assert len(done.lines) == 1 and ("cannot be delivered" in done.lines[0] or "nobody listens" in done.lines[0])
    assert not victim.peers and not any(l.peers for l in place.listeners)


def test_a_socket_of_another_owner_is_left_alone(place):
    for owner in (0, OTHER):
        listener = place.listen(USER, owner=owner)
        place.write(crash_entry(7, uid=USER, unit=UNIT_252))
        done = place.deliver("0-61-0")
        assert "cannot be delivered" in done.stderr and not listener.peers
        listener.socket.close()
        (place.run / str(USER) / VIGIL).unlink()


def test_a_moved_socket_of_another_user_is_left_alone(place):
    """A hard link cannot be made by the user, but were it there, the owner still tells."""
    victim = place.listen(OTHER)
    place.folder(USER)
    os.link(place.run / str(OTHER) / VIGIL, place.run / str(USER) / VIGIL)
    place.write(crash_entry(7, uid=USER, unit=UNIT_252))
    assert "cannot be delivered" in place.deliver("0-61-0").stderr
    assert not victim.peers


@pytest.mark.parametrize("closed", ["folder", "socket"])
def test_what_the_user_may_not_reach_root_does_not_reach_for_them(place, closed):
    """Every step is taken with the user's own rights: what is closed to them is closed."""
    listener = place.listen(USER)
    (place.run / str(USER) / ("vigil" if closed == "folder" else VIGIL)).chmod(0)
    place.write(crash_entry(7, uid=USER, unit=UNIT_252))
    assert "Permission denied" in place.deliver("0-61-0").stderr
    assert not listener.peers


def test_a_folder_of_another_owner_is_left_alone(place):
    listener = place.listen(USER)
    folder = place.run / str(USER) / "vigil"
    os.chown(folder, 0, 0)
    folder.chmod(0o755)
    place.write(crash_entry(7, uid=USER, unit=UNIT_252))
    assert "cannot be delivered" in place.deliver("0-61-0").stderr
    assert not listener.peers


def test_not_even_the_user_s_own_symlinks_are_followed(place):
    listener = place.listen(USER)
    path = place.run / str(USER) / VIGIL
    path.rename(path.with_name("real"))
    path.symlink_to("real")
    os.chown(path, USER, USER, follow_symlinks=False)
    place.write(crash_entry(7, uid=USER, unit=UNIT_252))
    assert "cannot be delivered" in place.deliver("0-61-0").stderr
    assert not listener.peers


def test_another_filesystem_in_between_is_not_entered(place):
    listener = place.listen(USER)
    folder = place.run / str(USER) / "vigil"
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        place.write(crash_entry(7, uid=USER, unit=UNIT_252))
        assert "cannot be delivered" in place.deliver("0-61-0").stderr
        assert not listener.peers
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("kind", ["file", "fifo", "stream", "folder"])
def test_what_is_no_such_socket_is_left_alone(place, kind):
    path = place.folder(USER) / "coredump"
    if kind == "file":
        path.write_text("")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.bind(str(path))
        stream.listen(1)
    os.chown(path, USER, USER)
    place.write(crash_entry(7, uid=USER, unit=UNIT_252))
    assert "cannot be delivered" in place.deliver("0-61-0").stderr


@pytest.mark.parametrize("how", ["backlog", "reader"])
def test_a_user_who_does_not_take_it_costs_the_deadline(place, how):
    listener = place.listen(USER, backlog=0, accepting=how == "reader", reading=False)
    place.write(crash_entry(7, uid=USER, unit=UNIT_252, MESSAGE="x" * 250000, COREDUMP_CMDLINE="\x01" * 60000))
    waiting = []
    if how == "backlog":
        while len(waiting) < 10:
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            s.setblocking(False)
            waiting.append(s)
            try:
                s.connect(str(place.run / str(USER) / VIGIL))
            except BlockingIOError:
                break
    start = time.monotonic()
    done = place.deliver("0-61-0", delivery_msec=700)
    assert 0.6 < time.monotonic() - start < 10
    assert len(done.lines) == 1 and "left to the catch-up" in done.lines[0]
    assert not listener.messages
    for s in waiting:
        s.close()


def test_it_polls_where_inotify_is_used_up(place, tmp_path):
    """In a user namespace that may have no instance; its root is the user who is delivered to."""
    listener = place.listen(0)
    place.write(crash_entry(1, uid=0, unit=UNIT_257))
    script = 'echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"'
    child = place.processes.start(["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh", *place.argv("0-61-0", 60000)],
                                  stderr=subprocess.PIPE)
    time.sleep(0.3)
    place.write(crash_entry(2, uid=0, unit=UNIT_252))
    assert child.wait(20) == 0
    wait_for("the crash", lambda: listener.messages)
    assert listener.pids() == [2]


# ---- --follow ------------------------------------------------------------------------------------


def test_following_delivers_the_daemon_s_crashes_once(place):
    listener = place.listen(USER)
    place.write(crash_entry(1, uid=USER, unit=UNIT_SOCKET), crash_entry(2, uid=USER, unit=UNIT_252))
    child = place.follow()
    wait_for("the first", lambda: listener.pids() == [1])
    for pid in range(3, 8):
        place.write(crash_entry(pid, uid=USER, unit=UNIT_SOCKET), crash_entry(pid + 100, uid=USER, unit=UNIT_262))
    wait_for("all of them", lambda: listener.pids() == [1, 3, 4, 5, 6, 7])
    assert all(peer[1] == 0 for peer in listener.peers)
    child.terminate()
    assert child.wait(20) == 0
    # another one goes on where it ended
    place.write(crash_entry(8, uid=USER, unit=UNIT_SOCKET))
    child = place.follow()
    wait_for("the one in between", lambda: 8 in listener.pids())
    place.write(crash_entry(9, uid=USER, unit=UNIT_SOCKET))
    wait_for("the next", lambda: 9 in listener.pids())
    assert listener.pids() == [1, 3, 4, 5, 6, 7, 8, 9]


def test_following_is_not_held_up_by_one_user(place):
    """One user's socket takes nothing; the other's crashes arrive meanwhile, and what is queued is bounded."""
    place.listen(USER, accepting=True, reading=False)
    other = place.listen(OTHER)
    child = place.follow(delivery_msec=20000)
    big = {"MESSAGE": "x" * 250000, "COREDUMP_CMDLINE": "\x01" * 60000}
    place.write(crash_entry(1, uid=USER, unit=UNIT_SOCKET, **big))
    wait_for("the stuck delivery", lambda: place.listeners[0].peers)
    place.write(*[crash_entry(pid, uid=USER, unit=UNIT_SOCKET) for pid in range(1000, 2200)])
    start = time.monotonic()
    place.write(*[crash_entry(pid, uid=OTHER, unit=UNIT_SOCKET) for pid in range(10)][1:])
    wait_for("the other's crashes", lambda: other.pids() == list(range(1, 10)))
    assert time.monotonic() - start < 15
    child.terminate()
    assert child.wait(20) == 0
    assert "crashes of uid 12345 were not delivered and are left to the catch-up: " in place.logged()


def test_following_tells_of_an_absent_user_once(place):
    place.write(*[crash_entry(pid, uid=USER, unit=UNIT_SOCKET) for pid in range(1, 60)])
    child = place.follow()
    wait_for("a line", lambda: "left to the catch-up" in place.logged())
    place.write(*[crash_entry(pid, uid=USER, unit=UNIT_SOCKET) for pid in range(60, 120)])
    listener = place.listen(OTHER)
    place.write(crash_entry(500, uid=OTHER, unit=UNIT_SOCKET))
    wait_for("the other's", lambda: listener.messages)
    assert place.logged().count("left to the catch-up") == 1
    child.terminate()
    assert child.wait(20) == 0
    assert place.logged().count("left to the catch-up") == 2  # the rest, at the end


def test_following_where_inotify_is_used_up(place):
    listener = place.listen(0)
    script = 'echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"'
    place.log = open(place.tmp / "follow.log", "a+")
    child = place.processes.start(["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh", *place.argv("--follow")],
                                  stderr=place.log)
    place.write(crash_entry(1, uid=0, unit=UNIT_SOCKET))
    wait_for("the first", lambda: listener.pids() == [1])
    place.write(crash_entry(2, uid=0, unit=UNIT_SOCKET))
    wait_for("the second", lambda: listener.pids() == [1, 2])
    child.terminate()


def test_following_survives_rotation_and_vacuum(place):
    listener = place.listen(USER)
    place.write(crash_entry(1, uid=USER, unit=UNIT_SOCKET))
    child = place.follow()
    wait_for("the first", lambda: listener.pids() == [1])
    (place.journal / "system.journal").rename(place.journal / "system@old.journal")
    place.write(crash_entry(2, uid=USER, unit=UNIT_SOCKET))
    wait_for("the one in the new file", lambda: listener.pids() == [1, 2])
    (place.journal / "system@old.journal").unlink()
    place.write(crash_entry(3, uid=USER, unit=UNIT_SOCKET))
    wait_for("the one after the vacuum", lambda: 3 in listener.pids())
    assert listener.pids() == [1, 2, 3]
    child.terminate()
    assert child.wait(20) == 0


# ---- the installed program -----------------------------------------------------------------------


@pytest.mark.parametrize("args", [[], ["a/b"], ["--directory=/tmp"], ["-x"], ["../x"], [""], ["0-1-0", "x"], ["a b"], ["x" * 300]])
def test_the_installed_program_takes_one_word(args):
    done = subprocess.run([str(BUILD / "vigil-coredump-processor"), *args], capture_output=True, text=True, timeout=10)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1

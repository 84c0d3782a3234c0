# SPDX-License-Identifier: GPL-2.0-or-later
"""FetchCore: vigil-helper's code with a real polkitd, over a folder of cores of the test's own."""
import os
import subprocess

import pytest

from conftest import BUILD, wait_for
from test_helper import Helper, Terminal, root, setpriv  # noqa: F401 (a fixture)

BOOT = "0123456789abcdef0123456789abcdef"
ID = f"{BOOT}.4711.1700000000000000"
NAME = f"core.kate.65534.{ID}.zst"
BYTES = bytes(range(256)) * 4000 + b"end"
RULES = """
polkit.addRule(function(action, subject) {
    if (action.id != "org.vigil.helper.fetch-core") return polkit.Result.NOT_HANDLED;
    if (subject.user == "nobody" && action.lookup("program") == "kate" && action.lookup("owner") == "nobody (65534)" &&
        action.lookup("caller") == "nobody (65534)" && action.lookup("size") == "%s") return polkit.Result.YES;
    if (subject.user == "games") return polkit.Result.NO;
    if (subject.user == "sys") return polkit.Result.YES;
    return polkit.Result.NOT_HANDLED;
});
polkit.addAdminRule(function(action, subject) { return ["unix-user:root"]; });
"""
SIZE = "1000 KiB"


@pytest.fixture
def cores(tmp_path):
    folder = tmp_path / "cores"
    folder.mkdir(mode=0o755)
    (folder / NAME).write_bytes(BYTES)
    (folder / NAME).chmod(0o640)
    (folder / f"core.kate.65534.{BOOT}.4712.1700000000000000.zst").write_bytes(b"another")
    return folder


class Fetcher(Helper):
    def fetch(self, user, crash=ID, target=None, kind="write", interactive=False):
        target = target or self.tmp / f"target-of-{user}"
        argv = [*setpriv(user), BUILD / "tests/tools/fetch-core", crash, target, kind, *(["interactive"] if interactive else [])]
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=self.bus.address))
        return done.stdout.strip() or done.stderr

    def logged(self):
        return (self.tmp / "helper.log").read_text()


@pytest.fixture
def helper(processes, system_bus, polkit, tmp_path, cores):
    (tmp_path / "rules/1.rules").write_text(RULES % SIZE)
    h = Fetcher(processes, system_bus, tmp_path, cores_dir=cores)

    def rules_are_read():
        # polkitd takes up a changed file by itself; until then nobody is allowed
        (tmp_path / "probe").unlink(missing_ok=True)
        return h.fetch("nobody", target=tmp_path / "probe").startswith("done")

    wait_for("polkitd to read its rules", rules_are_read)
    return h


def target_of(helper, user):
    return helper.tmp / f"target-of-{user}"


def test_who_is_allowed_gets_the_bytes_as_they_are(helper):
    assert helper.fetch("nobody") == f"done, {len(BYTES)} bytes"
    assert target_of(helper, "nobody").read_bytes() == BYTES
    assert target_of(helper, "nobody").stat().st_uid == 65534
    assert f"uid 65534 was given the core of 'kate', uid 65534, {len(BYTES)} bytes" in helper.logged()


def test_a_file_in_memory_may_be_the_target(helper):
    assert helper.fetch("nobody", kind="memory") == f"done, {len(BYTES)} bytes"


@pytest.mark.parametrize("user", ["games", "daemon"])  # refused by rule; would need a password
def test_others_get_nothing(helper, user):
    error = helper.fetch(user)
    assert "authoris" in error and ("NotAuthorized" in error or "InteractiveAuthorizationRequired" in error)
    assert target_of(helper, user).read_bytes() == b""


def test_interactive_without_an_agent_is_refused(helper):
    assert "authoris" in helper.fetch("daemon", interactive=True)
    assert target_of(helper, "daemon").read_bytes() == b""


def test_the_prompt_names_program_owner_and_size(helper, processes, system_bus, tmp_path):
    """A password at a real terminal, asked for by real programs; daemon has no session, so the rule for any holds."""
    caller = processes.start([*setpriv("daemon"), "sh", "-c", 'read -r go; exec "$@"', "sh", str(BUILD / "tests/tools/fetch-core"), ID,
                              str(target_of(helper, "daemon")), "write", "interactive"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=system_bus.address))
    ready, theirs = os.pipe()
    agent = Terminal(processes, system_bus, tmp_path, "daemon", ["pkttyagent", f"--process={caller.pid}", f"--notify-fd={theirs}"],
                     pass_fds=[theirs])
    os.close(theirs)
    assert os.read(ready, 1) == b""  # closed: registered
    os.close(ready)
    caller.stdin.write("go\n")
    caller.stdin.flush()
    agent.expect(r"give daemon \(1\) a\s+copy\s+of\s+the\s+core\s+dump\s+of\s+kate,\s+which\s+belongs\s+to\s+nobody\s+\(65534\)")
    agent.expect(SIZE)
    agent.expect("Password: ")
    assert target_of(helper, "daemon").read_bytes() == b""
    # what was opened before the question is what is handed out, whatever becomes of the name meanwhile
    core = helper.tmp / "cores" / NAME
    core.unlink()
    core.symlink_to("/etc/shadow")
    agent.type_password("secret")
    assert caller.stdout.readline().strip() == f"done, {len(BYTES)} bytes"
    assert target_of(helper, "daemon").read_bytes() == BYTES


@pytest.mark.parametrize("crash", ["", "/etc/shadow", "../" + ID, ID + "/", ID + ".zst", NAME, ID.upper(), BOOT, BOOT + ".0.1", ID + "\n",
                                   "*", "x" * 100000])
def test_what_is_no_identity_is_refused(helper, crash):
    assert "InvalidCrash" in helper.fetch("games", crash)


def test_a_missing_core_asks_nobody(helper):
    assert "NotFound" in helper.fetch("games", f"{BOOT}.4711.1700000000000001")
    (helper.tmp / "cores" / NAME).unlink()
    assert "NotFound" in helper.fetch("games")


def test_where_nothing_was_ever_stored(processes, system_bus, polkit, tmp_path):
    assert "NotFound" in Fetcher(processes, system_bus, tmp_path).fetch("games")


@pytest.mark.parametrize("make", ["symlink", "fifo", "folder", "foreign", "huge"])
def test_what_stands_there_and_is_no_core(helper, make):
    core = helper.tmp / "cores" / NAME
    core.unlink()
    if make == "symlink":
        core.symlink_to("/etc/shadow")
    elif make == "fifo":
        os.mkfifo(core)
    elif make == "folder":
        core.mkdir()
    else:
        core.write_bytes(b"x")
    if make == "foreign":
        os.chown(core, 65534, 65534)
    if make == "huge":
        os.truncate(core, (64 << 30) + 1)
    # nobody is allowed to; were anybody asked, games' rule would answer
    assert ("TooLarge" if make == "huge" else "NotACore") in helper.fetch("games")


@pytest.mark.parametrize("kind, text", [("read", "not open for writing"), ("append", "not open for writing"), ("folder", "not open for"),
                                        ("pipe", "not a regular file"), ("closed", "not a regular file"), ("socket", "not a regular file")])
def test_a_target_must_be_a_file_open_for_writing(helper, kind, text):
    error = helper.fetch("games", target=helper.tmp, kind=kind) if kind == "folder" else helper.fetch("games", kind=kind)
    assert "BadTarget" in error and text in error


def test_a_target_must_be_the_caller_s_and_empty(helper):
    target = helper.tmp / "other"
    target.write_bytes(b"")
    target.chmod(0o666)
    assert "does not belong to you" in helper.fetch("games", target=target)
    os.chown(target, 5, 60)
    target.write_bytes(b"x")
    assert "not empty" in helper.fetch("games", target=target)
    assert target.read_bytes() == b"x"


def test_a_full_disk_leaves_nothing(helper, tmp_path):
    mount = tmp_path / "disk"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=1777", "tmpfs", str(mount)], check=True)
    try:
        error = helper.fetch("nobody", target=mount / "copy")
        assert "NoSpace" in error and "room" in error
        assert (mount / "copy").stat().st_size == 0
        assert "failed: No space left on device" in helper.logged()
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def test_what_a_disk_keeps_for_root_is_not_used_up(helper, tmp_path):
    """Half of the disk is root's; the helper could write there, but it does not on a user's behalf."""
    image, mount = tmp_path / "image", tmp_path / "disk"
    mount.mkdir()
    with open(image, "wb") as file:
        file.truncate(32 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "50", str(image)], check=True)
    done = subprocess.run(["mount", "-o", "loop", str(image), str(mount)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no loop device to mount a disk with: {done.stderr.strip()}")
    try:
        mount.chmod(0o1777)
        (helper.tmp / "cores" / NAME).write_bytes(os.urandom(14 << 20))
        assert os.statvfs(mount).f_bavail * os.statvfs(mount).f_frsize < 14 << 20 < os.statvfs(mount).f_bfree * os.statvfs(mount).f_frsize
        assert "NoSpace" in helper.fetch("sys", target=mount / "copy")
        assert (mount / "copy").stat().st_size == 0
        (helper.tmp / "cores" / NAME).write_bytes(os.urandom(2 << 20))
        (mount / "copy").unlink()
        assert helper.fetch("sys", target=mount / "copy") == f"done, {2 << 20} bytes"
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def test_a_large_core_does_not_go_into_memory(helper):
    os.truncate(helper.tmp / "cores" / NAME, 20 << 20)
    error = helper.fetch("sys", kind="memory")
    assert "BadTarget" in error and "memory" in error


def test_holes_stay_holes(helper):
    """A sparse core of 3 GiB is copied as one: in no time, and nearly no blocks."""
    core = helper.tmp / "cores" / NAME
    os.truncate(core, 3 << 30)
    assert helper.fetch("sys") == f"done, {3 << 30} bytes"
    assert target_of(helper, "sys").stat().st_blocks * 512 < 8 << 20
    target_of(helper, "sys").unlink()


def test_a_caller_that_vanishes_ends_its_copy(helper, processes, system_bus, tmp_path):
    """The core is large and not sparse; the caller is killed once bytes arrive: the copy ends, the helper lives."""
    core = helper.tmp / "cores" / NAME
    with open(core, "wb") as file:
        for _ in range(256):
            file.write(os.urandom(1 << 20))
    target = target_of(helper, "sys")
    caller = processes.start([*setpriv("sys"), BUILD / "tests/tools/fetch-core", ID, target],
                             env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=system_bus.address))
    wait_for("the first bytes", lambda: target.exists() and target.stat().st_blocks)
    caller.kill()
    caller.wait()
    children = f"/proc/{helper.child.pid}/task/{helper.child.pid}/children"
    wait_for("the copy to end", lambda: not open(children).read().split())
    assert helper.fetch("nobody", f"{BOOT}.4712.1700000000000000") != ""  # it still answers
    core.unlink()
    target.unlink()


def test_the_helper_answers_others_while_it_copies(helper, processes, system_bus):
    core = helper.tmp / "cores" / NAME
    with open(core, "wb") as file:
        for _ in range(256):
            file.write(os.urandom(1 << 20))
    target = target_of(helper, "sys")
    caller = processes.start([*setpriv("sys"), BUILD / "tests/tools/fetch-core", ID, target], stdout=subprocess.PIPE,
                             env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=system_bus.address))
    wait_for("the first bytes", lambda: target.exists() and target.stat().st_blocks)
    assert "InvalidCrash" in helper.fetch("games", "x")
    assert caller.stdout.readline().strip() == f"done, {256 << 20} bytes"
    core.unlink()
    target.unlink()

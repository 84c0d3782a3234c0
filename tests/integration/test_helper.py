# SPDX-License-Identifier: GPL-2.0-or-later
"""vigil-helper's code with a real polkitd on a private system bus, over directories of the test's own."""
import os
import pty
import re
import select
import subprocess
import termios

import pytest

from conftest import BUILD, DEADLINE, ROOT, silent_owner, wait_for

# root's password inside the tests' mount namespaces: "secret"
SHADOW = "root:$6$vigiltest$lb3M79iUGWXq4U2DEF.vKd9KMAjdnkR4cHcWV.J5cEyKHF3JwPMkSuiwOLf6xfRPlGlCCBgsrXLIfXKyncMsB1:20000::::::\n"


@pytest.fixture(autouse=True)
def root():
    if os.geteuid() != 0:
        pytest.skip("needs root to start polkitd")


def setpriv(user):
    return ["setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups"]


class Helper:
    def __init__(self, processes, bus, tmp, sysctl_dir=None, prefix=(), cores_dir=None):
        self.bus, self.tmp = bus, tmp
        (tmp / "proc").mkdir()
        (tmp / "proc/max_user_instances").write_text("128\n")
        (tmp / "proc/max_user_watches").write_text("65536\n")
        self.sysctl = sysctl_dir or tmp / "etc/sysctl.d"
        self.sysctl.mkdir(parents=True, exist_ok=True)
        self.log = open(tmp / "helper.log", "w")
        argv = [*prefix, BUILD / "tests/tools/helper-test", tmp / "proc", self.sysctl, tmp, *([cores_dir] if cores_dir else [])]
        self.child = processes.start(argv, stderr=self.log,
                                     env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=bus.address))
        wait_for("the helper", lambda: bus.owns("org.vigil.Helper1"))

    def command(self, *args, interactive="no"):
        return ["busctl", f"--address={self.bus.address}", f"--allow-interactive-authorization={interactive}", "call", "org.vigil.Helper1",
                "/org/vigil/Helper1", "org.vigil.Helper1", *args]

    def call(self, user, *args, interactive="no"):
        return subprocess.run([*setpriv(user), *self.command(*args, interactive=interactive)], capture_output=True, text=True, timeout=30)

    def value(self, which="instances"):
        return int((self.tmp / f"proc/max_user_{which}").read_text())

    @property
    def dropin(self):
        return self.sysctl / "60-vigil-inotify.conf"


class Terminal:
    """A person at a terminal: a program on a pty of its own, as another user, where the default system bus is the test's and
    root has a password. Nothing of the machine changes: it is all in a mount namespace."""

    def __init__(self, processes, bus, tmp, user, argv, pass_fds=()):
        (tmp / "shadow").write_text(SHADOW)
        (tmp / "shadow").chmod(0o600)
        script = (f"mkdir -p /run/dbus && mount -t tmpfs tmpfs /run/dbus && touch /run/dbus/system_bus_socket && "
                  f"mount --bind {bus.path} /run/dbus/system_bus_socket && mount --bind {tmp}/shadow /etc/shadow && "
                  f"mount --bind {tmp}/proc /proc/sys/fs/inotify && "
                  f'exec setpriv --reuid={user} --regid=nogroup --clear-groups "$@"')
        self.fd, theirs = pty.openpty()
        processes.fds.append(self.fd)
        self.seen = ""
        env = {k: v for k, v in os.environ.items() if k != "DBUS_SYSTEM_BUS_ADDRESS"}
        self.child = processes.start(["unshare", "-m", "setsid", "--ctty", "--wait", "sh", "-c", script, "sh", *argv], stdin=theirs,
                                     stdout=theirs, stderr=theirs, env=dict(env, TERM="xterm"), pass_fds=pass_fds)
        os.close(theirs)

    def expect(self, pattern):
        """Reads on until the pattern is on the screen; a program that ends before, or says nothing more, fails the test."""
        while not re.search(pattern, self.seen):
            assert select.select([self.fd], [], [], DEADLINE)[0], f"no {pattern!r} in: {self.seen}"
            try:
                chunk = os.read(self.fd, 4096)
            except OSError:  # everybody closed the other end
                chunk = b""
            assert chunk, f"no {pattern!r} in: {self.seen}"
            self.seen += chunk.decode(errors="replace")

    def type_password(self, line):
        # what is typed before the echo goes off is thrown away, as getpass(3) does
        wait_for("the echo to go off", lambda: not termios.tcgetattr(self.fd)[3] & termios.ECHO)
        os.write(self.fd, line.encode() + b"\n")


@pytest.fixture
def helper(processes, system_bus, polkit, tmp_path):
    return Helper(processes, system_bus, tmp_path)


def test_the_allowed_caller_raises_and_resets(helper, tmp_path):
    done = helper.call("nobody", "RaiseInotifyLimit", "st", "instances", "0")
    assert done.stdout.strip() == "tt 128 256", done.stderr
    assert helper.value() == 256
    text = helper.dropin.read_text()
    assert "fs.inotify.max_user_instances = 256" in text and "by uid 65534" in text and "from 128" in text
    assert helper.dropin.stat().st_mode & 0o777 == 0o644
    assert "uid 65534 raised fs.inotify.max_user_instances from 128 to 256" in (tmp_path / "helper.log").read_text()
    done = helper.call("nobody", "ResetInotifyLimits")
    assert done.returncode == 0, done.stderr
    assert helper.value() == 128 and not helper.dropin.exists()


@pytest.mark.parametrize("user", ["games", "daemon"])  # refused by rule; would need a password
def test_others_are_refused(helper, user):
    done = helper.call(user, "RaiseInotifyLimit", "st", "instances", "0")
    assert done.returncode != 0 and "authoris" in done.stderr
    assert helper.value() == 128 and not helper.dropin.exists()
    assert helper.call(user, "ResetInotifyLimits").returncode != 0


def test_details_reach_polkit(helper):
    """The rule allows instances only from 128: a second raise is not covered by it."""
    assert helper.call("nobody", "RaiseInotifyLimit", "st", "instances", "0").returncode == 0
    assert helper.call("nobody", "RaiseInotifyLimit", "st", "instances", "0").returncode != 0
    assert helper.value() == 256


def test_interactive_asks_an_agent_and_without_one_is_refused(helper):
    done = helper.call("daemon", "RaiseInotifyLimit", "st", "instances", "0", interactive="yes")
    assert done.returncode != 0 and helper.value() == 128


RAISE = ("RaiseInotifyLimit", "st", "instances", "0")


def test_a_password_typed_at_the_terminal(helper, processes, system_bus, tmp_path):
    """vigil starts pkttyagent, polkitd asks it, PAM checks what is typed: all real."""
    t = Terminal(processes, system_bus, tmp_path, "daemon", [BUILD / "vigil", "inotify", "raise", "instances"])
    t.expect("limit of inotify instances from 128 to 256")
    t.expect("Password: ")
    assert helper.value() == 128
    t.type_password("secret")
    t.expect("AUTHENTICATION COMPLETE")
    t.expect("fs.inotify.max_user_instances: 256, was 128. In force now")
    assert helper.value() == 256 and "by uid 1 " in helper.dropin.read_text()


def test_a_wrong_password_changes_nothing(helper, processes, system_bus, tmp_path):
    t = Terminal(processes, system_bus, tmp_path, "daemon", [BUILD / "vigil", "inotify", "raise", "instances"])
    t.expect("Password: ")
    t.type_password("wrong")
    t.expect("AUTHENTICATION FAILED")
    t.expect("vigil: You are not authorised")
    assert t.child.wait(20) == 1
    assert helper.value() == 128 and not helper.dropin.exists()


def prompted(helper, processes, tmp_path):
    """A caller of its own and an agent at a terminal who is asked for its password. Gives both."""
    # stopped until its agent is registered; a process keeps its identity over exec
    caller = processes.start([*setpriv("daemon"), "sh", "-c", 'read -r go; exec "$@"', "sh", *helper.command(*RAISE, interactive="yes")],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    ready, theirs = os.pipe()
    agent = Terminal(processes, helper.bus, tmp_path, "daemon",
                     ["pkttyagent", f"--process={caller.pid}", f"--notify-fd={theirs}"], pass_fds=[theirs])
    os.close(theirs)
    assert os.read(ready, 1) == b""  # closed: registered
    os.close(ready)
    caller.stdin.write("go\n")
    caller.stdin.flush()
    agent.expect("Password: ")
    return caller, agent


def test_an_agent_of_its_own_answers(helper, processes, tmp_path):
    caller, agent = prompted(helper, processes, tmp_path)
    agent.type_password("secret")
    assert caller.stdout.readline().strip() == "tt 128 256"
    assert helper.value() == 256


def test_who_vanishes_at_the_prompt_takes_the_request_along(helper, processes, tmp_path):
    caller, _ = prompted(helper, processes, tmp_path)
    with open(tmp_path / "monitor", "w") as out:
        processes.start(["busctl", f"--address={helper.bus.address}", "monitor"], stdout=out, stderr=out)
    wait_for("the monitor", lambda: "Monitoring bus" in (tmp_path / "monitor").read_text())
    caller.kill()
    caller.wait()
    # polkitd tells the agent: nobody is asked for a password that serves nothing
    wait_for("the prompt to be taken back", lambda: "Member=CancelAuthentication" in (tmp_path / "monitor").read_text())
    assert "Member=CancelCheckAuthorization" in (tmp_path / "monitor").read_text()
    assert helper.child.wait(20) == 0  # idle, so nothing is pending
    assert helper.value() == 128 and not helper.dropin.exists()


def test_only_so_many_prompts_stand_open(processes, system_bus, tmp_path):
    """polkit never answers here: four of a user wait, the fifth is told, and one that gives up makes room. Other users
    have room meanwhile, as many as there is for all; root is never kept out."""
    polkit = silent_owner(processes, system_bus, "org.freedesktop.PolicyKit1")
    helper = Helper(processes, system_bus, tmp_path)
    waiting = []

    def wait(user):
        waiting.append(processes.start([*setpriv(user), *helper.command(*RAISE)], stderr=subprocess.DEVNULL))
        assert polkit.stdout.readline().strip() == "called"

    def assert_turned_away(user):
        done = helper.call(user, *RAISE)
        assert done.returncode != 0 and "Too many requests wait" in done.stderr

    for _ in range(4):
        wait("nobody")
    assert_turned_away("nobody")
    for user in ("games", "daemon"):
        for _ in range(4):
            wait(user)
    assert_turned_away("mail")
    wait("root")
    waiting[3].kill()
    waiting[3].wait()
    assert polkit.stdout.readline().strip() == "called"  # told to forget that question
    waiting[-1].kill()
    waiting[-1].wait()
    assert polkit.stdout.readline().strip() == "called"
    wait("nobody")
    assert_turned_away("nobody")
    assert helper.value() == 128


@pytest.mark.parametrize("args, error", [
    (("instances", "127"), "below the limit"),
    (("instances", "99999999"), "memory can bear"),
    (("watches", "18446744073709551615"), "memory can bear"),
    (("/etc/passwd", "5"), "Expected 'instances' or 'watches'"),
    (("", "0"), "Expected 'instances' or 'watches'"),
])
def test_bad_arguments_have_their_own_errors(helper, args, error):
    done = helper.call("nobody", "RaiseInotifyLimit", "st", *args)
    assert done.returncode != 0 and error in done.stderr
    assert not helper.dropin.exists()


def test_nothing_to_do_asks_nobody(helper):
    assert helper.call("games", "RaiseInotifyLimit", "st", "instances", "128").stdout.strip() == "tt 128 128"


def test_a_winning_file_is_named(helper, tmp_path):
    (tmp_path / "etc/sysctl.d/99-mine.conf").write_text("fs.inotify.max_user_instances = 200\n")
    assert helper.call("nobody", "RaiseInotifyLimit", "st", "instances", "0").returncode == 0
    assert "'/etc/sysctl.d/99-mine.conf' line 1" in (tmp_path / "helper.log").read_text()


@pytest.mark.parametrize("full", [True, False])
def test_a_full_or_read_only_disk_changes_nothing(processes, system_bus, polkit, tmp_path, full):
    mount = tmp_path / "disk"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=1k", "tmpfs", str(mount)], check=True)
    try:
        if full:
            (mount / "fill").write_bytes(b"x" * 4096)
        else:
            subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
        h = Helper(processes, system_bus, tmp_path, mount)
        done = h.call("nobody", "RaiseInotifyLimit", "st", "instances", "0")
        assert done.returncode != 0
        assert ("disk" in done.stderr and "full" in done.stderr) if full else "cannot be written" in done.stderr
        assert h.value() == 128
        assert [p.name for p in mount.iterdir()] == (["fill"] if full else [])
        h.child.kill()
        h.child.wait()
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def test_a_read_only_proc_sys_changes_nothing(processes, system_bus, polkit, tmp_path):
    """As in a container."""
    proc = tmp_path / "proc"
    h = Helper(processes, system_bus, tmp_path, prefix=[
        "unshare", "-m", "sh", "-c", f'mount --bind {proc} {proc} && mount -o remount,bind,ro {proc} && exec "$@"', "sh"])
    done = h.call("nobody", *RAISE)
    assert done.returncode != 0 and "change the limit on the host" in done.stderr
    assert h.value() == 128 and not h.dropin.exists()


def test_it_leaves_when_idle(helper):
    assert helper.child.wait(20) == 0


def test_the_installed_helper_takes_no_arguments():
    done = subprocess.run([str(BUILD / "vigil-helper"), "--proc=/tmp"], capture_output=True, text=True, timeout=10)
    assert done.returncode == 2

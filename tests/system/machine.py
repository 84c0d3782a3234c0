# SPDX-License-Identifier: GPL-2.0-or-later
"""A booted container as the tests see it: run a command as root or as a user, read the journal, type on a terminal."""
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build/system"
TOOLS = ["crash", "core-relay", "inotify-load", "helper-kill"]
TOOLS_AT = "/usr/lib/vigil-test"  # where they lie in the container
DEADLINE = 30  # seconds that an event may take on a busy machine
ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


def why_not():
    """Why the system tests cannot run here; None: they can."""
    if os.geteuid() != 0:
        return "not root: a container cannot be booted"
    for program, package in (("systemd-nspawn", "systemd-container"), ("mmdebstrap", "mmdebstrap"), ("nsenter", "util-linux"),
                             ("unshare", "util-linux")):
        if not shutil.which(program):
            return f"{program} is missing: install {package}"
    if not os.access("/proc/sys/kernel/core_pattern", os.W_OK):
        return "/proc/sys is read-only here, and core_pattern must be set"
    if not any(" - cgroup2 " in line for line in Path("/proc/self/mountinfo").read_text().splitlines()):
        return "no cgroup2 file system is mounted"
    return None


def wait_for(what, condition, deadline=DEADLINE):
    """Waits until condition() gives something true, and gives it; fails by name at the deadline."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline} s for: {what}")
        time.sleep(0.05)


def make(*args):
    """make in a build folder of its own: installed below /usr, never instrumented, whatever was built elsewhere."""
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "SANITIZE")}
    done = subprocess.run(["make", "-s", f"-j{os.cpu_count() or 1}", f"B={BUILD.relative_to(ROOT)}", "PREFIX=/usr", *args], cwd=ROOT,
                          env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"make {' '.join(args)} failed: {done.stderr[-3000:]}"


def stage(directory):
    """What is laid over the container's root: Vigil as `make install` puts it, and the tests' own programs."""
    make(*[f"{BUILD.relative_to(ROOT)}/tests/tools/{name}" for name in TOOLS])
    make("install", f"DESTDIR={directory}")
    stage_tools(BUILD, directory)


def stage_tools(build, directory):
    tools = directory / TOOLS_AT.lstrip("/")
    tools.mkdir(parents=True)
    for name in TOOLS:
        shutil.copy(build / "tests/tools" / name, tools / name)
    shutil.copy(tools / "crash", tools / "crash-setuid")
    (tools / "crash-setuid").chmod(0o4755)


def cgroup_of(pid):
    """The directory of a process's control group in the unified hierarchy."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[fields.index("-") + 1] == "cgroup2":
            mount = Path(fields[4])
    path = next(line[3:] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines() if line.startswith("0::"))
    return mount / path.lstrip("/")


class Machine:
    def __init__(self, suite, staging):
        self.suite, self.uids = suite, {}
        self.guard = subprocess.Popen(["unshare", "--mount", "--propagation", "private", sys.executable, str(HERE / "guard.py"), suite,
                                       str(staging), str(BUILD / "tests/tools/core-relay")],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self._booted()
        self.version = int(self.run("systemctl", "--version").split()[1].split(".")[0])

    def _until(self, key):
        for line in self.guard.stdout:
            message = json.loads(line)
            assert "error" not in message, message["error"]
            if key in message:
                return message
        raise AssertionError(f"the container's guard ended with {self.guard.wait()} before it said '{key}'")

    def _booted(self):
        booted = self._until("leader")
        self.leader, self.elsewhere = booted["leader"], booted["elsewhere"]  # its PID 1; core_pattern as it was before
        self.cgroup = cgroup_of(self.leader)

    def reboot(self):
        self.run("systemctl", "--no-block", "reboot")
        self._booted()

    def end(self):
        """Ends the container; fails if something of the machine could not be put back."""
        self.guard.stdin.close()
        try:
            self._until("restored")
        finally:
            self.guard.wait(120)
            self.guard.stdout.close()

    # ---- commands ------------------------------------------------------------------------------

    def inside(self, *argv):
        """argv as it is run from outside: in all of the container's namespaces."""
        return ["nsenter", "-t", str(self.leader), "-a", *map(str, argv)]

    def join(self):
        """Moves the calling process to where the container's PID 1 is: newer logind answers nobody whose control group it
        cannot see."""
        (self.cgroup / "cgroup.procs").write_text(str(os.getpid()))

    def popen(self, *argv, **kw):
        return subprocess.Popen(self.inside(*argv), env=ENV, text=True, preexec_fn=self.join, **kw)

    def call(self, *argv, input=None, timeout=120):
        """Runs as root; gives the finished process, whatever its status."""
        stdin = {"input": input} if input is not None else {"stdin": subprocess.DEVNULL}
        return subprocess.run(self.inside(*argv), capture_output=True, text=True, errors="replace", timeout=timeout, env=ENV,
                              preexec_fn=self.join, **stdin)

    def run(self, *argv, **kw):
        """Runs as root; gives stdout; anything but status 0 fails."""
        done = self.call(*argv, **kw)
        assert done.returncode == 0, f"{argv}: status {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def uid(self, user):
        if user not in self.uids:
            self.uids[user] = int(self.run("id", "-u", user))
        return self.uids[user]

    def user_argv(self, user, *argv):
        """As the user, beside their sessions (no unit of theirs): enough to ask their manager and their bus."""
        if user == "root":
            return list(argv)
        uid = self.uid(user)
        return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "env", f"HOME=/home/{user}", f"USER={user}",
                f"XDG_RUNTIME_DIR=/run/user/{uid}", f"DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/{uid}/bus", *argv]

    def as_user(self, user, *argv, **kw):
        return self.call(*self.user_argv(user, *argv), **kw)

    def run_as(self, user, *argv, **kw):
        return self.run(*self.user_argv(user, *argv), **kw)

    @staticmethod
    def session_argv(user, *argv, pty=False):
        """In a session of the user's own, through PAM and logind, as a login gives it."""
        return ["systemd-run", "--quiet", "--wait", "--collect", "--pty" if pty else "--pipe", "-p", f"User={user}", "-p", "PAMName=login",
                *argv]

    def in_session(self, user, *argv, **kw):
        return self.call(*self.session_argv(user, *argv), **kw)

    def user_unit(self, user, *argv, unit=None, scope=False, **kw):
        """A program of the user's in a unit of their manager's, as a desktop starts it; gives the finished process."""
        return self.as_user(user, "systemd-run", "--user", "--quiet", "--collect", *(["--scope"] if scope else ["--wait"]),
                            *([f"--unit={unit}"] if unit else []), *argv, **kw)

    def linger(self, user):
        """Gives the user a manager that runs without a login."""
        self.run("loginctl", "enable-linger", user)
        wait_for(f"{user}'s manager", lambda: self.as_user(user, "systemctl", "--user", "is-system-running").stdout.strip() in
                 ("running", "degraded"))

    def terminal(self, user, *argv):
        return Terminal(self, self.session_argv(user, *argv, pty=True))

    # ---- files ---------------------------------------------------------------------------------

    def path(self, name):
        """A file of the container as seen from outside."""
        return Path(f"/proc/{self.leader}/root/{name.lstrip('/')}")

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    # ---- journal -------------------------------------------------------------------------------

    def journal(self, after=None, user=None, **fields):
        """Entries in order, as dicts: those with these fields, behind a cursor(); as root, or what this user may read.
        (journalctl's own --after-cursor swallows the first entry where fields are given too: the fields are compared here.)"""
        argv = ["journalctl", "--output=json", "--all", "--no-pager", "--quiet", *([f"--after-cursor={after}"] if after else [])]
        done = self.as_user(user, *argv) if user else self.call(*argv)
        entries = [json.loads(line) for line in done.stdout.splitlines()]
        return [e for e in entries if all(e.get(key) == value for key, value in fields.items())]

    def cursor(self):
        """Where the journal ends now: entries behind it are new."""
        self.run("journalctl", "--sync")
        return json.loads(self.run("journalctl", "--output=json", "--quiet", "-n1"))["__CURSOR"]


class Terminal:
    """A program on a terminal, typed at and read from as a person would."""

    def __init__(self, machine, argv):
        self.machine, self.text, self.status = machine, "", None
        argv = machine.inside(*argv)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            machine.join()
            os.execvpe(argv[0], argv, dict(ENV, TERM="dumb"))

    def _read(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return True
        try:
            chunk = os.read(self.fd, 4096)
        except OSError:  # the other end is closed
            chunk = b""
        self.text += chunk.decode(errors="replace")
        return bool(chunk)

    def expect(self, text, deadline=DEADLINE):
        """Reads until text appears; forgets what stands before its end."""
        end = time.monotonic() + deadline
        while text not in self.text:
            alive = self._read(max(0, end - time.monotonic()))
            assert text in self.text or (alive and time.monotonic() < end), f"expected '{text}' on the terminal, got: {self.text!r}"
        before, self.text = self.text.split(text, 1)
        return before

    def type(self, line):
        os.write(self.fd, line.encode() + b"\n")

    def _hides_typing(self):
        return " -echo " in self.machine.call("sh", "-c", "for t in /dev/pts/[0-9]*; do stty -F $t -a; done").stdout

    def type_secret(self, line):
        """Types once the terminal no longer shows it: the prompt comes first, and what is typed in between is thrown away."""
        wait_for("the terminal to hide what is typed", self._hides_typing)
        self.type(line)

    def rest(self, deadline=DEADLINE):
        """Everything up to the program's end; its exit status is then in .status."""
        end = time.monotonic() + deadline
        while self._read(max(0, end - time.monotonic())):
            assert time.monotonic() < end, f"the program on the terminal does not end: {self.text!r}"
        self.close()
        return self.text

    def close(self):
        if self.status is None:
            os.close(self.fd)
            end = time.monotonic() + DEADLINE
            while True:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.status = os.waitstatus_to_exitcode(status)
                    return
                if time.monotonic() > end:
                    os.kill(self.pid, signal.SIGKILL)
                time.sleep(0.02)

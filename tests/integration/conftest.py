# SPDX-License-Identifier: GPL-2.0-or-later
"""Real things for the tests: programs of the build, a session bus, a notification daemon on a screen of its own."""
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("VIGIL_BUILD", "build/default")).resolve()
ROOT = Path(__file__).resolve().parents[2]
LOAD = BUILD / "tests/tools/inotify-load"
DEADLINE = 20  # seconds that an event may take on a busy machine


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


def vigil(*args, env=None, prefix=(), stdin=subprocess.DEVNULL):
    return subprocess.run([*prefix, str(BUILD / "vigil"), *args], capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, **(env or {})), stdin=stdin)


def survey(*args, prefix=()):
    done = vigil("inotify", "list", "--json", *args, prefix=prefix)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def as_user(uid):
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]


def account_of(data, uid, missing=None):
    """The account of uid in a survey's JSON."""
    return next((u for u in data["users"] if u["uid"] == uid), missing)


def row(data, pid):
    """The process pid in a survey's JSON; it must be there."""
    return next(p for p in data["processes"] if p["pid"] == pid)


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    """No test writes into this machine's or this person's own folders."""
    for variable in ("STATE_DIRECTORY", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        path = tmp_path / variable.lower()
        path.mkdir()
        path.chmod(0o777)
        monkeypatch.setenv(variable, str(path))
    return tmp_path


class Processes:
    """Ends what it started, by pid, whatever happens."""

    def __init__(self, tmp):
        self.tmp = tmp
        self.children = []
        self.fds = []

    def start(self, argv, **kw):
        kw.setdefault("env", dict(os.environ, TMPDIR=str(self.tmp)))
        child = subprocess.Popen([str(a) for a in argv], text=True, **kw)
        self.children.append(child)
        return child

    def load(self, instances, watches, *extra, prefix=(), env=None):
        child = self.start([*prefix, LOAD, str(instances), str(watches), *extra], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, env=dict(os.environ, TMPDIR=str(self.tmp), **(env or {})))
        line = child.stdout.readline().split()
        assert line[:1] == ["ready"], line
        child.got = (int(line[1]), int(line[2]))
        return child

    def end(self):
        for child in reversed(self.children):
            if child.stdin:
                try:
                    child.stdin.close()
                except BrokenPipeError:
                    pass
            if child.poll() is None:
                child.terminate()
        for fd in self.fds:
            os.close(fd)
        for child in self.children:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            for pipe in (child.stdout, child.stderr):
                if pipe:
                    pipe.close()


@pytest.fixture
def processes(tmp_path):
    os.chmod(tmp_path, 0o777)
    for parent in list(tmp_path.parents)[:2]:
        if parent != Path(tempfile.gettempdir()):
            os.chmod(parent, 0o755)
    p = Processes(tmp_path)
    yield p
    p.end()


@pytest.fixture
def xvfb(processes, tmp_path):
    r, w = os.pipe()
    processes.start(["Xvfb", "-displayfd", str(w), "-screen", "0", "1024x768x24", "-nolisten", "tcp"], pass_fds=[w],
                    stderr=subprocess.DEVNULL)
    os.close(w)
    display = b""
    while not display.endswith(b"\n"):
        chunk = os.read(r, 16)
        assert chunk, "Xvfb ended"
        display += chunk
    os.close(r)
    return ":" + display.decode().strip()


BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>{kind}</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth><servicedir>{services}</servicedir>
<policy context="default"><allow user="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"""


class Bus:
    def __init__(self, processes, tmp, kind):
        self.processes, self.path = processes, tmp / f"{kind}-bus"
        self.config = tmp / f"{kind}-bus.conf"
        self.services = tmp / f"{kind}-services"
        self.services.mkdir()
        self.config.write_text(BUS_CONFIG.format(kind=kind, path=self.path, services=self.services))
        self.address = f"unix:path={self.path}"
        self.start()

    def start(self):
        self.path.unlink(missing_ok=True)
        self.child = self.processes.start(["dbus-daemon", f"--config-file={self.config}", "--nofork"], stderr=subprocess.DEVNULL)
        wait_for("the bus", self.path.exists)

    def activatable(self, name, argv):
        """From now on the bus starts argv when somebody calls the name."""
        (self.services / f"{name}.service").write_text(f"[D-BUS Service]\nName={name}\nExec=" + " ".join(map(str, argv)) + "\n")
        subprocess.run(["busctl", f"--address={self.address}", "call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus",
                        "ReloadConfig"], check=True, timeout=10)

    def owns(self, name):
        done = subprocess.run(["busctl", f"--address={self.address}", "call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus",
                               "NameHasOwner", "s", name], capture_output=True, text=True, timeout=10)
        return "true" in done.stdout

    def kill(self):
        self.child.kill()
        self.child.wait()


@pytest.fixture
def session_bus(processes, tmp_path):
    return Bus(processes, tmp_path, "session")


@pytest.fixture
def system_bus(processes, tmp_path):
    return Bus(processes, tmp_path, "system")


class Dunst:
    """A real notification daemon, read back through its own control program."""

    def __init__(self, processes, session_bus, display, tmp):
        self.processes = processes
        self.env = dict(os.environ, DBUS_SESSION_BUS_ADDRESS=session_bus.address, DISPLAY=display, HOME=str(tmp))
        self.config = tmp / "dunstrc"
        self.config.write_text("[global]\nfont = Sans 11\nwidth = 500\nheight = 400\nmarkup = full\n")
        self.start()

    def start(self):
        self.child = self.processes.start(["dunst", "-conf", self.config], env=self.env, stderr=subprocess.DEVNULL,
                                          stdout=subprocess.DEVNULL)
        wait_for("dunst", lambda: self.count("displayed") is not None)

    def ctl(self, *args):
        return subprocess.run(["dunstctl", *args], env=self.env, capture_output=True, text=True, timeout=10)

    def count(self, what):
        done = self.ctl("count", what)
        return int(done.stdout) if done.returncode == 0 and done.stdout.strip().isdigit() else None

    def displayed(self):
        return self.count("displayed") or 0

    def history(self):
        return json.loads(self.ctl("history").stdout)["data"][0]

    def newest(self):
        """What is displayed last, by taking it off the screen: dunst tells only its history."""
        self.ctl("close")
        entry = self.history()[0]
        return {k: v.get("data") for k, v in entry.items()}


@pytest.fixture
def dunst(processes, session_bus, xvfb, tmp_path):
    return Dunst(processes, session_bus, xvfb, tmp_path)


def silent_owner(processes, bus, name):
    """A peer that owns the name, says "called" for each call that reaches it, and answers none."""
    owner = processes.start([BUILD / "tests/tools/silent-owner", bus.address, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert owner.stdout.readline().strip() == "owned"
    return owner


RULES = """
polkit.addRule(function(action, subject) {
    if (action.id != "org.vigil.helper.raise-inotify-limit") return polkit.Result.NOT_HANDLED;
    if (subject.user == "nobody" && ["20", "128"].indexOf(action.lookup("old")) >= 0 && action.lookup("limit") == "instances") return polkit.Result.YES;
    if (subject.user == "nobody" && action.lookup("limit") != "instances") return polkit.Result.YES;
    if (subject.user == "games") return polkit.Result.NO;
    return polkit.Result.NOT_HANDLED;
});
polkit.addAdminRule(function(action, subject) { return ["unix-user:root"]; });
"""


@pytest.fixture
def polkit(processes, system_bus, tmp_path):
    """polkitd sees our action and rules through binds in a mount namespace of its own: nothing of the machine changes."""
    for name in ("actions", "rules"):
        (tmp_path / name).mkdir(mode=0o755)
    (tmp_path / "actions/p.policy").write_text((ROOT / "units/org.vigil.helper.policy").read_text())
    (tmp_path / "rules/1.rules").write_text(RULES)
    script = (f"mount --bind {tmp_path}/actions /usr/share/polkit-1/actions && mkdir -p /etc/polkit-1/rules.d && "
              f"mount --bind {tmp_path}/rules /etc/polkit-1/rules.d && "
              "exec $(ls /usr/lib/polkit-1/polkitd /usr/libexec/polkitd 2>/dev/null | head -1) --no-debug")
    processes.start(["unshare", "-m", "sh", "-c", script], env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=system_bus.address),
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for("polkitd", lambda: system_bus.owns("org.freedesktop.PolicyKit1"))

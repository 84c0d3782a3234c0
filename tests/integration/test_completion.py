# SPDX-License-Identifier: GPL-2.0-or-later
"""What the Tab key gives in real shells, from the completions that the build made."""
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from conftest import BUILD, DEADLINE

# typed, what must stand on the line once Tab was pressed
ROWS = [
    ("vigil inot", "vigil inotify "),
    ("vigil --no-pager inotify rai", "vigil --no-pager inotify raise "),
    ("vigil cra", "vigil crash "),
    ("vigil crash du", "vigil crash du"),  # du or dump
    ("vigil crash vac", "vigil crash vacuum "),
    ("vigil crash list --sin", "vigil crash list --since="),
    ("vigil crash -n 3 gro", "vigil crash -n 3 groups "),
    ("vigil crash dump -o /etc/os-rel", "vigil crash dump -o /etc/os-release "),
    ("vigil inotify -n 3 expl", "vigil inotify -n 3 explain "),
    ("vigil inotify raise wat", "vigil inotify raise watches "),
    ("vigil inotify --by=cont", "vigil inotify --by=container "),
    ("vigil inotify --by cont", "vigil inotify --by container "),
    ("vigil inotify list --reve", "vigil inotify list --reverse "),
    ("vigil inotify check --need-i", "vigil inotify check --need-instances="),
    ("inotify-survey --sor", "inotify-survey --sort="),
]


def need(shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")


class Shell:
    """An interactive shell on a pseudo-terminal."""

    SETUP = {
        "bash": (["bash", "--norc", "--noprofile", "-i"], f"source {BUILD}/man/vigil.bash; PS1='RE''ADY> '\n"),
        "zsh": (["zsh", "-f", "-i"], f"fpath=({BUILD}/man $fpath); autoload -U compinit; compinit -u -D; unsetopt beep; PROMPT='RE''ADY> '\n"),
    }

    def __init__(self, name):
        argv, setup = self.SETUP[name]
        self.out = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, dict(os.environ, TERM="dumb"))
        os.write(self.fd, setup.encode())
        self.until(lambda: b"READY> " in self.out, "a prompt")

    def until(self, condition, what):
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, (what, self.out)
            if select.select([self.fd], [], [], 0.2)[0]:
                self.out += os.read(self.fd, 65536)

    def line(self):
        """What the line shows; bells, backspaces and modes of the terminal leave no mark on it."""
        shown = []
        for c in re.sub(r"\033\[[0-9;?]*[a-zA-Z]", "", self.out.decode("utf-8", "replace")):
            if c == "\b":
                shown and shown.pop()
            elif c != "\a":
                shown.append(c)
        return "".join(shown)

    def end(self):
        os.close(self.fd)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


@pytest.mark.parametrize("typed, want", ROWS, ids=[r[0] for r in ROWS])
@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_tab(name, typed, want):
    need(name)
    shell = Shell(name)
    try:
        shell.out = b""
        os.write(shell.fd, typed.encode() + b"\t")
        shell.until(lambda: shell.line().startswith(want), f"{want!r}")
        assert "command not found" not in shell.line()
    finally:
        shell.end()


def fish(typed):
    done = subprocess.run(["fish", "--no-config", "-c", f"source {BUILD}/man/vigil.fish; complete -C '{typed}'"], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("typed, want", ROWS, ids=[r[0] for r in ROWS])
def test_fish(typed, want):
    need("fish")
    last = want.split()[-1].rstrip("=")
    assert last in [w.rstrip("=") for w in fish(typed)]


def test_fish_offers_only_what_a_command_knows():
    need("fish")
    assert fish("vigil doctor --dry") == []
    assert "--dry-run" in fish("vigil inotify raise --dry")
    assert set(fish("vigil inotify ")) == {"list", "limits", "check", "raise", "reset", "explain"}
    assert "list" not in fish("vigil ")


@pytest.mark.parametrize("shell, page", [("bash", "vigil.bash"), ("zsh", "_vigil"), ("fish", "vigil.fish")])
def test_they_are_sound_scripts(shell, page):
    need(shell)
    done = subprocess.run([shell, "-n", str(BUILD / "man" / page)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr

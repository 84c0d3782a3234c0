# SPDX-License-Identifier: GPL-2.0-or-later
"""A screen and a real notification daemon in a user's session, read back and pressed as a person would."""
import json
import socket

from machine import wait_for

CONFIG = """[global]
font = Sans 11
width = 500
height = 400
markup = full
history_length = 1000
dmenu = {home}/menu
[everything]
script = {home}/shown
"""


def _answers(path):
    """Whether somebody listens there: one that was killed leaves its socket."""
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(str(path))
            return True
        except OSError:
            return False


class Desktop:
    def __init__(self, machine, user, display=":7"):
        self.machine, self.user = machine, user
        home = f"/home/{user}"
        machine.linger(user)
        machine.run_as(user, "mkdir", "-p", f"{home}/.config/dunst")
        machine.write(f"{home}/.config/dunst/dunstrc", CONFIG.format(home=home))
        machine.write(f"{home}/shown", f"#!/bin/sh\necho \"$2: $3\" | tr '\\n' ' ' >>{home}/shown.log\necho >>{home}/shown.log\n", 0o755)
        machine.write(f"{home}/menu", f"#!/bin/sh\ngrep -i -m1 -f {home}/choice\n", 0o755)
        machine.run_as(user, "systemd-run", "--user", "--quiet", "--collect", "--unit=xvfb", "Xvfb", display, "-screen", "0",
                       "1024x768x24", "-nolisten", "tcp")
        wait_for("the screen", lambda: _answers(machine.path(f"/tmp/.X11-unix/X{display[1:]}")))
        # what a desktop session tells its user manager
        machine.run_as(user, "systemctl", "--user", "set-environment", f"DISPLAY={display}")
        # The package's own unit. The bus may just be starting it, still without a screen: that one ends in a crash.
        wait_for("dunst", lambda: machine.as_user(user, "systemctl", "--user", "start", "dunst.service").returncode == 0)
        assert self._ctl("count", "displayed").returncode == 0

    def end(self):
        self.machine.as_user(self.user, "systemctl", "--user", "stop", "dunst.service", "xvfb.service")
        self.machine.as_user(self.user, "systemctl", "--user", "unset-environment", "DISPLAY")

    def _ctl(self, *args):
        return self.machine.as_user(self.user, "dunstctl", *args)

    def displayed(self):
        return int(self._ctl("count", "displayed").stdout or 0)

    def history(self):
        """What is no longer displayed, newest first."""
        data = json.loads(self._ctl("history").stdout)["data"][0]
        return [{key: value.get("data") for key, value in entry.items()} for entry in data]

    def shown(self):
        """A line for each that was ever shown, oldest first; those of a session that has ended, too."""
        log = self.machine.path(f"/home/{self.user}/shown.log")
        return log.read_text().splitlines() if log.exists() else []

    def close_all(self):
        """Takes everything off the screen, so that history() tells of it."""
        self._ctl("close-all")

    def press(self, label):
        """Presses a button of the newest notification, by dunst's own menu."""
        self.machine.write(f"/home/{self.user}/choice", label + "\n")
        done = self._ctl("context")
        assert done.returncode == 0, done.stderr

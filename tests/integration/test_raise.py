# SPDX-License-Identifier: GPL-2.0-or-later
"""vigil inotify raise and reset where there is no helper, or another than Vigil's."""
import json
import os
import subprocess

import jsonschema
import pytest

from conftest import BUILD, ROOT, vigil

NO_BUS = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent/bus"}


def limit(which):
    with open(f"/proc/sys/fs/inotify/max_user_{which}") as f:
        return int(f.read())


def valid(done, name):
    data = json.loads(done.stdout)
    schema = json.loads((ROOT / f"man/schema/{name}.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(data, schema)
    return data


def test_dry_run_is_what_the_schema_says():
    data = valid(vigil("inotify", "raise", "watches", "--dry-run", "--json"), "raise")
    assert data["old"] == limit("watches") and data["dryRun"] and data["content"] in data["commands"]
    assert not valid(vigil("inotify", "reset", "--dry-run", "--json"), "reset").get("maxInstances")


@pytest.mark.parametrize("value", [1, 2**31 - 1])
def test_dry_run_refuses_what_the_helper_would(value):
    done = vigil("inotify", "raise", "instances", str(value), "--dry-run")
    assert done.returncode == 1 and done.stdout == ""
    assert f"expected from {limit('instances')}, now in force, to 65536" in done.stderr


@pytest.mark.parametrize("json_", [[], ["--json"]])
def test_without_a_helper_the_commands_are_shown(json_):
    done = vigil("inotify", "raise", "instances", *json_, env=NO_BUS)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "Nothing was changed" in done.stderr
    assert bool(done.stdout) != bool(json_)
    if not json_:
        assert "/etc/sysctl.d/60-vigil-inotify.conf" in done.stdout and "sysctl -w fs.inotify.max_user_instances=" in done.stdout


class Sandbox:
    """/etc/sysctl.d of its own in a mount namespace, and a sysctl that only notes what it was asked."""

    def __init__(self, tmp):
        self.etc, self.bin, self.asked = tmp / "sysctl.d", tmp / "bin", tmp / "asked"
        self.etc.mkdir()
        self.bin.mkdir()
        for name, text in (("sysctl", f'echo "$*" >>{self.asked}'), ("sudo", 'exec "$@"')):
            (self.bin / name).write_text(f"#!/bin/sh\n{text}\n")
            (self.bin / name).chmod(0o755)

    def sh(self, script):
        argv = ["unshare", "-Urm", "sh", "-ec", f'mount --bind {self.etc} /etc/sysctl.d\n{script}']
        return subprocess.run(argv, capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, **NO_BUS, PATH=f"{self.bin}:{os.environ['PATH']}", VIGIL=str(BUILD / "vigil")))


def test_the_commands_do_what_they_say(tmp_path):
    """Pasted into a shell they make a file that Vigil knows as its own and can add to, and reset undoes it."""
    box = Sandbox(tmp_path)
    commands = '"$VIGIL" inotify raise {} {} --dry-run --json | python3 -c "import json,sys; print(json.load(sys.stdin)[\'commands\'])" | sh'
    instances, watches = limit("instances") + 1, limit("watches") + 1
    done = box.sh(commands.format("instances", instances) + "\n" + commands.format("watches", watches))
    assert done.returncode == 0, done.stderr
    text = (box.etc / "60-vigil-inotify.conf").read_text()
    assert text.startswith("# Written by vigil-helper.")
    assert f"fs.inotify.max_user_instances = {instances}\n" in text and f"fs.inotify.max_user_watches = {watches}\n" in text
    assert box.asked.read_text().splitlines() == [f"-w fs.inotify.max_user_instances={instances}",
                                                  f"-w fs.inotify.max_user_watches={watches}"]
    # the limits are not in force (sysctl was not the real one), so somebody else's values are left alone
    reset = box.sh('"$VIGIL" inotify reset --dry-run')
    assert reset.returncode == 0 and "sysctl -w" not in reset.stdout and "rm /etc/sysctl.d/60-vigil-inotify.conf" in reset.stdout


def test_a_file_changed_by_hand_is_left_alone(tmp_path):
    box = Sandbox(tmp_path)
    (box.etc / "60-vigil-inotify.conf").write_text("fs.inotify.max_user_watches = 1\n")
    for verb in ("raise watches", "reset"):
        done = box.sh(f'"$VIGIL" inotify {verb} --dry-run')
        assert done.returncode == 1 and "changed by hand" in done.stderr and done.stdout == ""


def test_the_file_with_the_last_word_is_named(tmp_path):
    box = Sandbox(tmp_path)
    (box.etc / "10-early.conf").write_text("fs.inotify.max_user_watches = 5\n")
    assert "10-early" not in box.sh('"$VIGIL" inotify raise watches --dry-run').stdout
    (box.etc / "99-\033[31mlate.conf").write_text("\nfs.inotify.max_user_watches = 6\n")
    out = box.sh('"$VIGIL" inotify raise watches --dry-run').stdout
    assert "late.conf line 2 sets it to 6" in out and "\033" not in out


def test_a_bus_without_the_helper(system_bus):
    env = {"DBUS_SYSTEM_BUS_ADDRESS": system_bus.address}
    done = vigil("inotify", "raise", "watches", "--no-ask-password", env=env)
    assert done.returncode == 1 and "not installed" in done.stderr and "sysctl -w" in done.stdout
    assert json.loads(vigil("status", "--json", env=env).stdout)["helper"] == "absent"
    assert json.loads(vigil("status", "--json", env=NO_BUS).stdout)["helper"] == "no-system-bus"

# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes and mounts out of the ordinary: nothing that they hold may be missed without a word."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from conftest import BUILD, account_of, as_user, row, survey, vigil

ODD = BUILD / "tests/tools/inotify-odd"
USER = 400000 + os.getpid() % 100000  # nobody else's: its account holds what this run made and nothing more
OTHER = USER + 100000
AS_USER = as_user(USER)


@pytest.fixture(autouse=True)
def root():
    if os.geteuid() != 0:
        pytest.skip("needs root to take a uid of its own")


def account(data, uid=USER):
    return account_of(data, uid, {"instances": 0, "watches": 0})


def odd(processes, *args, prefix=()):
    child = processes.start([*prefix, ODD, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    words = child.stdout.readline().split()
    assert words[:1] == ["ready"], words
    return child, int(words[1])


def test_the_kernel_charges_the_effective_uid(processes):
    """The rule that the accounts follow, asked of the running kernel: a limit of 3, used up by real 10, effective 20."""
    ns = processes.start(["unshare", "-U", "sh", "-c", "echo ready; read end"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert ns.stdout.readline() == "ready\n"
    for kind in ("uid", "gid"):
        Path(f"/proc/{ns.pid}/{kind}_map").write_text("0 500000 1000\n")
    inside = ["nsenter", f"--target={ns.pid}", "--user", "--setuid=0", "--setgid=0"]
    subprocess.run([*inside, "sh", "-c", "echo 3 > /proc/sys/user/max_inotify_instances"], check=True, timeout=30)
    assert odd(processes, "charged", "10", "20", "9", prefix=inside)[1] == 3
    assert odd(processes, "charged", "20", "20", "9", prefix=inside)[1] == 0
    assert odd(processes, "charged", "20", "30", "9", prefix=inside)[1] == 3
    assert odd(processes, "charged", "10", "10", "9", prefix=inside)[1] == 3


def test_a_process_without_its_first_thread_still_holds(processes):
    load, _ = odd(processes, "leaderless", prefix=AS_USER)
    assert open(f"/proc/{load.pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z"
    for prefix in ([], AS_USER):
        data = survey(prefix=prefix)
        assert account(data)["instances"] == 2
        assert row(data, load.pid)["readable"] and row(data, load.pid)["instances"] == 2


def test_an_instance_passed_to_another_user_is_charged_once(processes):
    load, child = odd(processes, "passed", str(OTHER))
    data = survey()
    for pid in (load.pid, child):
        assert (row(data, pid)["instances"], row(data, pid)["watches"], row(data, pid)["shared"]) == (1, 1, 1)
    assert account(data, OTHER)["instances"] == 0


def test_fanotify_is_counted_beside_inotify(processes):
    child = processes.start([ODD, "fanotify", "5"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    words = child.stdout.readline().split()
    if words[0] == "refused":
        pytest.skip(f"no fanotify here: {' '.join(words[1:])}")
    assert words == ["ready", "5"]
    mine = row(survey(), child.pid)
    assert (mine["fanotifyGroups"], mine["fanotifyMarks"], mine["instances"]) == (1, 5, 0)


def test_the_proc_of_another_pid_namespace(processes):
    """Its numbers mean other processes to kcmp(2): nothing may be lost, and the survey says that it compared lists."""
    processes.load(1, 3, "forks", "2", prefix=AS_USER)
    data = survey(prefix=["unshare", "--pid", "--fork"])
    assert account(data)["instances"] == 1 and account(data)["watches"] == 3
    assert data["approximate"]


def in_private_proc(options, argv):
    """Runs argv in a fresh pid namespace, whose process 1 is root's and whose /proc is mounted with options."""
    done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c",
                           f'mount -o remount,{options} /proc || exit 99; "$@"; exit $?', "sh", *argv],
                          capture_output=True, text=True, timeout=60)
    if done.returncode == 99:
        pytest.skip(f"no private /proc with {options}: {done.stderr.strip()}")
    return done.stdout


def survey_with(options, as_user):
    return json.loads(in_private_proc(options, [*as_user, str(BUILD / "vigil"), "inotify", "list", "--json"]))


@pytest.mark.parametrize("hidepid, unreadable", [(1, 1), (2, 0)])
def test_hidden_processes_make_it_incomplete(hidepid, unreadable):
    data = survey_with(f"hidepid={hidepid}", AS_USER)
    assert not data["complete"]
    assert data["unreadable"] == unreadable
    assert survey_with(f"hidepid={hidepid}", [])["complete"]


def test_hidden_processes_are_told():
    text = in_private_proc("hidepid=2", [*AS_USER, str(BUILD / "vigil"), "inotify"])
    assert "/proc hides processes" in text
    assert "/proc hides processes" in in_private_proc("hidepid=2", [*AS_USER, str(BUILD / "vigil"), "doctor"])


def test_it_sees_through_strange_names(processes, tmp_path):
    name = "a] b\n(x"
    program = tmp_path / name
    program.write_bytes(open(BUILD / "tests/tools/inotify-load", "rb").read())
    program.chmod(0o755)
    load = processes.start([*AS_USER, program, "2", "3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert load.stdout.readline() == "ready 2 6\n"
    mine = row(survey(), load.pid)
    assert (mine["comm"], mine["uid"], mine["instances"], mine["watches"]) == (name, USER, 2, 6)

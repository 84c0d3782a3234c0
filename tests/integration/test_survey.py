# SPDX-License-Identifier: GPL-2.0-or-later
"""Real instances, real watches, exact counts."""
import json
import os
import subprocess
import threading

import jsonschema
import pytest

from conftest import LOAD, ROOT, account_of, as_user, row, survey, vigil

USER = 300000 + os.getpid() % 100000  # nobody else's: its account holds what this run made and nothing more
AS_USER = as_user(USER)


@pytest.fixture(autouse=True)
def root():
    if os.geteuid() != 0:
        pytest.skip("needs root to take a uid of its own")


def account(data, uid=USER):
    return account_of(data, uid)


def test_fifty_processes_are_counted_exactly(processes):
    loads = [processes.load(1 + i % 2, i, prefix=AS_USER) for i in range(50)]
    assert sum(load.got[0] for load in loads) == 75
    data = survey()
    for i, load in enumerate(loads):
        assert (row(data, load.pid)["instances"], row(data, load.pid)["watches"]) == load.got == (1 + i % 2, (1 + i % 2) * i)
    assert account(data)["instances"] == 75
    assert account(data)["watches"] == sum(load.got[1] for load in loads)
    assert account(data)["complete"] and not data["approximate"]  # others' processes may refuse even root
    assert data["complete"] == (data["unreadable"] == 0)


def test_forks_and_a_dup_are_one_instance(processes):
    load = processes.load(1, 3, "forks", "10", "dup", prefix=AS_USER)
    data = survey()
    assert account(data)["instances"] == 1
    assert account(data)["watches"] == 3
    assert row(data, load.pid)["descriptors"] == 2
    assert len([p for p in data["processes"] if p["uid"] == USER]) == 11
    assert data["shared"] >= 1


def test_two_equal_lists_are_two(processes):
    processes.load(2, 5, "equal", prefix=AS_USER)
    assert account(survey())["instances"] == 2


def test_an_undumpable_process_is_told(processes):
    load = processes.load(1, 2, "undumpable", prefix=AS_USER)
    data = survey(prefix=AS_USER)
    assert not row(data, load.pid)["readable"]
    assert not data["complete"] and data["unreadable"] >= 1
    mine = account(data)
    assert mine["unreadable"] >= 1 and mine["instances"] == 0
    text = vigil("inotify", prefix=AS_USER).stdout
    assert "could not be read" in text


def test_a_child_namespace_is_charged_to_its_owner(processes):
    processes.load(3, 2, prefix=[*AS_USER, "unshare", "-Ur"])
    for prefix in ([], AS_USER):
        mine = account(survey(prefix=prefix))
        assert mine["instances"] == 3 and mine["watches"] == 6
        assert mine["fromChildUserNamespaces"] == 3


def test_a_survey_from_within_a_namespace_charges_only_it(processes):
    processes.load(2, 1)  # of the outer root, which is also called 0 inside
    inside = ["unshare", "-Ur"]
    data = survey(prefix=inside)
    assert account(data, 0)["instances"] == 0


def test_the_effective_uid_pays(processes):
    """As the kernel charges it (inotify_new_group: current_euid())."""
    processes.load(1, 1, prefix=["setpriv", f"--ruid={USER + 1}", f"--euid={USER}", "--clear-groups"])
    data = survey()
    assert account(data)["instances"] == 1
    other = account(data, USER + 1)
    assert other is None or other["instances"] == 0


def test_churn_costs_nothing(processes):
    load = processes.load(2, 10, prefix=AS_USER)
    stop = threading.Event()
    started = [0]

    def churn():
        while not stop.is_set():
            subprocess.run(["/bin/true"], check=True)
            started[0] += 1

    threads = [threading.Thread(target=churn) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        surveys = 0
        while started[0] < 1000 or surveys < 10:
            data = survey()
            assert row(data, load.pid)["watches"] == 20
            assert account(data)["instances"] == 2
            surveys += 1
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert started[0] >= 1000 and surveys >= 10


def test_a_hundred_thousand_watches_in_one_instance(processes):
    limit = int(open("/proc/sys/fs/inotify/max_user_watches").read())
    if limit < 100000:
        pytest.skip(f"max_user_watches is {limit} here")
    load = processes.load(1, 100000, prefix=AS_USER)
    assert load.got == (1, 100000)
    assert account(survey())["watches"] == 100000


def test_json_is_what_the_schema_says(processes):
    processes.load(1, 1, prefix=AS_USER)
    for args, name in [(["inotify", "list"], "inotify"), (["inotify", "list", "--by", "exe"], "inotify"), (["inotify", "limits"], "limits"),
                       (["inotify", "check"], "check"), (["inotify", "check", "--need-watches", "5"], "check"),
                       (["inotify", "explain"], "explain"), (["inotify", "explain", "1"], "explain"), (["doctor"], "doctor"), (["status"], "status")]:
        done = vigil(*args, "--json")
        schema = json.loads((ROOT / f"man/schema/{name}.schema.json").read_text())
        jsonschema.Draft7Validator.check_schema(schema)
        jsonschema.validate(json.loads(done.stdout), schema)


def test_kde_keys_are_there(processes):
    load = processes.load(2, 3, prefix=AS_USER)
    data = survey(prefix=AS_USER)
    kde = {k: row(data, load.pid)[k] for k in ("uid", "pid", "instances", "watches", "cmdline")}
    assert kde == {"uid": USER, "pid": load.pid, "instances": 2, "watches": 6, "cmdline": f"{LOAD} 2 3"}
    totals = data["totals"]
    assert totals["instances"] == 2 and totals["watches"] == 6
    assert totals["instancePercent"] == pytest.approx(100 * 2 / totals["maxInstances"])


def test_the_canary_tells_what_the_survey_cannot(processes):
    script = ("echo 2 > /proc/sys/user/max_inotify_instances; "
              f"exec {LOAD} 5 1")
    ns = processes.start(["unshare", "-Ur", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert ns.stdout.readline().split() == ["ready", "2", "2"]
    inside = ["nsenter", f"--target={ns.pid}", "--user", "--preserve-credentials"]
    done = vigil("inotify", "check", prefix=inside)
    assert done.returncode == 2 and "refuses more" in done.stdout and "2/2 instances" in done.stdout
    done = vigil("inotify", "explain", prefix=inside)
    assert "Too many open files" in done.stdout and "used up" in done.stdout

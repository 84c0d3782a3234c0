# SPDX-License-Identifier: GPL-2.0-or-later
"""One booted container a suite for all tests. VIGIL_SYSTEM_SUITES="bookworm trixie forky" chooses; bookworm alone is the default."""
import os
import signal

import pytest

from machine import Machine, stage, why_not

SUITES = os.environ.get("VIGIL_SYSTEM_SUITES", "bookworm").replace(",", " ").split()


def pytest_configure():
    """SIGTERM ends a run as Ctrl-C does: fixtures are torn down."""
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


@pytest.fixture(scope="session")
def staging(tmp_path_factory):
    directory = tmp_path_factory.mktemp("staging")
    directory.chmod(0o755)  # it becomes the container's /
    stage(directory)
    return directory


@pytest.fixture(scope="session", params=SUITES)
def machine(request):
    reason = why_not()
    if reason:
        pytest.skip(reason)
    machine = Machine(request.param, request.getfixturevalue("staging"))
    yield machine
    machine.end()

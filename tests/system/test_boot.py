# SPDX-License-Identifier: GPL-2.0-or-later
def test_it_boots(machine):
    assert machine.run("systemctl", "is-system-running").strip() == "running", machine.run("systemctl", "--failed")

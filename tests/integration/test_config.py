# SPDX-License-Identifier: GPL-2.0-or-later
"""Every setting of the daemon is in its manual page, with its sentence and its default."""
import re

import pytest

from conftest import ROOT

ROWS = re.findall(r'\{"(\w+)", "(\w+)", &\w+, [^"]*"([^"]*)", "([^"]*)"\}', (ROOT / "monitord/config.c").read_text())


def manual():
    """{(section, key): text}"""
    page, entries = (ROOT / "man/vigil.conf.5").read_text(), {}
    for section in re.split(r"^\.Ss \[", page, flags=re.M)[1:]:
        name, rest = section.split("]", 1)
        for item in re.split(r"^\.It Va ", rest.split(".El", 1)[0], flags=re.M)[1:]:
            key, text = item.split("\n", 1)
            entries[name, key] = text
    return entries


def test_the_manual_has_exactly_the_settings():
    assert len(ROWS) > 15
    assert set(manual()) == {(section, key) for section, key, _, _ in ROWS}


@pytest.mark.parametrize("section, key, sentence, default", ROWS)
def test_a_setting_is_described(section, key, sentence, default):
    text = manual()[section, key]
    assert text.startswith(sentence.rstrip(".")), text
    assert text.rstrip().endswith(f"The default is {default}."), text

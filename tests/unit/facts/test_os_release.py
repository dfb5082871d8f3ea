"""os-release(5), as written by distributions and by nobody."""

from __future__ import annotations

from typing import Any

import pytest

from amigate.check import InconclusiveError
from amigate.facts.os_release import NEEDS, OsRelease, parse

AMAZON = 'NAME="Amazon Linux"\nVERSION="2023"\nID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"\n'


def test_the_file_in_etc_counts(at_rest: Any) -> None:
    view = at_rest({"/etc/os-release": AMAZON, "/usr/lib/os-release": "ID=other\n"}, NEEDS)
    fact = OsRelease.read(view)
    assert (fact.path, fact.id, fact.version_id, fact.family) == (
        "/etc/os-release",
        "amzn",
        "2023",
        ("amzn", "fedora"),
    )


def test_the_vendors_file_counts_without_it(at_rest: Any) -> None:
    assert OsRelease.read(at_rest({"/usr/lib/os-release": "ID=arch\n"}, NEEDS)).version_id == ""


def test_no_file_is_no_answer(at_rest: Any) -> None:
    with pytest.raises(InconclusiveError):
        OsRelease.read(at_rest({}, NEEDS))


@pytest.mark.parametrize(
    "text,values",
    [
        ("ID='single quoted'", {"ID": "single quoted"}),
        (r'A="a \"quote\" and \$HOME"', {"A": 'a "quote" and $HOME'}),
        ("ID=\nB=b", {"ID": "", "B": "b"}),
        ("ID=one\nID=two", {"ID": "two"}),
        ('ID="never ends\nB=b', {"B": "b"}),
        ("not an assignment\n1A=b\n", {}),
        ("ID=debian\r\n", {"ID": "debian"}),
    ],
)
def test_lines_are_read_as_sh_would(text: str, values: dict[str, str]) -> None:
    assert parse(text) == values

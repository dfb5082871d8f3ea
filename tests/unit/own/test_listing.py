"""Which tests of a folder are rules: read from the files, refused where they cannot be read in full."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from amigate.check import Look
from amigate.errors import UsageError
from amigate.judge import catalogue
from amigate.profile import Profile, load
from amigate.result import Severity, Witness
from amigate.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KNOWN = {"ssh-no-password-login": catalogue.checks()["ssh-no-password-login"]}
PROFILE = """\
name: mine
description: My own.
audience: accounts
evidence: [ec2, instance]
rules:
  ssh-no-password-login:
"""
CHECKS = "checks: [ours/]\n"


@pytest.fixture
def profile(tmp_path: Path) -> Callable[..., Profile]:
    """Return what loads a profile whose folder `ours` holds these files."""

    def make(files: dict[str, str | bytes], more: str = CHECKS) -> Profile:
        for name, text in files.items():
            (tmp_path / "ours" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "ours" / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        (tmp_path / "mine.yaml").write_text(PROFILE + more)
        return load(str(tmp_path / "mine.yaml"), KNOWN)

    return make


def ids(profile: Profile) -> list[str]:
    return [test.id for test in profile.own]


def test_every_test_is_a_rule_with_an_id_that_stays(profile: Callable[..., Profile]) -> None:
    found = profile(
        {
            "test_a.py": "import os\ndef test_one(host): pass\ndef helper(): pass\nasync def test_two(host): pass\n",
            "b_test.py": "class TestB:\n  def test_x(self): pass\n  class TestInner:\n    def test_y(self): pass\n"
            "class Helper:\n  def test_no(self): pass\n",
            "deep/test_c.py": "if 1:\n  def test_if(): 0\ntry:\n  0\nexcept ValueError:\n  def test_except(): 0\n",
            "helper.py": "def test_in_no_test_file(): pass\n",
            ".hidden/test_d.py": "def test_hidden(): pass\n",
        }
    )
    assert ids(found) == [
        "user:ours/b_test.py::TestB::test_x",
        "user:ours/b_test.py::TestB::TestInner::test_y",
        "user:ours/test_a.py::test_one",
        "user:ours/test_a.py::test_two",
        "user:ours/deep/test_c.py::test_if",
        "user:ours/deep/test_c.py::test_except",
    ]
    assert list(rules_of(found)) == ["ssh-no-password-login", *ids(found)]
    one = found.own[2].check
    assert (one.severity, one.evidence, one.title, one.source) == (Severity.HIGH, (Witness.INSTANCE,), "test_one", "")


def test_methods_of_a_base_class_in_the_same_file_are_tests_too(profile: Callable[..., Profile]) -> None:
    text = "class Base:\n  def test_x(self): 0\n  def test_y(self): 0\nclass TestA(Base):\n  def test_x(self): 0\n"
    assert ids(profile({"test_a.py": text})) == [
        "user:ours/test_a.py::TestA::test_x",
        "user:ours/test_a.py::TestA::test_y",
    ]


def test_a_fixture_with_the_name_of_a_test_is_none(profile: Callable[..., Profile]) -> None:
    text = "import pytest\n@pytest.fixture()\ndef test_data(): return 1\ndef test_a(test_data): pass\n"
    assert ids(profile({"test_a.py": text})) == ["user:ours/test_a.py::test_a"]


def test_an_id_is_printable_whatever_the_files_are_called(profile: Callable[..., Profile]) -> None:
    found = profile({"a\x1b[31m b/test_a.py": "def test_gr\u00fcn(): pass\n"})
    assert ids(found) == ["user:ours/a%1B%5B31m%20b/test_a.py::test_gr%C3%BCn"]


def test_a_decorator_says_what_the_rule_is(profile: Callable[..., Profile]) -> None:
    text = """
from amigate import check as rule
import amigate
@rule("our-port", severity="low", evidence=["instance", "twin"], looks=["reboot"], port=22)
def test_port(host):
    '''The port is ours.

    Because.'''
@amigate.check("our-default")
def test_default(host):
    '''Blocks.'''
"""
    first, second = profile({"test_a.py": text}, CHECKS.replace("checks", "checks")).own
    assert (first.id, first.check.severity, first.check.evidence) == (
        "our-port",
        Severity.LOW,
        (Witness.INSTANCE, Witness.TWIN),
    )
    assert (first.check.title, first.check.rationale) == ("The port is ours", "Because.")
    assert (dict(first.check.settings), list(first.check.looks)) == ({"port": 22}, [Look.REBOOT])
    assert (second.id, second.check.severity, second.check.evidence) == (
        "our-default",
        Severity.HIGH,
        (Witness.INSTANCE,),
    )


def test_a_profile_chooses_severity_and_waives_as_for_shipped_rules(profile: Callable[..., Profile]) -> None:
    more = """\
  user:ours/test_a.py::test_a: {severity: low}
checks: [ours]
waivers:
  - {rule: "user:ours/test_a.py::test_b", reason: known, owner: ops, expires: 2026-12-31}
"""
    found = profile({"test_a.py": "def test_a(): pass\ndef test_b(): pass\n"}, more)
    assert found.choice(found.own[0].id).severity is Severity.LOW
    assert list(rules_of(found)) == ["ssh-no-password-login", *ids(found)]


@pytest.mark.parametrize(
    "files,place,word",
    [
        ({}, "mine.yaml:7:10", "nothing at ours/"),
        ({"helper.py": "def test_a(): pass\n"}, "mine.yaml:7:10", "no test_*.py"),
        ({"test_a.py": "def helper(): pass\n"}, "test_a.py:1:1", "no test in this file"),
        ({"test_a.py": "def test_a(:\n"}, "test_a.py:1:12", "invalid syntax"),
        ({"test_a.py": b"\xff\xfe"}, "test_a.py:1", ""),
        ({"test_a.py": "def test_a(): pass\0\n"}, "test_a.py:1:1", ""),
        ({"test_a.py": "x = " + "(" * 5000 + ")" * 5000}, "test_a.py:1:", ""),
        ({"test_a.py": "def test_a(): pass\ndef test_a(): pass\n"}, "test_a.py:2:1", "line 1 already"),
        ({"test_a.py": "from amigate import check\n@check('A b')\ndef test_a():\n  'T'\n"}, "test_a.py:2:2", "letters"),
        ({"test_a.py": "from amigate import check\n@check('a')\ndef test_a(): pass\n"}, "test_a.py:2:2", "docstring"),
        ({"test_a.py": "from amigate import check\nX='a'\n@check(X)\ndef test_a():\n  'T'\n"}, "3:2", "literal"),
        ({"test_a.py": "from amigate import check\nX={}\n@check('a', **X)\ndef test_a():\n  'T'\n"}, "3:2", "written"),
        (
            {"test_a.py": "from amigate import check\n@check('a', severity='huge')\ndef test_a():\n  'T'\n"},
            "2:2",
            "huge",
        ),
        (
            {"test_a.py": "from amigate import check\n@check('a', remedy='sshd')\ndef test_a():\n  'T'\n"},
            "2:2",
            "remedy",
        ),
        (
            {"test_a.py": "from amigate import check\n@check('ssh-no-password-login')\ndef test_a():\n  'T'\n"},
            "test_a.py:3",
            "shipped rule",
        ),
        (
            {
                "test_a.py": "from amigate import check\n@check('a')\ndef test_a():\n  'T'\n",
                "test_b.py": "from amigate import check\n@check('a')\ndef test_b():\n  'T'\n",
            },
            "test_b.py:3",
            "already",
        ),
    ],
)
def test_what_cannot_be_listed_is_refused_with_its_place(
    profile: Callable[..., Profile], files: dict[str, str | bytes], place: str, word: str
) -> None:
    with pytest.raises(UsageError) as error:
        profile(files)
    assert place in str(error.value)
    assert word in str(error.value)
    assert error.value.hint


def test_a_file_that_two_entries_name_is_refused(profile: Callable[..., Profile]) -> None:
    with pytest.raises(UsageError, match="already"):
        profile({"test_a.py": "def test_a(): pass\n"}, "checks: [ours, ours/test_a.py]\n")


def test_no_yaml_sets_what_is_read_from_the_files(profile: Callable[..., Profile]) -> None:
    with pytest.raises(UsageError, match="own"):
        profile({"test_a.py": "def test_a(): pass\n"}, "checks: [ours]\nown: []\n")


def test_the_digest_covers_the_tests_and_what_they_import(profile: Callable[..., Profile]) -> None:
    plain = profile({"test_a.py": "def test_a(): pass\n"}, "")
    assert plain.digest == "sha256:" + hashlib.sha256(PROFILE.encode()).hexdigest()
    digests = {
        profile({}).digest,
        profile({"test_a.py": "def test_a(): assert 1\n"}).digest,
        profile({"conftest.py": ""}).digest,
        profile({"conftest.py": "1"}).digest,
    }
    assert len(digests) == 4

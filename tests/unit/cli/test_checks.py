"""`amigate checks`: which rules are listed, and what is shown of one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from amigate.cli import _run
from amigate.judge import catalogue
from amigate.profile import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amigate.check import Check

    Said = Callable[..., str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    def run(*words: str) -> str:
        assert _run(["checks", *words]) == 0
        return capsys.readouterr().out

    return run


def ids(text: str) -> list[str]:
    return [line.split()[1] for line in text.splitlines()]


def test_every_rule_is_listed(said: Said) -> None:
    assert ids(said("list")) == list(catalogue.checks())


@pytest.mark.parametrize(
    "options,expected",
    [
        (("--topic", "ssh"), lambda check: check.id.startswith("ssh-")),
        (("--topic", "ssh", "--topic", "key"), lambda check: check.id.startswith(("ssh-", "key-"))),
        (("--witness", "probe"), lambda check: "probe" in check.evidence),
        (("--severity", "low"), lambda check: check.severity == "low"),
        (("--topic", "ssh", "--severity", "critical"), lambda c: c.id.startswith("ssh-") and c.severity == "critical"),
        (("--profile", "aws-shared"), lambda check: check.id in load("aws-shared").rules),
    ],
)
def test_rules_are_narrowed(said: Said, options: tuple[str, ...], expected: Callable[[Check], bool]) -> None:
    chosen = {check.id for check in catalogue.checks().values() if expected(check)}
    assert chosen
    assert chosen < set(catalogue.checks())
    assert set(ids(said("list", *options))) == chosen


def test_severities_are_those_of_the_profile(said: Said, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nextends: aws-shared\nrules:\n  ssh-no-dns-checks: {severity: critical}\n")
    options = ("--profile", str(path), "--severity", "critical")
    assert "ssh-no-dns-checks" in ids(said("list", *options))
    assert "ssh-no-dns-checks" not in ids(said("list", "--severity", "critical"))


def test_json_has_all_of_each_rule(said: Said) -> None:
    found = json.loads(said("list", "--topic", "disk", "--format", "json"))
    assert found["schema"] == "amigate/checks/1"
    (free,) = (rule for rule in found["checks"] if rule["id"] == "disk-free-space-clean")
    assert (free["topic"], free["severity"], free["witnesses"]) == ("disk", "medium", ["disk"])
    assert (free["profiles"], free["step"]) == (["hardened"], "disk")
    assert all(free[name] for name in ("title", "rationale", "decided", "before", "after", "source", "settings"))


def test_a_rule_is_shown_with_why_how_and_a_fix(said: Said) -> None:
    text = said("show", "ssh-no-dns-checks")
    for part in (
        "ssh-no-dns-checks\n",
        catalogue.checks()["ssh-no-dns-checks"].rationale[:30],
        "How it is decided: ",
        "profiles:     aws-shared, consumer,",
        "mended by:    amigate harden ssh://USER@HOST --only sshd\n",
        "Before:\n    UseDNS yes\n",
        "After:\n    UseDNS no\n",
        "source:       https://",
    ):
        assert part in text
    assert "mended by:    making the image anew" in said("show", "ami-owned-and-available")
    assert "--only disk --seal" in said("show", "disk-free-space-clean")

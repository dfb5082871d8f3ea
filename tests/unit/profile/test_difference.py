"""What differs between two profiles, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.cli import _run
from amigate.profile import load

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

FIRST = """\
name: first
description: One.
audience: accounts
evidence: [ec2, disk, instance]
rules:
  ssh-no-dns-checks:
  disk-free-space-clean:
  package-ami-tools-current: {settings: {at_least: "1.5"}}
  key-no-host-keys-at-rest:
waivers:
  - {rule: ssh-no-dns-checks, reason: why, owner: ops, expires: 2099-12-31}
"""
SECOND = """\
name: second
extends: first.yaml
audience: public
ssh: {port: 2222}
rules:
  ssh-no-dns-checks: {severity: high}
  package-ami-tools-current: {severity: low, settings: {at_least: "1.6"}}
  key-no-host-keys-at-rest: off
  ssh-no-password-login:
waivers:
  - {rule: disk-free-space-clean, subject: /data, reason: why, owner: me, expires: 2099-12-31}
"""


def test_values_rules_severities_settings_and_waivers_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(FIRST)
    second.write_text(SECOND)
    assert load(str(second)).name == "second"
    assert _run(["profiles", "diff", str(first), str(second)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "~ audience: accounts -> public",
        "~ ssh.port: 22 -> 2222",
        "- key-no-host-keys-at-rest (critical)",
        "+ ssh-no-password-login (critical)",
        "~ ssh-no-dns-checks: low -> high",
        "~ package-ami-tools-current: medium -> low, at_least 1.5 -> 1.6",
        "+ waiver for disk-free-space-clean (/data), of me until 2099-12-31",
    ]
    assert _run(["profiles", "diff", str(first), str(first)]) == 0
    assert capsys.readouterr().out == ""


def test_shipped_profiles_are_compared_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["profiles", "diff", "public", "marketplace"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["~ audience: public -> accounts", "~ blocking: high -> medium"]

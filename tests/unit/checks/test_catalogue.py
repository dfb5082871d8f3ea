"""The catalogue of rules keeps its word, and the shipped profiles ask what it says."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from amigate.judge import catalogue
from amigate.profile import load
from amigate.result import Severity

ENTRIES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "catalogue.yaml").read_text())
PROFILES = ("aws-shared", "public", "org", "marketplace", "consumer", "hardened")
IDS = "2f62fadbf8d44d90fbec6c877c85220b18678c0e82ff028868674dfed56008aa"
CHANGED = re.compile(r"(?s).{15,}, https://\S+")


def test_ids_never_change() -> None:
    ids = "\n".join(entry["id"] for entry in ENTRIES)
    assert hashlib.sha256(ids.encode()).hexdigest() == IDS


def test_what_changed_has_a_reason_and_a_source() -> None:
    changed = {entry["id"]: entry["changed"] for entry in ENTRIES if "changed" in entry}
    assert [rule for rule, why in changed.items() if not CHANGED.fullmatch(why.rstrip())] == []


@pytest.mark.parametrize("name", PROFILES)
def test_each_profile_asks_what_the_catalogue_gives_it(name: str) -> None:
    known = catalogue.checks()
    profile = load(name, known)
    asked = {entry["id"]: entry for entry in ENTRIES if name in entry["profiles"] and entry["id"] in known}
    assert list(profile.rules) == list(asked), "after a new check: .venv/bin/python tools/generate.py"
    severities = {rule: profile.choice(rule).severity or known[rule].severity for rule in asked}
    assert severities == {
        rule: entry.get("severity_in", {}).get(name, entry["severity"]) for rule, entry in asked.items()
    }


def test_every_rule_is_in_a_profile() -> None:
    for entry in ENTRIES:
        assert entry["profiles"], entry["id"]
        assert set(entry["profiles"]) <= set(PROFILES), entry["id"]
        assert set(entry.get("severity_in", {})) <= set(entry["profiles"]), entry["id"]


@pytest.mark.parametrize("name", PROFILES)
def test_medium_blocks_in_marketplace_and_hardened(name: str) -> None:
    expected = Severity.MEDIUM if name in ("marketplace", "hardened") else Severity.HIGH
    assert load(name).blocking is expected

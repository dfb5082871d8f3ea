"""What every shipped rule declares."""

from __future__ import annotations

from pathlib import Path

import yaml

from amigate.check import Check
from amigate.judge import catalogue
from amigate.profile import load

RULES = tuple(load("first-gate").rules)


def test_every_shipped_rule_says_what_the_catalogue_says() -> None:
    entries = yaml.safe_load((Path(__file__).parent / "catalogue.yaml").read_text())
    known = {entry["id"]: entry for entry in entries}
    assert len(known) == len(entries) == 149
    assert set(RULES) <= set(catalogue.checks()) <= set(known)
    for rule, declared in catalogue.checks().items():
        entry = known[rule]
        said = {
            "severity": str(declared.severity),
            "guideline": declared.guideline,
            "source": declared.source,
            "evidence": [str(witness) for witness in declared.evidence],
            "fix": declared.remedy,
        }
        assert said == {name: entry[name] for name in said}, rule
        assert entry["stage"] == "image"


def test_every_shipped_rule_has_a_title_and_a_reason() -> None:
    for declared in catalogue.checks().values():
        assert isinstance(declared, Check)
        assert declared.title
        assert declared.rationale

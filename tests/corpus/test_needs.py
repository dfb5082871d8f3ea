"""What each further fact declares that it needs is enough for the rules that ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.evidence.redaction.redactor import Redactor
from amigate.facts.catalogue import ALL, BASIC, FURTHER, NEEDS, ViewFact
from amigate.judge import catalogue
from amigate.result import Witness
from amigate.sources.directory import read_directory

from .judging import DECIDED
from .trees import judge, sound

if TYPE_CHECKING:
    from pathlib import Path

ALWAYS = {fact.name for fact in BASIC}


@pytest.mark.parametrize("fact", FURTHER, ids=lambda fact: fact.name)
def test_what_a_fact_declares_is_enough(fact: ViewFact, tmp_path: Path) -> None:
    sound(tmp_path)
    others = {each.name for each in FURTHER} - {fact.name}
    rules = [
        rule
        for rule, check in catalogue.checks().items()
        if fact.name in check.facts and Witness.DISK in check.evidence and not check.facts & others
    ]
    few, everything = (
        judge(read_directory(tmp_path, needs, redactor=Redactor()), rules) for needs in ((*NEEDS, fact.needs), ALL)
    )
    assert few == everything
    DECIDED.clear()  # whether an answer is right, other cases say

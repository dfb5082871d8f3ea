"""What each further fact declares that it needs is enough for it, beside what is always collected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.evidence.redaction.redactor import Redactor
from amigate.facts.catalogue import ALL, FURTHER, NEEDS, ViewFact
from amigate.sources.directory import read_directory

from .trees import sound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def told(read: Callable[[], object]) -> str:
    try:
        return repr(read())
    except Exception as error:  # noqa: BLE001 - which one is the answer
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("fact", FURTHER, ids=lambda fact: fact.name)
def test_what_a_fact_declares_is_enough(fact: ViewFact, tmp_path: Path) -> None:
    sound(tmp_path)
    few, all_of_it = (read_directory(tmp_path, needs, redactor=Redactor()) for needs in ((*NEEDS, fact.needs), ALL))
    assert told(lambda: fact.read(few)).split(", 'view")[0] == told(lambda: fact.read(all_of_it)).split(", 'view")[0]

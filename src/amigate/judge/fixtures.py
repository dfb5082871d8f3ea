"""The fixtures that checks ask for, one for each row of the catalogue of facts.

They stand on `view`, `outside` and `evidence`, which the judge and plain pytest provide each in their own way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from amigate.check import Settings, check_of
from amigate.facts.catalogue import IMAGE_FACTS, OUTSIDE_FACTS, VIEW_FACTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.evidence.model import Evidence, View
    from amigate.facts.catalogue import ImageFact, OutsideFact, ViewFact


def _of_view(fact: ViewFact) -> Callable[..., object]:
    @pytest.fixture(name=fact.name)
    def read(view: View) -> object:
        return fact.read(view)

    return read


def _of_outside(fact: OutsideFact) -> Callable[..., object]:
    @pytest.fixture(name=fact.name)
    def read(outside: View) -> object:
        return fact.read(outside)

    return read


def _of_image(fact: ImageFact) -> Callable[..., object]:
    @pytest.fixture(name=fact.name)
    def read(evidence: Evidence) -> object:
        return fact.read(evidence)

    return read


@pytest.fixture(name="rule_settings")
def _rule_settings(request: pytest.FixtureRequest, chosen_settings: Settings) -> Settings:
    """Return the check's settings: the profile's values over the defaults in its decorator."""
    declared = check_of(request.function)
    defaults: Settings = declared.settings if declared else {}
    return {**defaults, **chosen_settings}


FIXTURES: dict[str, Any] = {
    **{f"_{fact.name}": _of_view(fact) for fact in VIEW_FACTS},
    **{f"_{fact.name}": _of_outside(fact) for fact in OUTSIDE_FACTS},
    **{f"_{fact.name}": _of_image(fact) for fact in IMAGE_FACTS},
    "_rule_settings": _rule_settings,
}
"""Attribute name to fixture, for a plugin to take in."""

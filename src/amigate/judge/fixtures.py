"""The fixtures that checks ask for, one for each row of the catalogue of facts.

They stand on `view`, `outside` and `evidence`, which the judge and plain pytest provide each in their own way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest

from amigate.check import Settings, check_of
from amigate.facts.catalogue import IMAGE_FACTS, OUTSIDE_FACTS, VIEW_FACTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.evidence.model import Evidence, View
    from amigate.facts.catalogue import ImageFact, OutsideFact, ViewFact

Scope = Literal["session", "function"]


@pytest.fixture(name="rule_settings")
def _rule_settings(request: pytest.FixtureRequest, chosen_settings: Settings) -> Settings:
    """Return the check's settings: the profile's values over the defaults in its decorator."""
    declared = check_of(request.function)
    defaults: Settings = declared.settings if declared else {}
    return {**defaults, **chosen_settings}


def fixtures(scope: Scope = "function") -> dict[str, Any]:
    """Return attribute name to fixture, for a plugin to take in.

    `scope` is that of the facts, as in `pytest.fixture`; what they stand on must be of the same or a wider one."""
    return {
        **{f"_{fact.name}": _of_view(fact, scope) for fact in VIEW_FACTS},
        **{f"_{fact.name}": _of_outside(fact, scope) for fact in OUTSIDE_FACTS},
        **{f"_{fact.name}": _of_image(fact, scope) for fact in IMAGE_FACTS},
        "_rule_settings": _rule_settings,
    }


def _of_view(fact: ViewFact, scope: Scope) -> Callable[..., object]:
    @pytest.fixture(name=fact.name, scope=scope)
    def read(view: View) -> object:
        return fact.read(view)

    return read


def _of_outside(fact: OutsideFact, scope: Scope) -> Callable[..., object]:
    @pytest.fixture(name=fact.name, scope=scope)
    def read(outside: View) -> object:
        return fact.read(outside)

    return read


def _of_image(fact: ImageFact, scope: Scope) -> Callable[..., object]:
    @pytest.fixture(name=fact.name, scope=scope)
    def read(evidence: Evidence) -> object:
        return fact.read(evidence)

    return read

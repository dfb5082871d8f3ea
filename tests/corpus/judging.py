"""Rules decided in this process as the judge's child decides them: hundreds of cases need no process each."""

from __future__ import annotations

import importlib
import inspect
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.check import check_of
from amigate.evidence import codec
from amigate.evidence.model import DISK, Launch, Vantage, Viewpoint
from amigate.facts import catalogue as facts
from amigate.facts.twins import inside
from amigate.judge.decide import decide
from amigate.result import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from amigate.check import Settings
    from amigate.evidence.model import Evidence, View
    from amigate.judge.decide import Decision
    from amigate.judge.places import Place
    from amigate.judge.results import Decisions

DECIDED: set[tuple[str, str]] = set()
"""Rule and status of what this test has decided so far; `ledger` begins each test with none."""


def decisions(
    where: Mapping[str, Iterable[Place]], evidence: Evidence, settings: Mapping[str, Settings] | None = None
) -> Decisions:
    """Return how each rule is decided at each of its places."""
    handed = codec.load(codec.dump(evidence))
    return {
        (rule, place): (decide_at(rule, place, handed, (settings or {}).get(rule, {})), 0.0)
        for rule, chosen in where.items()
        for place in chosen
    }


def decide_at(rule: str, place: Place, evidence: Evidence, settings: Settings) -> Decision:
    """Return how a rule is decided at one place."""
    decision = _decide_at(rule, place, evidence, settings)
    DECIDED.add((rule, str(decision.status)))
    return decision


def _decide_at(rule: str, place: Place, evidence: Evidence, settings: Settings) -> Decision:
    function, judging = _functions()[rule], False
    declared = check_of(function)
    try:
        wanted = {
            name: {**(declared.settings if declared else {}), **settings}
            if name == "rule_settings"
            else _fact(name, place, evidence)
            for name in inspect.signature(function).parameters
        }
        judging = True
        function(**wanted)
    except Exception as error:  # noqa: BLE001 - whatever it is, the judge decides what it means
        return decide(error, judging=judging)
    return decide(None, judging=True)


def _fact(name: str, place: Place, evidence: Evidence) -> object:
    for view_fact in facts.VIEW_FACTS:
        if view_fact.name == name:
            return view_fact.read(_view(place, evidence))
    for outside_fact in facts.OUTSIDE_FACTS:
        if outside_fact.name == name:
            return outside_fact.read(evidence.view(Viewpoint(place.launch or Launch.A, 1, Vantage.OUTSIDE)))
    return next(fact for fact in facts.IMAGE_FACTS if fact.name == name).read(evidence)


def _view(place: Place, evidence: Evidence) -> View:
    if place.witness is Witness.DISK:
        return evidence.view(DISK)
    assert place.launch, "only a machine has a view from inside"
    return inside(evidence, place.launch)


@cache
def _functions() -> Mapping[str, Callable[..., None]]:
    folder = Path(importlib.import_module("amigate.checks").__file__ or "").parent
    modules = [importlib.import_module(f"amigate.checks.{each.stem}") for each in folder.glob("test_*.py")]
    functions = [each for module in modules for each in vars(module).values() if check_of(each)]
    return {declared.id: each for each in functions if (declared := check_of(each)) is not None}

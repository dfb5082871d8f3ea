"""The pytest plugin of the judge's child: which checks run where, and what becomes of each."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from amigate.check import InconclusiveError, NotApplicableError, check_of
from amigate.evidence import codec
from amigate.evidence.model import DISK, Launch, Vantage, View, Viewpoint
from amigate.facts.twins import inside
from amigate.judge.decide import Decision, decide
from amigate.judge.fixtures import fixtures
from amigate.judge.limit import limited
from amigate.result import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from typing import BinaryIO

    from amigate.check import Check, Settings
    from amigate.evidence.model import Evidence
    from amigate.judge.places import Place

globals().update(fixtures("session"))


@dataclasses.dataclass
class Order:
    """What the parent asks of this process; `read_evidence` waits until it is there."""

    places: Mapping[str, tuple[Place, ...]]
    """Rule id to where it is judged."""
    settings: Mapping[str, Settings]
    limit_s: float
    """How long one judgement of one rule may take."""
    read_evidence: Callable[[], str]
    answers: BinaryIO


ORDER = pytest.StashKey[Order]()


class Bench:
    """Hands the order to the hooks below; registered by the child's main function."""

    def __init__(self, order: Order) -> None:
        self._order = order

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Leave the order where the hooks find it."""
        config.stash[ORDER] = self._order
        config.option.tbstyle = "no"  # a decision is made of the exception, and nobody reads a traceback


def _check(item: pytest.Item) -> Check:
    declared = check_of(getattr(item, "function", None))
    assert declared is not None, "only checks are collected"
    return declared


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Judge a check once at each of its places.

    Those of one place come one after another, so that each fact is read once there."""
    declared = check_of(metafunc.function)
    places = metafunc.config.stash[ORDER].places.get(declared.id, ()) if declared else ()
    if places:
        metafunc.fixturenames.append("place")
        metafunc.parametrize("place", places, ids=str, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the checks of the profile; two functions for one rule would let one answer for the other."""
    wanted = config.stash[ORDER].places
    items[:] = [i for i in items if (c := check_of(getattr(i, "function", None))) and wanted.get(c.id)]
    counted = Counter(_check(item).id for item in items)
    for rule, number in counted.items():
        if number != len(wanted[rule]):
            raise pytest.UsageError(f"rule {rule} is declared more than once")


@pytest.fixture(scope="session")
def place(request: pytest.FixtureRequest) -> Place:
    """Return where the check is judged."""
    place: Place = request.param
    return place


@pytest.fixture(scope="session")
def evidence(request: pytest.FixtureRequest) -> Evidence:
    """Return what was collected, waiting for it if need be."""
    return codec.load(request.config.stash[ORDER].read_evidence())


@pytest.fixture(scope="session")
def view(evidence: Evidence, place: Place) -> View:
    """Return the view at `place`."""
    return view_at(place, evidence)


@pytest.fixture(scope="session")
def outside(evidence: Evidence, place: Place) -> View:
    """Return the launch at `place` as it is seen from outside."""
    return outside_at(place, evidence)


def view_at(place: Place, evidence: Evidence) -> View:
    """Return what was seen at a place; raises NotApplicableError and InconclusiveError where nothing can be."""
    if place.witness is Witness.DISK:
        if evidence.ec2 is not None and evidence.ec2.image.get("RootDeviceType") == "instance-store":
            raise NotApplicableError("nothing of an instance-store image can be read at rest")
        return evidence.view(DISK)
    if place.launch is None:
        raise InconclusiveError(f"the rule asks about a machine, where {place} cannot tell")
    return inside(evidence, place.launch)


def outside_at(place: Place, evidence: Evidence) -> View:
    """Return the launch at a place as it was seen from outside, before it was rebooted."""
    return evidence.view(Viewpoint(place.launch or Launch.A, 1, Vantage.OUTSIDE))


@pytest.fixture
def chosen_settings(request: pytest.FixtureRequest) -> Settings:
    """Return the profile's settings for this check."""
    return request.config.stash[ORDER].settings.get(_check(request.node).id, {})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Limit the time of a check's body."""
    with limited(item.config.stash[ORDER].limit_s):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Limit the time of each fact; waiting for the evidence is no fault of a check's."""
    if fixturedef.argname == "evidence":
        return (yield)
    with limited(request.config.stash[ORDER].limit_s):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send the parent one decision for each judgement, as soon as it is known."""
    report = yield
    error = call.excinfo.value if call.excinfo else None
    if call.when == "call" or (call.when == "setup" and error is not None):
        _send(item, decide(error, judging=call.when == "call"), call.duration)
    return report


def _send(item: pytest.Item, decision: Decision, duration_s: float) -> None:
    place: Place = item.callspec.params["place"]  # type: ignore[attr-defined] # parametrized above
    answers = item.config.stash[ORDER].answers
    answers.write(line_of(_check(item).id, place, decision, duration_s))
    answers.flush()


def line_of(rule: str, place: Place, decision: Decision, duration_s: float) -> bytes:
    """Return one judgement as the parent reads it."""
    row = {
        "rule": rule,
        "place": str(place),
        "status": decision.status,
        "message": decision.message,
        "only_live": decision.only_live,
        "findings": [dataclasses.asdict(finding) for finding in decision.findings],
        "duration_s": duration_s,
    }
    return json.dumps(row).encode("ascii") + b"\n"

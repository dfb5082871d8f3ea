"""The pytest plugin of the process in which a user's tests run: what is counted, what each is given, how it ended."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from amigate.check import InconclusiveError
from amigate.evidence.model import DISK, Vantage, Viewpoint
from amigate.judge.decide import Decision, NotRunError, ReturnedError, decide, raised_at, worst
from amigate.judge.fixtures import fixtures
from amigate.judge.judged import outside_at, view_at
from amigate.judge.limit import limited
from amigate.own.backend import has_record, host_of, recorded
from amigate.own.evidence_host import EvidenceHost
from amigate.result import Status, Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from testinfra.host import Host

    from amigate.check import Settings
    from amigate.evidence.model import Answer, Evidence, Launch, View
    from amigate.judge.places import Place
    from amigate.own.backend import Asked

globals().update(fixtures())


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the parent asks of this process."""

    entry: str
    launch: Launch | None
    """The launch that is judged here, for what is judged on one."""
    rules: Mapping[tuple[str, str], str]
    """File and name of each test that was listed, to its rule's id."""
    places: Mapping[str, Place]
    """Rule id to where it is judged here; a rule that is not in it is not run."""
    settings: Mapping[str, Settings]
    limit_s: float
    read_evidence: Callable[[], Evidence]
    ask: Callable[[int, str], Answer] | None
    """Asks the running machine; None where its record answers."""
    send: Callable[[dict[str, Any]], None]


@dataclass
class Ended:
    """What became of one test so far."""

    called: bool = False
    """Its body was called and has ended, whatever a hook says of it."""
    body: BaseException | None = None
    setup: BaseException | None = None
    teardown: BaseException | None = None
    duration_s: float = 0.0


ORDER = pytest.StashKey[Order]()
EVIDENCE = pytest.StashKey["Evidence"]()
BACKENDS = pytest.StashKey["list[Asked]"]()
ENDED = pytest.StashKey[Ended]()


class Bench:
    """Hands the order to the hooks below; registered by the child's main function."""

    def __init__(self, order: Order) -> None:
        self._order = order

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Leave the order where the hooks find it."""
        config.stash[ORDER] = self._order
        config.stash[BACKENDS] = []


def _name(item: pytest.Item) -> str:
    """Return the name of a test as `own.tests` gives it."""
    above = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    return "::".join([*above, getattr(item, "originalname", None) or item.name])


def _rule(item: pytest.Item) -> str:
    """Return the id of the rule that a test is; empty for one that was not listed."""
    return item.config.stash[ORDER].rules.get((str(item.path), _name(item)), "")


def _send(order: Order, rule: str, decision: Decision, duration_s: float = 0.0) -> None:
    findings = [asdict(finding) for finding in decision.findings]
    place = str(order.places[rule])
    row = {"rule": rule, "place": place, "status": decision.status, "message": decision.message}
    order.send({**row, "findings": findings, "duration_s": duration_s})


def _undecided(config: pytest.Config, path: str, message: str) -> None:
    """Leave every test of a file undecided."""
    order = config.stash[ORDER]
    for (file, _), rule in order.rules.items():
        if file == path and rule in order.places:
            _send(order, rule, Decision(status=Status.INCONCLUSIVE, message=message))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Count what has to answer, before anybody can leave it out."""
    order = item.config.stash[ORDER]
    rule = _rule(item)
    if not rule:
        reason = f"the file holds a test that cannot be seen without running it: {_name(item)}"
        _undecided(item.config, str(item.path), reason)
    elif rule in order.places:
        order.send({"expected": rule})


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Say why a file cannot be imported."""
    report = yield
    call = getattr(report, "call", None)
    if not report.passed and isinstance(collector, pytest.Module):
        error = call.excinfo.value if call is not None and call.excinfo else None
        while error is not None and error.__cause__ is not None:
            error = error.__cause__
        reason = f"the file of the test could not be loaded: {raised_at(error)}"
        _undecided(collector.config, str(collector.path), reason)
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run what is judged here and nothing else."""
    places = config.stash[ORDER].places
    items[:] = [item for item in items if _rule(item) in places]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Wait for the evidence; all that comes before needs none."""
    session.config.stash[EVIDENCE] = session.config.stash[ORDER].read_evidence()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Send the parent the decision of a test, once all of it is over."""
    ended = item.stash[ENDED] = Ended()
    backend = item.config.stash[BACKENDS]
    try:
        return (yield)
    finally:
        order = item.config.stash[ORDER]
        with _over(backend), limited(order.limit_s):
            _send(order, _rule(item), _decided(ended, backend), ended.duration_s)


@contextmanager
def _over(backends: Sequence[Asked]) -> Iterator[None]:
    """Let nothing be asked while a test's end is looked at, or the next would be told what was meant for it."""
    for backend in backends:
        backend.is_over = True
    try:
        yield
    finally:
        for backend in backends:
            backend.is_over = False
            backend.unanswered.clear()


def _decided(ended: Ended, backends: Sequence[Asked]) -> Decision:
    """Return the worst of what a test's parts say; a body that was not called has shown nothing.

    Nor has one that passed over a command that was not answered."""
    if ended.called:
        found = [decide(ended.body, judging=True)]
    else:
        found = [decide(ended.setup or NotRunError(), judging=False)]
    if ended.teardown is not None:
        found.append(decide(ended.teardown, judging=False))
    found += [decide(error, judging=False) for backend in backends for error in backend.unanswered]
    return worst(found)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """See the body itself end, so that no hook can speak for it; limit its time."""
    body, ended = pyfuncitem.obj, pyfuncitem.stash[ENDED]

    @functools.wraps(body)
    def watched(*arguments: Any, **named: Any) -> None:
        try:
            if body(*arguments, **named) is not None:
                raise ReturnedError  # noqa: TRY301 - as an assertion of its own would
        except BaseException as error:
            ended.body = error
            raise
        finally:
            ended.called = True

    pyfuncitem.obj = watched
    try:
        with limited(pyfuncitem.config.stash[ORDER].limit_s):
            return (yield)
    finally:
        pyfuncitem.obj = body


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> Generator[None, object, object]:
    """Limit the time of each fixture."""
    with limited(request.config.stash[ORDER].limit_s):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note what ended a test's fixtures, and how long it took."""
    ended, error = item.stash[ENDED], call.excinfo.value if call.excinfo else None
    ended.duration_s += call.duration
    if call.when == "setup":
        ended.setup = error
    elif call.when == "teardown":
        ended.teardown = error
    return (yield)


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    """Return where the test is judged."""
    return request.config.stash[ORDER].places[_rule(request.node)]


@pytest.fixture(scope="session")
def evidence(request: pytest.FixtureRequest) -> Evidence:
    """Return what was collected."""
    return request.config.stash[EVIDENCE]


@pytest.fixture
def view(evidence: Evidence, place: Place) -> View:
    """Return the view at `place`."""
    return view_at(place, evidence)


@pytest.fixture
def outside(evidence: Evidence, place: Place) -> View:
    """Return the launch at `place` as it is seen from outside."""
    return outside_at(place, evidence)


@pytest.fixture
def chosen_settings(request: pytest.FixtureRequest) -> Settings:
    """Return the profile's settings for this test."""
    return request.config.stash[ORDER].settings.get(_rule(request.node), {})


@pytest.fixture(scope="session")
def host(request: pytest.FixtureRequest, evidence: Evidence) -> Host | EvidenceHost:
    """Return the launch as a testinfra host: live, or as it was recorded; without a record, what evidence tells."""
    order = request.config.stash[ORDER]
    made: Host | EvidenceHost
    view = evidence.view(DISK if order.launch is None else Viewpoint(order.launch, 1, Vantage.INSIDE))
    if order.launch is not None and (order.ask or view.broken or has_record(view, order.entry)):
        made = host_of(order.launch, order.ask or partial(recorded, view, order.entry))
    elif order.launch is not None or Witness.DISK in evidence.witnesses:
        made = EvidenceHost(view)
    else:
        raise InconclusiveError("`host` is a launch or a disk, and the rule is asked of another witness")
    request.config.stash[BACKENDS].append(made.backend)
    return made

"""What a run of the corpus proved: which tests decided which rule how, which traps they are, and how shapes came out.

A plugin of the tests' own (tests/conftest.py registers it). What tests decided travels in their reports, so that it is
known where several processes run them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amigate.judge import catalogue
from amigate.result import Status

from . import judging
from .traps import TRAPS

if TYPE_CHECKING:
    from collections.abc import Generator

    from _pytest.terminal import TerminalReporter

FOLDER = Path(__file__).parent
NEVER = {
    ("ami-encryption-by-default-noticed", Status.FAIL): "it remarks",
    ("disk-every-volume-inspected", Status.FAIL): "a volume that was not read leaves it open",
    ("key-ssh-client-files-reveal-nothing", Status.FAIL): "it remarks",
    ("network-no-unexpected-egress", Status.PASS): "without flow logs, that no call was seen proves nothing",
    ("secret-high-entropy-reviewed", Status.FAIL): "it remarks",
}
"""Answers that a rule does not give, and why."""


@dataclass(eq=False)
class Ledger:
    """What the tests that held have decided."""

    cases: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    """Rule and status, to the tests that decided it so."""
    traps: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Number of a trap, to the tests that are its cases."""
    shapes: dict[str, dict[str, str]] = field(default_factory=dict)
    """Shape of a distribution, to the answer of each rule on its clean tree."""
    broken: set[str] = field(default_factory=set)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark the corpus, and note which traps a test is."""
        for item in items:
            if item.path.is_relative_to(FOLDER):
                item.add_marker("corpus")
            traps = [int(number) for marker in item.iter_markers("trap") for number in marker.args]
            item.user_properties.append(("traps", traps))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, bool, bool]:
        """Begin a test with nothing decided."""
        judging.DECIDED.clear()
        return (yield)

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Put what was decided into the test's report."""
        item.user_properties.append(("decided", sorted(judging.DECIDED)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test decided, where all of it held."""
        if report.outcome != "passed":
            self.broken.add(report.nodeid)
        if report.when != "teardown" or report.nodeid in self.broken:
            return
        for name, value in report.user_properties:
            self._take(name, value, report.nodeid)

    def _take(self, name: str, value: object, test: str) -> None:
        match name, value:
            case "traps", list():
                for number in value:
                    self.traps[number].add(test)
            case "decided", list():
                for rule, status in value:
                    self.cases[rule, status].add(test)
            case "shape", [str() as shape, dict() as answers]:
                self.shapes[shape] = answers

    def missing(self) -> list[str]:
        """Return what no test proved, in words."""
        wanted = [(rule, status) for rule in catalogue.checks() for status in (Status.PASS, Status.FAIL)]
        undecided = [each for each in wanted if each not in NEVER and not self.cases.get((each[0], str(each[1])))]
        rules = [f"{rule}: no case in which it is decided {status}" for rule, status in undecided]
        return [*rules, *(f"trap {number}: no case" for number in TRAPS if not self.traps.get(number))]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write down what was proved; end badly where a proof is missing."""
        path = session.config.getoption("corpus")
        if not path or hasattr(session.config, "workerinput"):
            return
        if self.missing():
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        elif path != "-" and session.exitstatus == 0:
            from . import page  # noqa: PLC0415 - the many runs that write nothing need no distributions

            Path(path).write_text(page.written(self.cases, self.traps, self.shapes), encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Say how many cases each rule has."""
        if not terminalreporter.config.getoption("corpus"):
            return
        terminalreporter.section("corpus: rules by cases")
        for rule in sorted(catalogue.checks()):
            counts = [(status, len(self.cases.get((rule, str(status)), ()))) for status in Status]
            terminalreporter.write_line(
                f"{rule}: {', '.join(f'{count} {status}' for status, count in counts if count)}"
            )
        held = sum(1 for number in TRAPS if self.traps.get(number))
        terminalreporter.write_line(f"{len(catalogue.checks())} rules, {held} of {len(TRAPS)} traps")
        for line in self.missing():
            terminalreporter.write_line(line, red=True)

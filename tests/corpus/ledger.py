"""What a run of the corpus proved: which tests decided which rule how, and which traps they are.

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

from . import judging, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.terminal import TerminalReporter

FOLDER = Path(__file__).parent
TRAPS = range(1, 76)
"""Numbers of the situations in which a naive check errs (docs/corpus.md)."""


@dataclass(eq=False)
class Ledger:
    """What the tests that held have decided."""

    cases: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    """Rule and status, to the tests that decided it so."""
    traps: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Number of a trap, to the tests that are its cases."""
    broken: set[str] = field(default_factory=set)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark the corpus, and note whose trap a test is."""
        for item in items:
            if item.path.is_relative_to(FOLDER):
                item.add_marker("corpus")
            traps = [int(number) for marker in item.iter_markers("trap") for number in marker.args]
            item.user_properties.append(("traps", traps))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Begin a test with nothing decided."""
        judging.DECIDED.clear()
        return (yield)

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Put what was decided into the test's report."""
        item.user_properties.append(("decided", sorted(judging.DECIDED)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test decided, and whether all of it held."""
        if report.outcome != "passed":
            self.broken.add(report.nodeid)
        if report.when != "teardown" or report.nodeid in self.broken:
            return
        for name, value in report.user_properties:
            if name == "traps":
                for number in value:
                    self.traps[number].add(report.nodeid)
            elif name == "decided":
                for rule, status in value:
                    self.cases[rule, status].add(report.nodeid)

    def missing(self) -> list[str]:
        """Return what no test proved, in words."""
        wanted = [(rule, str(status)) for rule in catalogue.checks() for status in (Status.PASS, Status.FAIL)]
        return [
            *(
                f"{rule}: no case in which it is decided {status}"
                for rule, status in wanted
                if not self.cases.get((rule, status))
            ),
            *(f"trap {number}: no case" for number in TRAPS if not self.traps.get(number)),
        ]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """End badly where a proof is missing; write down what was proved."""
        path = session.config.getoption("corpus")
        if path and not hasattr(session.config, "workerinput") and self.missing():
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Say how many cases each rule has."""
        path = terminalreporter.config.getoption("corpus")
        if not path:
            return
        terminalreporter.section("corpus: rules × cases")
        for line in page.rules(self):
            terminalreporter.write_line(line)
        for line in self.missing():
            terminalreporter.write_line(line, red=True)

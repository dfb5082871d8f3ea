"""docs/corpus.md, which a run of the corpus writes, speaks of the rules, traps and distributions that there are."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.distributions import SHAPES
from tests.corpus.traps import TRAPS

from amigate.judge import catalogue

PAGE = (Path(__file__).parents[2] / "docs/corpus.md").read_text(encoding="utf-8").split("\n")
STALE = "docs/corpus.md is stale: make corpus"


def test_every_rule_and_every_trap_has_its_row() -> None:
    rules, traps = PAGE.index("## Rules by cases"), PAGE.index("## Situations in which a naive check errs")
    assert [row.split("`")[1] for row in PAGE[rules:] if row.startswith("| `")] == sorted(catalogue.checks()), STALE
    assert [int(row.split(" ")[1]) for row in PAGE[traps:rules] if row[2:3].isdecimal()] == list(TRAPS), STALE
    assert not [row for row in PAGE[traps:rules] if row.endswith("|  |")], "a trap without a test"


def test_what_is_said_of_each_distribution_is_what_its_shape_says() -> None:
    head = next(row for row in PAGE if row.startswith("| rule |"))
    names = [cell.strip().removesuffix(" (modelled)") for cell in head.split("|")[2:-1]]
    rows = {
        row.split("`")[1]: [cell.strip() for cell in row.split("|")[2:-1]]
        for row in PAGE[: PAGE.index("Why:")]
        if row.startswith("| `")
    }
    for shape in SHAPES:
        at = names.index(shape.name)
        for rule, (answer, _) in shape.explained.items():
            if answer != "not-applicable":
                assert rows[rule][at] == answer, STALE

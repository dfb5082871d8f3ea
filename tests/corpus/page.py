"""What the corpus proved, as text: docs/corpus.md, and lines for a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.judge import catalogue
from amigate.result import Status

from .distributions import SHAPES
from .traps import TRAPS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    Cases = Mapping[tuple[str, str], Collection[str]]

_STATUSES = (Status.PASS, Status.FAIL, Status.WARN, Status.INCONCLUSIVE, Status.NOT_APPLICABLE)
_HEAD = """\
# The corpus

What proves the rules: cases in which each is met, violated and left open, situations in which a naive check errs, and
distributions as trees. This page is written by a run of all of it (`make corpus`).

## Distributions
Each is a clean image for EC2 as a tree. Debian 12 and 13 are built from their own packages and set as the sandbox's
image is. The others are *modelled*: files as the distribution ships them, package databases as its tools write them
where these are to be had, nothing booted. Support is claimed for what was booted alone, which is Debian 12
([sandbox.md](sandbox.md)). Rules of `public` and `hardened` that the disk can answer were judged; what is not in the
table is met everywhere, or has nothing to apply to. *only live* is the answer of a disk to what a running machine alone
can tell.
"""
_WORDS = {"not-applicable": "n/a"}


def written(cases: Cases, traps: Mapping[int, Collection[str]], shapes: Mapping[str, Mapping[str, str]]) -> str:
    """Return the page."""
    parts = [
        _HEAD,
        *_modelled(),
        "",
        *_answers(shapes),
        "",
        *_reasons(),
        "",
        "## Situations in which a naive check errs",
        "Each with a test that holds it; there may be more.",
        "",
        *_traps(traps),
        "",
        "## Rules by cases",
        "How many tests decide a rule how. A case spoils one thing of a sound image, so most see most rules met.",
        "",
        *_rules(cases),
    ]
    return "\n".join(parts) + "\n"


def _modelled() -> Iterator[str]:
    for shape in SHAPES:
        yield f"- **{shape.name}** (modelled): {shape.modelled_on}."


def _answers(shapes: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    modelled = [shape.name for shape in SHAPES]
    names = [*sorted(shapes.keys() - {*modelled}), *modelled]
    rules = sorted({rule for answers in shapes.values() for rule in answers})
    yield "| rule | " + " | ".join(f"{name} (modelled)" if name in modelled else name for name in names) + " |"
    yield "|---|" + "---|" * len(names)
    for rule in rules:
        answers = [shapes.get(name, {}).get(rule, "") for name in names]
        if {*answers} - {"pass", "not-applicable"}:
            yield f"| `{rule}` | " + " | ".join(_WORDS.get(each, each) for each in answers) + " |"
    told = sum(1 for rule in rules if not {shapes[name].get(rule) for name in shapes} - {"pass", "not-applicable"})
    yield ""
    yield f"{told} of the {len(rules)} rules are met, or do not apply, on all of them."


def _reasons() -> Iterator[str]:
    """Yield why what is not met is not, each reason once."""
    yield "Why:"
    reasons: dict[tuple[str, str], dict[str, None]] = {}
    for shape in SHAPES:
        for rule, why in shape.explained.items():
            reasons.setdefault(why, {})[rule] = None
    for (answer, reason), rules in reasons.items():
        yield f"- {', '.join(f'`{rule}`' for rule in rules)}: {_WORDS.get(answer, answer)}; {reason}."


def _traps(traps: Mapping[int, Collection[str]]) -> Iterator[str]:
    yield "| # | situation | truth | held by |"
    yield "|---|---|---|---|"
    for number, (situation, truth) in TRAPS.items():
        tests = sorted(traps.get(number, ()), key=lambda test: ("tests/corpus/" not in test, test))
        files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
        held = ", ".join(f"[{file.rpartition('/')[2]}](../{file})" for file in files)
        yield f"| {number} | {_cell(situation)} | {_cell(truth)} | {held} |"


def _rules(cases: Cases) -> Iterator[str]:
    yield "| rule | " + " | ".join(map(str, _STATUSES)) + " |"
    yield "|---|" + "---|" * len(_STATUSES)
    for rule in sorted(catalogue.checks()):
        counts = [str(len(cases.get((rule, str(each)), ())) or "") for each in _STATUSES]
        yield f"| `{rule}` | {' | '.join(counts)} |"


def _cell(text: str) -> str:
    return re.sub(r"([|<>*_`])", r"\\\1", text)

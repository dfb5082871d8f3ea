"""What another profile requires that one does not, and the other way round."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from amigate.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.profile.model import Profile

_VALUES = ("audience", "blocking", "evidence")
_PARTS = ("ssh", "launch")


def difference(first: Profile, second: Profile) -> list[str]:
    """Return a line for each thing that differs: values, rules, and how a rule is judged; none where nothing does.

    `-` stands before what only the first has, `+` before what only the second has, `~` before what both have
    differently."""
    return [*_values(first, second), *_rules(first, second), *_waivers(first, second)]


def _values(first: Profile, second: Profile) -> Iterator[str]:
    before, after = first.model_dump(mode="json"), second.model_dump(mode="json")
    pairs = [(name, before[name], after[name]) for name in _VALUES]
    pairs += [(f"{part}.{name}", old, after[part][name]) for part in _PARTS for name, old in before[part].items()]
    yield from (f"~ {name}: {_shown(old)} -> {_shown(new)}" for name, old, new in pairs if old != new)


def _rules(first: Profile, second: Profile) -> Iterator[str]:
    before, after = rules_of(first), rules_of(second)
    for sign, rules, other, profile in (("-", before, after, first), ("+", after, before, second)):
        for rule, check in rules.items():
            if rule not in other:
                yield f"{sign} {rule} ({profile.choice(rule).severity or check.severity})"
    for rule in before:
        if rule in after:
            changes = list(_changes(rule, first, second))
            if changes:
                yield f"~ {rule}: {', '.join(changes)}"


def _changes(rule: str, first: Profile, second: Profile) -> Iterator[str]:
    check = rules_of(first)[rule]
    one, other = first.choice(rule), second.choice(rule)
    if (one.severity or check.severity) != (other.severity or check.severity):
        yield f"{one.severity or check.severity} -> {other.severity or check.severity}"
    for name, default in check.settings.items():
        before, after = one.settings.get(name, default), other.settings.get(name, default)
        if before != after:
            yield f"{name} {_shown(before)} -> {_shown(after)}"


def _waivers(first: Profile, second: Profile) -> Iterator[str]:
    for sign, profile, other in (("-", first, second), ("+", second, first)):
        for waiver in profile.waivers:
            if waiver not in other.waivers:
                yield f"{sign} waiver for {waiver.rule} ({waiver.subject}), of {waiver.owner} until {waiver.expires}"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

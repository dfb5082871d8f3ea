"""From the name of a profile to the profile: its files read, put over each other, and checked."""

from __future__ import annotations

import difflib
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amigate.errors import UsageError
from amigate.profile.choices import choices, lines, mistakes
from amigate.profile.layers import read_layers, shipped
from amigate.profile.model import Profile, Strict
from amigate.profile.naming import shown
from amigate.profile.places import KEY
from amigate.profile.written import HINT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from amigate.check import Check
    from amigate.own.tests import OwnTest
    from amigate.profile.layers import Layer

__all__ = ["load", "resolve", "shipped"]

REQUIRED = ("description", "audience", "evidence")
"""What a profile must say, or one that it extends."""


def load(name_or_path: str, known_rules: Mapping[str, Check] | None = None) -> Profile:
    """Load a shipped profile by name or any by path; raises UsageError with file:line:column.

    With `known_rules`, a rule or a setting that does not exist is refused as well. Without them, a profile that asks
    for rules by topic raises ValueError."""
    path = shipped().get(name_or_path) or Path(name_or_path)
    if not path.is_file():
        near = difflib.get_close_matches(name_or_path, shipped(), 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"there is no profile {name_or_path!r}",
            hint=f"{hint}Name one of {', '.join(shipped())}, or the path of a YAML file.",
        )
    return resolve(read_layers(path), known_rules)


def resolve(layers: Sequence[Layer], known_rules: Mapping[str, Check] | None) -> Profile:
    """Put the files of a profile over each other, the last of which is its own."""
    tests = [(layer, test) for layer in layers for test in _own_tests(layer)]
    _refuse_twins([test for _, test in tests])
    own = {test.id: test for _, test in tests}
    if known_rules is not None:
        _refuse_mistakes(layers, known_rules, own)
    known = None if known_rules is None else {**known_rules, **{rule: test.check for rule, test in own.items()}}
    rules = choices(layers, known)
    off = frozenset(rule for rule in own if rule not in rules and any(rule in each.written.rules for each in layers))
    _refuse_gaps(layers, rules.keys() | own.keys() - off)
    profile = Profile.model_validate({**_merged(layers), "rules": rules, "digest": _digest(layers, tests)})
    # No fields, because no YAML sets them:
    profile._own = tuple(own.values())  # noqa: SLF001
    profile._off = off  # noqa: SLF001
    profile._path = shown(layers[-1].path)  # noqa: SLF001
    profile._lines = {test.id: _line(layer, test, layers[-1]) for layer, test in tests} | lines(layers, known)  # noqa: SLF001
    profile._waiver_places = tuple(  # noqa: SLF001
        layer.places.at("waivers", number, "expires")
        for layer in layers
        for number, _ in enumerate(layer.written.waivers)
    )
    return profile


def _merged(layers: Sequence[Layer]) -> dict[str, Any]:
    """Return what is not about single rules: of a value the last word counts, checks and waivers add up."""
    found: dict[str, Any] = {}
    for layer in layers:
        for name in (*REQUIRED, "name", "blocking", "ssh", "launch"):
            value = getattr(layer.written, name)
            if value is not None:
                found[name] = _part_over(found.get(name), value)
        found["waivers"] = (*found.get("waivers", ()), *layer.written.waivers)
    return found


def _part_over(base: Any, value: Any) -> Any:
    """Return `value`; of a part with keys of its own, those that it sets, over `base`."""
    if not isinstance(value, Strict) or base is None:
        return value
    return base.model_copy(update={name: getattr(value, name) for name in value.model_fields_set})


def _refuse_gaps(layers: Sequence[Layer], asked: Collection[str]) -> None:
    missing = [name for name in REQUIRED if all(getattr(layer.written, name) is None for layer in layers)]
    own = layers[-1]
    wrong = [f"{own.places.at()}: {name} is missing" for name in missing]
    if not asked:
        wrong.append(f"{own.places.at('rules', KEY)}: no rule is asked")
    if wrong:
        raise UsageError("\n".join(wrong), hint=HINT)


def _refuse_mistakes(layers: Sequence[Layer], known: Mapping[str, Check], own: Mapping[str, OwnTest]) -> None:
    taken = [f"{test.place}: {test.id} is the id of a shipped rule" for test in own.values() if test.id in known]
    every = {**known, **{rule: test.check for rule, test in own.items()}}
    wrong = [*taken, *(each for layer in layers for each in mistakes(layer, every))]
    if wrong:
        raise UsageError(
            "\n".join(wrong), hint="`amigate checks list` names all rules, `amigate checks show RULE` its settings."
        )


def _own_tests(layer: Layer) -> tuple[OwnTest, ...]:
    """List the user's tests; raises UsageError where one cannot be listed."""
    if not layer.written.checks:
        return ()
    from amigate.own.tests import find  # noqa: PLC0415 - only with tests of one's own

    found: list[OwnTest] = []
    for number, entry in enumerate(layer.written.checks):
        found += find(entry, layer.path.parent, layer.places.at("checks", number))
    return tuple(found)


def _refuse_twins(tests: Sequence[OwnTest]) -> None:
    """Raise UsageError where two tests of the user's would be one rule, or two folders would have one name."""
    if not tests:
        return
    from amigate.own.tests import refuse_twins  # noqa: PLC0415 - only with tests of one's own

    refuse_twins(tests)
    folders: dict[str, OwnTest] = {}
    for test in tests:
        other = folders.setdefault(os.path.normpath(test.entry), test)
        if other.folder != test.folder:
            raise UsageError(
                f"{test.entry} under checks is both {other.folder} and {test.folder}", hint="Rename one of them."
            )


def _line(layer: Layer, test: OwnTest, own: Layer) -> int:
    """Return the line of the profile's own file by which a test of the user's comes."""
    if layer.entry is not None:
        return own.places.line("extends", layer.entry)
    entries = [os.path.normpath(each) for each in own.written.checks]  # as tests name theirs
    return own.places.line("checks", entries.index(os.path.normpath(test.entry)))


def _digest(layers: Sequence[Layer], tests: Sequence[tuple[Layer, OwnTest]]) -> str:
    """Return the digest of the profile's file; of several, and of tests of the user's, it covers all of them."""
    parts = []
    for layer in layers:
        parts.append(hashlib.sha256(layer.raw).digest())
        own = [test for home, test in tests if home is layer]
        if own:
            from amigate.own.tests import digest  # noqa: PLC0415 - only with tests of one's own

            parts.append(digest(own))
    whole = hashlib.sha256(b"".join(parts)) if len(parts) > 1 else hashlib.sha256(layers[-1].raw)
    return f"sha256:{whole.hexdigest()}"

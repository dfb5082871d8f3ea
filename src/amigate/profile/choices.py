"""Which rules a profile asks, and how: what its files say of rules and topics, one over the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amigate.profile.model import RuleChoice
from amigate.profile.places import KEY, did_you_mean
from amigate.rules import can_be_asked
from amigate.topics import EVERY, topic_of, topics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from amigate.check import Check
    from amigate.profile.layers import Layer


def choices(layers: Sequence[Layer], known: Mapping[str, Check] | None) -> dict[str, RuleChoice]:
    """Return the rules that are asked; in one file an id says more than its topic, and later files win.

    A rule that is switched off and is asked again later begins anew."""
    found: dict[str, RuleChoice] = {}
    for layer in layers:
        for rule, choice in _in_turn(layer, known):
            if choice is None:
                found.pop(rule, None)
            else:
                found[rule] = _over(found.get(rule), choice)
    return found


def lines(layers: Sequence[Layer], known: Mapping[str, Check] | None) -> dict[str, int]:
    """Return the line of the profile's own file that asks for each rule, or extends the file that does."""
    own = layers[-1]
    found: dict[str, int] = {}
    for layer in layers:
        for rule, _ in _in_turn(layer, known):
            if layer.entry is not None:
                found[rule] = own.places.line("extends", layer.entry)
            elif rule in own.written.rules:
                found[rule] = own.places.line("rules", rule, KEY)
            else:
                found[rule] = own.places.line("rules", topic_of(rule) + EVERY, KEY)
    return found


def mistakes(layer: Layer, known: Mapping[str, Check]) -> Iterator[str]:
    """Yield what is wrong with the rules and settings that a file names, each after file:line:column."""
    for rule, choice in layer.written.rules.items():
        if rule.endswith(EVERY):
            yield from _topic_mistakes(layer, rule, choice)
        elif rule not in known:
            near = did_you_mean(rule, {*known, *(topic + EVERY for topic in topics())})
            yield f"{layer.places.at('rules', rule, KEY)}: there is no rule {rule!r}{near}"
        elif choice is not None:
            yield from _setting_mistakes(layer, known[rule], choice)
    for number, waiver in enumerate(layer.written.waivers):
        if waiver.rule not in known:
            place = layer.places.at("waivers", number, "rule", KEY)
            yield f"{place}: there is no rule {waiver.rule!r}{did_you_mean(waiver.rule, known)}"


def _topic_mistakes(layer: Layer, key: str, choice: RuleChoice | None) -> Iterator[str]:
    if key.removesuffix(EVERY) not in topics():
        near = did_you_mean(key, [topic + EVERY for topic in topics()])
        yield f"{layer.places.at('rules', key, KEY)}: there is no topic {key.removesuffix(EVERY)!r}{near}"
    if choice is not None and choice.settings:
        yield f"{layer.places.at('rules', key, 'settings', KEY)}: settings belong to one rule, by its id"


def _setting_mistakes(layer: Layer, check: Check, choice: RuleChoice) -> Iterator[str]:
    for name, value in choice.settings.items():
        place = ("rules", check.id, "settings", name)
        if name not in check.settings:
            near = did_you_mean(name, check.settings) or f"; it has {', '.join(check.settings) or 'none'}"
            yield f"{layer.places.at(*place, KEY)}: {check.id} has no setting {name!r}{near}"
        elif name == check.digests_of and not (isinstance(value, list) and all(map(can_be_asked, value))):
            yield f"{layer.places.at(*place)}: {check.id} wants a list of absolute paths as {name}"
        elif (wanted := _wanted(check.settings[name], value)) is not None:
            yield f"{layer.places.at(*place)}: {check.id} wants {wanted} as {name}"


_NAMES: Mapping[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def _wanted(default: Any, value: Any) -> str | None:
    """Return what is wanted instead of `value`, going by the setting's default; None where it will do.

    An empty list is one of texts."""
    if isinstance(default, list | tuple):
        kinds = {type(each) for each in default} or {str}
        if isinstance(value, list) and all(_is_one_of(kinds, each) for each in value):
            return None
        return " ".join(["a list", *(f"in which each is {_NAMES[kind]}" for kind in kinds if len(kinds) == 1)])
    if isinstance(default, dict):
        return None if isinstance(value, dict) else "a mapping"
    return None if default is None or _is_one_of({type(default)}, value) else _NAMES[type(default)]


def _is_one_of(kinds: set[type], value: Any) -> bool:
    """Whether `value` is of one of `kinds`; a whole number is a number, true is none."""
    return type(value) in kinds or (type(value) is int and float in kinds)


def _in_turn(layer: Layer, known: Mapping[str, Check] | None) -> Iterator[tuple[str, RuleChoice | None]]:
    """Yield what a file says of each rule: first by topics, then by ids."""
    rules = layer.written.rules
    for key, choice in rules.items():
        if key.endswith(EVERY):
            if known is None:
                raise ValueError(f"{layer.places.at('rules', key, KEY)}: a topic wants to know which rules there are")
            yield from ((rule, choice) for rule in known if topic_of(rule) + EVERY == key)
    yield from ((rule, choice) for rule, choice in rules.items() if not rule.endswith(EVERY))


def _over(base: RuleChoice | None, choice: RuleChoice) -> RuleChoice:
    """Return `choice`, and what it leaves open as in `base`."""
    if base is None:
        return choice
    return RuleChoice(severity=choice.severity or base.severity, settings={**base.settings, **choice.settings})

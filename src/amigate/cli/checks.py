"""`amigate checks`."""

from __future__ import annotations

import difflib
import json
import shutil
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from amigate.cli import completing
from amigate.errors import UsageError
from amigate.report.escape import printable
from amigate.result import SEAL, Severity, Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from amigate.check import Check
    from amigate.explained import Explained

SCHEMA = "amigate/checks/1"
_COLUMNS = 100
_NARROW = 72
"""Columns below which there is no room to indent."""


@click.group("checks")
def command() -> None:
    """Show the rules."""


_profile = click.option(
    "--profile",
    "profile_name",
    shell_complete=completing.profiles,
    help="Only the rules of this profile, your own tests among them, with its severities.",
)


def _some(flag: str, name: str, of: str, words: Iterable[str] | None) -> Callable[[Any], Any]:
    """Return an option that leaves those rules of which it names one; it is repeated for more."""
    names = click.Choice([str(word) for word in words]) if words else None
    complete = None if words else completing.topics
    text = f"Only rules of this {of}; repeat for more."
    return click.option(flag, name, multiple=True, type=names, shell_complete=complete, help=text)


@command.command("list")
@_some("--topic", "among", "topic", None)
@_some("--witness", "witnesses", "witness", Witness)
@_some("--severity", "severities", "severity", Severity)
@_profile
@click.option("--format", "form", type=click.Choice(["console", "json"]), default="console", show_default=True)
def list_(
    *,
    among: tuple[str, ...],
    witnesses: tuple[str, ...],
    severities: tuple[str, ...],
    profile_name: str | None,
    form: str,
) -> None:
    """List every rule: severity, id and title."""
    from amigate.topics import topic_of  # noqa: PLC0415 - slow to import

    _refuse_unknown_topics(among)
    chosen = [
        check
        for check in _known(profile_name).values()
        if (not among or topic_of(check.id) in among)
        and (not witnesses or set(check.evidence) & set(witnesses))
        and (not severities or check.severity in severities)
    ]
    if form == "json":
        from amigate.explained import explain  # noqa: PLC0415 - loads every profile

        rules = [explain(check).as_json() for check in chosen]
        click.echo(json.dumps({"schema": SCHEMA, "checks": rules}, indent=2, ensure_ascii=True))
        return
    for check in chosen:
        click.echo(printable(f"{check.severity:8}  {check.id:36}  {check.title}"))


@command.command("show")
@click.argument("rule", shell_complete=completing.rules)
@_profile
def show(rule: str, profile_name: str | None) -> None:
    """Show all there is to know about RULE: why, how it is decided, how to fix it."""
    from amigate.explained import explain  # noqa: PLC0415 - loads every profile

    known = _known(profile_name)
    if rule not in known:
        near = difflib.get_close_matches(rule, known, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"there is no rule {rule!r}", hint=f"{hint}`amigate checks list` names all rules.")
    click.echo(_shown(explain(known[rule])))


def _shown(rule: Explained) -> str:
    """Return all about a rule, for people."""
    check = rule.check
    rows = {
        "severity": str(check.severity),
        "topic": rule.topic,
        "profiles": ", ".join(rule.asked_by) or "none",
        "witnesses": ", ".join(check.evidence),
        "applies when": check.applies_when or "always",
        "settings": ", ".join(f"{name}: {json.dumps(value)}" for name, value in check.settings.items()) or "none",
        "guideline": check.guideline,
        "source": check.source or "none",
        "mended by": _mended(rule),
    }
    texts = [check.rationale, f"How it is decided: {rule.decided}" if rule.decided else ""]
    examples = {"Before": rule.before, "After": rule.after}
    return "\n\n".join(
        (
            f"{printable(check.id)}\n{_filled(check.title)}.",
            *(_filled(text) for text in texts if text),
            "\n".join(_filled(value, f"{name + ':':14}") for name, value in rows.items()),
            *(f"{name}:\n{textwrap.indent(text, '    ')}" for name, text in examples.items() if text),
        )
    )


def _filled(text: str, first: str = "") -> str:
    """Return lines that a terminal has room for, after `first`; what has no blanks is whole, to be copied."""
    width = min(shutil.get_terminal_size((_COLUMNS, 24)).columns, _COLUMNS)
    return textwrap.fill(
        printable(text),
        width,
        initial_indent=first,
        subsequent_indent=" " * (len(first) if width >= _NARROW else min(len(first), 2)),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _mended(rule: Explained) -> str:
    if rule.step is None:
        return "making the image anew" if rule.check.remedy == "none" else "hand: see below"
    seal = SEAL if rule.step.needs_seal else ""
    return f"amigate harden ssh://USER@HOST --only {rule.step.name}{seal}"


def _refuse_unknown_topics(among: Iterable[str]) -> None:
    from amigate.topics import topics  # noqa: PLC0415 - slow to import

    for name in among:
        if name not in topics():
            near = difflib.get_close_matches(name, topics(), 1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise UsageError(f"there is no topic {name!r}", hint=f"{hint}Name one of {', '.join(topics())}.")


def _known(profile_name: str | None) -> Mapping[str, Check]:
    """Return the shipped rules, or those of a profile with the severities that it chooses."""
    from amigate.judge import catalogue  # noqa: PLC0415 - imports every check

    if profile_name is None:
        return catalogue.checks()
    from amigate.profile import load  # noqa: PLC0415 - slow to import
    from amigate.rules import rules_of  # noqa: PLC0415

    profile = load(profile_name, catalogue.checks())
    return {
        rule: replace(check, severity=profile.choice(rule).severity or check.severity)
        for rule, check in rules_of(profile).items()
    }

"""`amigate checks`."""

from __future__ import annotations

import difflib
import shutil
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from amigate.cli import completing
from amigate.errors import UsageError
from amigate.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.check import Check

_NARROW = 72
"""Columns below which there is no room to indent."""


@click.group("checks")
def command() -> None:
    """Show the rules."""


_profile = click.option(
    "--profile",
    "profile_name",
    shell_complete=completing.profiles,
    help="Only the rules of this profile, your own tests among them.",
)


@command.command("list")
@_profile
def list_(profile_name: str | None) -> None:
    """List every rule: severity, id and title."""
    for rule, check in _known(profile_name).items():
        click.echo(printable(f"{check.severity:8}  {rule:36}  {check.title}"))


@command.command("show")
@click.argument("rule", shell_complete=completing.rules)
@_profile
def show(rule: str, profile_name: str | None) -> None:
    """Show all there is to know about RULE."""
    known = _known(profile_name)
    if rule not in known:
        near = difflib.get_close_matches(rule, known, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"there is no rule {rule!r}", hint=f"{hint}`amigate checks list` names all rules.")
    check = known[rule]
    rows = {
        "severity": str(check.severity),
        "guideline": check.guideline,
        "source": check.source or "none",
        "witnesses": ", ".join(check.evidence),
        "applies when": check.applies_when or "always",
        "mended by": f"hardening step {check.remedy}" if check.remedy != "none" else "making the image anew",
        "settings": ", ".join(f"{name}: {value}" for name, value in check.settings.items()) or "none",
    }
    click.echo(f"{rule}\n{_filled(check.title)}.\n")
    if check.rationale:
        click.echo(_filled(check.rationale) + "\n")
    for name, value in rows.items():
        click.echo(_filled(value, f"{name + ':':14}"))


def _filled(text: str, first: str = "") -> str:
    """Return lines that a terminal has room for, after `first`; what has no blanks is whole, to be copied."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 100)
    return textwrap.fill(
        printable(text),
        width,
        initial_indent=first,
        subsequent_indent=" " * (len(first) if width >= _NARROW else min(len(first), 2)),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _known(profile_name: str | None) -> Mapping[str, Check]:
    """Return the shipped rules, or those of a profile with the severities that it chooses."""
    from amigate.judge import catalogue  # noqa: PLC0415 - imports every check

    if profile_name is None:
        return catalogue.checks()
    from amigate.profile import load  # noqa: PLC0415 - slow to import
    from amigate.rules import rules_of  # noqa: PLC0415

    profile = load(profile_name, frozenset(catalogue.checks()))
    return {
        rule: replace(check, severity=profile.choice(rule).severity or check.severity)
        for rule, check in rules_of(profile).items()
    }

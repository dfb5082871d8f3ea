"""`amigate checks`."""

from __future__ import annotations

import difflib
import textwrap

import click

from amigate.errors import UsageError


@click.group("checks")
def command() -> None:
    """Show the rules."""


@command.command("list")
def list_() -> None:
    """List every rule: severity, id and title."""
    from amigate.judge import catalogue  # noqa: PLC0415 - imports every check

    for rule, check in catalogue.checks().items():
        click.echo(f"{check.severity:8}  {rule:36}  {check.title}")


@command.command("show")
@click.argument("rule")
def show(rule: str) -> None:
    """Show all there is to know about RULE."""
    from amigate.judge import catalogue  # noqa: PLC0415 - imports every check

    known = catalogue.checks()
    if rule not in known:
        near = difflib.get_close_matches(rule, known, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"there is no rule {rule!r}", hint=f"{hint}`amigate checks list` names all rules.")
    check = known[rule]
    rows = {
        "severity": str(check.severity),
        "guideline": check.guideline,
        "source": check.source,
        "witnesses": ", ".join(check.evidence),
        "applies when": check.applies_when or "always",
        "mended by": f"hardening step {check.remedy}" if check.remedy != "none" else "making the image anew",
        "settings": ", ".join(f"{name}: {value}" for name, value in check.settings.items()) or "none",
    }
    click.echo(f"{rule}\n{check.title}.\n")
    if check.rationale:
        click.echo(textwrap.fill(check.rationale, 100) + "\n")
    for name, value in rows.items():
        click.echo(f"{name + ':':14}{value}")

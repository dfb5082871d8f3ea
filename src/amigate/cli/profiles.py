"""`amigate profiles`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from amigate.cli import completing
from amigate.errors import UsageError
from amigate.report.escape import printable

if TYPE_CHECKING:
    from amigate.profile import Profile


@click.group("profiles")
def command() -> None:
    """Show the profiles."""


@command.command("list")
def list_() -> None:
    """List the shipped profiles."""
    from amigate.profile import load, shipped  # noqa: PLC0415 - slow to import

    for name in shipped():
        click.echo(f"{name:14}{load(name).description}")


@command.command("show")
@click.argument("name", shell_complete=completing.profiles)
def show(name: str) -> None:
    """Print the profile NAME, a shipped one or a YAML file, after checking it.

    Rules that its file does not name follow as remarks: those that it has from other profiles or by topic, and your own
    tests."""
    from amigate.profile import shipped  # noqa: PLC0415 - slow to import

    profile = _load(name)
    text = (shipped().get(name) or Path(name)).read_text(encoding="utf-8")
    click.echo(text if text.endswith("\n") else f"{text}\n", nl=False)
    for line in _rules(profile, text.splitlines()):
        click.echo(f"# {line}")


@command.command("lint")
@click.argument("file", nargs=-1, required=True, shell_complete=completing.profiles)
def lint(file: tuple[str, ...]) -> None:
    """Check profiles; errors name file, line and column, also of waivers that have expired.

    Your own tests that they name are listed."""
    from amigate.rules import needs_of  # noqa: PLC0415 - slow to import

    errors = []
    for name in file:
        try:
            profile = _load(name)
            needs_of(profile)
        except UsageError as error:
            errors.append(str(error))
            continue
        errors += [
            printable(f"{place}: the waiver of {waiver.owner} for {waiver.rule} expired on {waiver.expires}")
            for place, waiver in profile.expired().items()
        ]
        for line in _own_rules(profile):
            click.echo(line)
    if errors:
        raise UsageError("\n".join(errors), hint="`amigate profiles show aws-shared` shows a valid profile.")


@command.command("diff")
@click.argument("first", shell_complete=completing.profiles)
@click.argument("second", shell_complete=completing.profiles)
def diff(first: str, second: str) -> None:
    """Show what the profile SECOND requires differently from FIRST.

    A line with - is what only FIRST has, with + what only SECOND has, with ~ what both have differently."""
    from amigate.profile.difference import difference  # noqa: PLC0415 - slow to import

    for line in difference(_load(first), _load(second)):
        click.echo(printable(line))


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of a profile, for editors.

    With the YAML language server, a profile names the file in its first line:
    # yaml-language-server: $schema=profile.schema.json"""
    from amigate.judge import catalogue  # noqa: PLC0415 - imports every check
    from amigate.profile.schema import schema as made  # noqa: PLC0415 - slow to import

    click.echo(json.dumps(made(catalogue.checks()), indent=2))


def _load(name: str) -> Profile:
    """Load a profile and check its rules."""
    from amigate.judge import catalogue  # noqa: PLC0415 - imports every check
    from amigate.profile import load  # noqa: PLC0415

    return load(name, catalogue.checks())


def _own_rules(profile: Profile) -> list[str]:
    """Return a line for each of the user's own tests that is asked."""
    own = {test.id for test in profile.own}
    return [line for rule, line in _lines(profile).items() if rule in own]


def _rules(profile: Profile, text: list[str]) -> list[str]:
    """Return a line for each of the user's own tests, and each rule whose id does not stand where it is asked for."""
    own = {test.id for test in profile.own}
    return [
        line for rule, line in _lines(profile).items() if rule in own or rule not in text[(profile.line(rule) or 1) - 1]
    ]


def _lines(profile: Profile) -> dict[str, str]:
    """Return severity, id and title of each rule that is asked."""
    from amigate.rules import rules_of  # noqa: PLC0415 - imports every check

    return {
        rule: printable(f"{profile.choice(rule).severity or check.severity:8}  {rule}  {check.title}")
        for rule, check in rules_of(profile).items()
    }

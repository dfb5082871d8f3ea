"""`amigate profiles`."""

from __future__ import annotations

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
    """Print the profile NAME, a shipped one or a YAML file, after checking it."""
    from amigate.judge import catalogue  # noqa: PLC0415 - imports every check
    from amigate.profile import load, shipped  # noqa: PLC0415

    profile = load(name, frozenset(catalogue.checks()))
    click.echo((shipped().get(name) or Path(name)).read_text(encoding="utf-8"), nl=False)
    for line in _own_rules(profile):
        click.echo(f"# {line}")


@command.command("lint")
@click.argument("file", nargs=-1, required=True)
def lint(file: tuple[str, ...]) -> None:
    """Check profiles; errors name file, line and column. Your own tests that they name are listed."""
    from amigate.judge import catalogue  # noqa: PLC0415 - imports every check
    from amigate.profile import load  # noqa: PLC0415
    from amigate.rules import needs_of  # noqa: PLC0415

    errors = []
    for name in file:
        try:
            profile = load(name, frozenset(catalogue.checks()))
            needs_of(profile)
            for line in _own_rules(profile):
                click.echo(line)
        except UsageError as error:
            errors.append(str(error))
    if errors:
        raise UsageError("\n".join(errors), hint="`amigate profiles show first-gate` shows a valid profile.")


def _own_rules(profile: Profile) -> list[str]:
    """Return a line for each of the user's own tests."""
    return [
        printable(f"{profile.choice(test.id).severity or test.check.severity:8}  {test.id}  {test.check.title}")
        for test in profile.own
    ]

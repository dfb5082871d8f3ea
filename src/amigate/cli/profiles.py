"""`amigate profiles`."""

from __future__ import annotations

from pathlib import Path

import click

from amigate.errors import UsageError


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
@click.argument("name")
def show(name: str) -> None:
    """Print the profile NAME, a shipped one or a YAML file, after checking it."""
    from amigate.judge import catalogue  # noqa: PLC0415 - imports every check
    from amigate.profile import load, shipped  # noqa: PLC0415

    load(name, frozenset(catalogue.checks()))
    click.echo((shipped().get(name) or Path(name)).read_text(encoding="utf-8"), nl=False)


@command.command("lint")
@click.argument("file", nargs=-1, required=True)
def lint(file: tuple[str, ...]) -> None:
    """Check profiles; errors name file, line and column."""
    from amigate.judge import catalogue  # noqa: PLC0415 - imports every check
    from amigate.profile import load  # noqa: PLC0415

    errors = []
    for name in file:
        try:
            load(name, frozenset(catalogue.checks()))
        except UsageError as error:
            errors.append(str(error))
    if errors:
        raise UsageError("\n".join(errors), hint="`amigate profiles show first-gate` shows a valid profile.")

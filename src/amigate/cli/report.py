"""`amigate report`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from amigate.cli import options, output, saved
from amigate.cli.output import exit_code
from amigate.errors import UsageError
from amigate.report.escape import printable

if TYPE_CHECKING:
    from amigate.result import Report, Witness

JUDGING = ("profile_name", "asked", "accept_partial")
"""Parameters that say how evidence is judged, which a report has been already."""


class _Command(click.Group):
    """Takes what names no subcommand for the file to show: `amigate report FILE`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group("report", cls=_Command, options_metavar="[show] FILE [--format FORMAT[=PATH]]… |")
def command() -> None:
    """Show a report in other formats, or what changed between two.

    `amigate report FILE` is `amigate report show FILE`: its --help names the formats."""


@command.command("show")
@click.argument("file", type=click.Path(path_type=Path))
@options.formats
@options.profile
@options.asked
@options.accept_partial
@click.pass_context
def show(  # noqa: PLR0913 - one parameter per option
    context: click.Context,
    /,
    *,
    file: Path,
    formats: tuple[str, ...],
    profile_name: str,
    asked: tuple[Witness, ...] | None,
    accept_partial: bool,
) -> int:
    """Show a report in other formats.

    FILE is a JSON report, or saved evidence, which is judged again as `amigate validate FILE` does. Nothing is looked
    at, and no AWS account is needed. Exit codes are those of validate: 0 nothing blocks; 1 something blocks; 2 wrong
    call or configuration; 3 could not decide."""
    wanted = output.destinations(formats, option="--format")
    if saved.is_saved(file):
        judge = partial(_judged, file, profile_name, asked, accept_partial=accept_partial)
    else:
        options.refuse(context, "a JSON report", *JUDGING, why="it was judged already")
        judge = partial(_read, file)
    return exit_code(output.judged(judge, wanted))


def _read(file: Path) -> Report:
    from amigate.report.json_reader import load  # noqa: PLC0415 - slow to import

    if not file.is_file():
        raise UsageError(
            f"{printable(str(file))}: there is no such file", hint="Name a JSON report or a file of saved evidence."
        )
    return load(file)


def _judged(file: Path, profile_name: str, asked: tuple[Witness, ...] | None, *, accept_partial: bool) -> Report:
    from amigate.judge import catalogue  # noqa: PLC0415 - slow to import
    from amigate.profile import load  # noqa: PLC0415

    profile = load(profile_name, frozenset(catalogue.checks()))
    return saved.judge(file, profile, asked, accept_partial=accept_partial)

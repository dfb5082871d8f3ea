"""`amigate report`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amigate.cli import options, output, saved
from amigate.cli.output import exit_code
from amigate.errors import UsageError
from amigate.report.escape import printable
from amigate.report.formats import DIFF_FORMATS, FORMATS

if TYPE_CHECKING:
    from amigate.result import Report, Witness

FILE = click.Path(path_type=Path)


class _Command(click.Group):
    """Takes what names no subcommand for the file to show: `amigate report FILE`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(
    "report", cls=_Command, options_metavar="[show] FILE [--format FORMAT[=PATH]]… |", subcommand_metavar="diff A B"
)
def command() -> None:
    """Show a report in other formats, or what changed between two.

    `amigate report FILE` is `amigate report show FILE`: its --help names the formats."""


def _judging(command: options.Command) -> options.Command:
    """Add how saved evidence is judged."""
    return options.profile(options.asked(options.accept_partial(command)))


@command.command("show")
@click.argument("file", type=FILE)
@options.formats(FORMATS)
@_judging
@click.pass_context
def show(context: click.Context, /, *, file: Path, formats: tuple[str, ...], **judging: Any) -> int:
    """Show a report in other formats.

    FILE is a JSON report, or saved evidence, which is judged again as `amigate validate FILE` does. Nothing is looked
    at, and no AWS account is needed. Exit codes are those of validate: 0 nothing blocks; 1 something blocks; 2 wrong
    call or configuration; 3 could not decide."""
    wanted = output.destinations(formats, option="--format")
    if not saved.is_saved(file):
        options.refuse(context, "a JSON report", *judging, why="it was judged already")
    return exit_code(output.judged(partial(_report, file, **judging), wanted))


@command.command("diff")
@click.argument("a", type=FILE)
@click.argument("b", type=FILE)
@options.formats(DIFF_FORMATS)
@_judging
@click.pass_context
def diff(context: click.Context, /, *, a: Path, b: Path, formats: tuple[str, ...], **judging: Any) -> int:
    """Show what changed from report A to report B.

    Each is a JSON report, or saved evidence, which is judged again under --profile. Shown are the verdicts, the rules
    whose status changed, and findings that are new or gone. Exit codes: 0 they were compared, whatever changed; 2
    wrong call or configuration."""
    from amigate.report.diff import compare  # noqa: PLC0415 - only when it is asked for

    wanted = output.destinations(formats, option="--format", formats=DIFF_FORMATS)
    if not saved.is_saved(a) and not saved.is_saved(b):
        options.refuse(context, "JSON reports", *judging, why="they were judged already")
    found = compare(_report(a, **judging), _report(b, **judging))
    output.deliver(wanted, lambda name, _: DIFF_FORMATS[name](found))
    return 0


def _report(file: Path, profile_name: str, asked: tuple[Witness, ...] | None, *, accept_partial: bool) -> Report:
    """Return the report in `file`, or that of judging the evidence in it again; raises UsageError for neither."""
    if not file.is_file():
        raise UsageError(
            f"{printable(str(file))}: there is no such file", hint="Name a JSON report or a file of saved evidence."
        )
    if not saved.is_saved(file):
        from amigate.report.json_reader import load as read  # noqa: PLC0415 - slow to import

        return read(file)
    from amigate.judge import catalogue  # noqa: PLC0415 - slow to import
    from amigate.profile import load  # noqa: PLC0415

    profile = load(profile_name, catalogue.checks())
    return saved.judge(file, profile, asked, accept_partial=accept_partial)

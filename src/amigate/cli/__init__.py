"""The command line: one file per command, imported when it is called; the only place that prints or exits."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from amigate import __version__
from amigate.cli import configured, streams
from amigate.errors import AmigateError, Exit

if TYPE_CHECKING:
    from collections.abc import Iterable

COMMANDS = {
    "validate": "Judge whether a machine image may be shared.",
    "report": "Show a report in other formats, or what changed between two.",
    "share": "Share an AMI with other accounts, if it passes.",
    "inspect": "Show what an AMI is made of, and who may launch it.",
    "bake": "Make a hardened AMI from another one, and judge it.",
    "packer": "Gate the images that a build of Packer has made, and share those that pass.",
    "harden": "Harden a machine of which an image is to be made.",
    "reap": "Remove what runs left behind in an account.",
    "init": "Write a profile and settings to start with, each line with a comment.",
    "doctor": "Say whether amigate can work here, and what to do where it cannot.",
    "checks": "Show the rules.",
    "profiles": "Show the profiles.",
    "completion": "Print what makes a shell complete amigate's words.",
    "sandbox": "Run an EC2 endpoint on this machine, with real virtual machines.",
}
"""Every command and the first line of its help: that line is all that `amigate --help` needs of it."""


_NARROW = 60
"""Columns below which help needs another form than click's, which takes 50 at least."""


class _Formatter(click.HelpFormatter):
    """Leaves room for what words mean, in a narrow terminal too."""

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl(rows, self.width // 3 if self.width < _NARROW else col_max, col_spacing)


click.Context.formatter_class = _Formatter


class _Commands(click.Group):
    """Finds each command in the module of its name, so that help and short commands start at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"amigate.cli.{cmd_name}").command
        return configured.configured(command) if cmd_name in configured.COMMANDS else command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="amigate")
def amigate() -> None:
    """Decide, with proof, whether a machine image may be shared, and share it only then.

    Exit codes: 0 nothing blocks; 1 something blocks; 2 wrong call or configuration; 3 could not decide."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit; every error becomes one message on standard error."""
    streams.prepare()
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    try:
        code: Any = amigate.main(arguments, prog_name="amigate", standalone_mode=False, terminal_width=_width())
    except AmigateError as error:
        _complain(str(error), error.hint)
        return int(error.exit_code)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "amigate"
        _complain(error.format_message(), f"`{where} --help` shows how to call it.")
        return int(Exit.USAGE)
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted; nothing was decided", "What this run had made was removed.")
        return int(Exit.UNDECIDED)
    except click.ClickException as error:
        _complain(error.format_message(), "")
        return int(Exit.USAGE)
    except Exception as error:  # noqa: BLE001 - the last resort: a defect decides nothing and shows no secret
        _complain(*_defect(error))
        return int(Exit.UNDECIDED)
    return code if isinstance(code, int) else int(Exit.OK)


def _width() -> int | None:
    """Return how wide help is in a narrow terminal; click knows for others."""
    columns = shutil.get_terminal_size().columns
    return columns - 2 if columns < _NARROW else None


def _complain(message: str, hint: str) -> None:
    click.echo(f"amigate: error: {message}", err=True)
    if hint:
        click.echo(f"  hint: {hint}", err=True)


def _defect(error: Exception) -> tuple[str, str]:
    """Name a defect by type and place; what it says may quote an image, so that is shown only when asked for."""
    if os.environ.get("AMIGATE_DEBUG"):
        traceback.print_exception(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    hint = "This is a defect of amigate; please report it. AMIGATE_DEBUG=1 shows where, and may show image content."
    return f"{type(error).__name__} at {place}; nothing was decided", hint

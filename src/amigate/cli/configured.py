"""Options that a configuration file or the environment may set: flags win over AMIGATE_…, and that over the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.settings import Settings

COMMANDS = frozenset({"bake", "doctor", "harden", "inspect", "packer", "reap", "report", "share", "validate"})
META = "amigate.settings"
"""Where a context keeps the path of the file that was read."""


def configured(command: click.Command) -> click.Command:
    """Let the options of a command, and of those below it, be set by a file and by the environment."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            configured(each)
        return command
    if any(option.name == "config" for option in command.params):
        return command
    for name, option in _settable(command):
        option.envvar = "AMIGATE_" + name.upper().replace("-", "_")
    command.params.append(
        click.Option(
            ["--config"],
            type=click.Path(path_type=Path),
            envvar="AMIGATE_CONFIG",
            is_eager=True,
            expose_value=False,
            callback=_read,
            metavar="FILE",
            help="File of settings.  [default: the nearest amigate.toml, or pyproject.toml with [tool.amigate]]",
        )
    )
    return command


def _settable(command: click.Command) -> Iterator[tuple[str, click.Option]]:
    from amigate.settings import SETTINGS  # noqa: PLC0415 - only for commands that are run

    for option in command.params:
        for flag in option.opts:
            if isinstance(option, click.Option) and flag.removeprefix("--") in SETTINGS:
                yield flag.removeprefix("--"), option


def _read(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    del parameter
    if context.resilient_parsing:
        return
    from amigate.settings import find, load  # noqa: PLC0415 - not for completion

    settings = find(Path.cwd()) if value is None else load(value)
    if settings is not None:
        context.default_map = _defaults(context, settings)
        context.meta[META] = settings.path


def _defaults(context: click.Context, settings: Settings) -> dict[str, Any]:
    """Return the defaults that the file sets for this command; raises UsageError for what the command refuses."""
    from amigate.errors import UsageError  # noqa: PLC0415 - not for completion

    defaults: dict[str, Any] = {}
    wrong = []
    for name, option in _settable(context.command):
        if name not in settings.values or option.name is None:
            continue
        value = settings.values[name]
        value = [value] if option.multiple and isinstance(value, str) else value
        try:
            option.type_cast_value(context, value)
        except click.BadParameter as error:
            wrong.append(settings.wrong(name, f"{name!r}: {error.message}"))
        defaults[option.name] = value
    if wrong:
        raise UsageError("\n".join(wrong), hint=f"`{context.command_path} --help` says what it takes.")
    return defaults

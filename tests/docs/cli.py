"""What the command line says of calls that pages show, without running them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from amigate.cli import amigate
from amigate.errors import AmigateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CALLED = re.compile(r"(?:^|[`$|&(:/] ?|\brun )amigate (?P<rest>[^`\n]*)", re.MULTILINE)
STARTED = re.compile(r"(?:^\s*(?:- )?(?:run: |\$ )?|/bin/|\brun )amigate [a-z-]", re.MULTILINE)
"""A call where a command of a shell or a job begins."""
_OPTION = re.compile(r"(?<![\w-])--?[a-z][\w-]*")
_ALTERNATIVES = re.compile(r"[a-z][\w-]*(?:\|[a-z][\w-]*)*")
_HELP = ("--help", "-h")


def refused(arguments: Sequence[str]) -> str:
    """Return why the command line refuses such arguments, "" where it takes them; nothing is run."""
    context = click.Context(amigate, info_name="amigate")
    command: click.Command = amigate
    rest = list(arguments)
    try:
        while isinstance(command, click.Group):
            if not rest or rest[0].startswith("-"):
                return "" if rest in (["--help"], ["-h"], ["--version"]) else f"{context.command_path} with {rest}"
            found = command.get_command(context, rest[0])
            if found is None and "show" in command.list_commands(context) and command.name == "report":
                found, rest = command.get_command(context, "show"), ["show", *rest]
            if found is None:
                return f"there is no `{context.command_path} {rest[0]}`"
            command, context = found, click.Context(found, info_name=rest[0], parent=context)
            rest = rest[1:]
        command.make_context(context.info_name, rest, parent=context.parent)
    except click.exceptions.Exit:  # --help
        return ""
    except (click.ClickException, AmigateError) as error:
        return f"{context.command_path}: {error}"
    return ""


def unknown(text: str) -> Iterator[str]:
    """Yield what `text` calls amigate with and there is not: commands and options by name, in synopses too."""
    for called in CALLED.finditer(text):
        yield from _unknown(called["rest"])


def _unknown(rest: str) -> Iterator[str]:
    commands: list[click.Command] = [amigate]
    words = rest.split()
    while words and any(isinstance(each, click.Group) for each in commands):
        if not _ALTERNATIVES.fullmatch(words[0]):
            break
        below = [_below(commands, name) for name in words[0].split("|")]
        if not any(below) and commands[0] is not amigate:
            break  # a file's name, as in `amigate report FILE`
        if missing := [name for name, found in zip(words[0].split("|"), below, strict=True) if not found]:
            yield f"amigate {' '.join(missing)}"
            return
        commands = [each for found in below for each in found]
        words = words[1:]
    known = {flag for each in commands for option in _params(each) for flag in [*option.opts, *option.secondary_opts]}
    for flag in _OPTION.findall(" ".join(words)):
        if flag not in known | set(_HELP):
            yield f"{flag} in `amigate {rest}`"


def _below(commands: Sequence[click.Command], name: str) -> list[click.Command]:
    groups = [each for each in commands if isinstance(each, click.Group)]
    found = [each.get_command(click.Context(each), name) for each in groups]
    return [each for each in found if each is not None]


def _params(command: click.Command) -> list[click.Parameter]:
    """Return the parameters of a command, and of those that are called by a group's name alone."""
    shown_alone = command.commands.get("show") if isinstance(command, click.Group) else None
    return [*command.params, *(shown_alone.params if shown_alone else [])]


def options() -> set[str]:
    """Return every option of every command."""
    return {flag for command in _all(amigate) for option in command.params for flag in option.opts} | set(_HELP)


def _all(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from _all(below)

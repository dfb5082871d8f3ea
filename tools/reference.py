"""The text of docs/reference: the command line as click has it, and the report as its schema has it.

Help texts are taken as they are declared, not as a version of click lays them out on some terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amigate.cli import amigate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "reference"
SCHEMA = ROOT / "src" / "amigate" / "report" / "schema.json"
CLI_HEAD = """\
# The command line

Made by `tools/generate.py`; `amigate COMMAND --help` says the same. An option that is not given is taken from its
variable, and that from the file of [settings](../configuration.md), where there are such. How to read what is printed:
[reports](../reports.md).
"""
REPORT_HEAD = """\
# The JSON report

Made by `tools/generate.py` from [schema.json](../../src/amigate/report/schema.json), which validators take.
`--report json` writes it, `amigate report` reads it; [reports](../reports.md) says how to read one.
`schema` is another one when a field is taken away or means something else.
"""


def pages() -> dict[Path, str]:
    """Return the text that each page in docs/reference ought to have."""
    return {FOLDER / "cli.md": _cli(), FOLDER / "report.md": _report()}


def _cli() -> str:
    context = click.Context(amigate, info_name="amigate")
    return CLI_HEAD + "".join(_command(amigate, "amigate", context))


def _command(command: click.Command, path: str, context: click.Context) -> Iterator[str]:
    """Yield what there is to say of a command, and then of those below it."""
    yield f"\n## {path}\n\n```text\n{path}{_usage(command)}\n```\n\n{_prose(command.help or '')}\n"
    options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    if options:
        yield "\n| option | | environment |\n|---|---|---|\n"
        yield from map(_row, options)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _command(below, f"{path} {name}", context)


def _usage(command: click.Command) -> str:
    arguments = [_argument(each) for each in command.params if isinstance(each, click.Argument)]
    return "".join(f" {word}" for word in ["[OPTIONS]", *arguments, *["COMMAND"] * isinstance(command, click.Group)])


def _argument(argument: click.Argument) -> str:
    name = _values(argument) or (argument.name or "").upper()
    return (name if argument.required else f"[{name}]") + "…" * (argument.nargs == -1)


def _row(option: click.Option) -> str:
    flags = ", ".join([*option.opts, *option.secondary_opts])
    value = "" if option.is_flag else f" {option.metavar or _values(option) or _kind(option)}"
    env = option.envvar if isinstance(option.envvar, str) else ""
    cells = [f"`{flags}{value}`".replace("|", "\\|"), _text(option), f"`{env}`" * bool(env)]
    return f"| {' | '.join(cells)} |\n"


def _text(option: click.Option) -> str:
    said = " ".join((option.help or "").split()).replace("|", "\\|").replace("<", "\\<")
    default = option.show_default if isinstance(option.show_default, str) else option.default
    return f"{said} [default: {default}]" if option.show_default else said


def _values(parameter: click.Parameter) -> str:
    return "|".join(map(str, parameter.type.choices)) if isinstance(parameter.type, click.Choice) else ""


def _kind(parameter: click.Parameter) -> str:
    kind = parameter.type
    if isinstance(kind, click.Path | click.File):
        return "FILE"
    return "NUMBER" if kind.name.startswith(("integer", "float")) else "TEXT"


def _prose(text: str) -> str:
    return "\n\n".join(" ".join(each.split()) for each in text.split("\n\n"))


def _report() -> str:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return REPORT_HEAD + "".join(_section(each, name) for name, each in _named(schema))


def _named(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what has a section of its own: the report, the objects that stand in it, and the schema's definitions."""
    yield "the report", schema
    for name, each in schema["properties"].items():
        inner = each.get("items", each)
        if "properties" in inner:
            yield name, inner
    yield from schema["$defs"].items()


def _section(schema: Mapping[str, Any], name: str) -> str:
    said = "".join(f"{text}\n\n" for text in [schema.get("description", "")] if text)
    body = _fields(schema) if "properties" in schema else f"{_kind_of(schema, name)}\n"
    return f"\n## {name}\n\n{said}{body}"


def _fields(schema: Mapping[str, Any]) -> str:
    rows = [
        f"| `{name}`{'' if name in schema['required'] else ' (may be missing)'} | {_kind_of(each, name)} | "
        f"{'' if 'properties' in each else each.get('description', '')} |\n"
        for name, each in schema["properties"].items()
    ]
    return "| field | | |\n|---|---|---|\n" + "".join(rows)


def _kind_of(schema: Mapping[str, Any], name: str) -> str:
    """Return in words what a value is; what has a section of its own, as a link to it."""
    match schema:
        case {"$ref": str(place)}:
            said = _link(place.rsplit("/", 1)[-1])
        case {"const": value}:
            said = f"`{json.dumps(value)}`"
        case {"enum": values}:
            said = " · ".join(f"`{value}`" for value in values)
        case {"anyOf": either}:
            said = " or ".join(_kind_of(each, name) for each in either)
        case {"items": items}:
            said = f"list of {_kind_of(items, name)}"
        case {"properties": _}:
            said = _link(name)
        case {"additionalProperties": values}:
            said = f"object of {_kind_of(values, name)}"
        case {"type": [*kinds]}:
            said = " or ".join(kinds)
        case _:
            said = schema["type"]
    return said


def _link(name: str) -> str:
    return f"[{name}](#{name})"

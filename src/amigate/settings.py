"""What a user sets once instead of on every command line: `amigate.toml`, or `[tool.amigate]` of pyproject.toml.

Only how amigate works can be set, never what an answer is worth: that fewer witnesses will do, with whom an image is
shared, or which endpoint is asked is said on the command line."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from amigate.errors import UsageError
from amigate.report.escape import printable
from amigate.toml_places import place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TEXT, TEXTS, INTEGER, NUMBER, SWITCH = (
    "a string",
    "a string or a list of strings",
    "an integer",
    "a number",
    "a boolean",
)
SETTINGS: Mapping[str, str] = {
    "profile": TEXT,
    "region": TEXT,
    "report": TEXTS,
    "quiet": SWITCH,
    "verbose": SWITCH,
    "user": TEXTS,
    "ssh-port": INTEGER,
    "timeout": NUMBER,
    "runner-cidr": TEXT,
    "subnet": TEXT,
    "instance-type": TEXT,
    "ssh-address": TEXT,
    "ssh-jump": TEXT,
    "ssh-jump-identity": TEXT,
}
"""What can be set, named as the flags are, and what it has to be."""
FLAG_ONLY = frozenset(
    {"accept-partial", "account", "deregister-failed", "dry-run", "endpoint-url", "evidence", "keep", "save-evidence"}
)
"""Flags that decide what one run means, or whom it trusts: no file sets them."""
NAMES = ("amigate.toml", "pyproject.toml")
"""In the order in which they are looked for in a folder."""
_MAX_BYTES = 1 << 20
_HINT = "docs/configuration.md has all settings; `amigate init` writes a file that works."


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one file sets."""

    path: Path
    values: Mapping[str, Any]
    """By name; paths are absolute, or relative to the working directory as `path` is."""
    text: str = field(repr=False)
    table: tuple[str, ...] = ()
    """Of the document: `tool.amigate` in pyproject.toml."""

    def wrong(self, name: str, message: str) -> str:
        """Return the line of an error about the setting `name`: file:line:column, and what is wrong."""
        line, column = place(self.text, (*self.table, name))
        return printable(f"{self.path}:{line}:{column}: {message}")


def find(folder: Path) -> Settings | None:
    """Return what is set by the nearest file from `folder` upwards, None where there is none.

    Raises UsageError for a file that is wrong, or that belongs to somebody else (who could choose the profile)."""
    for each in (folder, *folder.parents):
        for name in NAMES:
            path = each / name
            if path.is_file():
                settings = load(path)
                if settings is not None:
                    _require_own(path)
                    return settings
    return None


def load(path: Path) -> Settings | None:
    """Return what the file at `path` sets; None for a pyproject.toml without `[tool.amigate]`.

    Raises UsageError for a file that cannot be read, or that sets what is unknown or of another type."""
    text = _read(path)
    data = _parse(path, text)
    table: tuple[str, ...] = ()
    if path.name == "pyproject.toml":
        tool = data.get("tool")
        if not isinstance(tool, dict) or "amigate" not in tool:
            return None
        data, table = tool["amigate"], ("tool", "amigate")
        if not isinstance(data, dict):
            line, column = place(text, table)
            raise UsageError(f"{path}:{line}:{column}: 'tool.amigate' has to be a table", hint=_HINT)
    settings = Settings(path=path, values=_resolved(data, path.parent), text=text, table=table)
    wrong = list(_wrong(data, settings))
    if wrong:
        raise UsageError("\n".join(wrong), hint=_HINT)
    return settings


def _wrong(data: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    for name, value in data.items():
        if name in FLAG_ONLY:
            yield settings.wrong(name, f"{name!r} can be given on the command line alone")
        elif name not in SETTINGS:
            near = difflib.get_close_matches(name, SETTINGS, 1)
            yield settings.wrong(name, f"unknown setting {name!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
        elif not _is(value, SETTINGS[name]):
            yield settings.wrong(name, f"{name!r} has to be {SETTINGS[name]}")


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == SWITCH
    if isinstance(value, list):
        return kind == TEXTS and all(isinstance(each, str) for each in value)
    if isinstance(value, str):
        return kind in {TEXT, TEXTS}
    return kind == NUMBER if isinstance(value, float) else isinstance(value, int) and kind in {INTEGER, NUMBER}


def _resolved(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the values, with paths that lead from the file's folder."""
    values = dict(data)
    profile, identity = values.get("profile"), values.get("ssh-jump-identity")
    if isinstance(profile, str) and ("/" in profile or profile.endswith((".yaml", ".yml"))):
        values["profile"] = str(folder / profile)
    if isinstance(identity, str):
        values["ssh-jump-identity"] = str(folder / identity)
    reports = values.get("report")
    if isinstance(reports, str | list):
        values["report"] = [_report(each, folder) for each in ([reports] if isinstance(reports, str) else reports)]
    return values


def _report(report: Any, folder: Path) -> Any:
    name, equals, path = report.partition("=") if isinstance(report, str) else (report, "", "")
    return f"{name}={folder / path}" if equals and path else report


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
        if len(raw) <= _MAX_BYTES:
            return raw.decode("utf-8").replace("\r\n", "\n")
        problem = "larger than a configuration file can be"
    except OSError as error:
        problem = str(error.strerror)
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 at byte {error.start}"
    raise UsageError(f"{printable(str(path))}: {problem}", hint="Name another with --config.")


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        found = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
        line, column = (int(found[1]), int(found[2])) if found else (text.count("\n") + 1, len(text) - text.rfind("\n"))
        message = re.sub(r" \(at [^()]*\)$", "", str(error))
        raise UsageError(printable(f"{path}:{line}:{column}: {message}"), hint="Mend the TOML.") from None


def _require_own(path: Path) -> None:
    if path.stat().st_uid not in {0, os.getuid()}:
        raise UsageError(
            f"{printable(str(path))}: the file belongs to another user, who could choose what is required of images",
            hint=f"If you trust it, name it: --config {printable(str(path))} (or AMIGATE_CONFIG).",
        )

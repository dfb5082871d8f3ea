"""What commands print, kept where it is all of the form that was asked for."""

from __future__ import annotations

import json
import re
from typing import Any

from amigate.evidence.redaction.kept import Kept, Mac, UnknownFormError, all_lines, decoded, encoded, placeholder

_PATH = re.compile(r"/[^\x00-\x1f\x7f]{0,4095}")
_NUMBERS = re.compile(rb"[0-9. \n]{0,4096}")
_UUID = re.compile(rb"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\n?)?")
_PACKAGE = re.compile(r"[a-z-]{1,40}(?: [\w.+~:^()@/-]{0,400}){1,3}", re.ASCII)
_ANCHOR = re.compile(
    r"(?:added [0-9]{1,9} SHA256:[0-9a-f]{64}|untold) /[^\x00-\x1f\x7f]{0,8191}\t[^\x00-\x1f\x7f]{0,200}"
)
_STATE = re.compile(r"[a-z-]{0,40}")
_UNIT = re.compile(
    r"\s{0,8}(?P<name>[\w:.@\\-]{1,255}\.[a-z]{4,9})(?P<states>(?:\s{1,200}[a-z-]{1,40}){0,3})(?=\s|$)", re.ASCII
)
_WORDS = re.compile(r"[a-z -]{0,40}")
_LEVEL = re.compile(r"[A-Z]{1,20}")
_MOST_ERRORS = 1000


def paths(content: bytes, mac: Mac) -> Kept:
    """Keep absolute paths."""
    del mac
    return all_lines(content, _PATH.fullmatch)


def numbers(content: bytes, mac: Mac) -> Kept:
    """Keep digits, dots and blanks."""
    del mac
    return _all(content, _NUMBERS)


def uuid(content: bytes, mac: Mac) -> Kept:
    """Keep one UUID."""
    del mac
    return _all(content, _UUID)


def packages(content: bytes, mac: Mac) -> Kept:
    """Keep lines of status, name and version."""
    del mac
    return all_lines(content, _PACKAGE.fullmatch)


def trust_anchors(content: bytes, mac: Mac) -> Kept:
    """Keep lines about certificates that were added."""
    del mac
    return all_lines(content, _ANCHOR.fullmatch)


def units(content: bytes, mac: Mac) -> Kept:
    """Keep the state in the first line and each unit's name and states; descriptions are anybody's words."""
    state, *lines = decoded(content).split("\n")
    if not _STATE.fullmatch(state) or len(lines) > _MOST_ERRORS:
        raise UnknownFormError
    kept = [_unit(line, mac) if line.strip() else "" for line in lines]
    return Kept(content=encoded("\n".join([state, *kept])))


def cloud_init_status(content: bytes, mac: Mac) -> Kept:
    """Keep the states and the number of errors of cloud-init's JSON; its messages may quote user data."""
    text = decoded(content)
    if not text.strip():
        return Kept(content=b"")
    try:
        said = json.loads(text[max(text.find("{"), 0) :])
    except (ValueError, RecursionError):
        raise UnknownFormError from None
    if not isinstance(said, dict):
        raise UnknownFormError
    return Kept(content=json.dumps(_status(said, mac)).encode("ascii"))


def _status(said: dict[str, Any], mac: Mac) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name in ("status", "extended_status"):
        if name in said and said[name] is not None:
            text = str(said[name])
            kept[name] = text if _WORDS.fullmatch(text) else placeholder(text, mac)
    if "errors" in said:
        kept["errors"] = _messages(said["errors"], mac)
    if isinstance(recoverable := said.get("recoverable_errors"), dict):
        if not all(_LEVEL.fullmatch(level) and isinstance(each, list) for level, each in recoverable.items()):
            raise UnknownFormError
        kept["recoverable_errors"] = {level: _messages(each, mac) for level, each in recoverable.items()}
    if isinstance(ended := said.get("v1"), dict):
        kept["v1"] = {"errors": _messages(ended.get("errors"), mac)}
    return kept


def _messages(value: object, mac: Mac) -> list[str] | None:
    if not isinstance(value, list):
        return None
    if len(value) > _MOST_ERRORS:
        raise UnknownFormError
    return [placeholder(each if isinstance(each, str) else "", mac) for each in value]


def _unit(line: str, mac: Mac) -> str:
    found = _UNIT.match(line)
    return " ".join([found["name"], *found["states"].split()]) if found else placeholder(line, mac)


def _all(content: bytes, form: re.Pattern[bytes]) -> Kept:
    if not form.fullmatch(content):
        raise UnknownFormError
    return Kept(content=content)

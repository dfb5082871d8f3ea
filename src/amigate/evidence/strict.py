"""Reading JSON back into values: every field there, of its type, and no other; raises MalformedError otherwise."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from amigate.evidence.inspection import Inspection
from amigate.evidence.keep import Keep
from amigate.evidence.model import Viewpoint
from amigate.result import Target, Witness

Value = TypeVar("Value")

_NAMES = {"Mapping": Mapping, "Inspection": Inspection, "Keep": Keep, "Target": Target, "Witness": Witness}
"""What the model's annotations name and its modules import for type checking only."""


class MalformedError(ValueError):
    """It is not what was written; says where, and nothing of what stands there."""


def parse(text: str) -> Any:
    """Return the JSON value in `text`; names given twice, infinite numbers and endless nesting are refused."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_number, parse_float=_finite)
    except MalformedError:
        raise
    except json.JSONDecodeError as error:
        raise MalformedError(f"it is no JSON (line {error.lineno}, column {error.colno})") from None
    except (ValueError, RecursionError):
        raise MalformedError("it is no JSON") from None


def decode(kind: type[Value], value: object, where: str) -> Value:
    """Return `value` as a `kind`, one of the model's classes; `where` names it in errors."""
    decoded: Value = _any(kind, value, where)
    return decoded


def _any(kind: Any, value: object, where: str) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _fields(kind, value, where)
    origin = typing.get_origin(kind)
    if origin is None:
        return _scalar(kind, value, where)
    arguments = typing.get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        inner = next(each for each in arguments if each is not types.NoneType)
        return None if value is None else _any(inner, value, where)
    if origin is Mapping:
        _require(isinstance(value, dict), where)
        keys, values = arguments
        return {_key(keys, name, where): _any(values, each, f"{where}.{name}") for name, each in value.items()}  # type: ignore[attr-defined] # a dict
    _require(isinstance(value, list), where)
    return origin(_any(arguments[0], each, f"{where}[{number}]") for number, each in enumerate(value))  # type: ignore[arg-type,var-annotated] # a list


def _fields(kind: type, value: object, where: str) -> Any:
    hints = _hints(kind)
    if not isinstance(value, dict) or value.keys() != hints.keys():
        raise MalformedError(f"{_shown(where)} has not the fields of {kind.__name__}")
    return kind(**{name: _any(hint, value[name], f"{where}.{name}") for name, hint in hints.items()})


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return typing.get_type_hints(kind, localns=_NAMES)


def _scalar(kind: Any, value: object, where: str) -> Any:
    if kind is Any:
        return value
    if kind is bytes:
        return _bytes(value, where)
    if kind is float:
        _require(isinstance(value, int | float) and not isinstance(value, bool), where)
        return value
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        _require(isinstance(value, str) and value in set(kind), where)
        return kind(str(value))
    _require(type(value) is kind, where)
    return value


def _bytes(value: object, where: str) -> bytes:
    try:
        decoded = base64.b64decode(value if isinstance(value, str) else "?", validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError(f"{_shown(where)} is no base64") from None
    _require(base64.b64encode(decoded).decode("ascii") == value, where)
    return decoded


def _key(kind: Any, name: str, where: str) -> Any:
    if kind is str:
        return name
    try:
        viewpoint = Viewpoint.parse(name)
    except ValueError:
        raise MalformedError(f"{_shown(where)} has a viewpoint that there is not") from None
    _require(str(viewpoint) == name, where)
    return viewpoint


def _require(holds: bool, where: str) -> None:  # noqa: FBT001 - an assertion
    if not holds:
        raise MalformedError(f"{_shown(where)} is of another type")


def _shown(where: str) -> str:
    return where if len(where) <= 120 else f"{where[:120]}…"  # noqa: PLR2004 - enough to find it


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedError("a name stands in it twice")
    return found


def _no_number(text: str) -> float:
    raise MalformedError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedError("a number in it is too large")
    return number

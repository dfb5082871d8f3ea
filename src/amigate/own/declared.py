"""What `@check(…)` says on a user's test, read from the file: so every value in it must be a literal."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from amigate.check import check, check_of
from amigate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amigate.check import Check

Function = ast.FunctionDef | ast.AsyncFunctionDef
Names = frozenset[str]
"""The dotted names under which a file knows amigate's `check`."""

_MODULES = ("amigate", "amigate.check")
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+){0,15}")
_SHIPPED_ONLY = ("remedy", "preflight")
_HINT = '`@check("an-id", severity="high")`: docs/own-checks.md has all of it.'


def names_of_check(tree: ast.Module) -> Names:
    """Return what amigate's `check` is called in a file."""
    return frozenset(_names(tree))


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in _MODULES and not node.level:
            yield from (each.asname or each.name for each in node.names if each.name == "check")
        elif isinstance(node, ast.Import):
            yield from (f"{each.asname or each.name}.check" for each in node.names if each.name in _MODULES)


def declared_on(function: Function, names: Names, path: Path) -> Check | None:
    """Return what `@check` declares on `function`, None without it; raises UsageError with file:line:column."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) in names:
            place = f"{path}:{decorator.lineno}:{decorator.col_offset + 1}"
            return _checked(decorator, ast.get_docstring(function), place)
    return None


def _checked(call: ast.Call, docstring: str | None, place: str) -> Check:
    """Declare it on a stand-in, so that a file and its import are read alike."""

    def stand_in() -> None: ...

    stand_in.__doc__ = docstring
    try:
        arguments = [ast.literal_eval(each) for each in call.args]
        keywords = {each.arg: ast.literal_eval(each.value) for each in call.keywords if each.arg}
    except ValueError:
        raise UsageError(f"{place}: every value of @check must be a literal", hint=_HINT) from None
    if len(keywords) < len(call.keywords):
        raise UsageError(f"{place}: every value of @check must be written out", hint=_HINT)
    if refused := sorted(keywords.keys() & set(_SHIPPED_ONLY)):
        raise UsageError(f"{place}: {', '.join(refused)}: for shipped rules only", hint=_HINT)
    try:
        declared = check_of(check(*arguments, **keywords)(stand_in))
    except (TypeError, ValueError) as error:
        raise UsageError(f"{place}: {error}", hint=_HINT) from None
    assert declared is not None, "the decorator marks"
    if not _ID.fullmatch(str(declared.id)):
        raise UsageError(f"{place}: an id is of small letters, digits and dashes", hint=_HINT)
    return declared

"""Which tests there are in a user's folder: read from the files, never by running them.

So no conftest, plugin, skip or deselection can make one vanish: what is listed here and never answers could not be
decided."""

from __future__ import annotations

import ast
import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from urllib.parse import quote

from amigate.check import OWN, Check
from amigate.errors import UsageError
from amigate.own.declared import Function, declared_on, names_of_check
from amigate.result import Severity, Witness

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from amigate.own.declared import Names

FILES_LIMIT = 1000
"""Most files of one entry of a profile."""
FILE_CAP_BYTES = 1024 * 1024
HINT = "docs/own-checks.md says how a folder of tests joins a profile."


@dataclass(frozen=True, kw_only=True)
class OwnTest:
    """One test function of the user's, and the rule that it is."""

    entry: str
    """The line of the profile that it came by."""
    folder: Path
    """The folder that the line names, or that of the file that it names; conftest.py counts from here down."""
    path: Path
    file: str
    """The path as the profile names it."""
    name: str
    """As in pytest's node ids, without parameters: `test_port` or `TestApp::test_port`."""
    check: Check
    line: int
    source: bytes
    """The content of the file."""

    @property
    def id(self) -> str:
        """The rule's id."""
        return self.check.id

    @property
    def place(self) -> str:
        """Where it stands, as file:line."""
        return f"{self.path}:{self.line}"


def find(entry: str, base: Path, where: str) -> tuple[OwnTest, ...]:
    """Return the tests of `entry`, a folder or file relative to `base`; `where` is the place of the entry itself.

    Raises UsageError, with file:line:column, for what cannot be listed in full."""
    top = (base / entry).resolve()
    if not top.exists():
        raise UsageError(f"{where}: there is nothing at {entry}, seen from the profile", hint=HINT)
    named = PurePath(os.path.normpath(entry))
    folder = top if top.is_dir() else top.parent
    found: list[OwnTest] = []
    for path in _files(top, where):
        found += _tests(named, folder, path, named / path.relative_to(top))
    if not found:
        raise UsageError(f"{where}: no test_*.py or *_test.py with a test function in {entry}", hint=HINT)
    return tuple(found)


def refuse_twins(tests: Iterable[OwnTest]) -> None:
    """Raise UsageError for a rule or a file that is there twice: one of them would answer for the other."""
    seen: dict[tuple[str, ...], OwnTest] = {}
    for test in tests:
        for key in ((test.id,), (str(test.path), test.name)):
            if key in seen:
                raise UsageError(f"{test.place}: {test.id} is the test at {seen[key].place} already", hint=HINT)
            seen[key] = test


def digest(tests: Iterable[OwnTest]) -> bytes:
    """Return a digest of what the tests are made of: their files, and the other Python files in their folders."""
    files = {test.file: test.source for test in tests}
    for folder, entry in sorted({(test.folder, test.entry) for test in tests}):
        whole = entry not in files
        for path in _walk(folder) if whole else (folder / "conftest.py",):
            if path.suffix == ".py" and path.is_file():
                files[f"{entry}/{path.relative_to(folder)}"] = path.read_bytes()
    found = hashlib.sha256()
    for name in sorted(files):
        found.update(f"{name}\n".encode() + hashlib.sha256(files[name]).digest())
    return found.digest()


def _files(top: Path, where: str) -> list[Path]:
    if top.is_file():
        return [top]
    found = []
    for path in _walk(top):
        found += [path] if _is_test_file(path.name) else []
        if len(found) > FILES_LIMIT:
            raise UsageError(f"{where}: more than {FILES_LIMIT} files of tests", hint="Name a smaller folder.")
    return found


def _walk(top: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__")))
        yield from (Path(folder, name) for name in sorted(names))


def _is_test_file(name: str) -> bool:
    return name.endswith("_test.py") or (name.startswith("test_") and name.endswith(".py"))


def _tests(named: PurePath, folder: Path, path: Path, relative: PurePath) -> Iterator[OwnTest]:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="Check the file's permissions.") from None
    if len(source) > FILE_CAP_BYTES:
        raise UsageError(f"{path}: larger than a file of tests can be", hint=HINT)
    tree = _parse(source, path)
    names = names_of_check(tree)
    seen: dict[str, int] = {}
    for name, function in _functions(tree.body, _classes(tree)):
        if name in seen:
            place = f"{path}:{function.lineno}:{function.col_offset + 1}"
            raise UsageError(f"{place}: {name} stands in line {seen[name]} already, and would not run", hint=HINT)
        seen[name] = function.lineno
        check = _check(f"user:{quote(str(relative))}::{quote(name, safe=':')}", name, function, names, path)
        yield OwnTest(
            entry=str(named),
            folder=folder,
            path=path,
            file=str(relative),
            name=name,
            check=check,
            line=function.lineno,
            source=source,
        )
    if not seen:
        raise UsageError(f"{path}:1:1: there is no test in this file", hint=HINT)


def _parse(source: bytes, path: Path) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise UsageError(
            f"{path}:{error.lineno or 1}:{error.offset or 1}: {error.msg}", hint="Mend the file."
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"{path}:1:1: no Python ({type(error).__name__})", hint="Mend the file.") from None


def _functions(body: Sequence[ast.stmt], classes: dict[str, ast.ClassDef]) -> Iterator[tuple[str, Function]]:
    """Yield every test with its name, as pytest's defaults find them."""
    for node in _statements(body):
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            inside = _functions(_members(node, classes, frozenset()), classes)
            yield from ((f"{node.name}::{name}", function) for name, function in inside)
        elif isinstance(node, Function) and node.name.startswith("test") and not _is_fixture(node):
            yield node.name, node


def _statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield the statements of a block, and those of what stands in it under a condition."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.TryStar | ast.With | ast.For | ast.While | ast.ExceptHandler):
            yield from _statements(ast.iter_child_nodes(node))
        elif isinstance(node, ast.Match):
            for case in node.cases:
                yield from _statements(case.body)


def _classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in _statements(tree.body) if isinstance(node, ast.ClassDef)}


def _members(node: ast.ClassDef, classes: dict[str, ast.ClassDef], above: frozenset[str]) -> list[ast.stmt]:
    """Return a class's own statements, and those of its bases in the same file that it does not replace."""
    members = list(node.body)
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in classes and base.id not in above | {node.name}:
            known = {each.name for each in members if isinstance(each, Function | ast.ClassDef)}
            inherited = _members(classes[base.id], classes, above | {node.name})
            members += [e for e in inherited if isinstance(e, Function | ast.ClassDef) and e.name not in known]
    return members


def _is_fixture(function: Function) -> bool:
    called = [each.func if isinstance(each, ast.Call) else each for each in function.decorator_list]
    names = {each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "") for each in called}
    return "fixture" in names


def _check(rule: str, name: str, function: Function, names: Names, path: Path) -> Check:
    """Return what `@check` declares on the function; without it, a test about a running machine that blocks."""
    arguments = function.args
    facts = frozenset(each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs))
    if declared := declared_on(function, names, path):
        return replace(declared, facts=facts)
    title, _, rationale = (ast.get_docstring(function) or "").strip().partition("\n")
    return Check(
        id=rule,
        severity=Severity.HIGH,
        guideline=OWN,
        source="",
        evidence=(Witness.INSTANCE,),
        remedy="none",
        applies_when="",
        preflight=False,
        facts=facts,
        title=title.rstrip(".") or name,
        rationale=" ".join(rationale.split()),
    )

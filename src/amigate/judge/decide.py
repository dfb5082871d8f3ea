"""What status an ended check has: decided here, and nowhere else."""

from __future__ import annotations

import ast
import linecache
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError, NotApplicableError, OnlyLiveError, WarnError
from amigate.errors import AmigateError
from amigate.result import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from types import TracebackType


@dataclass(frozen=True, kw_only=True)
class Decision:
    """How one judgement ended."""

    status: Status
    message: str = ""
    findings: tuple[Finding, ...] = ()
    only_live: bool = False
    """Inconclusive because only a running machine can tell."""


class OutOfTimeError(Exception):
    """A check took longer than a rule may."""


class NotRunError(Exception):
    """A test was to be judged and its body was never called."""


class ReturnedError(Exception):
    """A test returned a value instead of asserting it."""


def decide(  # noqa: C901, PLR0911 - one for each way to end
    error: BaseException | None, *, judging: bool
) -> Decision:
    """Return the decision for a check that ended with `error`, None when it returned.

    `judging` is false while facts are still being read: an assertion then is no judgement. Texts never hold what
    an exception of a library says, because that may quote the image."""
    import pytest  # noqa: PLC0415 - the judge's parent reads decisions and makes none

    match error:
        case None:
            return Decision(status=Status.PASS)
        case NotApplicableError():
            return Decision(status=Status.NOT_APPLICABLE, message=str(error))
        case WarnError():
            return Decision(status=Status.WARN, message=str(error), findings=error.findings)
        case OnlyLiveError():
            return Decision(status=Status.INCONCLUSIVE, message=str(error), only_live=True)
        case InconclusiveError() | AmigateError():
            return Decision(status=Status.INCONCLUSIVE, message=str(error))
        case OutOfTimeError():
            return Decision(status=Status.INCONCLUSIVE, message="the check did not end in time")
        case NotRunError():
            return Decision(status=Status.INCONCLUSIVE, message="the test was not run")
        case ReturnedError():
            return Decision(status=Status.INCONCLUSIVE, message="the test returned a value: was it to assert it?")
        case pytest.skip.Exception():
            return Decision(status=Status.INCONCLUSIVE, message="the check skipped itself, which decides nothing")
        case AssertionError() | pytest.fail.Exception() if judging and not _inside_testinfra(error):
            return _failed(error)
        case _:
            return Decision(status=Status.INCONCLUSIVE, message=f"the check broke: {raised_at(error)}")


def worst(decisions: Collection[Decision]) -> Decision:
    """Combine the judgements of one rule: the worst answer counts, with the findings of all that say the same."""
    order = (Status.FAIL, Status.INCONCLUSIVE, Status.WAIVED, Status.WARN, Status.PASS, Status.NOT_APPLICABLE)
    status = min((decision.status for decision in decisions), key=order.index)
    same = [decision for decision in decisions if decision.status is status]
    messages = dict.fromkeys(decision.message for decision in same if decision.message)
    return Decision(
        status=status,
        message="; ".join(messages),
        findings=tuple(merge(finding for decision in same for finding in decision.findings)),
    )


def merge(findings: Iterable[Finding]) -> list[Finding]:
    """Return each finding once, with all the viewpoints that saw it."""
    from dataclasses import replace  # noqa: PLC0415

    merged: dict[Finding, list[str]] = {}
    for finding in findings:
        seen = merged.setdefault(replace(finding, seen=""), [])
        if finding.seen and finding.seen not in seen:
            seen.append(finding.seen)
    return [replace(finding, seen=", ".join(seen)) for finding, seen in merged.items()]


def _failed(error: BaseException) -> Decision:
    findings = _asserted(error)
    if not findings:
        return Decision(status=Status.FAIL, message=f"the requirement is not met: {raised_at(error)}")
    number = len(findings)
    return Decision(status=Status.FAIL, message=f"{number} finding{'s' * (number > 1)}", findings=findings)


def _asserted(error: BaseException) -> tuple[Finding, ...]:
    """Return the findings of the `assert not FINDINGS` that raised `error`, by evaluating FINDINGS once more.

    That is sound because facts are values: the same expression over them has the same value. What is no such
    assertion, or no list of findings, gives none."""
    frame = _last(error.__traceback__)
    if frame is None:
        return ()
    code = frame.tb_frame.f_code
    source = textwrap.dedent("".join(linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]))
    number = frame.tb_lineno - code.co_firstlineno + 1
    for node in _asserts(source):
        covers = node.lineno <= number <= (node.end_lineno or node.lineno)
        if covers and isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not):
            expression = compile(ast.Expression(node.test.operand), "<assert>", "eval")
            try:
                value = eval(expression, {**frame.tb_frame.f_globals, **frame.tb_frame.f_locals})  # noqa: S307
            except Exception:  # noqa: BLE001 - it failed already; that it cannot be asked twice costs the findings only
                return ()
            if isinstance(value, list | tuple) and all(isinstance(each, Finding) for each in value):
                return tuple(value)
    return ()


def _asserts(source: str) -> list[ast.Assert]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    return [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]


def _last(traceback: TracebackType | None) -> TracebackType | None:
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback


def _inside_testinfra(error: BaseException) -> bool:
    """Whether testinfra itself asserted, which it does when a command breaks."""
    frame, testinfra = _last(error.__traceback__), sys.modules.get("testinfra")
    if frame is None or testinfra is None or testinfra.__file__ is None:
        return False
    return Path(frame.tb_frame.f_code.co_filename).is_relative_to(Path(testinfra.__file__).parent)


def raised_at(error: BaseException | None) -> str:
    """Name the exception's type and the line that raised it, and nothing of what it says."""
    frame = _last(error.__traceback__ if error else None)
    place = f" at {Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else ""
    return f"{type(error).__name__}{place}"

"""The words of a judgement."""

from __future__ import annotations

import pytest

from amigate.check import (
    InconclusiveError,
    NotApplicableError,
    WarnError,
    check,
    check_of,
    inconclusive,
    not_applicable,
    warn,
)
from amigate.result import Finding, Severity, Witness


def test_severities_are_ordered() -> None:
    gravest_last = (Severity.INFO, Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)
    assert [severity.rank for severity in gravest_last] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "finding,where",
    [
        (Finding(detail="d", path="/a", line=3), "/a:3"),
        (Finding(detail="d", path="/a"), "/a"),
        (Finding(detail="d", subject="user bob"), "user bob"),
        (Finding(detail="d", path="/a", line=3, subject="user bob"), "/a:3 (user bob)"),
        (Finding(detail="d"), ""),
    ],
)
def test_a_finding_says_where(finding: Finding, where: str) -> None:
    assert finding.where == where


def test_the_answers_beside_pass_and_fail_end_a_check() -> None:
    with pytest.raises(NotApplicableError, match="none"):
        not_applicable("none")
    with pytest.raises(InconclusiveError, match="nobody knows"):
        inconclusive("nobody knows")
    with pytest.raises(WarnError) as warned:
        warn([Finding(detail="d")])
    assert warned.value.findings == (Finding(detail="d"),)
    warn([])


def test_a_check_declares_itself() -> None:
    @check("a-rule", severity="high", guideline="g", source="https://example.com", evidence=["disk"], allow=("a",))
    def test_something() -> None:
        """Something is so.

        Because
        of that.
        """

    declared = check_of(test_something)
    assert declared is not None
    assert (declared.title, declared.rationale, declared.evidence) == (
        "Something is so",
        "Because of that.",
        (Witness.DISK,),
    )
    assert declared.settings == {"allow": ("a",)}
    assert check_of(len) is None


@pytest.mark.parametrize(
    "fields,docstring",
    [
        ({"severity": "hgih"}, "T."),
        ({"evidence": ["disc"]}, "T."),
        ({"evidence": []}, "T."),
        ({"source": "http://example.com"}, "T."),
        ({}, None),
        ({}, "  \n"),
    ],
)
def test_a_slip_in_a_declaration_is_an_error_at_import(fields: dict[str, object], docstring: str | None) -> None:
    def test_something() -> None:
        pass

    test_something.__doc__ = docstring
    sound = {"severity": "high", "guideline": "g", "source": "https://example.com", "evidence": ["disk"]}
    with pytest.raises(ValueError):  # noqa: PT011 - from three places
        check("a-rule", **{**sound, **fields})(test_something)  # type: ignore[arg-type] # wrong on purpose

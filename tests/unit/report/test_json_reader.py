"""A JSON report read back: the same report, or one error that says why not."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.report.made import EVERY_OUTCOME, EVERYTHING, HOSTILE, hostile_report

from amigate.errors import UsageError
from amigate.evidence.strict import MalformedError
from amigate.report import json_format
from amigate.report.json_reader import load, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amigate.result import Report


@pytest.mark.parametrize("report", [EVERYTHING, *map(hostile_report, HOSTILE), *EVERY_OUTCOME])
def test_what_was_written_is_read(report: Report) -> None:
    assert read(json_format.render(report)) == report


def test_a_report_from_before_phases_and_lines_is_read() -> None:
    document = json_format.document(EVERYTHING)
    del document["timeline"], document["profile"]["path"]
    for result in document["results"]:
        del result["rationale"], result["profile_line"]
    report = read(json.dumps(document))
    assert (report.verdict, report.profile_path, report.timeline) == (EVERYTHING.verdict, "", ())


def spoilt(damage: Callable[[dict[str, Any]], object]) -> str:
    document = json_format.document(EVERYTHING)
    damage(document)
    return json.dumps(document)


DAMAGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "its verdict is not that of its results": lambda d: d.update(verdict="pass"),
    "its may_share is not": lambda d: d.update(may_share=True),
    "its scope is not": lambda d: d.update(scope="full"),
    "its counts is not": lambda d: d["counts"].update(fail=0),
    "it was changed": lambda d: d["results"].pop(0),
    "has not the fields of": lambda d: d["results"][0].update(hidden=1),
    "it does not say that it is amigate/report/1": lambda d: d.pop("schema"),
    "of another type": lambda d: d["results"][0].update(status="passed"),
    "report.timings": lambda d: d.update(timings={"judge": "soon"}),
    "without a place": lambda d: d["results"][0]["findings"][0].update(path="", subject=""),
    "no line": lambda d: d["results"][0].update(profile_line=0),
    "kind is none": lambda d: d["target"].update(kind="moon"),
}


@pytest.mark.parametrize("said", DAMAGES)
def test_what_is_no_report_is_refused_with_its_reason(said: str) -> None:
    with pytest.raises(MalformedError, match=said):
        read(spoilt(DAMAGES[said]))


@pytest.mark.parametrize("name", list(json_format.document(EVERYTHING)))
@pytest.mark.parametrize("value", [None, 7, "x", [], {}, [7]], ids=repr)
def test_no_damage_is_a_defect(name: str, value: Any) -> None:
    with contextlib.suppress(MalformedError, UsageError):
        read(spoilt(lambda d: d.update({name: value})))


def test_a_newer_schema_is_one_clear_error() -> None:
    with pytest.raises(
        UsageError, match="the report is amigate/report/2; this amigate reads amigate/report/1"
    ) as caught:
        read(spoilt(lambda d: d.update(schema="amigate/report/2", unheard_of={})))
    assert "newer" in caught.value.hint


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}", b'{"schema": 1}', b"[" * 100_000])
def test_a_file_that_is_no_report_is_one_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="it is no JSON report"):
        load(path)


@given(st.text())
def test_any_text_is_refused_or_read(text: str) -> None:
    with pytest.raises(MalformedError):
        read(text)

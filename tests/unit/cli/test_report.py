"""`amigate report`: other formats of a report that there is already, and of evidence judged again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.report.made import EVERYTHING, report, result

from amigate.cli import _run
from amigate.evidence import saved
from amigate.report import json_format
from amigate.report.formats import FORMATS
from amigate.result import Status, Target


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Return the file of a JSON report."""
    path = tmp_path / "report.json"
    path.write_text(json_format.render(EVERYTHING))
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_a_json_report_is_shown_in_every_format(written: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["report", str(written), "--format", name]) == 1
    assert capsys.readouterr().out == FORMATS[name](EVERYTHING)


def test_several_formats_go_to_files_at_once(written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    formats = [argument for name in FORMATS for argument in ("--format", f"{name}={tmp_path / name}")]
    assert _run(["report", *formats, str(written)]) == 1
    assert capsys.readouterr().out == ""
    for name, render in FORMATS.items():
        assert (tmp_path / name).read_text() == render(EVERYTHING)


def test_without_a_format_it_is_the_console(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["report", "show", str(written)]) == 1
    assert capsys.readouterr().out == FORMATS["console"](EVERYTHING)


@pytest.mark.parametrize("status,code", [(Status.PASS, 0), (Status.FAIL, 1), (Status.INCONCLUSIVE, 3)])
def test_the_exit_code_is_that_of_the_verdict(tmp_path: Path, status: Status, code: int) -> None:
    path = tmp_path / "report.json"
    path.write_text(json_format.render(report(result("a", status))))
    assert _run(["report", str(path), "--format", "junit"]) == code


def test_saved_evidence_is_judged_again(kit: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "image.evidence"
    target = Target(kind="ami", id="ami-0123456789abcdef0", account=kit.ACCOUNT, region="eu-west-1")
    evidence = kit.Image(shadow="root::19000:0:99999:7:::\nadmin:!:::\n").evidence()
    saved.save(replace(evidence, target=target), path)
    told = []
    for command in (["validate", "--report"], ["report", "--format"]):
        assert _run([command[0], str(path), "--profile", "first-gate", command[1], "json"]) == 1
        told.append(json.loads(capsys.readouterr().out))
    for document in told:
        del document["timings"], document["timeline"]
        for each in document["results"]:
            del each["duration_s"]
    assert told[0] == told[1]
    assert told[0]["profile"]["path"] == "profiles/first-gate.yaml"
    assert all(each["profile_line"] for each in told[0]["results"])
    assert _run(["report", str(path)]) == 3
    assert "--accept-partial" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["report.json", "diff", "show", "nothing.evidence"])
def test_a_file_that_is_not_there_is_a_wrong_call(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["report", str(tmp_path / name)]) == 2
    assert "there is no such file" in capsys.readouterr().err


def test_a_newer_report_is_one_clear_error(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written.write_text(written.read_text().replace("amigate/report/1", "amigate/report/2"))
    assert _run(["report", str(written), "--format", "sarif"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("amigate: error: ")
    assert "amigate/report/2; this amigate reads amigate/report/1" in said.err


@pytest.mark.parametrize("option", [("--profile", "first-gate"), ("--accept-partial",), ("--evidence", "ec2")])
def test_how_to_judge_means_nothing_with_a_report(
    written: Path, option: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["report", str(written), *option]) == 2
    assert f"{option[0]} means nothing with a JSON report: it was judged already" in capsys.readouterr().err


def test_a_path_that_cannot_be_written_is_found_before_anything_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["report", "/nowhere/report.json", "--format", "sarif=/nowhere/at/all.sarif"]) == 2
    assert "--format sarif /nowhere/at/all.sarif: no file can be written there" in capsys.readouterr().err


def started(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "amigate", *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


LOCALES = [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "latin-1"}]


@pytest.mark.parametrize("environment", LOCALES)
def test_a_locale_that_lacks_our_characters_changes_no_verdict(written: Path, environment: dict[str, str]) -> None:
    with (
        started("report", str(written), **environment) as shown,
        started("report", str(written), "--format", "markdown", **environment) as markdown,
    ):
        out, err = shown.communicate(timeout=60)
        assert (shown.returncode, err) == (1, b"")
        assert b"\nVERDICT FAIL: " in out
        assert markdown.communicate(timeout=60) == (FORMATS["markdown"](EVERYTHING).encode(), b"")


def test_a_closed_pipe_changes_no_verdict_and_costs_no_file(written: Path, tmp_path: Path) -> None:
    other = tmp_path / "report.xml"
    with started("report", str(written), "--format", "console", "--format", f"junit={other}") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 1
    assert other.read_text() == FORMATS["junit"](EVERYTHING)


def test_two_reports_to_one_file_are_a_wrong_call(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    formats = ["--format", f"json={written}", "--format", f"junit={written.parent / '.' / written.name}"]
    assert _run(["report", str(written), *formats]) == 2
    assert "two reports would go to one file" in capsys.readouterr().err


def test_a_device_is_written_to_and_stays_one(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["report", str(written), "--format", "json=/dev/null", "--format", "junit=/dev/null"]) == 1
    assert Path("/dev/null").is_char_device()
    assert _run(["validate", "ami-0123456789abcdef0", "--save-evidence", "/dev/null"]) == 2
    assert "no file can be written there" in capsys.readouterr().err


def test_a_file_that_fails_late_costs_no_other_and_leaves_nothing_half_written(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replace_file = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name == "first":
            raise OSError(28, "No space left on device")
        return replace_file(self, target)

    monkeypatch.setattr(Path, "replace", full)
    formats = [f"json={tmp_path / 'first'}", f"junit={tmp_path / 'second'}", "console"]
    assert _run(["report", str(written), *(part for each in formats for part in ("--format", each))]) == 2
    said = capsys.readouterr()
    assert "first: No space left on device" in said.err
    assert "VERDICT FAIL" in said.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json", "second"]


def test_what_changed_between_two_reports(written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other, markdown = tmp_path / "other.json", tmp_path / "diff.md"
    other.write_text(json_format.render(report(result("ssh-no-password-login", Status.PASS))))
    formats = ["--format", "console", "--format", f"markdown={markdown}"]
    assert _run(["report", "diff", str(written), str(other), *formats]) == 0
    said = capsys.readouterr().out
    assert "BETTER            ssh-no-password-login  (critical)  fail → pass" in said
    assert said.splitlines()[-1] == "VERDICT FAIL (partial) → PASS (full): 1 better, 7 no longer a rule, 0 as before"
    assert markdown.read_text().startswith("## FAIL (partial) → PASS (full): ")


@pytest.mark.parametrize(
    "arguments,said",
    [
        (["{0}"], "Missing argument 'B'"),
        (["{0}", "/nowhere.json"], "there is no such file"),
        (["{0}", "{0}", "--format", "sarif"], "being one of console, markdown"),
        (["{0}", "/dev/null"], "there is no such file"),
        (["{0}", "{0}", "--profile", "first-gate"], "--profile means nothing with JSON reports"),
    ],
)
def test_a_comparison_that_cannot_be_made_is_a_wrong_call(
    written: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["report", "diff", *(argument.format(written) for argument in arguments)]) == 2
    assert said in capsys.readouterr().err

"""Annotations, read as GitHub's runner reads them: each line is one command, whatever an image says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.report.made import EVERY_OUTCOME, EVERYTHING, HOSTILE, hostile_report, report, result

from amigate.report import github
from amigate.report.escape import shown
from amigate.result import Finding, Report, Severity, Status, Verdict


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Read each line as ActionCommand.TryParseV2 of actions/runner does: command, properties, data."""
    found = []
    for line in text.splitlines():
        assert line.startswith("::")
        head, _, data = line[2:].partition("::")
        command, _, listed = head.partition(" ")
        properties = dict(each.split("=", 1) for each in listed.split(","))
        found.append((command, {name: unescaped(value) for name, value in properties.items()}, unescaped(data)))
    return found


def unescaped(text: str) -> str:
    for escape, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, character)
    return text


def test_what_blocks_is_an_error_at_its_line_of_the_profile() -> None:
    text = github.render(EVERYTHING)
    assert text.splitlines()[:2] == [
        "::error title=amigate::FAIL: 1 rule is violated that blocks. The image may not be shared.",
        (
            "::error title=ssh-no-password-login (critical),file=gate/first gate.yaml,line=7::"
            "Title of ssh-no-password-login%0A"
            "- /etc/ssh/sshd_config:3 (user bob): passwordauthentication is yes  [A, B]%0A"
            "- /etc/x: there  SHA256:abc%0A"
            "fix: amigate harden ssh://USER@HOST --only sshd"
        ),
    ]
    levels = [(level, properties["title"]) for level, properties, _ in commands(text)]
    assert levels[2:] == [
        ("error", "boot-fresh-key-logs-in (critical)"),
        ("warning", "boot-earlier-launch-key-absent (critical)"),
        ("warning", "ssh-no-dns-checks (low)"),
    ]
    assert "Title of boot-fresh-key-logs-in: could not be decided: nothing answered" in text


@pytest.mark.parametrize("of", EVERY_OUTCOME)
def test_no_error_is_annotated_on_a_pass_and_one_at_least_on_anything_else(of: Report) -> None:
    levels = {level for level, _, _ in commands(github.render(of))}
    assert ("error" in levels) == (of.verdict is not Verdict.PASS)


def test_a_profile_outside_of_the_repository_has_no_line_in_it() -> None:
    assert "file=" not in github.render(replace(EVERYTHING, profile_path="/opt/amigate/aws-shared.yaml"))


def test_no_more_is_annotated_than_github_shows_and_the_rest_is_counted() -> None:
    grave = [result(f"grave-{number:02}", Status.FAIL) for number in range(12)]
    mild = [result(f"mild-{number:02}", Status.FAIL, Severity.LOW) for number in range(12)]
    found = commands(github.render(report(*mild, *grave)))
    for level, rule, left in (("error", "grave", 4), ("warning", "mild", 3)):
        of_level = [(properties["title"], data) for each, properties, data in found if each == level]
        assert len(of_level) == github.MOST
        assert sum(title.startswith(rule) for title, _ in of_level) == 12 - left
        assert of_level[-1] == ("amigate", f"{left} more rules; the report has all.")


def test_a_rule_with_many_findings_says_how_many_more_there_are() -> None:
    many = tuple(Finding(path=f"/{number}", detail="d") for number in range(7))
    assert "%0A- /4: d%0A- and 2 more" in github.render(report(result("a", Status.FAIL, findings=many)))


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_an_image_can_neither_end_an_annotation_nor_begin_another(text: str) -> None:
    of = replace(hostile_report(text), profile=text, profile_path=text.lstrip("/"))
    found = commands(github.render(of))
    assert [level for level, _, _ in found] == ["error", "error", "error", "warning", "warning"]
    assert all(properties.keys() <= {"title", "file", "line"} for _, properties, _ in found)
    assert all(line.isprintable() for _, _, data in found for line in data.split("\n"))


@given(st.text(st.characters(), max_size=60))
def test_what_is_said_arrives(text: str) -> None:
    one = report(result("a", Status.INCONCLUSIVE, message=text, title="T"), profile_path=text.replace("/", ""))
    _, properties, data = commands(github.render(one))[1]
    assert data == ("T: could not be decided: " + shown(text) if text else "T: could not be decided")
    if one.profile_path:
        assert properties["file"] == shown(one.profile_path)

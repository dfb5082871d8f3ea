"""The reports: the console whole, JSON against its schema, and what an image would like a terminal to do."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.report.made import EVERYTHING, HOSTILE, hostile_report, report, result

from amigate.judge import catalogue
from amigate.report import console, json_format
from amigate.report.escape import printable
from amigate.report.formats import FORMATS
from amigate.result import Finding, Result, Severity, Status, Target
from amigate.run import remediation

SCHEMA = json.loads((files("amigate.report") / "schema.json").read_text())
CONSOLE = """\
ami-0123456789abcdef0 "golden" in eu-central-1, owned by 123456789012
profile first-gate, for accounts; asked: ec2, instance

PASS            account-no-empty-passwords  (critical)
NOT-APPLICABLE  package-ami-tools-current  (medium)
                no AMI tools
NOT-ASKED       ami-owned-and-available  (critical)
                none of its witnesses was asked
WAIVED          key-live-only-launch-key  (critical)
                waived by ops until 2026-12-31: known
WARN            boot-earlier-launch-key-absent  (critical)
                met, with a remark
INCONCLUSIVE    boot-fresh-key-logs-in  (critical)  Title of boot-fresh-key-logs-in
                nothing answered
FAIL            ssh-no-dns-checks  (low, does not block)  Title of ssh-no-dns-checks
                - s: usedns is yes
FAIL            ssh-no-password-login  (critical)  Title of ssh-no-password-login
                - /etc/ssh/sshd_config:3 (user bob): passwordauthentication is yes  [A, B]
                - /etc/x: there  SHA256:abc
                fix: amigate harden ssh://USER@HOST --only sshd

Last lines of the serial console of launch A:
    last line
    \\x1b[31mred

Note: The disk was not read.
"""


def test_the_console_report_is_as_it_always_was() -> None:
    text = console.render(EVERYTHING)
    assert text.startswith(CONSOLE)
    rest = text.removeprefix(CONSOLE)
    assert "amigate bake --from ami-0123456789abcdef0 --name NEW-NAME" in rest
    assert "amigate harden ssh://USER@HOST --only sshd" in rest
    assert rest.endswith(
        "1 pass · 1 warn · 2 fail · 1 waived · 1 not-applicable · 1 not-asked · 1 inconclusive\n"
        "VERDICT FAIL: 1 rule is violated that blocks. The image may not be shared.\n"
    )


def test_what_the_seal_alone_completes_is_mended_with_it() -> None:
    check = catalogue.checks()["disk-no-recoverable-secrets"]
    mends = [
        result(check.id, Status.FAIL, step="disk", remediation=remediation(check, EVERYTHING.target)),
        result("b", Status.FAIL, step="sshd", remediation="amigate harden ssh://USER@HOST --only sshd"),
    ]
    lines = console.render(report(*mends)).splitlines()
    assert [line.split("fix: ")[1] for line in lines if "fix: " in line] == [
        "amigate harden ssh://USER@HOST --only disk --seal",
        "amigate harden ssh://USER@HOST --only sshd",
    ]
    assert "    amigate harden ssh://USER@HOST --only disk --only sshd --seal" in lines


def test_a_narrow_terminal_has_the_same_words_with_little_indent() -> None:
    narrow = console.render(EVERYTHING, narrow=True)
    assert narrow.split() == console.render(EVERYTHING).split()
    assert "\nFAIL  ssh-no-password-login  (critical)" in narrow
    assert "\n  fix: amigate harden ssh://USER@HOST --only sshd\n" in narrow


@pytest.mark.parametrize(
    "results,expected",
    [
        ([result("a", Status.PASS)], "VERDICT PASS: ami-0123456789abcdef0 MAY BE SHARED under profile first-gate."),
        (
            [result("a", Status.PASS), result("b", Status.NOT_ASKED)],
            "VERDICT PASS in part: nothing blocks in what was asked; 1 rules were not asked.",
        ),
        (
            [result("a", Status.INCONCLUSIVE)],
            "VERDICT INCONCLUSIVE: 1 rule could not be decided. The image may not be shared.",
        ),
        (
            [result("a", Status.FAIL), result("b", Status.FAIL), result("c", Status.INCONCLUSIVE)],
            "VERDICT FAIL: 2 rules are violated that block. The image may not be shared.",
        ),
    ],
)
def test_the_last_line_is_the_verdict(results: list[Result], expected: str) -> None:
    assert console.render(report(*results)).splitlines()[-1] == expected


def test_only_a_full_pass_says_that_the_image_may_be_shared() -> None:
    for status in Status:
        for severity in Severity:
            whole = report(result("a", Status.PASS), result("b", status, severity))
            assert ("MAY BE SHARED" in console.render(whole)) == whole.may_share
            assert json.loads(json_format.render(whole))["may_share"] == whole.may_share
    assert "MAY BE SHARED" not in console.render(report())


def test_the_sandbox_is_named_first() -> None:
    target = Target(kind="ami", id="ami-1", sandbox=True)
    assert console.render(report(result("a", Status.PASS), target=target)).startswith("SANDBOX")


def test_the_json_report_fits_its_schema_and_says_what_the_report_says() -> None:
    text = json_format.render(EVERYTHING)
    document = json.loads(text)
    jsonschema.validate(document, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert text.endswith("}\n")
    assert document["schema"] == "amigate/report/1"
    assert (document["verdict"], document["scope"], document["may_share"]) == ("fail", "partial", False)
    assert document["counts"] == {
        "pass": 1,
        "warn": 1,
        "fail": 2,
        "waived": 1,
        "not-applicable": 1,
        "not-asked": 1,
        "inconclusive": 1,
    }
    assert document["results"][0]["findings"] == [
        {
            "path": "/etc/ssh/sshd_config",
            "subject": "user bob",
            "line": 3,
            "detail": "passwordauthentication is yes",
            "seen": "A, B",
        },
        {"path": "/etc/x", "detail": "there", "fingerprint": "SHA256:abc"},
    ]


def test_the_schema_refuses_what_is_no_report() -> None:
    damages: list[dict[str, Any]] = [
        {"verdict": "passed"},
        {"schema": "amigate/report/2"},
        {"results": [{}]},
        {"profile": {"name": "x"}},
    ]
    for damage in damages:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**json_format.document(EVERYTHING), **damage}, SCHEMA)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", FORMATS)
def test_no_format_lets_an_image_speak_to_the_terminal(name: str, text: str) -> None:
    rendered = FORMATS[name](hostile_report(text))
    rendered.encode("utf-8")
    for line in rendered.splitlines():
        assert line.isprintable(), ascii(line)
    if name != "html":  # where a line of a serial console is a line
        assert rendered.count("\nVERDICT") == (1 if name == "console" else 0)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", FORMATS)
def test_no_format_lets_an_image_command_a_runner_of_ci(name: str, text: str) -> None:
    rendered = FORMATS[name](hostile_report(text))
    assert not any(word in rendered for word in ("##vso[", "##[", "##teamcity["))
    if name == "console":
        assert not any(line.lstrip().startswith("::") for line in rendered.splitlines())


@pytest.mark.parametrize("text", HOSTILE)
def test_json_gives_hostile_text_back_as_it_was(text: str) -> None:
    document = json.loads(json_format.render(hostile_report(text)))
    jsonschema.validate(document, SCHEMA)
    assert document["results"][0]["findings"][0]["subject"] == text


@given(st.text(st.characters(), max_size=60))
def test_what_is_printed_prints(text: str) -> None:
    assert printable(text).isprintable()
    if text.isprintable() and "##" not in text:
        assert printable(text) == text


def test_colours_are_ours_alone() -> None:
    coloured = console.render(EVERYTHING, color=True)
    assert "\x1b[1;31mFAIL" in coloured
    for code in ("32", "33", "1;31", "1;35", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert "\x1b" not in coloured


def test_a_reason_that_many_rules_share_is_told_once() -> None:
    why = "launch A: not allowed to launch \x1b[2J"
    undecided = [result(f"rule-{number}", Status.INCONCLUSIVE, message=why) for number in range(3)]
    alone = result("rule-alone", Status.INCONCLUSIVE, message="nothing answered")
    text = console.render(report(*undecided, alone, result("rule-passed", Status.PASS)))
    assert text.count("not allowed to launch") == 1
    assert text.count("reason 1, below") == 3
    assert "Reason 1, of 3 rules: launch A: not allowed" in text
    assert "nothing answered" in text
    assert "\x1b" not in text


def test_long_lists_of_findings_say_how_many_more_there_are() -> None:
    many = tuple(Finding(path=f"/{number}", detail="d") for number in range(25))
    text = console.render(report(result("a", Status.FAIL, findings=many)))
    assert text.count("- /") == 20
    assert "… and 5 more" in text


def test_the_docs_name_every_format() -> None:
    text = (Path(__file__).parents[3] / "docs" / "reports.md").read_text()
    named = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}
    assert {name for name in named if name.islower()} == set(FORMATS)

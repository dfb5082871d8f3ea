"""SARIF: valid, an alert for what is violated or undecided and for nothing else, and the same alert in every run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from tests.unit.report.made import EVERY_OUTCOME, EVERYTHING, HOSTILE, hostile_report, report, result

from amigate.report import sarif
from amigate.result import Finding, Severity, Status, Target

if TYPE_CHECKING:
    from amigate.result import Report

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0-rtm.5.json").read_text())
VALIDATOR = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def run(of: Report) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(sarif.render(of))
    VALIDATOR.validate(log)
    (one,) = log["runs"]
    return dict(one)


def test_the_profiles_lines_are_pointed_at_and_the_image_is_named() -> None:
    alert = run(EVERYTHING)["results"][0]
    assert alert["ruleId"] == "boot-fresh-key-logs-in" or alert["level"] == "error"
    violated = next(each for each in run(EVERYTHING)["results"] if each["ruleId"] == "ssh-no-password-login")
    (location,) = violated["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "gate/first%20gate.yaml"},
        "region": {"startLine": 7},
    }
    arn = "arn:aws:ec2:eu-central-1::image/ami-0123456789abcdef0"
    assert [each["fullyQualifiedName"] for each in location["logicalLocations"]] == [
        arn,
        f"{arn}:/etc/ssh/sshd_config:3",
    ]
    assert violated["message"]["text"] == (
        "ami-0123456789abcdef0: /etc/ssh/sshd_config:3 (user bob): passwordauthentication is yes  [A, B]."
        " Fix: amigate harden ssh://USER@HOST --only sshd"
    )


def test_there_is_an_alert_for_each_finding_and_each_doubt_and_for_nothing_that_is_met() -> None:
    alerts = [(alert["ruleId"], alert["level"]) for alert in run(EVERYTHING)["results"]]
    assert sorted(alerts) == [
        ("boot-earlier-launch-key-absent", "note"),
        ("boot-fresh-key-logs-in", "warning"),
        ("ssh-no-dns-checks", "note"),
        ("ssh-no-password-login", "error"),
        ("ssh-no-password-login", "error"),
    ]
    assert len(run(EVERYTHING)["tool"]["driver"]["rules"]) == len(EVERYTHING.results)


@pytest.mark.parametrize("of", EVERY_OUTCOME)
def test_nothing_that_blocks_is_without_an_alert(of: Report) -> None:
    found = run(of)
    alerts = {alert["ruleId"] for alert in found["results"]}
    assert {each.id for each in of.results if each.blocking} <= alerts
    assert found["properties"]["verdict"] == of.verdict
    assert all(alert["locations"] for alert in found["results"])


def fingerprints(of: Report, name: str = "primaryLocationLineHash") -> list[str]:
    return [alert["partialFingerprints"][name] for alert in run(of)["results"]]


def test_fingerprints_are_the_same_in_each_run_and_of_each_alert_another() -> None:
    again = replace(
        EVERYTHING,
        collected_at="2027-01-01T00:00:00+00:00",
        evidence_digest="sha256:" + "2" * 64,
        results=tuple(
            replace(each, duration_s=1.0, findings=tuple(replace(f, seen="disk") for f in each.findings))
            for each in EVERYTHING.results
        ),
        timings={},
    )
    for name in ("primaryLocationLineHash", "amigateImage/v1"):
        assert fingerprints(again, name) == fingerprints(EVERYTHING, name)
        assert len(set(fingerprints(EVERYTHING, name))) == len(fingerprints(EVERYTHING, name))


def test_another_image_has_the_same_alerts_of_another_image() -> None:
    other = replace(EVERYTHING, target=replace(EVERYTHING.target, id="ami-0fedcba9876543210"))
    assert fingerprints(other) == fingerprints(EVERYTHING)
    assert not set(fingerprints(other, "amigateImage/v1")) & set(fingerprints(EVERYTHING, "amigateImage/v1"))


def test_like_findings_are_told_apart() -> None:
    twice = (Finding(path="/x", detail="d", seen="A"), Finding(path="/x", detail="d", seen="B"))
    assert len(set(fingerprints(report(result("a", Status.FAIL, findings=twice))))) == 2


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_text_makes_no_link_and_no_placeholder(text: str) -> None:
    of = hostile_report(text)
    assert sarif.render(of).isascii()
    found = run(of)
    messages = [alert["message"]["text"] for alert in found["results"]]
    messages += [rule["help"]["text"] for rule in found["tool"]["driver"]["rules"]]
    for message in messages:
        assert all(character.isprintable() or character == "\n" for character in message)
        assert "](" not in message
        assert not re.search(r"(?<!\{)\{\d+\}", message)
        assert len(message) < 20_000


@pytest.mark.parametrize("source", ["javascript:alert(1)", "http://x", "https://x/\n", "https://x/<b>", "https://[x]"])
def test_a_source_that_is_no_plain_https_address_is_no_link(source: str) -> None:
    rules = run(report(result("a", Status.FAIL, source=source)))["tool"]["driver"]["rules"]
    assert "helpUri" not in rules[0]


def test_more_alerts_than_github_takes_are_cut_from_the_mildest(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sarif.MOST == 5000
    monkeypatch.setattr(sarif, "MOST", 50)
    many = tuple(Finding(path=f"/{number}", detail="d") for number in range(sarif.MOST))
    of = report(
        result("mild", Status.FAIL, Severity.LOW, findings=many),
        result("grave", Status.FAIL, Severity.CRITICAL, findings=many[:9]),
    )
    found = run(of)
    assert len(found["results"]) == sarif.MOST
    assert sum(alert["ruleId"] == "grave" for alert in found["results"]) == 9
    assert "9 results were left out" in str(found["invocations"][0]["toolExecutionNotifications"])


@pytest.mark.parametrize(
    "path,uri",
    [("gate/p.yaml", "gate/p.yaml"), ("/srv/a b.yaml", "file:///srv/a%20b.yaml"), ("a\udcff.yaml", "a%FF.yaml")],
)
def test_a_profiles_file_is_an_address(path: str, uri: str) -> None:
    found = run(report(result("a", Status.FAIL), profile_path=path))
    assert found["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_a_disk_image_has_no_arn() -> None:
    found = run(report(result("a", Status.FAIL), target=Target(kind="file", id="golden.qcow2")))
    (where,) = found["results"][0]["locations"][0]["logicalLocations"]
    assert where["fullyQualifiedName"] == "golden.qcow2"

"""JUnit XML: valid, green if and only if the verdict is a pass, and deaf to what an image says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from tests.unit.report.made import EVERY_OUTCOME, EVERYTHING, HOSTILE, hostile_report

from amigate.report import junit
from amigate.report.escape import shown
from amigate.result import Verdict

if TYPE_CHECKING:
    from amigate.result import Report


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(Path(__file__).parent / "schemas" / "junit-10.xsd"))


def parsed(report: Report) -> ET.Element:
    return ET.fromstring(junit.render(report).encode())  # noqa: S314 - what we wrote ourselves


def test_it_fits_jenkins_schema(schema: xmlschema.XMLSchema) -> None:
    schema.validate(junit.render(EVERYTHING))


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_text_stays_text(schema: xmlschema.XMLSchema, text: str) -> None:
    report = hostile_report(text)
    schema.validate(junit.render(report))
    root = parsed(report)
    assert {element.tag for element in root.iter()} <= {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "skipped", "system-out",
    }  # fmt: skip
    failure = root.find("testsuite/testcase[@name='a']/failure")
    assert failure is not None
    assert failure.get("message") == f"{shown(text)}: {shown(text)}"
    assert (failure.text or "").splitlines()[-1] == f"fix: amigate harden ssh://USER@HOST --only {shown(text)}"


@pytest.mark.parametrize("report", EVERY_OUTCOME)
def test_a_suite_is_green_if_and_only_if_the_verdict_is_a_pass(report: Report) -> None:
    root = parsed(report)
    red = root.findall(".//failure") + root.findall(".//error")
    assert (not red) == (report.verdict is Verdict.PASS)
    suite = root[0]
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped"), suite.get("tests")) == tuple(
        str(len(root.findall(f".//{tag}"))) for tag in ("failure", "error", "skipped", "testcase")
    )


def test_every_rule_is_a_case_and_says_how_it_ended() -> None:
    cases = {case.get("name"): [child.tag for child in case] for case in parsed(EVERYTHING).iter("testcase")}
    assert cases == {
        "ssh-no-password-login": ["failure"],
        "ssh-no-dns-checks": ["skipped"],
        "boot-fresh-key-logs-in": ["error"],
        "account-no-empty-passwords": [],
        "package-ami-tools-current": ["skipped"],
        "ami-owned-and-available": ["skipped"],
        "key-live-only-launch-key": ["skipped"],
        "boot-earlier-launch-key-absent": ["system-out"],
    }
    aside = parsed(EVERYTHING).find(".//testcase[@name='ssh-no-dns-checks']/skipped")
    assert aside is not None
    assert (aside.get("message") or "").startswith("fail, does not block: ")


def test_a_failure_says_what_where_and_how_to_mend_it() -> None:
    failure = parsed(EVERYTHING).find(".//failure")
    assert failure is not None
    assert failure.text == (
        "/etc/ssh/sshd_config:3 (user bob): passwordauthentication is yes  [A, B]\n"
        "/etc/x: there  SHA256:abc\n"
        "source: https://docs.aws.amazon.com/some\n"
        "fix: amigate harden ssh://USER@HOST --only sshd"
    )
    assert {p.get("name"): p.get("value") for p in parsed(EVERYTHING).iter("property")}["verdict"] == "fail"

"""The run as a whole, with EC2's answers given and the real judge; nothing is launched."""

from __future__ import annotations

from typing import Any

import pytest

from amigate import Status, Witness, run
from amigate.errors import PartialError, UsageError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Ec2Descriptions
from amigate.evidence.questions import Glob, ReadFile
from amigate.facts import host_firewall
from amigate.judge import catalogue
from amigate.profile import Profile, RuleChoice, load
from amigate.result import Target, Verdict
from amigate.rules import needs_of
from amigate.sources import ec2, instance

AMI = "ami-0123456789abcdef0"
US, THEM = "111111111111", "222222222222"


@pytest.fixture
def profile() -> Profile:
    """Return the shipped profile."""
    return load("first-gate", catalogue.checks())


def described(monkeypatch: pytest.MonkeyPatch, **image: str) -> None:
    """Let EC2 describe the image so."""
    whole = {"ImageId": AMI, "State": "available", "OwnerId": US, "RootDeviceType": "ebs", **image}
    target = Target(kind="ami", id=AMI, account=whole["OwnerId"], region="eu-west-1")
    monkeypatch.setattr(ec2, "describe", lambda *_: (target, Ec2Descriptions(caller=US, image=whole, permissions=())))


@pytest.fixture
def launches(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the launches that were asked for; none of these tests may launch."""
    asked: list[Any] = []
    monkeypatch.setattr(instance, "observe", lambda *arguments, **_: asked.append(arguments))
    return asked


@pytest.mark.parametrize("image", [{"OwnerId": THEM}, {"State": "pending"}, {"State": "disabled"}])
def test_an_image_that_we_cannot_share_fails_before_anything_is_launched(
    monkeypatch: pytest.MonkeyPatch, profile: Profile, launches: list[Any], image: dict[str, str]
) -> None:
    described(monkeypatch, **image)
    report = run.validate(object(), AMI, profile)  # type: ignore[arg-type] # never asked
    by_id = {result.id: result for result in report.results}
    assert report.verdict is Verdict.FAIL
    assert by_id["ami-owned-and-available"].status is Status.FAIL
    of_machines = {r.status for r in report.results if r.witness != (Witness.EC2,)}
    assert of_machines == {Status.INCONCLUSIVE}
    assert run.NOT_LAUNCHED in by_id["ssh-no-password-login"].message
    assert launches == []


def test_a_run_that_asks_ec2_alone_launches_nothing_and_is_partial(
    monkeypatch: pytest.MonkeyPatch, profile: Profile, launches: list[Any]
) -> None:
    described(monkeypatch)
    report = run.validate(object(), AMI, profile, witnesses=(Witness.EC2,))  # type: ignore[arg-type] # never asked
    assert (report.verdict, report.may_share) == (Verdict.PASS, False)
    of_machines = [r for r in profile.rules if catalogue.checks()[r].evidence != (Witness.EC2,)]
    assert report.counts[Status.NOT_ASKED] == len(of_machines)
    assert launches == []


def test_the_report_says_that_the_disk_was_not_inspected(monkeypatch: pytest.MonkeyPatch, profile: Profile) -> None:
    described(monkeypatch, OwnerId=THEM)
    assert run.UNREAD_DISK in run.validate(object(), AMI, profile).notes  # type: ignore[arg-type] # never asked


def test_a_setting_that_a_rule_does_not_have_is_refused_before_anything_is_asked(profile: Profile) -> None:
    rules = {"package-ami-tools-current": RuleChoice(settings={"at_leest": "2"})}
    mistyped = profile.model_copy(update={"rules": rules})
    with pytest.raises(UsageError, match="package-ami-tools-current has no setting at_leest"):
        run.validate(object(), AMI, mistyped)  # type: ignore[arg-type] # never asked


def test_fewer_witnesses_than_the_profile_asks_are_refused_unless_accepted(profile: Profile) -> None:
    with pytest.raises(PartialError, match="instance, twin, probe"):
        run.narrowed(profile, [Witness.EC2], accept_partial=False)
    assert run.narrowed(profile, [Witness.EC2, Witness.DISK], accept_partial=True) == (Witness.EC2,)
    assert run.narrowed(profile, None, accept_partial=False) == profile.evidence


@pytest.mark.parametrize(
    "files",
    ["/etc/key", ["relative"], [1], ["/etc/[a]"], ["/etc/a\nb"], {"/etc/key": 1}, ["/a/../b"], ["//a"], ["/a/"], ["/"]],
)
def test_names_of_files_that_cannot_be_asked_for_are_refused_before_anything_is_launched(
    monkeypatch: pytest.MonkeyPatch, profile: Profile, launches: list[Any], files: Any
) -> None:
    described(monkeypatch)
    rule = "boot-application-secrets-random"
    chosen = profile.model_copy(update={"rules": {rule: RuleChoice(settings={"files": files})}})
    with pytest.raises(UsageError, match=f"{rule} wants a list of absolute paths as files"):
        run.validate(object(), AMI, chosen)  # type: ignore[arg-type] # AWS is not asked
    assert launches == []


def test_what_a_profile_names_is_collected_as_digests(profile: Profile) -> None:
    rule = RuleChoice(settings={"files": ["/etc/app/key", "/etc/app/*.pem", "/etc/app/key"]})
    chosen = profile.model_copy(update={"rules": {"boot-application-secrets-random": rule}})
    asked = [question for need in needs_of(chosen) for question in need.first if isinstance(question, ReadFile | Glob)]
    assert [(question.key, question.keep) for question in asked] == [
        ("/etc/app/key", Keep.DIGEST),
        ("/etc/app/*.pem", Keep.DIGEST),
    ]
    assert [need.first for need in needs_of(profile)] == [()]


def test_a_machine_is_asked_for_further_facts_where_a_rule_of_the_profile_asks_for_them(profile: Profile) -> None:
    before = [need.first for need in needs_of(profile)]
    more = profile.model_copy(update={"rules": {**profile.rules, "network-firewall-and-sysctl-hardened": RuleChoice()}})
    asked = [need.first for need in needs_of(more)]
    assert host_firewall.NEEDS.first in asked
    assert host_firewall.NEEDS.first not in before

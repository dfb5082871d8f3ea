"""How judgements combine, what a waiver covers, and what a verdict comes to."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amigate.check import Check, Look
from amigate.evidence.model import Launch
from amigate.judge.decide import Decision, merge, worst
from amigate.judge.places import Place, places
from amigate.judge.results import results
from amigate.plan import Plan, plan
from amigate.profile import Profile
from amigate.result import Finding, Report, Result, Scope, Severity, Status, Target, Verdict, Witness, verdict

TODAY = datetime.date(2026, 6, 15)
DISK = Place(Witness.DISK)
A, B = Place(Witness.INSTANCE, Launch.A), Place(Witness.INSTANCE, Launch.B)
FINDING = Finding(subject="user bob", path="/etc/passwd", line=3, detail="there")

JUDGED = [Status.PASS, Status.WARN, Status.FAIL, Status.NOT_APPLICABLE, Status.INCONCLUSIVE]


def rule(**changes: Any) -> Check:
    fields: dict[str, Any] = {
        "id": "a-rule",
        "severity": Severity.HIGH,
        "guideline": "g",
        "source": "https://example.com",
        "evidence": (Witness.INSTANCE,),
        "remedy": "none",
        "applies_when": "",
        "preflight": False,
        "title": "T",
        "rationale": "",
    }
    return Check(**fields | changes)


def profile(**changes: Any) -> Profile:
    fields: dict[str, Any] = {
        "name": "p",
        "description": "d",
        "audience": "accounts",
        "evidence": ["instance"],
        "rules": {"a-rule": {}},
    }
    return Profile.model_validate(fields | changes)


def ended(status: Status, *findings: Finding) -> tuple[Decision, float]:
    return Decision(status=status, findings=findings), 0.5


def one(
    decisions: dict[Place, tuple[Decision, float]], asked: tuple[Witness, ...] = (Witness.INSTANCE,), **changes: Any
) -> Result:
    answers = {("a-rule", place): decision for place, decision in decisions.items()}
    planned = Plan(launches=(Launch.A, Launch.B))
    return results(profile(**changes), {"a-rule": rule()}, asked, planned, answers, today=TODAY)[0]


def waiver(**changes: Any) -> dict[str, Any]:
    return {"rule": "a-rule", "reason": "r", "owner": "o", "expires": TODAY} | changes


def test_the_worst_answer_of_any_launch_counts() -> None:
    order = [Status.FAIL, Status.INCONCLUSIVE, Status.WARN, Status.PASS, Status.NOT_APPLICABLE]
    for first in order:
        for second in order:
            expected = min(first, second, key=order.index)
            assert one({A: ended(first), B: ended(second)}).status is expected


@pytest.mark.parametrize("answered", [{}, {A: ended(Status.PASS)}, {B: ended(Status.NOT_APPLICABLE)}])
def test_an_answer_that_is_missing_is_inconclusive(answered: dict[Place, tuple[Decision, float]]) -> None:
    result = one(answered)
    assert (result.status, result.blocking) == (Status.INCONCLUSIVE, True)
    assert result.message == "the judge gave no answer"


def test_answers_of_places_nobody_asked_about_count_for_nothing() -> None:
    assert one({A: ended(Status.PASS), Place(Witness.DISK): ended(Status.PASS)}).status is Status.INCONCLUSIVE


@pytest.mark.parametrize("answered", [Status.PASS, Status.FAIL, Status.INCONCLUSIVE])
def test_a_disk_is_no_witness_of_what_only_a_machine_can_tell(answered: Status) -> None:
    at_rest = Decision(status=Status.INCONCLUSIVE, message="only live", only_live=True), 0.0
    both = {"a-rule": rule(evidence=(Witness.INSTANCE, Witness.DISK))}
    asked = (Witness.INSTANCE, Witness.DISK)
    answers = {("a-rule", DISK): at_rest, ("a-rule", A): ended(answered), ("a-rule", B): ended(Status.PASS)}
    planned = Plan(launches=(Launch.A, Launch.B))
    assert results(profile(), both, asked, planned, answers)[0].status is answered
    del answers["a-rule", A]
    assert results(profile(), both, asked, planned, answers)[0].status is Status.INCONCLUSIVE


def test_what_only_a_machine_can_tell_was_not_asked_of_a_disk_alone() -> None:
    at_rest = {("a-rule", DISK): (Decision(status=Status.INCONCLUSIVE, only_live=True), 0.0)}
    both, alone = ({"a-rule": rule(evidence=each)} for each in ((Witness.INSTANCE, Witness.DISK), (Witness.DISK,)))
    assert results(profile(), both, (Witness.DISK,), Plan(), at_rest)[0].status is Status.NOT_ASKED
    assert results(profile(), alone, (Witness.DISK,), Plan(), at_rest)[0].status is Status.INCONCLUSIVE


def test_a_rule_whose_witnesses_were_not_asked_is_not_asked() -> None:
    assert one({}, asked=(Witness.EC2,)).status is Status.NOT_ASKED


def test_a_finding_of_both_launches_is_one_finding_that_both_saw() -> None:
    result = one({A: ended(Status.FAIL, FINDING), B: ended(Status.FAIL, FINDING)})
    assert [finding.seen for finding in result.findings] == ["A, B"]
    assert result.duration_s == 1.0


def test_severity_and_threshold_decide_what_blocks() -> None:
    failed = {A: ended(Status.FAIL), B: ended(Status.FAIL)}
    assert one(failed).blocking
    assert not one(failed, rules={"a-rule": {"severity": "medium"}}).blocking
    assert one(failed, rules={"a-rule": {"severity": "medium"}}, blocking="medium").blocking
    assert not one({A: ended(Status.PASS), B: ended(Status.WARN)}).blocking


@pytest.mark.parametrize(
    "waivers,status",
    [
        ([waiver()], Status.WAIVED),
        ([waiver(subject="user bob")], Status.WAIVED),
        ([waiver(subject="/etc/pass*")], Status.WAIVED),
        ([waiver(subject="user alice")], Status.FAIL),
        ([waiver(expires=TODAY - datetime.timedelta(days=1))], Status.FAIL),
        ([waiver(rule="another-rule")], Status.FAIL),
        ([], Status.FAIL),
    ],
)
def test_a_waiver_covers_what_it_names_until_it_expires(waivers: list[dict[str, Any]], status: Status) -> None:
    result = one({A: ended(Status.FAIL, FINDING), B: ended(Status.FAIL, FINDING)}, waivers=waivers)
    assert result.status is status
    assert result.blocking == (status is Status.FAIL)


def test_a_waiver_of_one_finding_leaves_the_other() -> None:
    other = Finding(subject="user eve", detail="there")
    result = one({A: ended(Status.FAIL, FINDING, other), B: ended(Status.PASS)}, waivers=[waiver(subject="user bob")])
    assert result.status is Status.FAIL


def test_an_expired_waiver_says_so() -> None:
    gone = waiver(expires=TODAY - datetime.timedelta(days=1))
    assert "expired on 2026-06-14" in one({A: ended(Status.FAIL), B: ended(Status.FAIL)}, waivers=[gone]).message


def test_a_waiver_of_one_launch_does_not_cover_another_that_could_not_be_looked_at() -> None:
    result = one({A: ended(Status.FAIL, FINDING), B: ended(Status.INCONCLUSIVE)}, waivers=[waiver()])
    assert (result.status, result.blocking) == (Status.INCONCLUSIVE, True)


@pytest.mark.parametrize("status", [Status.INCONCLUSIVE, Status.PASS, Status.NOT_APPLICABLE])
def test_a_waiver_accepts_violations_only(status: Status) -> None:
    assert one({A: ended(status), B: ended(status)}, waivers=[waiver()]).status is status


def test_a_fail_without_findings_is_covered_by_a_waiver_of_everything_only() -> None:
    failed = {A: ended(Status.FAIL), B: ended(Status.FAIL)}
    assert one(failed, waivers=[waiver()]).status is Status.WAIVED
    assert one(failed, waivers=[waiver(subject="user *")]).status is Status.FAIL


statuses = st.sampled_from(Status)
result_lists = st.lists(
    st.builds(
        Result,
        id=st.just("r"),
        status=statuses,
        severity=st.sampled_from(Severity),
        blocking=st.booleans(),
        title=st.just(""),
        guideline=st.just(""),
        source=st.just(""),
        witness=st.just(()),
        message=st.just(""),
    ),
    max_size=6,
)


def report(found: list[Result]) -> Report:
    return Report(
        target=Target(kind="ami", id="ami-1"),
        audience="accounts",
        profile="p",
        profile_digest="",
        witnesses=(),
        collected_at="",
        evidence_digest="",
        results=tuple(found),
    )


@given(result_lists)
def test_the_verdict_is_pass_only_where_nothing_blocks(found: list[Result]) -> None:
    blocking = {result.status for result in found if result.blocking}
    said = verdict(tuple(found))
    if Status.FAIL in blocking:
        assert said is Verdict.FAIL
    elif Status.INCONCLUSIVE in blocking or not found:
        assert said is Verdict.INCONCLUSIVE
    else:
        assert said is Verdict.PASS


@given(result_lists)
def test_only_a_pass_at_full_scope_may_be_shared(found: list[Result]) -> None:
    whole = report(found)
    unasked = any(result.status is Status.NOT_ASKED for result in found)
    assert (whole.scope is Scope.FULL) == (bool(found) and not unasked)
    assert whole.may_share == (whole.verdict is Verdict.PASS and whole.scope is Scope.FULL)
    assert sum(whole.counts.values()) == len(found)


@given(st.lists(st.builds(Decision, status=st.sampled_from(JUDGED)), min_size=1, max_size=5))
def test_one_fail_or_doubt_is_never_outvoted(decisions: list[Decision]) -> None:
    present = {decision.status for decision in decisions}
    said = worst(decisions).status
    assert said in present
    assert (said is Status.FAIL) == (Status.FAIL in present)
    if said in (Status.PASS, Status.NOT_APPLICABLE, Status.WARN):
        assert not present & {Status.FAIL, Status.INCONCLUSIVE}


def test_merging_keeps_different_findings_apart() -> None:
    other = Finding(subject="user bob", path="/etc/passwd", line=4, detail="there", seen="A")
    assert merge([FINDING, other, FINDING]) == [FINDING, other]


@pytest.mark.parametrize(
    "evidence,asked,expected",
    [
        ((Witness.EC2,), {Witness.EC2}, ["ec2"]),
        ((Witness.INSTANCE, Witness.DISK), {Witness.INSTANCE}, ["instance:A", "instance:B"]),
        ((Witness.INSTANCE, Witness.DISK), {Witness.DISK}, ["disk"]),
        ((Witness.INSTANCE, Witness.PROBE), set(Witness), ["instance:A", "instance:B"]),
        ((Witness.INSTANCE, Witness.PROBE), {Witness.PROBE}, ["probe:A", "probe:B"]),
        ((Witness.TWIN,), {Witness.INSTANCE}, []),
    ],
)
def test_a_rule_is_judged_on_each_asked_witness(
    evidence: tuple[Witness, ...], asked: set[Witness], expected: list[str]
) -> None:
    declared = rule(evidence=evidence)
    found = places(declared, asked, Plan(launches=(Launch.A, Launch.B)))
    assert [str(place) for place in found] == expected
    assert [Place.parse(text) for text in expected] == list(found)


def test_launches_are_as_many_as_the_rules_need() -> None:
    instance, twin, ec2 = (rule(evidence=(each,)) for each in (Witness.INSTANCE, Witness.TWIN, Witness.EC2))
    everything = set(Witness)
    assert plan([ec2], everything).all == ()
    assert plan([ec2, instance], everything).all == (Launch.A,)
    assert plan([twin, instance], everything).all == (Launch.A, Launch.B)
    assert plan([twin, instance], {Witness.INSTANCE}).all == (Launch.A,)


def test_a_run_looks_at_what_its_rules_declare_and_at_nothing_else() -> None:
    plain = rule(evidence=(Witness.TWIN,))
    reboots = rule(evidence=(Witness.INSTANCE,), looks=frozenset({Look.REBOOT}))
    stranger = rule(evidence=(Witness.PROBE,), looks=frozenset({Look.STRANGER}))
    keyless = rule(evidence=(Witness.PROBE,), looks=frozenset({Look.KEYLESS}))
    assert plan([plain], set(Witness)).looks == frozenset()
    assert plan([plain, reboots, stranger], set(Witness)).looks == {Look.REBOOT, Look.STRANGER}
    assert plan([plain, reboots, stranger], set(Witness) - {Witness.PROBE}).looks == {Look.REBOOT}
    assert plan([plain, keyless], set(Witness)).all == (Launch.A, Launch.B, Launch.KEYLESS)
    assert plan([reboots, keyless], {Witness.EC2}) == Plan()


def test_what_is_done_with_one_launch_is_judged_there() -> None:
    twins = Plan(launches=(Launch.A, Launch.B), looks=frozenset(Look))
    for look, expected in {
        Look.STATUS: ["instance:A", "instance:B"],
        Look.STRANGER: ["instance:B"],
        Look.REBOOT: ["instance:B"],
        Look.KEYLESS: ["instance:keyless"],
    }.items():
        declared = rule(evidence=(Witness.INSTANCE, Witness.PROBE), looks=frozenset({look}))
        assert [str(place) for place in places(declared, set(Witness), twins)] == expected
        alone = [str(place).replace("B", "A") for place in places(declared, set(Witness), Plan(launches=(Launch.A,)))]
        assert set(alone) <= {"instance:A", "instance:keyless"}


def test_every_viewpoint_of_a_plan_is_named_once() -> None:
    full = Plan(launches=(Launch.A, Launch.B), looks=frozenset(Look))
    named = [str(viewpoint) for viewpoint in full.viewpoints()]
    assert sorted(named) == sorted(
        ["A/1/inside", "A/1/outside", "B/1/inside", "B/1/outside", "B/2/inside", "B/2/outside", "keyless/1/outside"]
    )
    assert list(Plan().viewpoints()) == []

"""What changed between two reports: nothing is better because nobody looked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.report.made import HOSTILE, hostile_report, report, result
from tests.unit.report.samples import failing, passing, undecided
from tests.unit.report.test_markdown import OURS, Page

from amigate.report.diff import Kind, compare
from amigate.report.formats import DIFF_FORMATS
from amigate.report.markdown import COMMENT_BYTES
from amigate.result import Finding, Severity, Status, Target

X, Y = Finding(path="/x", detail="is there", seen="A"), Finding(path="/y", line=2, detail="is there")


@pytest.mark.parametrize(
    "before,after,kind",
    [
        (Status.PASS, Status.FAIL, Kind.WORSE),
        (Status.INCONCLUSIVE, Status.FAIL, Kind.WORSE),
        (Status.NOT_ASKED, Status.FAIL, Kind.WORSE),
        (Status.FAIL, Status.PASS, Kind.BETTER),
        (Status.INCONCLUSIVE, Status.PASS, Kind.BETTER),
        (Status.NOT_ASKED, Status.PASS, Kind.BETTER),
        (Status.FAIL, Status.WAIVED, Kind.BETTER),
        (Status.FAIL, Status.INCONCLUSIVE, Kind.UNKNOWN),
        (Status.FAIL, Status.NOT_ASKED, Kind.UNKNOWN),
        (Status.PASS, Status.INCONCLUSIVE, Kind.UNKNOWN),
        (Status.PASS, Status.NOT_APPLICABLE, Kind.OTHER),
    ],
)
def test_a_status_is_better_or_worse_than_another(before: Status, after: Status, kind: Kind) -> None:
    low = Severity.LOW  # so that none blocks
    (change,) = compare(report(result("a", before, low)), report(result("a", after, low))).changes
    assert change.kind is kind


@pytest.mark.parametrize("status", Status)
def test_what_is_as_it_was_is_no_change(status: Status) -> None:
    one = report(result("a", status, message="so", findings=(X,)))
    found = compare(one, replace(one, collected_at="2027-01-01T00:00:00+00:00"))
    assert (found.changes, found.same) == ((), 1)


def test_findings_are_new_and_gone_whoever_saw_them() -> None:
    before = report(result("a", Status.FAIL, findings=(X, Y)))
    after = report(result("a", Status.FAIL, findings=(replace(X, seen="A, B"), replace(Y, line=3))))
    (change,) = compare(before, after).changes
    assert (change.kind, change.new, change.gone) == (Kind.OTHER, (replace(Y, line=3),), (Y,))


def test_the_images_id_makes_no_finding_another() -> None:
    def of(image: str) -> Finding:
        return Finding(subject=image, detail=f"{image} is shared with 111122223333")

    before = report(result("a", Status.FAIL, findings=(of("ami-1"),)), target=Target(kind="ami", id="ami-1"))
    after = report(result("a", Status.FAIL, findings=(of("ami-2"),)), target=Target(kind="ami", id="ami-2"))
    assert compare(before, after).changes == ()


@pytest.mark.parametrize("status", [Status.INCONCLUSIVE, Status.NOT_ASKED])
def test_findings_that_nobody_looked_for_again_are_not_gone(status: Status) -> None:
    (change,) = compare(report(result("a", Status.FAIL, findings=(X,))), report(result("a", status))).changes
    assert (change.kind, change.gone) == (Kind.UNKNOWN, ())


def test_rules_come_and_go_and_what_blocks_now_is_worse() -> None:
    before = report(result("gone", Status.PASS), result("strict", Status.FAIL, Severity.LOW))
    after = report(result("strict", Status.FAIL), result("come", Status.FAIL))
    found = {change.result.id: change.kind for change in compare(before, after).changes}
    assert found == {"gone": Kind.REMOVED, "come": Kind.ADDED, "strict": Kind.WORSE}
    assert list(found) == ["gone", "come", "strict"]


CONSOLE = """\
A: ami-0123456789abcdef0 golden, profile first-gate, looked at 2026-01-01T00:00:00+00:00: FAIL (full)
B: ami-0123456789abcdef0 golden, profile first-gate, looked at 2026-01-01T00:00:00+00:00: FAIL (full)
Their profiles differ: what changed may be what is asked, and not the image.

BETTER            b  (critical)  fail → pass
                  - /y:2: is there
NO LONGER KNOWN   c  (critical)  pass → inconclusive
                  nobody answered
NO LONGER KNOWN   d  (critical)  pass → inconclusive
                  for a reason that is told above
WORSE             a  (critical)  pass → fail
                  + /x: is there  [A]
                  fix: amigate harden ssh://USER@HOST --only sshd

VERDICT FAIL (full), as before: 1 better, 2 no longer known, 1 worse, 1 as before
"""


def test_the_console_says_it_all() -> None:
    same = result("e", Status.PASS)
    before = report(
        result("a", Status.PASS),
        result("b", Status.FAIL, findings=(Y,)),
        *(result(rule, Status.PASS) for rule in "cd"),
        same,
        evidence_digest="sha256:" + "3" * 64,
    )
    after = report(
        result("a", Status.FAIL, findings=(X,), remediation="harden", step="sshd"),
        result("b", Status.PASS),
        *(result(rule, Status.INCONCLUSIVE, message="nobody answered") for rule in "cd"),
        same,
        profile_digest="sha256:" + "4" * 64,
    )
    assert DIFF_FORMATS["console"](compare(before, after)) == CONSOLE


def test_markdown_begins_with_what_got_worse() -> None:
    text = DIFF_FORMATS["markdown"](compare(passing(), failing()))
    assert text.startswith("## PASS (full) → FAIL (full): 9 worse, 18 as before\n")
    assert text.index("(critical) pass → fail") < text.index("(low) pass → fail")
    assert "- new: `/etc/shadow:1 (root): a password is set  [disk, A, B]`" in text
    assert "- fix: `amigate harden ssh://USER@HOST --only sshd`" in text
    assert Page(text).tags <= OURS


def test_nothing_changed_is_said_so() -> None:
    found = compare(failing(), failing())
    assert DIFF_FORMATS["console"](found).splitlines()[-1] == "VERDICT FAIL (full), as before: nothing changed"
    assert "Both judge the same evidence." in DIFF_FORMATS["console"](found)
    assert "Other witnesses were asked" in DIFF_FORMATS["console"](compare(failing(), undecided()))


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_text_stays_text(text: str) -> None:
    for pair in ((hostile_report(text), report()), (report(result("a", Status.PASS)), hostile_report(text))):
        found = compare(*pair)
        console, markdown = (DIFF_FORMATS[name](found) for name in ("console", "markdown"))
        assert all(line.isprintable() for line in console.splitlines())
        assert console.count("\nVERDICT") == 1
        assert len(markdown.encode()) <= COMMENT_BYTES
        page = Page(markdown)
        assert page.tags <= OURS
        assert page.links == set()

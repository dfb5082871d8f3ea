"""The HTML report as text: it loads nothing, runs nothing but its own script, and says what the report says."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from html.parser import HTMLParser

import pytest
from tests.unit.report.made import EVERY_OUTCOME, EVERYTHING, HOSTILE, hostile_report, report, result
from tests.unit.report.samples import SAMPLES, failing

from amigate.report.escape import shown
from amigate.report.html import page, picture, timeline, witnesses
from amigate.result import Finding, Phase, Report, Status, Witness

VOID = {"meta", "input", "br"}
LOADING = {"src", "srcset", "href", "action", "data", "poster", "background", "style"}


class Page(HTMLParser):
    """Collects elements, attributes that could load something, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loading: set[tuple[str, str, str]] = set()
        self.ids: list[str] = []
        self.policy = ""
        self.parts: dict[str, str] = {}
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), "an event handler"
            if name in LOADING:
                self.loading.add((tag, name, value or ""))
            if name == "id":
                self.ids.append(value or "")
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"] or ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"style", "script"}:
            self.parts[self.open[-1]] = data
        else:
            self.words.append(data)


@pytest.mark.parametrize("of", [EVERYTHING, *(make() for make in SAMPLES.values())])
def test_it_loads_nothing_and_its_policy_names_all_that_runs(of: Report) -> None:
    found = Page(page.render(of))
    assert not found.open
    for tag, name, value in found.loading:
        assert name == "href"
        assert value.startswith("#") or value in {each.source for each in of.results}
        assert tag in {"a", "use"}
    for part in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(found.parts[part].encode()).digest()).decode()
        assert f"{part}-src 'sha256-{digest}'" in found.policy
        assert found.tags.count(part) == 1
    assert found.policy.startswith("default-src 'none'; ")
    assert "unsafe" not in found.policy
    assert len(found.ids) == len(set(found.ids))
    assert {value[1:] for tag, _, value in found.loading if value.startswith("#")} <= set(found.ids)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_text_is_text(text: str) -> None:
    rendered = page.render(hostile_report(text))
    found, sound = Page(rendered), Page(page.render(hostile_report("sound")))
    assert [tag for tag in found.tags if tag != "text"] == [tag for tag in sound.tags if tag != "text"]  # if it fits
    assert found.parts == sound.parts
    assert {tag for tag, *_ in found.loading} == {tag for tag, *_ in sound.loading}
    assert all(value.startswith(("#", "https://docs.aws.amazon.com/")) for _, _, value in found.loading)
    whole = "".join(found.words)
    assert shown(text) in whole
    assert all(character.isprintable() or character == "\n" for character in rendered)


@pytest.mark.parametrize("of", EVERY_OUTCOME)
def test_only_a_full_pass_is_said_to_be_shareable(of: Report) -> None:
    text = page.render(of)
    assert ('<h1 id="verdict">May be shared</h1>' in text) == of.may_share
    assert ("MAY BE SHARED" in text) == of.may_share
    assert f'class="verdict tone-{page._tone(of)}"' in text


def test_every_rule_and_every_finding_stands_on_it() -> None:
    of = failing()
    words = " ".join(" ".join(Page(page.render(of)).words).split())
    for each in of.results:
        assert each.title in words
        assert each.id in words
        assert " ".join(each.rationale.split()) in words
        for finding in each.findings:
            assert finding.detail in words
            assert finding.fingerprint in words
    for note in (*of.notes, of.evidence_digest, of.profile_digest, "profiles/aws-shared.yaml:19"):
        assert note in words
    for command in ("--only keys", "--only sshd", "--only accounts", "amigate bake --from ami-2da49989561fcfe63"):
        assert command in words


def test_reasons_that_rules_share_are_told_once_above() -> None:
    why = page._why(SAMPLES["undecided"]())
    assert [len(results) for results in why] == [11]
    assert [len(results) for results in page._why(failing())] == [1] * 7


def test_rules_whose_ids_look_alike_have_anchors_of_their_own() -> None:
    results = [result(rule, Status.PASS) for rule in ("user:a/b", "user:a-b", "user:a b", "über")]
    anchors = page._anchors(results)
    assert len(set(anchors.values())) == 4
    assert all(re.fullmatch(r"rule-[A-Za-z0-9_-]+", anchor) for anchor in anchors.values())


def test_a_finding_is_counted_for_who_saw_it() -> None:
    both = (Witness.INSTANCE, Witness.DISK)
    of = report(
        result("a", Status.FAIL, witness=both, findings=(Finding(path="/x", detail="d", seen="disk"),)),
        result("b", Status.FAIL, witness=both, findings=(Finding(path="/y", detail="d", seen="disk, A"),)),
        result("c", Status.FAIL, witness=(Witness.TWIN,), findings=(Finding(path="/z", detail="d"),)),
        result("d", Status.FAIL, witness=(Witness.EC2,), message="not met"),
        result("e", Status.INCONCLUSIVE, witness=(Witness.PROBE,)),
        result("f", Status.NOT_APPLICABLE, witness=(Witness.PROBE,)),
        witnesses=tuple(Witness),
    )
    saw = witnesses.witnesses(of)
    assert {name: (each.asked, each.violated, each.undecided, each.findings) for name, each in saw.items()} == {
        "ec2": (1, 1, 0, 0),
        "disk": (2, 2, 0, 2),
        "instance": (2, 1, 0, 1),
        "twin": (1, 1, 0, 1),
        "probe": (1, 0, 1, 0),
    }
    nodes = witnesses.nodes(of)
    assert (nodes["A"].told, nodes["B"].told, nodes["probe"].told) == ("1 violated", "all met", "1 undecided")


def test_who_was_not_asked_is_shown_as_such() -> None:
    of = report(result("a", Status.PASS, witness=(Witness.INSTANCE,)), witnesses=(Witness.INSTANCE,))
    nodes = witnesses.nodes(of)
    assert {name for name, saw in nodes.items() if saw.present} == {"A"}
    assert nodes["disk"].tone == Status.NOT_ASKED
    text = page.render(of)
    assert 'EC2 <span class="muted">(what AWS says of it)</span>, ' in text


def test_the_pictures_show_every_witness() -> None:
    for each in (picture.WIDE, picture.TALL):
        assert set(each.boxes) == {"image", *witnesses.nodes(EVERYTHING)}
        assert {end for end, _ in each.lines} == set(each.boxes) - {"image", *({"twin", "probe"})}
        for box in each.boxes.values():
            assert 0 <= box.x <= box.x + box.width <= each.width
            assert 0 <= box.y <= box.y + box.height <= each.height


def test_phases_side_by_side_stand_below_each_other() -> None:
    found = timeline.lanes(failing().timeline)
    assert [(lane.name, len(lane.rows)) for lane in found] == [
        ("Run", 2),
        ("Launch A", 1),
        ("Launch B", 1),
        ("Disk at rest", 1),
    ]
    for lane in found:
        for row in lane.rows:
            for bar, following in itertools.pairwise(row):
                assert bar.left + bar.width <= following.left + 0.5
    assert [text for _, text in timeline.ticks(failing().timeline)] == [f"{second} s" for second in range(0, 101, 20)]


@pytest.mark.parametrize(
    "phases",
    [
        (),
        (Phase(name="x", started_s=0.0, duration_s=0.0),),
        (Phase(name="A ", started_s=-5.0, duration_s=-1.0), Phase(name="y", started_s=1e9, duration_s=1e9)),
    ],
)
def test_any_times_make_a_timeline(phases: tuple[Phase, ...]) -> None:
    for lane in timeline.lanes(phases):
        for row in lane.rows:
            assert all(0 <= bar.left <= 100 and 0 < bar.width <= 100 for bar in row)
    assert len(timeline.ticks(phases)) < 20
    assert "</html>" in page.render(report(result("a", Status.PASS), timeline=phases))

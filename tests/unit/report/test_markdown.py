"""Markdown, read as GitHub reads it: what an image says is code, and nothing is longer than GitHub takes."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.report.made import EVERY_OUTCOME, EVERYTHING, HOSTILE, hostile_report, report, result

from amigate.report import markdown
from amigate.report.escape import shown
from amigate.result import Finding, Severity, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.result import Report

OURS = {"h2", "h3", "p", "ul", "li", "code", "strong", "a", "pre", "details", "summary", "em"}
RENDERS = [(markdown.render, markdown.SUMMARY_BYTES), (markdown.render_comment, markdown.COMMENT_BYTES)]


class Page(HTMLParser):
    """Collects tags, links, and text in code and outside of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: set[str] = set()
        self.open: list[str] = []
        self.code: list[str] = []
        self.prose: list[str] = []
        # Options.CMARK_OPT_UNSAFE: tags are let through, as GitHub does with those that it knows.
        self.feed(cmarkgfm.github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        self.links |= {value or "" for name, value in attrs if name == "href"}
        assert {name for name, _ in attrs} <= {"href", "lang"}
        if tag == "code":
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "code" in self.open:
            self.code[-1] += data
        else:
            self.prose.append(data)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("render,most", RENDERS)
def test_hostile_text_is_code_or_says_nothing(render: Callable[[Report], str], most: int, text: str) -> None:
    rendered = render(hostile_report(text))
    assert len(rendered.encode()) <= most
    page = Page(rendered)
    assert page.tags <= OURS
    assert page.links == {"https://docs.aws.amazon.com/some"}
    assert not page.open
    for prose in page.prose:
        assert not any(prose[at : at + 1] in "@#" and prose[at + 1 : at + 2].isalnum() for at in range(len(prose))), (
            "a mention or a reference"
        )


@given(st.text(st.characters(), max_size=60))
def test_a_code_span_is_what_it_says(text: str) -> None:
    page = Page(markdown.code(text))
    assert page.code == [shown(text) if shown(text).strip() else " "]
    assert page.tags == {"p", "code"}


@given(st.text(st.characters(), max_size=60))
def test_plain_text_is_what_it_says(text: str) -> None:
    page = Page("x" + markdown.plain(text))
    assert "".join(page.prose).strip() == ("x" + shown(text)).strip()
    assert page.tags == {"p"}


@pytest.mark.parametrize("of", EVERY_OUTCOME)
def test_the_verdict_is_the_heading(of: Report) -> None:
    heading = markdown.render(of).splitlines()[0]
    assert heading.split()[2].rstrip(":").lower() == of.verdict
    assert ("MAY BE SHARED" in markdown.render(of)) == of.may_share


def test_what_blocks_stands_first_with_its_fix_and_what_is_met_is_folded_away() -> None:
    text = markdown.render(EVERYTHING)
    order = [
        "### What blocks",
        "### What could not be decided",
        "amigate bake",
        "### What does not block",
        "<summary>1 pass",
    ]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    assert (
        "**FAIL** `ssh-no-password-login` (critical) Title of ssh\\-no\\-password\\-login\n\n"
        "- `/etc/ssh/sshd_config:3 (user bob): passwordauthentication is yes  [A, B]`\n"
        "- `/etc/x: there  SHA256:abc`\n\n"
        "[source](<https://docs.aws.amazon.com/some>) · fix: `amigate harden ssh://USER@HOST --only sshd`"
    ) in text


def test_a_report_that_is_too_long_keeps_the_gravest_and_says_what_is_missing() -> None:
    many = tuple(Finding(path=f"/{number:0500}", detail="d") for number in range(300))
    results = [result(f"mild-{number}", Status.FAIL, Severity.LOW, findings=many) for number in range(12)]
    of = report(*results, result("grave", Status.FAIL, findings=many))
    for render, most in RENDERS:
        text = render(of)
        assert most * 0.8 < len(text.encode()) <= most
        assert "`grave`" in text
        assert "more\n" in text
        assert "Left out, as GitHub takes no more" in text.splitlines()[-1]
        assert not Page(text).open

"""Links within the repository lead somewhere: to files that are there, and to headings that they have."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote, urlsplit

import pytest

from .pages import ROOT, Page, names, parse, read

PAGES = {name: read(name) for name in names()}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_the_links_of_a_page_lead_somewhere(page: Page) -> None:
    wrong = [f"{page.name}:{line}: {goal}: {why}" for line, goal in page.links if (why := dead(page, goal))]
    assert not wrong, "\n".join(wrong)


def dead(page: Page, goal: str) -> str:
    """Return why a link leads nowhere; "" for one that does not, or leaves the repository."""
    parts = urlsplit(goal)
    if parts.scheme or parts.netloc:
        return ""
    path = unquote(parts.path)
    name = posixpath.normpath(posixpath.join(posixpath.dirname(page.name), path)) if path else page.name
    if name.startswith("..") or not (ROOT / name).exists():
        return "there is no such file"
    if not parts.fragment or not name.endswith(".md"):
        return ""
    there = page if name == page.name else PAGES[name]
    return "" if unquote(parts.fragment) in there.anchors else "there is no such heading"


@pytest.mark.parametrize("goal", ["nowhere.md", "../../outside", "README.md#no-such-heading", "#none", "/README.md"])
def test_a_link_that_leads_nowhere_is_told(goal: str) -> None:
    assert dead(parse(f"# A page\n\n[x]({goal})\n", "page.md"), goal)


@pytest.mark.parametrize(
    "heading, anchor",
    [
        ("What a `conftest.py` can do", "what-a-conftestpy-can-do"),
        ("The file: `amigate/evidence/4`", "the-file-amigateevidence4"),
        ("How fast, and why", "how-fast-and-why"),
        ("Straße *und* __Dorf__", "straße-und-dorf"),
    ],
)
def test_headings_have_the_anchors_of_github(heading: str, anchor: str) -> None:
    assert parse(f"# {heading}\n\n## {heading}\n", "page.md").anchors == {anchor, f"{anchor}-1"}


def test_every_page_of_docs_is_in_the_index() -> None:
    index = PAGES["docs/README.md"]
    linked = {posixpath.normpath(f"docs/{goal.partition('#')[0]}") for _, goal in index.links}
    pages = {name for name in PAGES if name.startswith("docs/") and not name.startswith("docs/rules/")}
    assert pages - linked == {"docs/README.md"}

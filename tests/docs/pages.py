"""Markdown as GitHub reads it: code blocks with their marks, code spans, links, and what links may lead to."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from cmarkgfm import cmark

ROOT = Path(__file__).parents[2]
_FULL_INFO_STRING = 1 << 16  # CMARK_OPT_FULL_INFO_STRING, which the package does not name
_OPTIONS = cmark.Options.CMARK_OPT_SOURCEPOS | cmark.Options.CMARK_OPT_UNSAFE | _FULL_INFO_STRING
_NO_SLUG = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, kw_only=True)
class Code:
    """A block of code, or (without a language) a span."""

    page: str
    line: int
    text: str
    language: str = ""
    marks: tuple[str, ...] = ()
    """The words behind the language, which no reader sees: ```sh run exit=1."""
    is_block: bool = True

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    def mark(self, name: str) -> str | None:
        """Return the value of `name=value`, "" of a plain `name`, None where neither is there."""
        for each in self.marks:
            if each.partition("=")[0] == name:
                return each.partition("=")[2]
        return None


@dataclass
class Page:
    """What a Markdown file holds."""

    name: str
    """Its path from the root of the repository."""
    code: list[Code] = field(default_factory=list)
    links: list[tuple[int, str]] = field(default_factory=list)
    """Line and goal, of links and pictures."""
    anchors: set[str] = field(default_factory=set)

    @property
    def blocks(self) -> list[Code]:
        return [each for each in self.code if each.is_block]


def names() -> list[str]:
    """Return the Markdown files of the repository, tracked or about to be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return sorted(name for name in set(listed.split("\0")) if name and (ROOT / name).is_file())


def read(name: str) -> Page:
    """Read one of them."""
    return parse((ROOT / name).read_text(encoding="utf-8"), name)


def parse(text: str, name: str) -> Page:
    """Read what is written in `text`."""
    reader = _Reader(Page(name))
    reader.feed(cmark.github_flavored_markdown_to_html(text, _OPTIONS))
    return reader.page


class _Reader(HTMLParser):
    """Collects a page from the HTML that cmark makes of it."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page
        self._line = 0
        self._block: dict[str, str] | None = None
        self._text: list[str] | None = None
        self._heading: list[str] | None = None
        self._slugs: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "data-sourcepos" in given:
            self._line = int(given["data-sourcepos"].partition(":")[0])
        if tag == "pre":
            self._block = given
        elif tag == "code":
            self._text = []
        elif re.fullmatch("h[1-6]", tag):
            self._heading = []
        elif (goal := given.get("href" if tag == "a" else "src")) is not None:
            self.page.links.append((self._line, goal))
        self.page.anchors |= {given[name] for name in ("id", "name") if name in given}

    def handle_data(self, data: str) -> None:
        for collected in (self._text, self._heading):
            if collected is not None:
                collected.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "code" and self._text is not None:
            self.page.code.append(self._code("".join(self._text)))
            self._text = None
        elif tag == "pre":
            self._block = None
        elif self._heading is not None and re.fullmatch("h[1-6]", tag):
            self.page.anchors.add(self._slug("".join(self._heading)))
            self._heading = None

    def _code(self, text: str) -> Code:
        if self._block is None:
            return Code(page=self.page.name, line=self._line, text=text, is_block=False)
        marks = tuple(self._block.get("data-meta", "").split())
        language = self._block.get("lang", "")
        return Code(page=self.page.name, line=self._line, text=text, language=language, marks=marks)

    def _slug(self, heading: str) -> str:
        """Return the anchor that GitHub gives a heading; a second one of the same words gets a number."""
        slug = _NO_SLUG.sub("", heading.strip().lower()).replace(" ", "-")
        self._slugs[slug] += 1
        return slug if self._slugs[slug] == 1 else f"{slug}-{self._slugs[slug] - 1}"

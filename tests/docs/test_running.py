"""Commands of pages that need neither AWS nor a virtual machine end as the pages say, and say what the pages show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from .pages import Page, names, read
from .shell import shown

if TYPE_CHECKING:
    from .place import Place

RUN = {page.name: page for page in map(read, names()) if any(each.mark("run") is not None for each in page.blocks)}


@pytest.mark.parametrize("page", RUN.values(), ids=RUN)
def test_the_commands_of_a_page_do_what_it_says(page: Page, place: Place) -> None:
    for block in page.blocks:
        if name := block.mark("file"):
            (place.folder / name).write_text(block.text, encoding="utf-8")
        if block.mark("run") is None:
            continue
        for command in shown(block):
            done = place.run(command.line)
            assert done.returncode == int(block.mark("exit") or 0), f"{block.place}: {command.line}\n{done.stdout}"
            if block.language == "console":
                assert fits(done.stdout, command.output), f"{block.place}: {command.line}\n{done.stdout}"


def fits(output: str, expected: str) -> bool:
    """Whether `output` is as a page shows it: `…` is whatever stands there, and so are blanks and long numbers."""
    pattern = re.escape(_plain(expected)).replace("…", ".*")
    return re.fullmatch(re.sub(r"\d{5,}", r"\\d+", pattern), _plain(output), re.DOTALL) is not None


def _plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    "output, expected, whether",
    [
        ("a  b\n", "a b", True),
        ("a\nx\ny\nb", "a\n…\nb", True),
        ("at byte 1234567", "at byte 30982144", True),
        ("27 rules", "28 rules", False),
        ("a\nb", "a", False),
        ("b a", "a b", False),
        ("axb", "a.b", False),
    ],
)
def test_an_output_fits_only_what_shows_it(output: str, expected: str, whether: bool) -> None:  # noqa: FBT001 - a column
    assert fits(output, expected) is whether

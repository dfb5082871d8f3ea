"""Every command that a page shows exists, and is run by something or says that it needs AWS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from .cli import STARTED, options, refused, unknown
from .pages import ROOT, Code, Page, names, parse, read
from .shell import LANGUAGES, calls, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES = {name: read(name) for name in names()}
MARKS = ("run", "aws", "github", "vm", "by")
"""Run by test_running.py; needs an AWS account; needs GitHub; run by test_tutorial.py; run by what is named."""
FOLLOWED = {"docs/tutorial.md"}
PLANNED = {"docs/design.md"}
"""Names what is not built yet too, as planned, and shows synopses alone."""
OF_OTHERS = {"--hosts", "--ssh-identity-file", "-I", "--relay", "--seed"}
"""Options of pytest, Python, and programs of bench."""

each_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)


@each_page
def test_each_block_of_commands_says_what_runs_it(page: Page) -> None:
    wrong = [f"{block.place}: {problem}" for block in page.blocks for problem in unmarked(block)]
    assert not wrong, "\n".join(wrong)


def unmarked(block: Code) -> Iterator[str]:
    """Yield what is wrong with the marks of a block that shows commands."""
    given = [mark for mark in MARKS if block.mark(mark) is not None]
    if (
        block.page in PLANNED
        or block.language == "text"
        or not (block.language in LANGUAGES or STARTED.search(block.text))
    ):
        return
    if not block.language:
        yield "commands stand in a fenced block of `sh` or `console`, output in one of `text`"
    elif len(given) != 1:
        yield f"behind the language stands one of {', '.join(MARKS)}"
    elif given == ["vm"] and block.page not in FOLLOWED:
        yield "nothing follows this page on virtual machines"
    elif given == ["by"] and not is_there(block.mark("by") or ""):
        yield "what is named there is not there"


def is_there(test: str) -> bool:
    """Whether `path` or `path::function` exists."""
    path, _, function = test.partition("::")
    file = ROOT / path
    return file.is_file() and (not function or f"def {function}(" in file.read_text(encoding="utf-8"))


@each_page
def test_the_command_line_takes_each_command_of_a_shell(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = [
        f"{block.place}: {problem}: {command.line}"
        for block in page.blocks
        if block.language in LANGUAGES
        for command in shown(block)
        for call in calls(command.line)
        if (problem := refused(call))
    ]
    assert not wrong, "\n".join(wrong)


@each_page
def test_no_page_names_a_command_or_an_option_that_there_is_not(page: Page) -> None:
    if page.name in PLANNED:
        pytest.skip("it names what is planned, and says so")
    known = options() | OF_OTHERS
    wrong = [f"{code.place}: there is no {name}" for code in page.code for name in unknown(code.text)]
    alone = [code for code in page.code if not code.is_block and re.fullmatch(r"--?[a-z][\w-]*(?:[ =].*)?", code.text)]
    wrong += [
        f"{code.place}: no command has {code.text}" for code in alone if re.split("[ =]", code.text)[0] not in known
    ]
    assert not wrong, "\n".join(wrong)


@each_page
def test_each_target_of_make_is_in_the_makefile(page: Page) -> None:
    targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    lines = [(code.place, line) for code in page.code for line in code.text.splitlines()]
    made = [(place, found[1]) for place, line in lines if (found := re.match(r"(?:\$ )?make ([a-z0-9-]+)", line))]
    assert not [(place, target) for place, target in made if target not in targets]


@pytest.mark.parametrize(
    "text",
    [
        "    amigate reap\n",
        "```sh\namigate reap\n```\n",
        "```sh run aws\namigate reap\n```\n",
        "```sh vm\namigate reap\n```\n",
        "```sh by=tests/nothing.py\namigate reap\n```\n",
        "```sh by=tests/docs/test_commands.py::test_nothing\namigate reap\n```\n",
        "```yaml\n- run: amigate reap\n```\n",
        "```sh\nls\n```\n",
    ],
)
def test_a_block_of_commands_that_nothing_runs_is_told(text: str) -> None:
    (block,) = parse(text, "docs/page.md").blocks
    assert list(unmarked(block))


@pytest.mark.parametrize(
    "text",
    [
        "```sh aws\namigate reap\n```\n",
        "```sh run\namigate reap\n```\n",
        "```yaml aws\n- run: amigate reap\n```\n",
        "```text\n$ amigate reap\n```\n",
        "```sh by=tests/docs/test_commands.py::is_there\nls\n```\n",
        "    a word\n",
    ],
)
def test_a_block_with_a_mark_or_without_commands_is_right(text: str) -> None:
    (block,) = parse(text, "docs/page.md").blocks
    assert not list(unmarked(block))


@pytest.mark.parametrize(
    "line",
    [
        "amigate valdate x",
        "amigate validate x --no-such-option",
        "amigate validate",
        "amigate sandbox images paint",
        "amigate report a.json --format",
        "true && amigate bake --name x",
        "echo $(amigate reap --never)",
        "X=1 amigate share",
        "amigate completion csh",
    ],
)
def test_the_command_line_refuses_what_there_is_not(line: str) -> None:
    assert any(refused(call) for call in calls(line))


@pytest.mark.parametrize(
    "line, called",
    [
        ("amigate reap > out 2>&1", [["reap"]]),
        (
            'amigate report r.json --format markdown >> "$GITHUB_STEP_SUMMARY" || true',
            [["report", "r.json", "--format", "markdown"]],
        ),
        (
            'amigate validate "$(amigate sandbox images build leaky)"',
            [["sandbox", "images", "build", "leaky"], ["validate", "X"]],
        ),
        ("amigate --version; amigate --help | head", [["--version"], ["--help"]]),
        ("amigate reap --dry-run   # show only", [["reap", "--dry-run"]]),
        ("cat amigate", []),
    ],
)
def test_calls_are_found_in_a_line_of_a_shell(line: str, called: list[list[str]]) -> None:
    assert list(calls(line)) == called
    assert not [call for call in called if refused(call)]


@pytest.mark.parametrize(
    "text, names",
    [
        ("amigate validate ami-… --keep", []),
        ("amigate validate … --kept", ["--kept in `amigate validate … --kept`"]),
        ("amigate checks list|show ID [--profile NAME|FILE]", []),
        ("amigate checks list|paint ID", ["amigate paint"]),
        ("amigate report FILE --format html", []),
        ("$ amigate unshare x", ["amigate unshare"]),
        ("fix: amigate harden ssh://USER@HOST --only sshd --seal", []),
        ("amigate decides", ["amigate decides"]),
        ("amigate: error: unshare", []),
        ("`amigate` decides", []),
    ],
)
def test_what_a_text_names_and_there_is_not_is_told(text: str, names: list[str]) -> None:
    assert list(unknown(text)) == names

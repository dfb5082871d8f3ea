"""docs/reference is what the command line and the report's schema are now."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
TOOL = runpy.run_path(str(ROOT / "tools" / "reference.py"))
PAGES: Mapping[str, str] = {path.name: text for path, text in TOOL["pages"]().items()}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_reference_is_up_to_date(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert written == PAGES[name], "run `.venv/bin/python tools/generate.py`"


def test_the_reference_has_every_command_and_every_option() -> None:
    @click.group()
    def tool() -> None:
        """Do things."""

    @tool.command("make")
    @click.argument("what", nargs=-1)
    @click.option("--how", type=click.Choice(["fast", "slow"]), default="fast", show_default=True, help="How | when.")
    @click.option("-n", "--number", type=click.IntRange(1, 9), envvar="TOOL_NUMBER", help="How\nmany.")
    @click.option("--dry/--wet", help="Either.")
    @click.option("--secret", hidden=True)
    def make(**_: object) -> None:
        """Make WHAT.

        It may
        take long."""

    assert "".join(TOOL["_command"](tool, "tool", click.Context(tool))) == (
        "\n## tool\n\n```text\ntool [OPTIONS] COMMAND\n```\n\nDo things.\n"
        "\n## tool make\n\n```text\ntool make [OPTIONS] [WHAT]…\n```\n\nMake WHAT.\n\nIt may take long.\n"
        "\n| option | | environment |\n|---|---|---|\n"
        "| `--how fast\\|slow` | How \\| when. [default: fast] |  |\n"
        "| `-n, --number NUMBER` | How many. | `TOOL_NUMBER` |\n"
        "| `--dry, --wet` | Either. |  |\n"
    )

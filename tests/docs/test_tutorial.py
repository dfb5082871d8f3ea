"""The tutorial, followed to the letter: a clone, an empty home, two terminals, and a clock."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from .pages import ROOT, Code, read
from .shell import shown
from .terminal import Terminal
from .test_running import fits

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.vm, pytest.mark.slow]

LIMIT_S = 600
"""Within which everything is over, with what is downloaded, installed and built."""
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
_AMI = re.compile(r"^  (ami-[0-9a-f]{17})  ([\w-]+)", re.MULTILINE)
_EXPORT = re.compile(r"^export .*", re.MULTILINE)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return what a clone of the repository holds, and nothing that was set up in ours."""
    folder = tmp_path / "clone"
    folder.mkdir()
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    packing = ["tar", "--create", "--null", "--files-from=-"]
    packed = subprocess.run(packing, cwd=ROOT, input=tracked, capture_output=True, check=True).stdout
    subprocess.run(["tar", "--extract"], cwd=folder, input=packed, check=True)
    return folder


def test_whoever_follows_the_tutorial_sees_what_it_shows_within_ten_minutes(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    environment = {"HOME": str(tmp_path / "home"), "PATH": PATH, "LANG": "C.UTF-8"}
    started = time.monotonic()
    with Terminal(clone, environment) as first, Terminal(clone, environment) as second:
        reader = Reader(first, second)
        for block in read("docs/tutorial.md").blocks:
            if block.mark("vm") is not None:
                reader.follow(block)
    took_s = time.monotonic() - started
    sys.stdout.write(f"the whole took {took_s:.0f} s\n")
    assert took_s < LIMIT_S


@dataclass
class Reader:
    """Types what the page shows: in the first terminal up to the sandbox, which stays there, then in the second."""

    first: Terminal
    second: Terminal
    ids: dict[str, str] = field(default_factory=dict)
    """AMI ids that the page shows, to those that there are."""
    exports: str = ""

    def follow(self, block: Code) -> None:
        if block.mark("background") is not None:
            self._start(block)
        elif block.mark("paste") is not None:
            own = [command.line for command in shown(block) if not _EXPORT.match(command.line)]
            assert self.second.run("\n".join([*own, self.exports]))[1] == 0
        else:
            terminal = self.second if self.exports else self.first
            for command in shown(block):
                began = time.monotonic()
                said, code = terminal.run(self._ours(command.line))
                sys.stdout.write(f"$ {command.line}\n{said}({time.monotonic() - began:.0f} s, exit code {code})\n")
                assert code == int(block.mark("exit") or 0), said
                assert fits(said, self._ours(command.output)), said

    def _start(self, block: Code) -> None:
        (command,) = shown(block)
        began = time.monotonic()
        said = self.first.until(f"{command.line}\n", "Ctrl-C ends")
        sys.stdout.write(f"$ {command.line}\n{said}({time.monotonic() - began:.0f} s)\n")
        there = {name: ami for ami, name in _AMI.findall(said)}
        self.ids = {ami: there[name] for ami, name in _AMI.findall(block.text)}
        self.exports = "\n".join(_EXPORT.findall(said))
        assert fits(said, self._ours(re.sub(_EXPORT, "…", command.output))), said

    def _ours(self, text: str) -> str:
        return re.sub("|".join(self.ids) or "(?!)", lambda found: self.ids[found[0]], text)

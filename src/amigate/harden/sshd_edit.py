"""Editing sshd's configuration: settings that are read first, and lines taken out wherever they stand."""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from amigate.errors import HardenError
from amigate.facts.sshd_config import MAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from amigate.facts.sshd_config import Line
    from amigate.harden.builder import Builder

DROP_IN = "/etc/ssh/sshd_config.d/00-amigate.conf"
_BEGIN, _END = "# amigate: begin", "# amigate: end"
_BLOCK = re.compile(rf"^{_BEGIN}\n.*?^{_END}\n", re.DOTALL | re.MULTILINE)


class Edit:
    """Changes to the files that sshd reads; made in memory, written by whoever asked for it."""

    def __init__(self, lines: Sequence[Line], texts: dict[str, str]) -> None:
        """Take the settings in the order in which sshd reads them, and the text of each file that holds one."""
        self._lines = lines
        self._texts = dict(texts)
        self._main = lines[0].path if lines else MAIN
        self._first = ""
        self._dropped: set[tuple[str, int]] = set()

    @classmethod
    def of(cls, builder: Builder, lines: Sequence[Line]) -> Edit:
        """Take the files from the machine."""
        texts = {}
        for path in dict.fromkeys(line.path for line in lines):
            entry = builder.entry(path)
            if entry is None or entry.content is None:
                raise HardenError(f"{path} cannot be read")
            texts[path] = entry.content.decode("utf-8", "surrogateescape")
        return cls(lines, texts)

    @property
    def _include(self) -> int | None:
        """Index of the first Include outside of any Match that reads the drop-in folder."""
        return next(
            (
                number
                for number, line in enumerate(self._lines)
                if line.keyword == "include" and line.path == self._main and not line.match and _reads_drop_in(line)
            ),
            None,
        )

    def put_first(self, text: str) -> None:
        """Have `text` read: from a drop-in where one is included, else from the top of the main file."""
        self._first = text

    def drop(self, unwanted: Callable[[Line], bool], *, only_earlier: bool = False) -> None:
        """Take out the lines that are `unwanted`; `only_earlier`: those that beat what is put first.

        A Match beats it wherever it stands."""
        for number, line in enumerate(self._lines):
            if unwanted(line) and (not only_earlier or line.match or number < self._position):
                self._dropped.add((line.path, line.number))

    def files(self) -> Iterator[tuple[str, str, int | None]]:
        """Yield path, text and mode (None: as it is) of each file that is to change, the drop-in whenever it is one.

        The settings come before anything is taken out, so that no moment in between has fewer than before."""
        texts = {path: self._without(path, text) for path, text in self._texts.items()}
        if not self._first:
            pass
        elif self._include is None:
            rest = _BLOCK.sub("", texts.get(self._main, ""))
            texts[self._main] = f"{_BEGIN}\n{self._first}{_END}\n{rest}"
        else:
            texts.pop(DROP_IN, None)
            yield DROP_IN, self._first, 0o600
        for path, text in texts.items():
            if text != self._texts.get(path):
                yield path, text, None

    @property
    def _position(self) -> int:
        """Index of the first line that is read after what is put first."""
        start = self._include
        if start is None:
            return 0
        for number, line in enumerate(self._lines[start + 1 :], start + 1):
            if line.path == self._main or (_is_drop_in(line.path) and line.path >= DROP_IN):
                return number
        return len(self._lines)

    def _without(self, path: str, text: str) -> str:
        lines = enumerate(text.split("\n"), 1)  # as the lines were counted: sshd knows no other end of line
        return "\n".join(line for number, line in lines if (path, number) not in self._dropped)


def _reads_drop_in(line: Line) -> bool:
    return any(fnmatchcase(DROP_IN, posixpath.join("/etc/ssh", pattern)) for pattern in line.words)


def _is_drop_in(path: str) -> bool:
    return posixpath.dirname(path) == posixpath.dirname(DROP_IN)

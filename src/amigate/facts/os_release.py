"""Which operating system the image says it is, https://www.freedesktop.org/software/systemd/man/os-release.html."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs, ReadFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.evidence.model import View

PATHS = ("/etc/os-release", "/usr/lib/os-release")
"""The first that is there counts, and only that."""
NEEDS = Needs(first=tuple(ReadFile(path, Keep.OS_RELEASE) for path in PATHS))

_ASSIGNMENT = re.compile(r"""([A-Za-z_][A-Za-z0-9_]*)=(?:([^\s"'$`\\]*)|'([^']*)'|"((?:\\.|[^"\\])*)")""")


@dataclass(frozen=True, kw_only=True)
class OsRelease:
    """The assignments of os-release."""

    path: str
    values: Mapping[str, str]
    """Name to value, of what names the system and its version; a line in no known form gives none."""

    @classmethod
    def read(cls, view: View) -> OsRelease:
        """Read the file that counts; raises InconclusiveError when there is none, or it was not seen."""
        for path in PATHS:
            text = view.text(path)
            if text is not None:
                return cls(path=path, values=parse(text))
        raise InconclusiveError(f"neither {' nor '.join(PATHS)} is there to say which operating system this is")

    @property
    def id(self) -> str:
        """The system's name in lower case, such as `debian`; `linux` where the file does not say."""
        return self.values.get("ID", "") or "linux"

    @property
    def version_id(self) -> str:
        """Its version, such as `12`; empty for a rolling release."""
        return self.values.get("VERSION_ID", "")

    @property
    def family(self) -> tuple[str, ...]:
        """Its name and those of the systems that it is like, the closest first."""
        return tuple(dict.fromkeys([self.id, *self.values.get("ID_LIKE", "").split()]))


def parse(text: str) -> dict[str, str]:
    """Return the assignments, the last of a name; they are quoted as in sh, and nothing is expanded."""
    values = {}
    for line in text.split("\n"):
        if (match := _ASSIGNMENT.fullmatch(line.strip())) is not None:
            name, plain, single, double = match.groups()
            values[name] = single or plain or re.sub(r"\\([\\\"$`])", r"\1", double or "")
    return values

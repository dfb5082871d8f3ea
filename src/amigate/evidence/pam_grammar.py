"""Reading a file of PAM's: which modules are asked in which stack, https://man7.org/linux/man-pages/man5/pam.d.5.html."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.evidence.continued import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATEMENT = re.compile(
    r"-?(?P<type>auth|account|password|session)\s+(?P<control>\[[^\[\]]*\]|[A-Za-z_]+)\s+(?P<module>\S+)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_INCLUDE = re.compile(r"@include\s+(?P<name>\S+)\s*")
NULLOK = re.compile(r"(?:^|\s)(?P<word>nullok(?:_secure)?)(?=\s|$)")


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One line of a stack."""

    type: str
    """`auth`, `account`, `password`, `session`; empty for an include of all four."""
    control: str
    """`required`, `[success=1 default=ignore]` …, in lower case."""
    module: str
    """A module as written; of an include, the file."""
    nullok: bool = False

    @property
    def is_include(self) -> bool:
        """Whether another file's lines stand here."""
        return self.control in ("include", "substack")


def statements(text: str) -> Iterator[tuple[int, Statement | None]]:
    """Yield the number and the meaning of each line that has one; None for a line in no known form."""
    for number, line in joined(text):
        if said := line.removesuffix("\\").partition("#")[0].strip():
            yield number, _statement(said)


def written(statement: Statement) -> str:
    """Return a line that reads as `statement`."""
    if not statement.type:
        return f"@include {statement.module}"
    return f"{statement.type} {statement.control} {statement.module}{' nullok' if statement.nullok else ''}"


def _statement(said: str) -> Statement | None:
    if (include := _INCLUDE.fullmatch(said)) is not None:
        return Statement(type="", control="include", module=include["name"])
    found = _STATEMENT.fullmatch(said)
    if found is None:
        return None
    return Statement(
        type=found["type"].lower(),
        control=" ".join(found["control"].lower().split()),
        module=found["module"],
        nullok=NULLOK.search(found["rest"]) is not None,
    )

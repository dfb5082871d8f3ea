"""Copies of the account files that tools and people leave beside them, and the passwords of groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.evidence.redaction.kept import is_placeholder
from amigate.facts import links
from amigate.facts.accounts import Password, classify
from amigate.facts.host_keys import CLOCK
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.evidence.model import View
    from amigate.evidence.questions import Question

_FORMS = {"passwd": Keep.PASSWD, "shadow": Keep.SHADOW, "group": Keep.GROUPS, "gshadow": Keep.GROUPS}
_COPIES = (
    *(
        Glob(pattern, keep)
        for name, keep in _FORMS.items()
        for pattern in (f"/etc/{name}-", f"/etc/{name}~", f"/etc/{name}.*", f"/var/backups/{name}*")
    ),
)
_OLD = ReadFile("/etc/security/opasswd", Keep.NOTHING)
_GROUPS = ("/etc/group", "/etc/gshadow")
_HASHES = {Password.HASH, Password.LOCKED_HASH}
_LOCK = ".lock"
"""Ends the name of a file that holds the number of a process."""


@dataclass(frozen=True, kw_only=True)
class AccountCopies:
    """Where a password hash is beside passwd and shadow."""

    hashes: tuple[Finding, ...]
    """In copies, and in the history that pam_pwhistory keeps."""
    group_passwords: tuple[Finding, ...]
    """In group and gshadow."""
    gaps: tuple[str, ...]
    """Copies that could not be read."""
    group_gaps: tuple[str, ...]
    """Likewise of group and gshadow."""

    @classmethod
    def read(cls, view: View) -> AccountCopies:
        """Read all; raises InconclusiveError for what was not seen."""
        copies = [
            entry.path
            for glob in _COPIES
            for entry in view.glob(glob.key)
            if entry.kind is not Kind.DIRECTORY and not entry.path.endswith(_LOCK) and links.is_filled(view, entry.path)
        ]
        hashes, gaps = _all(view, copies, "a password hash in a copy of the account files")
        groups, group_gaps = _all(view, _GROUPS, "this group has a password")
        if links.is_filled(view, _OLD.path):
            hashes.append(Finding(path=_OLD.path, detail="hashes of passwords that users have had"))
        return cls(hashes=tuple(hashes), group_passwords=tuple(groups), gaps=tuple(gaps), group_gaps=tuple(group_gaps))

    def require_whole(self) -> None:
        """Raise InconclusiveError where a copy could not be read."""
        if self.gaps:
            raise InconclusiveError(self.gaps[0])

    def require_groups(self) -> None:
        """Raise InconclusiveError where group or gshadow could not be read."""
        if self.group_gaps:
            raise InconclusiveError(self.group_gaps[0])


def _all(view: View, paths: Iterable[str], detail: str) -> tuple[list[Finding], list[str]]:
    """Return what was found in `paths`, and which of them could not be read."""
    found: list[Finding] = []
    gaps: list[str] = []
    for path in paths:
        try:
            for finding in _hashes(view, path, detail):
                found.append(finding)  # noqa: PERF402 - what came before the error stays
        except InconclusiveError as error:
            gaps.append(str(error))
    return found, gaps


def _hashes(view: View, path: str, detail: str) -> Iterator[Finding]:
    """Yield the lines with a hash; raises InconclusiveError for a line in no known form, as it may hold one."""
    unknown = None
    for number, line in enumerate((view.text(path) or "").split("\n"), 1):
        name, colon, rest = line.lstrip(" \t").partition(":")
        if is_placeholder(line):
            unknown = number
        elif colon and classify(rest.partition(":")[0]) in _HASHES:
            yield Finding(subject=name, path=path, line=number, detail=detail)
    if unknown is not None:
        raise InconclusiveError(f"{path}:{unknown} is in no form of the account files")


def _then(view: View) -> Iterator[Question]:
    if view.is_at_rest(CLOCK.key):
        yield from _COPIES
        yield from (ReadFile(path, Keep.GROUPS) for path in _GROUPS)
        yield from links.chain(view, _OLD.path)
        for glob in _COPIES:
            for entry in view.glob(glob.key) if glob.key in view.globbed else ():
                yield from links.chain(view, entry.path)


NEEDS = Needs(first=(CLOCK,), then=_then)
"""Only a file system at rest is asked: tools write copies anew as long as the machine runs."""

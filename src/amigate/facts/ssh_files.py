"""Whose the files of sshd are, and who may change or read them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import NotApplicableError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.facts import links, sshd
from amigate.facts.host_keys import CLOCK
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import Entry, View
    from amigate.evidence.questions import Question

_FOLDER = "/etc/ssh"
_FILES = (Glob(f"{_FOLDER}/*", Keep.NOTHING), Glob(f"{_FOLDER}/*/*", Keep.NOTHING))
_GROUP = ReadFile("/etc/group", Keep.GROUPS)
_PRIVATE = re.compile(r".*/ssh_host_[a-z0-9_]*key")
_KEY_GROUPS = {"ssh_keys"}
"""Of Red Hat, whose ssh-keysign is of that group."""
_CHANGED_BY_OTHERS, _SEEN_BY_OTHERS, _SEEN_BY_GROUP = 0o022, 0o077, 0o037


@dataclass(frozen=True, kw_only=True)
class SshFiles:
    """What is wrong with owners and modes."""

    faults: tuple[Finding, ...]

    @classmethod
    def read(cls, view: View) -> SshFiles:
        """Look at every file; a link counts as what it leads to in the image.

        Raises NotApplicableError where there is no SSH server, InconclusiveError for what was not seen."""
        if sshd.asked_program(view) is None:
            raise NotApplicableError("sshd is not installed")
        groups = _key_groups(view)
        faults = []
        for path in _paths(view):
            entry = links.resolved(view, path)
            if entry is not None and (fault := _fault(path, entry, groups)):
                faults.append(Finding(path=path, detail=fault))
        return cls(faults=tuple(faults))


def _paths(view: View) -> list[str]:
    """Return the folder, what is in it, and what sshd includes from elsewhere."""
    included = [line.path for line in sshd.lines_of(view, sshd.running_server(view)) if line.path]
    return list(dict.fromkeys([_FOLDER, *(entry.path for glob in _FILES for entry in view.glob(glob.key)), *included]))


def _fault(path: str, entry: Entry, groups: set[int]) -> str:
    mode = f"{entry.mode:o}"
    if entry.uid != 0:
        return f"it belongs to the user with number {entry.uid}"
    if entry.kind is not Kind.OTHER and entry.mode & _CHANGED_BY_OTHERS:
        return f"others may change it (mode {mode})"
    hidden = _SEEN_BY_GROUP if entry.gid in groups else _SEEN_BY_OTHERS
    if _PRIVATE.fullmatch(path) and entry.mode & hidden:
        return f"others may read the key (mode {mode})"
    return ""


def _key_groups(view: View) -> set[int]:
    lines = [line.split(":") for line in (view.text(_GROUP.path) or "").split("\n")]
    return {int(line[2]) for line in lines if line[0] in _KEY_GROUPS and len(line) > 2 and line[2].isdecimal()}  # noqa: PLR2004 - group(5)


def _then(view: View) -> Iterator[Question]:
    if not view.is_at_rest(CLOCK.key):
        return
    yield from (ReadFile(_FOLDER, Keep.NOTHING), *_FILES, _GROUP)
    for path in _paths(view):
        yield from links.chain(view, path)


NEEDS = Needs(first=(CLOCK, *sshd.NEEDS.first), then=_then)
"""Only a file system at rest is asked."""

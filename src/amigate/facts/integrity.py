"""Programs of an image that are not as their packages brought them, or run as somebody else without being known to."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.detect.hits import Sort
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, ReadFile
from amigate.facts import package_files
from amigate.facts.asked import only_at_rest
from amigate.facts.secrets import SEARCH, finding
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import Searched, View

_PRELOAD = "/etc/ld.so.preload"
_OTHERS: tuple[Glob | ReadFile, ...] = (
    *(Glob(pattern, Keep.NOTHING) for pattern in package_files.RPM_DATABASES),
    *(ReadFile(path, Keep.APK_INSTALLED, cap_bytes=package_files.CAP_BYTES) for path in package_files.APK_INSTALLED),
)
NEEDS = only_at_rest(
    SEARCH,
    ReadFile(_PRELOAD, Keep.NOTHING),
    ReadFile(package_files.DPKG_STATUS, Keep.DPKG_STATUS, cap_bytes=package_files.CAP_BYTES),
    *_OTHERS,
)


@dataclass(frozen=True, kw_only=True)
class Integrity:
    """What was found, and whether all of it can be told."""

    found: tuple[Finding, ...]
    searched: Searched
    untold: str
    """Why what packages brought cannot be told; empty where dpkg's lists have it."""

    @classmethod
    def read(cls, view: View) -> Integrity:
        """Take the search of all files; raises InconclusiveError where there was none."""
        searched = view.search(SEARCH.key)
        sorts = (Sort.CHANGED_PROGRAM, Sort.PRIVILEGED_PROGRAM)
        preload = view.entry(_PRELOAD)
        loaded = [Finding(path=_PRELOAD, detail="it loads a library into every program")]
        return cls(
            found=(
                *(loaded if preload is not None and preload.size else ()),
                *(finding(each) for each in searched.found if each.sort in sorts),
            ),
            searched=searched,
            untold=_untold(view),
        )

    def other_than(self, allowed: object) -> list[Finding]:
        """Find what fits none of the `allowed` patterns of paths."""
        patterns = allowed if isinstance(allowed, list | tuple) else ()
        return [each for each in self.found if not any(fnmatchcase(each.path, str(pattern)) for pattern in patterns)]

    def require_whole(self) -> None:
        """Raise InconclusiveError where something was not looked at, or what packages brought cannot be told."""
        self.searched.require_whole()
        if self.untold:
            raise InconclusiveError(self.untold)


def _untold(view: View) -> str:
    for question in _OTHERS:
        if isinstance(question, ReadFile):
            if view.entry(question.path) is not None:
                return f"{question.path}: files of apk's packages are not compared"
            continue
        for entry in view.glob(question.key):
            if entry.path.rpartition("/")[2] in package_files.RPM_FILES:
                return f"{entry.path}: rpm's database is not read at rest"
    if view.text(package_files.DPKG_STATUS) is None:
        return "no package manager is known here whose lists say what packages brought"
    return ""

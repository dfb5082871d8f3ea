"""What an image runs by the clock: cron, anacron, at, and the timers of systemd."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError, OnlyLiveError
from amigate.evidence.brought import MOST_PATHS, brought
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, Question, ReadFile
from amigate.facts import accounts
from amigate.facts.accounts import Accounts
from amigate.facts.asked import is_at_rest
from amigate.facts.host_keys import CLOCK
from amigate.facts.package_files import RPM_DATABASES, RPM_FILES
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amigate.evidence.model import Entry, View

_SPOOLS = (
    "/var/spool/cron/*",
    "/var/spool/cron/crontabs/*",
    "/var/spool/cron/tabs/*",
    "/var/spool/cron/atjobs/*",
    "/var/spool/at/*",
    "/var/spool/atjobs/*",
    "/var/spool/incron/*",
)
"""Whose files no package brings."""
_TABLES = (
    "/etc/crontab",
    "/etc/anacrontab",
    "/etc/cron.d/*",
    "/etc/cron.hourly/*",
    "/etc/cron.daily/*",
    "/etc/cron.weekly/*",
    "/etc/cron.monthly/*",
    "/etc/cron.yearly/*",
    "/etc/crontabs/*",
    "/etc/periodic/*/*",
)
_TIMERS = (
    "/etc/systemd/system/*.timer",
    "/etc/systemd/user/*.timer",
    "/usr/local/lib/systemd/system/*.timer",
    "/usr/lib/systemd/system/*.timer",
    "/usr/lib/systemd/user/*.timer",
)
_OLD_TIMERS = "/lib/systemd/system/*.timer"
_VENDOR = ("/usr/lib/systemd/", "/lib/systemd/", "/dev/null")
_ALIASES = ("/var/spool/cron/crontabs",)
"""Folders that may be a link to another one here."""
_ASKED: tuple[Glob | ReadFile, ...] = (
    *(Glob(pattern, Keep.NOTHING) for pattern in (*_SPOOLS, *_TABLES, *_TIMERS)),
    *(ReadFile(path, Keep.NOTHING) for path in (*_ALIASES, "/lib")),
)
_DATABASES = tuple(Glob(pattern, Keep.NOTHING) for pattern in RPM_DATABASES)


@dataclass(frozen=True, kw_only=True)
class ScheduledJobs:
    """The jobs that are there."""

    paths: tuple[str, ...]
    brought: frozenset[str]
    """Those that are as a package brought them."""
    untold: str = ""
    """Why it cannot be told what packages brought; empty where it can."""

    @classmethod
    def read(cls, view: View) -> ScheduledJobs:
        """Look for jobs, and ask which are packages'; raises InconclusiveError where that was not seen."""
        paths = _paths(view)
        if len(paths) > MOST_PATHS:
            raise InconclusiveError(f"there are {len(paths)} scheduled jobs, more than are looked at")
        shipped = [path for path in paths if not _is_of_homes(path)]
        known = view.answer(brought(shipped).key).text if shipped else ""
        return cls(paths=tuple(paths), brought=frozenset(known.split("\n")) - {""}, untold=_untold(view))

    def unaccounted(self, allowed: object) -> list[Finding]:
        """Find the jobs that no package brought as they are, and that fit none of the `allowed` patterns of paths.

        Raises OnlyLiveError where one may be a package's and a running machine alone can tell."""
        patterns = allowed if isinstance(allowed, list | tuple) else ()
        strange = [
            path
            for path in self.paths
            if path not in self.brought and not any(fnmatchcase(path, str(pattern)) for pattern in patterns)
        ]
        found = [path for path in strange if not self.untold or _is_of_users(path)]
        if strange and not found:
            raise OnlyLiveError(f"{strange[0]}: whether a package brought it cannot be told: {self.untold}")
        return [Finding(path=path, detail="a scheduled job that no package brought as it is") for path in found]


def _is_of_users(path: str) -> bool:
    """Whether it lies where packages put nothing."""
    return path.startswith(("/var/spool/", "/usr/local/")) or _is_of_homes(path)


def _is_of_homes(path: str) -> bool:
    return "/.config/" in path


def _untold(view: View) -> str:
    if is_at_rest(view):
        for question in _DATABASES:
            for entry in view.glob(question.key):
                if posixpath.basename(entry.path) in RPM_FILES:
                    return f"{entry.path}: rpm's database is not read at rest"
    return ""


def _paths(view: View, asked: Iterable[Glob] | None = None) -> list[str]:
    found = {
        entry.path
        for question in (*_ASKED, *(asked if asked is not None else _further(view)))
        if isinstance(question, Glob)
        for entry in view.glob(question.key)
        if _is_job(entry)
    }
    aliases = [path for path in _ALIASES if (folder := view.entry(path)) and folder.kind is Kind.LINK]
    return sorted(path for path in found if not {path, posixpath.dirname(path)} & {*aliases})


def _is_job(entry: Entry) -> bool:
    """Whether it may run something; a link to a unit of the distribution's is one of its other names."""
    if entry.kind is Kind.LINK:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), entry.target))
        return not target.startswith(_VENDOR)
    return entry.kind is Kind.FILE and entry.size > 0


def _further(view: View) -> Iterator[Glob]:
    """Yield where timers may lie besides: /lib that is no link, and in homes."""
    lib = view.entry("/lib")
    if lib and lib.kind is Kind.DIRECTORY:
        yield Glob(_OLD_TIMERS, Keep.NOTHING)
    homes = {posixpath.normpath("/" + each.home.lstrip("/")) for each in Accounts.read(view).login_users}
    for home in sorted(homes - {"/"}):
        yield Glob(f"{home}/.config/systemd/user/*.timer", Keep.NOTHING)


def _then(view: View) -> Iterator[Question]:
    if is_at_rest(view):
        yield from _DATABASES
    further = list(_further(view))
    yield from further
    # What lies in homes is no package's, so that this does not wait for it.
    paths = _paths(view, [question for question in further if not _is_of_homes(question.key)])
    if 0 < len(paths) <= MOST_PATHS:
        yield brought(paths)


NEEDS = Needs(first=(CLOCK, *accounts.NEEDS.first, *_ASKED), then=_then)

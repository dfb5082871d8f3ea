"""The installed packages, by whichever package manager the image has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, Needs, Question, ReadFile, Run
from amigate.facts import package_files
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from amigate.evidence.model import View

_CAP_BYTES = 4 * 1024 * 1024
_ABSENT = 99
"""Exit code by which a question says that there is no such package manager."""


def _list(manager: str, command: str) -> Run:
    """Ask a manager, `"$m"` in `command`; looked for in PATH, as busybox' shell has an rpm of its own kind built in."""
    find = f'm=$(IFS=:; for d in $PATH; do if [ -x "$d/{manager}" ]; then echo "$d/{manager}"; break; fi; done); '
    text = f'{find}[ -n "$m" ] || exit {_ABSENT}; {command}'
    return Run(f"packages of {manager}", text, Keep.PACKAGES, timeout_s=60, cap_bytes=_CAP_BYTES)


DPKG = _list("dpkg-query", r""""$m" -W -f '${db:Status-Status} ${Package} ${Version}\n'""")
# rpm passes over what is damaged in its database, says so on standard error, and ends as if all was well.
RPM = _list(
    "rpm",
    r"""exec 3>&1; ! { "$m" -qa --qf 'installed %{NAME} %{VERSION}-%{RELEASE}\n' >&3 || echo error: it failed; } """
    "2>&1 | grep -q ^error:",
)
# What `apk add --virtual` makes has no revision in its version.
APK = _list(
    "apk",
    r"""list=$("$m" info -v) && echo "$list" | sed 's/^\(.*\)-\([0-9][^-]*\(-r[0-9]*\)\{0,1\}\)$/installed \1 \2/'""",
)

DATABASES: tuple[Question, ...] = (
    ReadFile(package_files.DPKG_STATUS, Keep.DPKG_STATUS, cap_bytes=package_files.CAP_BYTES),
    *(ReadFile(path, Keep.APK_INSTALLED, cap_bytes=package_files.CAP_BYTES) for path in package_files.APK_INSTALLED),
    Glob(package_files.DPKG_UPDATES, Keep.NOTHING),
    *(Glob(pattern, Keep.NOTHING) for pattern in package_files.RPM_DATABASES),
)
"""Where the managers keep their lists; read at rest, where no manager can be asked."""


def _then(view: View) -> tuple[Question, ...]:
    return DATABASES if view.is_at_rest(DPKG.key) else ()


NEEDS = Needs(first=(DPKG, RPM, APK), then=_then)

_GONE = {"not-installed", "config-files"}
_STATUSES = {
    *_GONE,
    "installed",
    "half-installed",
    "unpacked",
    "half-configured",
    "triggers-awaited",
    "triggers-pending",
}
"""dpkg(1), package states; whatever is not gone has files on the disk."""


@dataclass(frozen=True, kw_only=True)
class Packages:
    """Installed packages, name to versions: a name can stand for several architectures or releases."""

    installed: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, view: View) -> Packages:
        """Read every manager's list; at rest, its database.

        Raises InconclusiveError when none answers, one breaks off, or what it says is not what was asked for.
        """
        installed: dict[str, list[str]] = {}
        listed = package_files.listed(view) if view.is_at_rest(DPKG.key) else _listed(view)
        for manager, status, name, version in listed:
            if status not in _STATUSES or not name:
                raise InconclusiveError(f"the packages of {manager} are listed in a form that is not known here")
            if status not in _GONE:
                installed.setdefault(name, []).append(version)
        if not installed:
            raise InconclusiveError("no package manager is known here that could list what is installed")
        return cls(installed={name: tuple(sorted(versions)) for name, versions in installed.items()})

    def named(self, names: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return those of `names` that are installed, with their versions."""
        return {name: versions for name, versions in self.installed.items() if name in names}

    def older_than(self, names: Collection[str], version: str) -> list[Finding]:
        """Find the packages of `names` older than the upstream `version` (numbers and dots)."""
        return [
            Finding(subject=name, detail=f"version {_upstream(has)} is older than {version}")
            for name, versions in self.named(names).items()
            for has in versions
            if _numbers(_upstream(has)) < _numbers(version)
        ]


def _listed(view: View) -> Iterator[tuple[str, str, str, str]]:
    """Yield manager, status, name and version of each package, as the managers answer."""
    for manager, question in (("dpkg-query", DPKG), ("rpm", RPM), ("apk", APK)):
        answer = view.answer(question.key)
        if answer.exit_code == _ABSENT:
            continue
        if answer.exit_code != 0:
            raise InconclusiveError(f"the {question.key} could not be listed")
        if question is DPKG and not answer.text.strip():
            raise InconclusiveError(f"the {question.key} are none, not even itself: its list is not there")
        for line in filter(None, answer.text.split("\n")):
            status, name, version = [*line.split(" "), "", ""][:3]
            yield manager, status, name, version


def _upstream(version: str) -> str:
    """Return the version without a distribution's epoch and revision; raises InconclusiveError for other forms."""
    match = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)(?=[-+~]|$)", version)
    if match is None:
        raise InconclusiveError("a package version is in a form that cannot be compared")
    return match[1]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))

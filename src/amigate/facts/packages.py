"""The installed packages, by whichever package manager the image has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs, Run
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from amigate.evidence.model import View

_CAP_BYTES = 4 * 1024 * 1024
_ABSENT = 99
"""Exit code by which a question says that there is no such package manager."""


def _list(manager: str, command: str) -> Run:
    text = f"command -v {manager} >/dev/null || exit {_ABSENT}; {command}"
    return Run(f"packages of {manager}", text, Keep.PACKAGES, timeout_s=60, cap_bytes=_CAP_BYTES)


DPKG = _list("dpkg-query", r"dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n'")
RPM = _list("rpm", r"rpm -qa --qf 'installed %{NAME} %{VERSION}-%{RELEASE}\n'")
APK = _list("apk", r"""list=$(apk info -v) && echo "$list" | sed 's/^\(.*\)-\([^-]*-r[0-9]*\)$/installed \1 \2/'""")
NEEDS = Needs(first=(DPKG, RPM, APK))

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
        """Read every manager's list.

        Raises InconclusiveError when none answers, one breaks off, or what it says is not what was asked for.
        """
        installed: dict[str, tuple[str, ...]] = {}
        for question in (DPKG, RPM, APK):
            answer = view.answer(question.key)
            if answer.exit_code == _ABSENT:
                continue
            if answer.exit_code != 0:
                raise InconclusiveError(f"the {question.key} could not be listed")
            for line in filter(None, answer.text.split("\n")):
                status, name, version = [*line.split(" "), "", ""][:3]
                if status not in _STATUSES or not name:
                    raise InconclusiveError(f"the {question.key} are listed in a form that is not known here")
                if status not in _GONE:
                    installed[name] = (*installed.get(name, ()), version)
        if not installed:
            raise InconclusiveError("no package manager is known here that could list what is installed")
        return cls(installed=installed)

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


def _upstream(version: str) -> str:
    """Return the version without a distribution's epoch and revision; raises InconclusiveError for other forms."""
    match = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)(?=[-+~]|$)", version)
    if match is None:
        raise InconclusiveError("a package version is in a form that cannot be compared")
    return match[1]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))

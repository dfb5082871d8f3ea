"""The units of systemd that have failed since a running machine was started."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError, NotApplicableError
from amigate.evidence.questions import Needs
from amigate.facts.provisioning import ABSENT, FAILED_UNITS, SETTLED, WAIT, word
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Collection

    from amigate.evidence.model import View

NEEDS = Needs(first=(WAIT, FAILED_UNITS))
_WHOLE = "running"
"""What systemd calls a machine of which no unit has failed."""


@dataclass(frozen=True, kw_only=True)
class FailedUnits:
    """What systemd says once the boot has ended."""

    names: tuple[str, ...]
    state: str
    """Of the machine, such as `running` or `degraded`."""

    @classmethod
    def read(cls, view: View) -> FailedUnits:
        """Take systemd's answer.

        Raises NotApplicableError where another init runs, InconclusiveError where it was not asked or does not say."""
        answer = view.answer(FAILED_UNITS.key)
        if answer.exit_code == ABSENT:
            raise NotApplicableError("systemd is not the init system")
        state, *lines = answer.text.splitlines() or [""]
        if answer.exit_code != 0:
            raise InconclusiveError("systemd does not say which units have failed")
        return cls(names=tuple(line.split()[0] for line in lines if line.strip()), state=word(state))

    def other_than(self, allowed: Collection[str]) -> list[Finding]:
        """Find the units that have failed and fit none of the `allowed` patterns.

        Raises InconclusiveError where there are none, and systemd does not have the boot as ended well."""
        found = [name for name in self.names if not any(fnmatchcase(name, pattern) for pattern in allowed)]
        if not found and self.state != _WHOLE and not (self.names and self.state in SETTLED):
            raise InconclusiveError(f"systemd names no failed unit, and has the machine {self.state or 'in no state'}")
        return [Finding(subject=word(name), detail="this unit has failed") for name in found]

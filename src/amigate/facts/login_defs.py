"""What is made of an account when it is made: login.defs(5) and the defaults of useradd(8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs, ReadFile
from amigate.evidence.redaction.login_defs import SETTING
from amigate.facts.host_keys import CLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View
    from amigate.evidence.questions import Question

_FILES = ("/etc/login.defs", "/usr/etc/login.defs")
"""The first that is there counts; the second is SUSE's."""
_DEFAULTS = "/etc/default/useradd"
_UID_MIN = 1000


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A value with its place."""

    path: str
    line: int
    value: str


@dataclass(frozen=True, kw_only=True)
class LoginDefs:
    """The settings that are judged, by name; of two of a name the last one counts."""

    settings: dict[str, Setting]

    @classmethod
    def read(cls, view: View) -> LoginDefs:
        """Read the files; raises InconclusiveError when one was not seen."""
        path = next((each for each in _FILES if view.entry(each) is not None), None)
        found: dict[str, Setting] = {}
        for each in (path, _DEFAULTS):
            for number, line in enumerate((view.text(each) or "").split("\n") if each else (), 1):
                if (said := SETTING.fullmatch(line)) is not None:
                    found[said["name"]] = Setting(path=each or "", line=number, value=said["value"])
        return cls(settings=found)

    @property
    def uid_min(self) -> int:
        """The lowest number of a person's account; raises InconclusiveError for what is no number."""
        if "UID_MIN" not in self.settings:
            return _UID_MIN
        return self.number("UID_MIN")

    def number(self, name: str) -> int:
        """Return a number that is set; raises InconclusiveError for what is none."""
        setting = self.settings[name]
        try:
            return int(setting.value)
        except ValueError:
            raise InconclusiveError(f"{setting.path}:{setting.line}: {name} is no number") from None


def _then(view: View) -> Iterator[Question]:
    if view.is_at_rest(CLOCK.key):
        yield from (ReadFile(path, Keep.LOGIN_DEFS) for path in (*_FILES, _DEFAULTS))


NEEDS = Needs(first=(CLOCK,), then=_then)
"""Only a file system at rest is asked."""

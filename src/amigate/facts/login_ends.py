"""When the dates of shadow(5) end the logins of accounts, with keys too: PAM and sshd go by them whatever was shown."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.questions import Needs
from amigate.facts import accounts, login_defs
from amigate.facts.accounts import SHADOW, Accounts
from amigate.facts.login_defs import LoginDefs
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import Evidence, View
    from amigate.facts.accounts import ShadowLine

_DAY_S = 86400
_CHANGED, _MAX, _EXPIRES = 0, 2, 5
"""Where these stand behind the password."""
NEEDS = Needs(first=(*accounts.NEEDS.first, *login_defs.NEEDS.first), then=login_defs.NEEDS.then)


@dataclass(frozen=True, kw_only=True)
class End:
    """That an account's logins end."""

    finding: Finding
    day: int
    """Days since the epoch; 0 for at once."""


@dataclass(frozen=True, kw_only=True)
class LoginEnds:
    """The ends there are, and how long a password of a new account may be used."""

    all: tuple[End, ...]
    new: tuple[tuple[Finding, int], ...]
    """What ends the logins of an account that is made at first boot, and after how many days; by their settings."""
    written_day: int
    """When shadow was last written, by the image's clock."""

    @classmethod
    def read(cls, view: View) -> LoginEnds:
        """Read the dates of those who can log in; raises InconclusiveError for one that cannot be told."""
        known = Accounts.read(view)
        known.require_well_formed()
        users = {account.name for account in known.login_users}
        ends = [end for line in known.shadow or () if line.name in users for end in _ends(line)]
        entry = view.entry(SHADOW)
        return cls(
            all=tuple(ends),
            new=tuple(_of_new(LoginDefs.read(view))),
            written_day=entry.mtime_s // _DAY_S if entry else 0,
        )

    def within(self, life_days: int, made_day: int | None) -> list[Finding]:
        """Find the ends that an image made on `made_day` sees within `life_days`.

        Where nobody knows when it was made, it was when shadow was written."""
        until = (self.written_day if made_day is None else made_day) + life_days
        found = [end.finding for end in self.all if end.day < until]
        return [*found, *(finding for finding, days in self.new if days < life_days)]


def made_day(evidence: Evidence) -> int | None:
    """Return the day on which the image was made, as EC2 says; else on which it was looked at; None for neither."""
    text = str(evidence.ec2.image.get("CreationDate", "")) if evidence.ec2 else ""
    for said in (text, evidence.collected_at):
        try:
            return (datetime.date.fromisoformat(said[:10]) - datetime.date(1970, 1, 1)).days
        except ValueError:
            continue
    return None


def _ends(line: ShadowLine) -> Iterator[End]:
    changed, longest, expires = (_day(line, position) for position in (_CHANGED, _MAX, _EXPIRES))
    if changed == 0:
        yield _end(line, 0, "its password has to be changed at the first login")
    elif changed is not None and longest is not None and longest >= 0:
        yield _end(line, changed + longest, "its password has to be changed from {} on")
    if expires is not None and expires >= 0:
        yield _end(line, expires, "it expires on {}")


def _end(line: ShadowLine, day: int, detail: str) -> End:
    try:
        date = str(datetime.date(1970, 1, 1) + datetime.timedelta(days=day))
    except OverflowError:
        date = "a day far from now"
    return End(finding=Finding(subject=line.name, path=SHADOW, line=line.line, detail=detail.format(date)), day=day)


def _day(line: ShadowLine, position: int) -> int | None:
    text = line.dates[position] if position < len(line.dates) else ""
    if text == "":
        return None
    try:
        return int(text)
    except ValueError:
        raise InconclusiveError(f"{SHADOW}:{line.line} has a date in no known form") from None


def _of_new(defs: LoginDefs) -> Iterator[tuple[Finding, int]]:
    if "PASS_MAX_DAYS" in defs.settings and (days := defs.number("PASS_MAX_DAYS")) >= 0:
        setting = defs.settings["PASS_MAX_DAYS"]
        detail = f"an account made at first boot has to change its password after {days} days"
        yield Finding(subject="PASS_MAX_DAYS", path=setting.path, line=setting.line, detail=detail), days
    if "EXPIRE" in defs.settings and defs.settings["EXPIRE"].value:
        setting = defs.settings["EXPIRE"]
        detail = "an account made at first boot expires on a fixed day"
        yield Finding(subject="EXPIRE", path=setting.path, line=setting.line, detail=detail), 0

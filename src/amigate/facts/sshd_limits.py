"""How sshd limits what strangers and idle sessions may use up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.facts.sshd import Sshd
    from amigate.result import Finding


@dataclass(frozen=True)
class Limit:
    """A keyword with a number that must not be higher, and whether 0 means that there is no limit."""

    setting: str
    zero_is_none: bool = True


LIMITS: Mapping[str, Limit] = {
    "maxauthtries": Limit("max_auth_tries", zero_is_none=False),
    "logingracetime": Limit("login_grace_s"),
    "maxsessions": Limit("max_sessions", zero_is_none=False),
    "clientaliveinterval": Limit("client_alive_s"),
    "clientalivecountmax": Limit("client_alive_count"),
}
STARTUPS, _SETTING = "maxstartups", "max_startups"


def faults(sshd: Sshd, most: Mapping[str, int | str]) -> list[Finding]:
    """Find the sessions in which a limit is higher than `most` says, or absent.

    Raises InconclusiveError where there is none, and a Match block might raise one all the same."""
    found = [
        sshd.finding(session, keyword)
        for keyword in (*LIMITS, STARTUPS)
        for session in sshd.sessions
        if not _is_kept(keyword, most, session.value(keyword))
    ]
    if not found:
        for keyword in (*LIMITS, STARTUPS):
            sshd.require_seen(keyword, partial(_is_kept, keyword, most))
    return found


def _is_kept(keyword: str, most: Mapping[str, int | str], value: str) -> bool:
    if keyword == STARTUPS:
        return _startups_are_kept(value, str(most[_SETTING]))
    limit = LIMITS[keyword]
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        return False
    number = int(value)
    return number <= int(most[limit.setting]) and not (limit.zero_is_none and number == 0)


def _startups_are_kept(value: str, most: str) -> bool:
    """Compare `begin:rate:most` number by number: from `begin` on, `rate` per cent are refused, from `most` on all."""
    form = re.compile(r"(\d{1,9}):(\d{1,3}):(\d{1,9})", re.ASCII)
    found, wanted = form.fullmatch(value), form.fullmatch(most)
    if found is None or wanted is None:
        return False
    (begin, rate, end), (most_begin, least_rate, most_end) = (
        tuple(map(int, each.groups())) for each in (found, wanted)
    )
    return begin <= most_begin and rate >= least_rate and end <= most_end

"""sshd's effective configuration, evaluated from its files where no sshd can be asked.

The first value outside of Match blocks counts, and the first one in a Match block that holds beats it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.facts.sshd_keywords import ALIASES, EVALUATED, KNOWN, MATCHABLE, Keyword
from amigate.facts.sshd_match import holds
from amigate.facts.sshd_sessions import conditions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from amigate.facts.sshd_config import Line
    from amigate.facts.sshd_sessions import Criterion

Version = tuple[int, int]
_NEW_DEFAULTS: Version = (7, 0)
"""From here on root has no password login by default, and UseDNS is off (6.8)."""
_ONE_KBDINT: Version = (8, 7)
"""From here on ChallengeResponseAuthentication is another name of KbdInteractiveAuthentication."""
_KBDINT = "kbdinteractiveauthentication"


@dataclass(frozen=True)
class Server:
    """What decides beside the files: the version of OpenSSH, None where it cannot be told, and the users' groups."""

    version: Version | None
    groups: Mapping[str, Sequence[str]]


def effective(lines: Sequence[Line], session: Criterion, server: Server) -> dict[str, tuple[str, ...]]:
    """Return the values for `session` by keyword, as `sshd -T` prints them.

    A keyword that is not evaluated here, or depends on a version that cannot be told, is not among them. Raises
    InconclusiveError where sshd would refuse the files, or a Match block cannot be decided."""
    if server.version is not None and server.version < _NEW_DEFAULTS:
        raise InconclusiveError("this OpenSSH is too old for its configuration to be evaluated here")
    active = [line for line in lines if _is_active(line, session, server)]
    settings = {name: _value(keyword, name, active) for name, keyword in EVALUATED.items()}
    if server.version is None:
        for name in ("permitrootlogin", "usedns"):
            if not any(line.keyword == name for line in active):
                del settings[name]
    if (server.version or (0, 0)) < _ONE_KBDINT:
        before = _kbdint_before(active)
        if server.version is not None:
            settings[_KBDINT] = before
        elif settings[_KBDINT] != before:
            del settings[_KBDINT]
    return settings


def _is_active(line: Line, session: Criterion, server: Server) -> bool:
    """Whether a line counts for `session`; raises InconclusiveError for one that sshd refuses."""
    if line.keyword not in KNOWN:
        raise InconclusiveError(f"{line.place}: a keyword that is not known here; sshd may refuse it")
    if line.match and line.keyword not in MATCHABLE:
        raise InconclusiveError(f"{line.place}: sshd refuses this keyword in a Match block")
    if line.keyword == "match":
        asked = [name for name, _ in conditions(line.words)]
        if not asked or ("all" in asked and len(asked) > 1):
            raise InconclusiveError(f"{line.place}: sshd refuses this Match")
    name = ALIASES.get(line.keyword, line.keyword)
    if name in EVALUATED and _read(EVALUATED[name], line.words) is None:
        raise InconclusiveError(f"{line.place}: a value in no known form; sshd may refuse it")
    return not line.match or holds(line.match, session, server.groups)


def _read(keyword: Keyword, words: Sequence[str]) -> str | None:
    return keyword.read(words)


def _value(keyword: Keyword, name: str, active: Sequence[Line]) -> tuple[str, ...]:
    lines = [line for line in active if ALIASES.get(line.keyword, line.keyword) == name]
    counting = [line for line in lines if line.match] or lines
    if not counting:
        return keyword.default
    if not keyword.gathers:
        return (keyword.read(counting[0].words) or "",)
    return tuple(word for line in counting for word in line.words)


def _kbdint_before(active: Sequence[Line]) -> tuple[str, ...]:
    """Return what OpenSSH before 8.7 makes of its two keywords: either of them switches the method on."""
    flag = EVALUATED[_KBDINT]
    own = [line for line in active if line.keyword == _KBDINT]
    other = [line for line in active if line.keyword in ("challengeresponseauthentication", "skeyauthentication")]
    if in_match := [line for line in own if line.match]:
        return (flag.read(in_match[0].words) or "",)
    if not other or flag.read(other[0].words) == "yes":
        return ("yes",)
    return (flag.read(own[0].words) or "",) if own else ("no",)

"""The sessions that sshd tells apart, with their effective settings: as sshd answers, or as its files say at rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError, OnlyLiveError
from amigate.facts import sshd_at_rest, sshd_effective
from amigate.facts.sshd_sessions import Criterion, command

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from amigate.evidence.model import View
    from amigate.facts.sshd_config import Line

SPELLINGS: Mapping[str, Collection[str]] = {
    "kbdinteractiveauthentication": (
        "kbdinteractiveauthentication",
        "challengeresponseauthentication",
        "skeyauthentication",
    ),
    "pubkeyauthentication": ("pubkeyauthentication", "dsaauthentication"),
}


@dataclass(frozen=True, kw_only=True)
class Session:
    """The effective configuration for one kind of session."""

    user: str
    """Empty where it holds for every user."""
    subject: str
    settings: Mapping[str, Sequence[str]]
    """Keyword in lower case to its values, as `sshd -T` prints them."""
    at_rest: bool = False
    """Evaluated here, as no sshd could be asked: what is not among the settings cannot be told."""

    def value(self, keyword: str) -> str:
        """Return the value of `keyword`, empty where sshd does not print it (it has not heard of it).

        Raises OnlyLiveError for a keyword that cannot be told at rest."""
        names = (keyword, *SPELLINGS.get(keyword, ()))
        if self.at_rest and keyword not in self.settings:
            raise OnlyLiveError(f"what sshd makes of {keyword} can only be told by a running machine")
        return " ".join(next((self.settings[name] for name in names if name in self.settings), ()))


def answered(view: View, program: str, options: Sequence[str], criteria: Sequence[Criterion]) -> Iterator[Session]:
    """Yield the sessions as sshd itself answers."""
    for criterion in criteria:
        answer = view.answer(command(program, options, criterion))
        settings = _settings(answer.text)
        if answer.exit_code != 0:
            raise InconclusiveError(f"`sshd -T` exited {answer.exit_code} for {criterion.subject}")
        if not settings.keys() >= _ALWAYS:
            raise InconclusiveError(f"`sshd -T` printed no configuration for {criterion.subject}")
        yield Session(user=criterion.user, subject=criterion.subject, settings=settings)


def evaluated(view: View, lines: Sequence[Line], criteria: Sequence[Criterion]) -> Iterator[Session]:
    """Yield the sessions as the files say."""
    about = sshd_effective.Server(version=sshd_at_rest.version(view), groups=sshd_at_rest.groups(view))
    for criterion in criteria:
        settings = sshd_effective.effective(lines, criterion, about)
        yield Session(user=criterion.user, subject=criterion.subject, settings=settings, at_rest=True)


_ALWAYS = {"port", "permitrootlogin", "passwordauthentication", "pubkeyauthentication"}
"""What every sshd prints, or it printed something else than its configuration."""


def _settings(text: str) -> dict[str, list[str]]:
    settings: dict[str, list[str]] = {}
    for line in text.split("\n"):
        keyword, _, value = line.partition(" ")
        settings.setdefault(keyword.lower(), []).append(value.strip())
    return settings

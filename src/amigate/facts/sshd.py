"""The SSH server's effective configuration, session by session, as sshd itself answers."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError, NotApplicableError
from amigate.evidence.questions import Glob, Needs, Question, ReadFile, Run
from amigate.facts import accounts, sshd_config
from amigate.facts.sshd_sessions import ANYBODY, Criterion, command, criteria, server_options
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from amigate.evidence.model import View
    from amigate.facts.sshd_config import Line

PROGRAM = Run("sshd program", "command -v sshd || ls /usr/lib/ssh/sshd /usr/libexec/sshd /opt/*/sbin/sshd")
PROCESSES = Run(
    "sshd processes",
    # \1 ends the executable's path, \2 the command line, whose words end with \0.
    "for f in $(grep -l sshd /proc/[0-9]*/cmdline); do "
    "readlink \"${f%/cmdline}/exe\"; printf '\\1'; cat \"$f\"; printf '\\2'; done 2>/dev/null; exit 0",
)


@dataclass(frozen=True, kw_only=True)
class Session:
    """The effective configuration for one kind of session."""

    user: str
    """Empty where it holds for every user."""
    subject: str
    settings: Mapping[str, Sequence[str]]
    """Keyword in lower case to its values, as `sshd -T` prints them."""

    def value(self, keyword: str) -> str:
        """Return the value of `keyword`, empty where sshd does not print it (it has not heard of it)."""
        return " ".join(self.settings.get(keyword, ()))


@dataclass(frozen=True, kw_only=True)
class Sshd:
    """What sshd would do for every session that its configuration tells apart."""

    sessions: tuple[Session, ...]
    lines: tuple[Line, ...]
    """Its configuration files, in the order in which sshd reads them."""

    @classmethod
    def read(cls, view: View) -> Sshd:
        """Read the answers of `sshd -T`.

        Raises NotApplicableError where there is no SSH server, InconclusiveError where one cannot be asked."""
        program = _program(view)
        if program is None:
            if view.contact is not None:
                raise InconclusiveError("an SSH server answers, but there is no sshd that could be asked")
            raise NotApplicableError("sshd is not installed")
        sessions = []
        for criterion in _criteria(view):
            answer = view.answer(command(program, _options(view), criterion))
            if answer.exit_code != 0:
                raise InconclusiveError(f"`sshd -T` exited {answer.exit_code} for {criterion.subject}")
            sessions.append(Session(user=criterion.user, subject=criterion.subject, settings=_settings(answer.text)))
        return cls(sessions=tuple(sessions), lines=tuple(sshd_config.lines(view, _main(_options(view)))))

    def sessions_of(self, user: str) -> list[Session]:
        """Return the sessions that `user` can have."""
        return [session for session in self.sessions if session.user in (user, ANYBODY)]

    def sessions_where(
        self, keyword: str, *, is_not: str, but_for: Callable[[Session], bool] = lambda _: False
    ) -> list[Finding]:
        """Find the sessions in which `keyword` has another value than `is_not`."""
        return [
            self.finding(session, keyword)
            for session in self.sessions
            if session.value(keyword) != is_not and not but_for(session)
        ]

    def finding(self, session: Session, keyword: str, detail: str = "") -> Finding:
        """Return the finding that `session` has the value it has, at the line that gives it."""
        value = session.value(keyword)
        line = self._origin(keyword, value)
        return Finding(
            subject=session.subject,
            path=line.path if line else "",
            line=line.number if line else None,
            detail=detail or f"{keyword} is {value or 'not known to this sshd'}{'' if line else ' (default)'}",
        )

    def _origin(self, keyword: str, value: str) -> Line | None:
        """Return the line that sets `keyword` to `value`; the first that does wins, a Match beats what is outside."""
        found = [
            line
            for line in self.lines
            if line.keyword in _SPELLINGS.get(keyword, (keyword,)) and _printed(line.words) == value.lower()
        ]
        return min(found, key=lambda line: not line.match, default=None)


def _printed(words: Sequence[str]) -> str:
    """Return a setting's value as `sshd -T` prints it."""
    value = " ".join(words).lower()
    return "without-password" if value == "prohibit-password" else value


_SPELLINGS: Mapping[str, Collection[str]] = {
    "kbdinteractiveauthentication": (
        "kbdinteractiveauthentication",
        "challengeresponseauthentication",
        "skeyauthentication",
    ),
}


def _settings(text: str) -> dict[str, list[str]]:
    settings: dict[str, list[str]] = {}
    for line in text.splitlines():
        keyword, _, value = line.partition(" ")
        settings.setdefault(keyword.lower(), []).append(value.strip())
    return settings


def _program(view: View) -> str | None:
    found = view.answer(PROGRAM.key).text.split("\n", 1)[0].strip()
    return found if found.startswith("/") else None


def _options(view: View) -> list[str]:
    """Return the running server's options; a login that no listening sshd explains leaves them unknown."""
    options = server_options(view.answer(PROCESSES.key).stdout)
    if options is None and view.contact is not None:
        raise InconclusiveError("no listening sshd was found, so the options it runs with are unknown")
    return options or []


def _main(options: list[str]) -> str:
    files = [value for flag, value in zip(options[::2], options[1::2], strict=True) if flag == "-f"]
    return posixpath.join("/", files[-1]) if files else sshd_config.MAIN


def _criteria(view: View) -> list[Criterion]:
    users = [account.name for account in accounts.Accounts.read(view).login_users]
    return criteria(sshd_config.lines(view, _main(_options(view))), users)


def _then(view: View) -> list[Question]:
    """Follow Include until every file is known, then ask sshd for each kind of session."""
    options = _options(view)
    main = _main(options)
    questions: list[Question] = [ReadFile(main)]
    for path in [main, *_included(view, main)]:
        text = view.text(path) if path in view.entries else None
        questions += [Glob(pattern) for pattern in sshd_config.includes(text or "")]
    if not {question.key for question in questions} <= {*view.entries, *view.globbed, *view.absent, *view.unseen}:
        return questions
    program = _program(view)
    if program is not None:
        questions += [Run(line, line) for line in (command(program, options, each) for each in _criteria(view))]
    return questions


def _included(view: View, path: str, depth: int = 0) -> list[str]:
    """Return the files that are included as far as they are known."""
    if depth > 4 or path not in view.entries:  # noqa: PLR2004 - as many rounds as a collection has
        return []
    found = []
    for pattern in sshd_config.includes(view.text(path) or ""):
        if pattern in view.globbed:
            for entry in view.glob(pattern):
                found += [entry.path, *_included(view, entry.path, depth + 1)]
    return found


NEEDS = Needs(
    first=(
        *accounts.NEEDS.first,
        PROGRAM,
        PROCESSES,
        ReadFile(sshd_config.MAIN),
        Glob("/etc/ssh/sshd_config.d/*.conf"),
    ),
    then=_then,
)

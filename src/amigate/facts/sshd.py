"""The SSH server's effective configuration, session by session, as sshd itself answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError, NotApplicableError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, Needs, Question, ReadFile, Run
from amigate.facts import accounts, sshd_at_rest, sshd_config
from amigate.facts.sshd_answers import SPELLINGS, Session, answered, evaluated
from amigate.facts.sshd_keywords import EVALUATED
from amigate.facts.sshd_sessions import ANYBODY, Criterion, Server, command, criteria, is_blind, server
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from amigate.evidence.model import View
    from amigate.facts.sshd_config import Line

PROGRAM = Run("sshd program", "command -v sshd || ls /usr/lib/ssh/sshd /usr/libexec/sshd /opt/*/sbin/sshd", Keep.PATHS)
PROCESSES = Run(
    "sshd processes",
    # \1 ends the executable's path, \2 the command line, whose words end with \0.
    "for f in $(grep -l sshd /proc/[0-9]*/cmdline); do "
    "readlink \"${f%/cmdline}/exe\"; printf '\\1'; cat \"$f\"; printf '\\2'; done 2>/dev/null; exit 0",
    Keep.SSHD_PROCESSES,
)

_RENEWED = re.compile(r"/etc/ssh/ssh_host_(?:rsa|dsa|ecdsa|ed25519)_key")
"""The host keys that `ssh-keygen -A` and cloud-init make."""


@dataclass(frozen=True, kw_only=True)
class Sshd:
    """What sshd would do for every session that its configuration tells apart."""

    sessions: tuple[Session, ...]
    lines: tuple[Line, ...]
    """Its configuration files, in the order in which sshd reads them."""
    superusers: tuple[str, ...] = ("root",)
    """The accounts with uid 0, to all of which PermitRootLogin applies."""

    @classmethod
    def read(cls, view: View) -> Sshd:
        """Read the answers of `sshd -T`; at rest, evaluate its files.

        Raises NotApplicableError where there is no SSH server, InconclusiveError where one cannot be asked."""
        program = required_program(view)
        running = running_server(view)
        lines = tuple(lines_of(view, running))
        asked = _criteria(view, running)
        if _is_at_rest(view):
            sessions = evaluated(view, lines, asked)
        else:
            sessions = answered(view, program, running.options, asked)
        return cls(sessions=tuple(sessions), lines=lines, superusers=_superusers(view))

    def sessions_of(self, *users: str) -> list[Session]:
        """Return the sessions that `users` can have."""
        return [session for session in self.sessions if session.user in (*users, ANYBODY)]

    def sessions_where(
        self, keyword: str, *, is_not: str, but_for: Callable[[Session], bool] = lambda _: False
    ) -> list[Finding]:
        """Find the sessions in which `keyword` has another value than `is_not`.

        Raises InconclusiveError where there is none, and a Match block might give it another value all the same.
        """
        found = self.seen_with_other_than(keyword, is_not, but_for=but_for)
        if not found:
            self.require_seen(keyword, lambda value: value == is_not)
        return found

    def seen_with_other_than(
        self, keyword: str, value: str, *, but_for: Callable[[Session], bool] = lambda _: False
    ) -> list[Finding]:
        """Find the sessions that were asked about in which `keyword` has another value."""
        return [
            self.finding(session, keyword)
            for session in self.sessions
            if session.value(keyword) != value and not but_for(session)
        ]

    def require_seen(self, keyword: str, sound: Callable[[str], bool]) -> None:
        """Raise InconclusiveError where a Match block gives `keyword` a value that is not sound and was never seen.

        What a Match block asks can be more than `sshd -T -C` can be told, such as a command or the members of a
        group that nobody here is in.
        """
        for line in self._lines_of(keyword):
            value = _value_of(line)
            if not line.match or sound(value):
                continue
            if is_blind(line.match) or all(value != _printed([each.value(keyword)]) for each in self.sessions):
                raise InconclusiveError(f"{line.place} sets {keyword} for sessions that could not be made up here")

    def of_match_blocks(self, findings: Sequence[Finding]) -> list[Finding]:
        """Keep those of `findings` whose value comes from a Match block."""
        inside = {(line.path, line.number) for line in self.lines if line.match}
        return [finding for finding in findings if (finding.path, finding.line) in inside]

    def require_every_match_seen(self) -> None:
        """Raise InconclusiveError for a Match block for which no complete set of sessions can be made up."""
        for line in self.lines:
            if line.keyword == "match" and is_blind(line.match):
                raise InconclusiveError(f"{line.place}: nobody here can tell when this Match block holds")

    def may_become(self, keyword: str, sound: Callable[[str], bool]) -> bool:
        """Whether some Match block gives `keyword` a value that is not sound, whoever it is for."""
        return any(line.match and not sound(_value_of(line)) for line in self._lines_of(keyword))

    def finding(self, session: Session, keyword: str, detail: str = "") -> Finding:
        """Return the finding that `session` has the value it has, at the line that gives it."""
        value = session.value(keyword)
        line = self._origin(keyword, value)
        return Finding(
            subject=session.subject,
            path=line.path if line else "",
            line=(line.number or None) if line else None,
            detail=detail or f"{keyword} is {value or 'not known to this sshd'}{'' if line else ' (default)'}",
        )

    def host_keys_elsewhere(self) -> list[Finding]:
        """Find host keys under names that first boot does not make anew, and certificates of host keys."""
        found = {}
        for keyword, name in (("hostkey", _RENEWED), ("hostcertificate", re.compile("none"))):
            lines = {line.words[0]: line for line in reversed(self._lines_of(keyword)) if line.words}
            values = [value for session in self.sessions for value in session.settings.get(keyword, ())]
            for value in dict.fromkeys([*lines, *values]):
                if value and not name.fullmatch(value):
                    line = lines.get(value)
                    found[keyword, value] = Finding(
                        path=(line.path or value) if line else value,
                        line=(line.number or None) if line else None,
                        detail=f"{keyword} is {value}, which first boot does not make anew",
                    )
        return list(found.values())

    def _origin(self, keyword: str, value: str) -> Line | None:
        """Return the line that sets `keyword` to `value`; the first that does wins, a Match beats what is outside."""
        found = [line for line in self._lines_of(keyword) if _value_of(line) == value.lower()]
        return min(found, key=lambda line: not line.match, default=None)

    def _lines_of(self, keyword: str) -> list[Line]:
        return [line for line in self.lines if line.keyword in SPELLINGS.get(keyword, (keyword,))]


def _is_at_rest(view: View) -> bool:
    return view.is_at_rest(PROCESSES.key)


def _value_of(line: Line) -> str:
    """Return what a line sets as `sshd -T` prints it; a time in seconds, so that 2m and 120 are one."""
    keyword = EVALUATED.get(line.keyword)
    return _printed(((keyword.read(line.words) if keyword else None) or " ".join(line.words),))


def _printed(words: Sequence[str]) -> str:
    """Return a setting's value as `sshd -T` prints it."""
    value = " ".join(words).lower()
    return {"prohibit-password": "without-password", "true": "yes", "false": "no"}.get(value, value)


def asked_program(view: View) -> str | None:
    """Return the sshd to ask: the one that runs, else the one that is installed."""
    if _is_at_rest(view):
        return sshd_at_rest.program(view)
    if (running := server(view.answer(PROCESSES.key).stdout)) is not None:
        return running.program
    found = view.answer(PROGRAM.key).text.split("\n", 1)[0].strip()
    return found if found.startswith("/") else None


def required_program(view: View) -> str:
    """Return the sshd to ask.

    Raises NotApplicableError where there is no SSH server, InconclusiveError where one cannot be asked."""
    program = asked_program(view)
    if program is None and view.contact is not None:
        raise InconclusiveError("an SSH server answers, but there is no sshd that could be asked")
    if program is None:
        raise NotApplicableError("sshd is not installed")
    return program


def running_server(view: View) -> Server:
    """Return the running server; a login that no listening sshd explains leaves its options unknown.

    At rest, it is the one that the units would start."""
    if _is_at_rest(view):
        return sshd_at_rest.server(view)
    running = server(view.answer(PROCESSES.key).stdout)
    if running is None and view.contact is not None:
        raise InconclusiveError("no listening sshd was found, so the options it runs with are unknown")
    return running or Server(program="", options=())


def main_file(running: Server) -> str:
    """Return the configuration file that sshd starts with."""
    files = [value for flag, value in zip(running.options[::2], running.options[1::2], strict=True) if flag == "-f"]
    return files[-1] if files else sshd_config.MAIN


def lines_of(view: View, running: Server) -> list[Line]:
    """Return every setting in the order in which sshd reads them: of its command line, then of its files."""
    return [*sshd_config.told(running.options), *sshd_config.lines(view, main_file(running))]


def _superusers(view: View) -> tuple[str, ...]:
    return tuple(account.name for account in accounts.Accounts.read(view).everybody if account.uid == 0)


def _criteria(view: View, running: Server) -> list[Criterion]:
    """Return the sessions to ask about: of the login users, and of root whatever its shell is."""
    users = [account.name for account in accounts.Accounts.read(view).login_users]
    known = dict.fromkeys([*_superusers(view), *users])
    return criteria(lines_of(view, running), list(known))


def _then(view: View) -> list[Question]:
    """Follow Include until every file is known, then ask sshd for each kind of session."""
    if _is_at_rest(view) and not _is_answered(sshd_at_rest.PROGRAMS[0], view):
        return list(sshd_at_rest.QUESTIONS)
    running = running_server(view)
    main = main_file(running)
    files: list[ReadFile | Glob] = [ReadFile(main, Keep.SSHD_CONFIG)]
    for path in _included(view, main):
        text = view.text(path) if path in view.entries else None
        files += [Glob(pattern, Keep.SSHD_CONFIG) for pattern in sshd_config.includes(text or "")]
    questions: list[Question] = [*files]
    if not all(_is_answered(question, view) for question in files):
        return questions
    program = asked_program(view)
    if program is not None and not _is_at_rest(view):
        questions += [
            Run(line, line, Keep.SSHD_EFFECTIVE)
            for line in (command(program, running.options, each) for each in _criteria(view, running))
        ]
    return questions


def _is_answered(question: ReadFile | Glob, view: View) -> bool:
    """Whether there is nothing to wait for; a pattern without wildcards is not answered by a file of that name."""
    known = view.globbed if isinstance(question, Glob) else {*view.entries, *view.absent}
    return question.key in known or question.key in view.unseen


def _included(view: View, main: str) -> list[str]:
    """Return the main file and those that it includes, as far as they are known, each once."""
    found = {main: None}
    waiting = [main]
    while waiting:
        path = waiting.pop()
        text = view.text(path) if path in view.entries else None
        for pattern in sshd_config.includes(text or ""):
            new = [entry.path for entry in view.glob(pattern)] if pattern in view.globbed else []
            waiting += [path for path in new if path not in found]
            found.update(dict.fromkeys(new))
    return list(found)


NEEDS = Needs(
    first=(
        *accounts.NEEDS.first,
        PROGRAM,
        PROCESSES,
        ReadFile(sshd_config.MAIN, Keep.SSHD_CONFIG),
        Glob("/etc/ssh/sshd_config.d/*.conf", Keep.SSHD_CONFIG),
    ),
    then=_then,
)

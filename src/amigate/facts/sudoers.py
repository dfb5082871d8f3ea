"""Who may run what as somebody else, by sudo's policy files; an include is followed as sudo does."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError, NotApplicableError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, Question, ReadFile
from amigate.evidence.sudoers_grammar import Default, Parsed, Rule, parse
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from amigate.evidence.model import View

PATHS = ("/etc/sudoers", "/usr/etc/sudoers")
"""The first that is there counts."""
_DEPTH = 128
"""As many includes in each other as sudo allows."""
_FILES = 2000
"""More files than any policy has; files that include each other many times over would never end."""
_USERS = 50_000
"""More users than any policy names; aliases of aliases could stand for billions."""


@dataclass(frozen=True, kw_only=True)
class Sudoers:
    """The policy, in the order in which sudo reads it: of two rules that fit, the last one counts."""

    rules: tuple[Rule, ...]
    """With the aliases of users resolved."""
    defaults: tuple[Default, ...]

    @classmethod
    def read(cls, view: View) -> Sudoers:
        """Read every file.

        Raises NotApplicableError where there is no policy of sudo, InconclusiveError where one was not seen or is in
        no known form."""
        main = next((path for path in PATHS if view.entry(path) is not None), None)
        if main is None:
            raise NotApplicableError("there is no sudoers file")
        files = []
        for parsed in _read(view, main, 0):
            files.append(parsed)
            if len(files) > _FILES:
                raise InconclusiveError(f"{main}: its includes never come to an end")
        aliases = {name: members for parsed in files for name, members in parsed.user_aliases.items()}
        return cls(
            rules=tuple(_resolved((rule for parsed in files for rule in parsed.rules), aliases)),
            defaults=tuple(default for parsed in files for default in parsed.defaults),
        )

    def without_password(self, allowed: Collection[str] = ()) -> list[Finding]:
        """Find what others than `allowed` may run without a password; an `allowed` group is written `%group`.

        A rule with NOPASSWD counts even where a later one takes it back, for that depends on who runs what."""
        found = []
        for rule in self.rules:
            who = [user for user in rule.users if user not in allowed and not user.startswith("!")]
            if rule.asks is False and not rule.command.startswith("!") and who:
                found.append(_finding(rule, who))
        for default in self.defaults:
            name = default.text.partition("=")[0].strip()
            if name.replace(" ", "") == "!authenticate":
                found.append(Finding(path=default.path, line=default.line, detail="sudo asks for no password here"))
            elif name == "exempt_group":
                detail = "sudo asks a group for no password"
                found.append(Finding(path=default.path, line=default.line, detail=detail))
        return found

    def of_absent_users(self, users: Collection[str]) -> list[Finding]:
        """Find the rules for a user that is not among `users`: what somebody left behind."""
        return [
            Finding(subject=f"user {user}", path=rule.path, line=rule.line, detail="there is no such user")
            for rule in self.rules
            for user in rule.users
            if user[:1] not in ("%", "#", "+", "!") and user != "ALL" and user not in users
        ]


def _finding(rule: Rule, who: list[str]) -> Finding:
    program = rule.command.split(maxsplit=1)[0]
    return Finding(
        subject=", ".join(who),
        path=rule.path,
        line=rule.line,
        detail=f"may run {program} as {rule.run_as or 'root'} without a password",
    )


def _resolved(rules: Iterable[Rule], aliases: Mapping[str, tuple[str, ...]]) -> Iterator[Rule]:
    """Yield the rules with their users' aliases resolved."""
    room = _USERS
    for rule in rules:
        users = tuple(islice((each for user in rule.users for each in _members(user, aliases, ())), room + 1))
        room -= len(users)
        if room < 0:
            raise InconclusiveError(f"{rule.path}:{rule.line}: its aliases never come to an end")
        yield replace(rule, users=users)


def _members(user: str, aliases: Mapping[str, tuple[str, ...]], through: tuple[str, ...]) -> Iterator[str]:
    """Yield whom a name stands for; an excluded alias excludes its members."""
    no, name = ("!", user[1:]) if user.startswith("!") else ("", user)
    if name not in aliases or name in through:
        yield user
        return
    for member in aliases[name]:
        for each in _members(member, aliases, (*through, name)):
            yield (no + each).removeprefix("!!")


def _read(view: View, path: str, depth: int) -> Iterator[Parsed]:
    """Yield a file and what it includes; a missing include is passed over, as sudo does."""
    text = view.text(path)
    if text is None:
        return
    parsed = parse(text, path)
    yield parsed
    for kind, name, line in parsed.includes:
        for each in _files(view, path, kind, name):
            if depth == _DEPTH:
                raise InconclusiveError(f"{path}:{line}: includes are nested deeper than sudo allows")
            yield from _read(view, each, depth + 1)


def _files(view: View, path: str, kind: str, name: str) -> list[str]:
    """Return the files that an include names, in sudo's order; names with a dot or a `~` at the end are skipped."""
    target = _absolute(path, name)
    if kind == "include":
        return [target]
    entries = [entry for entry in view.glob(f"{target}/*") if entry.kind in (Kind.FILE, Kind.LINK)]
    names = (entry.path for entry in entries)
    return sorted(each for each in names if "." not in posixpath.basename(each) and not each.endswith("~"))


def _absolute(path: str, name: str) -> str:
    """Return the path of an include; a relative one stands beside the file that includes it.

    Raises InconclusiveError for one that depends on the machine's name."""
    if "%h" in name:
        raise InconclusiveError(f"{path} includes a file by the machine's name")
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def _then(view: View) -> list[Question]:
    """Follow the includes as far as they are known."""
    found: dict[Question, None] = {}
    waiting = [path for path in PATHS if path in view.entries][:1]
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        text = view.text(path) if path in view.entries else None
        for kind, name, _ in parse(text or "", path).includes:
            target = _absolute(path, name)
            found[_file(target) if kind == "include" else Glob(f"{target}/*", Keep.SUDOERS)] = None
            known = kind == "include" or f"{target}/*" in view.globbed
            new = [each for each in (_files(view, path, kind, name) if known else []) if each not in seen]
            seen.update(new)
            waiting += new
    return list(found)


def _file(path: str) -> ReadFile:
    return ReadFile(path, Keep.SUDOERS)


NEEDS = Needs(first=(*map(_file, PATHS), Glob("/etc/sudoers.d/*", Keep.SUDOERS)), then=_then)

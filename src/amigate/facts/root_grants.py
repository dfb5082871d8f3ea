"""Who may become root by sudo or doas."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError, NotApplicableError
from amigate.evidence.doas_grammar import DoasRule, statements
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.facts import sudoers
from amigate.facts.sudoers import Sudoers
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from amigate.evidence.model import View
    from amigate.evidence.sudoers_grammar import Rule

_FILES = (ReadFile("/etc/doas.conf", Keep.DOAS), ReadFile("/usr/local/etc/doas.conf", Keep.DOAS))
_PARTS = Glob("/etc/doas.d/*.conf", Keep.DOAS)
NEEDS = Needs(first=(*sudoers.NEEDS.first, *_FILES, _PARTS), then=sudoers.NEEDS.then)
_AS_ROOT = {"", "root", "ALL", "#0", "0"}


@dataclass(frozen=True, kw_only=True)
class DoasLine:
    """A rule with its place."""

    path: str
    line: int
    rule: DoasRule


@dataclass(frozen=True, kw_only=True)
class RootGrants:
    """The policies of both."""

    sudo: Sudoers | None
    """None where there is no policy of sudo."""
    doas: tuple[DoasLine, ...]

    @classmethod
    def read(cls, view: View) -> RootGrants:
        """Read both; raises InconclusiveError where one was not seen or is in no known form."""
        sudo = None
        with suppress(NotApplicableError):
            sudo = Sudoers.read(view)
        return cls(sudo=sudo, doas=tuple(_doas(view)))

    def to_others_than(self, expected: Collection[str], *, without_password: Collection[str]) -> list[Finding]:
        """Find who else than `expected` may become root, and who else than `without_password` is not even asked.

        A group is written `%group`."""
        found = [*self.sudo.without_password(without_password), *_asked(self.sudo, expected)] if self.sudo else []
        found += self._doas(expected, without_password)
        return list(dict.fromkeys(found))

    def left_behind(self, users: Collection[str]) -> list[Finding]:
        """Find the rules of sudo for a user that is not among `users`."""
        return self.sudo.of_absent_users(users) if self.sudo else []

    def _doas(self, expected: Collection[str], without_password: Collection[str]) -> Iterator[Finding]:
        for each in self.doas:
            rule = each.rule
            name = f"%{rule.who[1:]}" if rule.who.startswith(":") else rule.who
            allowed = expected if rule.asks else without_password
            if rule.permits and rule.run_as in _AS_ROOT and name not in allowed:
                how = "by doas" if rule.asks else "by doas without a password"
                yield Finding(subject=name, path=each.path, line=each.line, detail=f"may become root {how}")


def _asked(sudo: Sudoers, expected: Collection[str]) -> Iterator[Finding]:
    """Yield who else may become root, for a password."""
    for_targets = any(each.text.replace(" ", "") == "targetpw" and not each.scope for each in sudo.defaults)
    for rule in sudo.rules:
        who = [user for user in rule.users if user not in expected and not user.startswith("!")]
        if rule.asks is False or rule.command.startswith("!") or not who or not _is_of_root(rule):
            continue
        if who == ["ALL"] and for_targets:
            continue  # SUSE: whoever knows root's password
        yield Finding(subject=", ".join(who), path=rule.path, line=rule.line, detail="may become root by sudo")


def _is_of_root(rule: Rule) -> bool:
    """Whether a rule lets somebody be root; aliases and groups may mean anybody."""
    users = rule.run_as.partition(":")[0]
    names = {user.strip() for user in users.split(",")}
    return bool(names & _AS_ROOT) or any(name.isupper() or name[:1] in ("!", "%") for name in names)


def _doas(view: View) -> Iterator[DoasLine]:
    """Yield the rules; raises InconclusiveError for a line in no known form: doas refuses the whole file then."""
    paths = [file.path for file in _FILES if view.entry(file.path) is not None]
    for path in [*paths, *(entry.path for entry in view.glob(_PARTS.key))]:
        for number, rule in statements(view.text(path) or ""):
            if rule is None:
                raise InconclusiveError(f"{path}:{number} is in no form of doas.conf that is known here")
            yield DoasLine(path=path, line=number, rule=rule)

"""The local accounts: /etc/passwd, /etc/shadow and what their password fields mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs, ReadFile
from amigate.evidence.redaction.accounts import HASH, HIDDEN, LOCKS, NUMBER
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from amigate.evidence.model import View

PASSWD, SHADOW = "/etc/passwd", "/etc/shadow"
MORE_PASSWD = ("/var/lib/extrausers/passwd", "/usr/lib/passwd")
"""Where nss-extrausers (Ubuntu Core) and nss-altfiles (rpm-ostree) keep more accounts."""
MORE_SHADOW = ("/var/lib/extrausers/shadow", "/usr/lib/shadow")
NEEDS = Needs(
    first=(
        *(ReadFile(path, Keep.PASSWD) for path in (PASSWD, *MORE_PASSWD)),
        *(ReadFile(path, Keep.SHADOW) for path in (SHADOW, *MORE_SHADOW)),
    )
)

# A login shell that lets nobody in, by the program's name.
_NO_LOGIN = {"nologin", "false", "sync", "halt", "shutdown"}


class Password(StrEnum):
    """What a password field lets one do, https://man7.org/linux/man-pages/man5/shadow.5.html."""

    EMPTY = "empty"
    """No password is asked for where PAM or sshd allow that."""
    HASH = "hash"
    """A password that works."""
    LOCKED_HASH = "locked-hash"
    """A hash behind `!`, `*` or another word: no password works, until it is unlocked; the hash is still there."""
    NONE = "none"
    """`*`, `!`, `!!`, `*LOCK*` and whatever else crypt never returns: no password works."""
    SHADOWED = "shadowed"
    """`x` in passwd, and `##name`: look in shadow."""


def classify(text: str, *, passwd: bool = False) -> Password:
    """Say what field 2 of shadow means; with `passwd`, field 2 of passwd."""
    if text == "":
        return Password.EMPTY
    if passwd and (text == "x" or text.startswith("##")):
        return Password.SHADOWED
    if HASH.fullmatch(text):
        return Password.HASH
    hidden = HASH.fullmatch(text.lstrip(LOCKS)) or HIDDEN.search(text)
    return Password.LOCKED_HASH if hidden else Password.NONE


@dataclass(frozen=True, kw_only=True)
class Account:
    """A line of passwd."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str
    password: Password
    line: int

    @property
    def may_log_in(self) -> bool:
        """Whether the shell lets a user in; an empty field means /bin/sh."""
        return self.shell.rpartition("/")[2] not in _NO_LOGIN


@dataclass(frozen=True, kw_only=True)
class ShadowLine:
    """A line of shadow; the field itself is not kept."""

    name: str
    password: Password
    line: int
    is_locked: bool = False
    """Whether the field begins with `!`: without PAM, sshd refuses keys too."""
    dates: tuple[str, ...] = ()
    """The fields behind the password, as written or as placeholders."""


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """The accounts of passwd and the password fields of shadow."""

    all: tuple[Account, ...]
    shadow: tuple[ShadowLine, ...] | None
    """None when the image has no shadow file."""
    more: Mapping[str, tuple[Account, ...]] = field(default_factory=dict)
    """Accounts of further passwd files, by path."""
    more_shadow: Mapping[str, tuple[ShadowLine, ...]] = field(default_factory=dict)
    """Lines of further shadow files, by path."""
    unseen: tuple[str, ...] = ()
    """Further passwd files that could not be looked at, and why."""

    @classmethod
    def read(cls, view: View) -> Accounts:
        """Read both files.

        Raises InconclusiveError when passwd is missing or empty, has a line that cannot be told, or either was not
        seen.
        """
        passwd, shadow = view.text(PASSWD), view.text(SHADOW)
        accounts = tuple(_accounts(passwd or ""))
        if not accounts:
            raise InconclusiveError(f"{PASSWD} is missing or holds no account that can be read")
        more, unseen = _more(view, MORE_PASSWD, _accounts)
        more_shadow, unseen_too = _more(view, MORE_SHADOW, lambda text, _: _shadow(text))
        return cls(
            all=accounts,
            shadow=None if shadow is None else tuple(_shadow(shadow)),
            more=more,
            more_shadow=more_shadow,
            unseen=(*unseen, *unseen_too),
        )

    @property
    def everybody(self) -> tuple[Account, ...]:
        """The accounts of passwd, and those of further files."""
        return (*self.all, *(account for accounts in self.more.values() for account in accounts))

    @property
    def login_users(self) -> tuple[Account, ...]:
        """The accounts whose shell lets a user in, root first."""
        users = (account for account in self.everybody if account.may_log_in)
        return tuple(sorted(users, key=lambda account: (account.uid != 0, account.line)))

    def login_users_other_than(self, expected: Collection[str]) -> list[Finding]:
        """Find the accounts whose shell lets a user in and that are not `expected`.

        SUSE gives nobody a shell, and no password. Raises InconclusiveError where there may be more, and none was
        found."""
        known = {PASSWD: self.all, **self.more}
        found = [
            Finding(
                subject=account.name, path=path, line=account.line, detail=f"this account has the shell {account.shell}"
            )
            for path, accounts in known.items()
            for account in accounts
            if account.may_log_in and account.name not in expected and (account.name, account.uid) != _NOBODY
        ]
        if not found:
            self.require_all_seen()
            self.require_well_formed()
        return found

    def system_shells(self, uid_min: int) -> list[Finding]:
        """Find the accounts below `uid_min`, other than root, whose shell lets a user in.

        Raises InconclusiveError where there may be more, and none was found."""
        people = {account.name for account in self.everybody if account.uid == 0 or account.uid >= uid_min}
        return self.login_users_other_than(people)

    def locked(self, user: str) -> list[Finding] | None:
        """Find the lock on `user`'s password that keeps sshd without PAM from taking keys; None without such a user."""
        if all(account.name != user for account in self.everybody):
            return None
        lines = [(SHADOW, line) for line in self.shadow or ()]
        lines += [(path, line) for path, more in self.more_shadow.items() for line in more]
        return [
            Finding(subject=user, path=path, line=line.line, detail="the password field begins with `!`")
            for path, line in lines
            if line.name == user and line.is_locked
        ]

    def require_well_formed(self) -> None:
        """Raise InconclusiveError for a line that programs read in different ways.

        Of two lines for one name, C libraries take the first, and editing tools either; glibc passes over a line of
        shadow with more fields than it knows, and others do not."""
        for path, group in self._files():
            seen: set[str] = set()
            for line in group:
                if line.name in seen:
                    raise InconclusiveError(f"{path}:{line.line} names an account that an earlier line has named")
                if isinstance(line, ShadowLine) and len(line.dates) > _DATES:
                    raise InconclusiveError(f"{path}:{line.line} has more fields than shadow(5) knows")
                seen.add(line.name)

    def superusers_with_password(self) -> list[Finding]:
        """Find the accounts with uid 0 whose password field lets somebody in.

        Raises InconclusiveError when one has no field that could answer, and none was found."""
        found, unknown = [], []
        for account in self.all:
            if account.uid == 0:
                fields = self._fields(account)
                unknown += [] if fields else [account.name]
                found += [
                    Finding(subject=account.name, path=path, line=line, detail=_USABLE[password])
                    for path, line, password in fields
                    if password in _USABLE
                ]
        if unknown and not found:
            raise InconclusiveError(f"{PASSWD} refers to {SHADOW} for {unknown[0]}, which has no such line")
        if not found:
            self.require_well_formed()
        return found

    def empty_passwords(self) -> list[Finding]:
        """Find every line of passwd and shadow whose password field is empty."""
        return self._lines_with(Password.EMPTY, "the password field is empty")

    def _lines_with(self, password: Password, detail: str) -> list[Finding]:
        """Find the lines with such a password field; raises InconclusiveError without any, where not all was seen."""
        found = [
            Finding(subject=line.name, path=path, line=line.line, detail=detail)
            for path, lines in self._files()
            for line in lines
            if line.password is password
        ]
        if not found:
            self._require_shadow()
            self.require_all_seen()
            self.require_well_formed()
        return found

    def usable_hashes(self) -> list[Finding]:
        """Find every line of passwd and shadow with a password hash that works; who has which shell is no matter."""
        return self._lines_with(Password.HASH, "a password is set")

    def hidden_hashes(self) -> list[Finding]:
        """Find every line of passwd and shadow with a password hash behind a lock."""
        return self._lines_with(Password.LOCKED_HASH, "a password hash is behind the lock")

    def other_superusers(self) -> list[Finding]:
        """Find every account with uid 0 that is not called root; musl takes a number modulo 2³²."""
        found = [
            Finding(subject=account.name, path=path, line=account.line, detail="this account has user id 0")
            for path, lines in {PASSWD: self.all, **self.more}.items()
            for account in lines
            if account.uid % _UIDS == 0 and account.name != "root"
        ]
        if not found:
            self.require_all_seen()
            self.require_well_formed()
        return found

    def _files(self) -> list[tuple[str, Sequence[Account | ShadowLine]]]:
        return [(PASSWD, self.all), (SHADOW, self.shadow or ()), *self.more.items(), *self.more_shadow.items()]

    def require_all_seen(self) -> None:
        """Raise InconclusiveError when there may be accounts or passwords that were not looked at."""
        if self.unseen:
            raise InconclusiveError(self.unseen[0])

    def _require_shadow(self) -> None:
        if self.shadow is None and any(account.password is Password.SHADOWED for account in self.all):
            raise InconclusiveError(f"{PASSWD} refers to {SHADOW}, which is not there")

    def _fields(self, account: Account) -> list[tuple[str, int, Password]]:
        """Return every field that could answer for `account`: passwd's own, and shadow's.

        Which of the two counts depends on who asks: without PAM, sshd takes shadow's whatever passwd says.
        """
        fields = [(SHADOW, line.line, line.password) for line in self.shadow or () if line.name == account.name]
        if account.password is not Password.SHADOWED:
            return [(PASSWD, account.line, account.password), *fields]
        return fields


_USABLE = {
    Password.EMPTY: "the password field is empty: no password is needed",
    Password.HASH: "a password is set",
}


_UIDS = 1 << 32
_NOBODY = ("nobody", 65534)
_DATES = 7
"""Fields of shadow(5) behind the password."""


Line = TypeVar("Line")


def _more(
    view: View, paths: Sequence[str], read: Callable[[str, str], list[Line]]
) -> tuple[dict[str, tuple[Line, ...]], list[str]]:
    """Return the lines of further files, and why one of these could not be looked at."""
    found: dict[str, tuple[Line, ...]] = {}
    unseen = []
    for path in paths:
        try:
            found[path] = tuple(read(view.text(path) or "", path))
        except InconclusiveError as error:
            unseen.append(str(error))
    return found, unseen


def _accounts(text: str, path: str = PASSWD) -> list[Account]:
    """Read passwd's lines as leniently as the C libraries do, which take four fields for an account."""
    accounts = []
    for number, line in enumerate(text.split("\n"), 1):
        name, password, uid, gid, _, home, shell = [*line.lstrip(" \t").split(":", 6), *[""] * 6][:7]
        numbers = [NUMBER.fullmatch(uid), NUMBER.fullmatch(gid)]
        if not line.strip() or (line.lstrip().startswith("#") and None in numbers):
            continue
        if not name or name[0] in "+-" or numbers[0] is None or numbers[1] is None:
            what = "accounts of NIS" if name[:1] in ("+", "-") else "an account in no known form"
            raise InconclusiveError(f"{path}:{number} names {what}")
        accounts.append(
            Account(
                name=name,
                uid=int(numbers[0][1]),
                gid=int(numbers[1][1]),
                home=home,
                shell=shell.rstrip("\r") or "/bin/sh",
                password=classify(password, passwd=True),
                line=number,
            )
        )
    return accounts


def _shadow(text: str) -> list[ShadowLine]:
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        name, colon, rest = line.lstrip(" \t").partition(":")
        if name and colon:
            text, *dates = rest.rstrip("\r").split(":")
            lines.append(
                ShadowLine(
                    name=name,
                    password=classify(text),
                    line=number,
                    is_locked=text.startswith("!"),
                    dates=tuple(dates),
                )
            )
    return lines

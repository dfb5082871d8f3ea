"""Every public key that some account trusts, from every file in which sshd would look for one."""

from __future__ import annotations

import posixpath
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import AnswerError, InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.evidence.redaction.keys import key_line
from amigate.facts.accounts import Account, Accounts
from amigate.facts.sshd import Sshd
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import View

USUAL = (".ssh/authorized_keys", ".ssh/authorized_keys2")
"""Where sshd looks by default."""
KEY_FOLDER_COMMAND = "/usr/libexec/ssh-key-dir"
"""Gives sshd the keys in a folder of each home, on Fedora CoreOS: https://github.com/coreos/ssh-key-dir."""


@dataclass(frozen=True, kw_only=True)
class AuthorizedKey:
    """One line of a key file that sshd might accept."""

    user: str
    path: str
    line: int
    type: str
    fingerprint: str
    """SHA256 of the blob, as `ssh-keygen -l` prints it; empty for a line in no known form."""
    comment: str = ""
    """One word, or what stands for more than that."""

    def finding(self, detail: str) -> Finding:
        """Return the finding that this key is where it is."""
        return Finding(
            subject=f"user {self.user}",
            path=self.path,
            line=self.line,
            detail=f"{detail} ({self.type})",
            fingerprint=self.fingerprint,
        )


@dataclass(frozen=True, kw_only=True)
class AuthorizedKeys:
    """The keys of all accounts, in the order of passwd."""

    all: tuple[AuthorizedKey, ...]

    @classmethod
    def read(cls, view: View) -> AuthorizedKeys:
        """Read every key file of every account; raises InconclusiveError when one could not be seen."""
        found: dict[tuple[str, int], AuthorizedKey] = {}
        server = Sshd.read(view)
        patterns = _patterns(server)
        for account in _everybody(view):
            more = [entry.path for entry in view.glob(key_folder(account).key)] if _has_folders(server) else []
            for path in [*paths(account, patterns), *more]:
                for key in parse(view.text(path) or "", user=account.name, path=path):
                    found.setdefault((key.path, key.line), key)  # accounts may share a home
        return cls(all=tuple(found.values()))

    @property
    def fingerprints(self) -> frozenset[str]:
        """The keys themselves, whoever trusts them."""
        return frozenset(key.fingerprint for key in self.all if key.fingerprint)

    def other_than(self, fingerprint: str) -> list[Finding]:
        """Find every key but the one with `fingerprint`; a line that cannot be read counts as another key."""
        return [
            key.finding("a key that is not of this launch")
            for key in self.all
            if key.fingerprint != fingerprint or not fingerprint
        ]


def parse(text: str, *, user: str, path: str) -> list[AuthorizedKey]:
    """Return the keys in a key file; every line that is neither blank nor a comment gives one."""
    keys = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            known = key_line(line)
            kind = known.type if known else "a line in no known form"
            digest = known.fingerprint if known else ""
            comment = known.comment if known else ""
            keys.append(
                AuthorizedKey(user=user, path=path, line=number, type=kind, fingerprint=digest, comment=comment)
            )
    return keys


def _patterns(sshd: Sshd) -> tuple[str, ...]:
    """Return every AuthorizedKeysFile word of every session and of the files themselves, and the usual ones.

    `sshd -T` prints a path with a blank in it as if it were two; the files keep it whole.
    """
    words = [word for session in sshd.sessions for word in session.value("authorizedkeysfile").split()]
    words += [word for line in sshd.lines if line.keyword == "authorizedkeysfile" for word in line.words]
    return tuple(dict.fromkeys([*USUAL, *(word for word in words if word.lower() != "none")]))


def paths(account: Account, patterns: tuple[str, ...]) -> list[str]:
    """Expand sshd's tokens (sshd_config(5), TOKENS) for `account`; a relative path starts at the home.

    Raises InconclusiveError for `..`, which leads elsewhere where what stands before it is a link.
    """
    tokens = {"%%": "%", "%h": account.home, "%u": account.name, "%U": str(account.uid)}
    paths = []
    for pattern in patterns:
        expanded = re.sub(r"%.", lambda match: tokens.get(match[0], match[0]), pattern)
        path = posixpath.join("/", account.home, expanded)
        if ".." in path.split("/"):
            raise InconclusiveError(f"the key file of {account.name} is named by way of `..`")
        paths.append("/" + posixpath.normpath(path).lstrip("/"))
    return list(dict.fromkeys(paths))


def key_folder(account: Account) -> Glob:
    """Return the question for the keys that KEY_FOLDER_COMMAND gives of an account."""
    return Glob(posixpath.join(_home(account), ".ssh/authorized_keys.d/*"), Keep.AUTHORIZED_KEYS)


def _home(account: Account) -> str:
    return "/" + posixpath.normpath("/" + account.home).lstrip("/")


def _has_folders(server: Sshd) -> bool:
    return any(each.value("authorizedkeyscommand").split()[:1] == [KEY_FOLDER_COMMAND] for each in server.sessions)


def _everybody(view: View) -> tuple[Account, ...]:
    """Return all accounts; raises InconclusiveError when there may be more that were not looked at."""
    accounts = Accounts.read(view)
    accounts.require_all_seen()
    return accounts.everybody


def key_files(view: View) -> list[ReadFile | Glob]:
    """Return the questions for the key files of all accounts that are known so far."""
    patterns: tuple[str, ...] = USUAL
    has_folders = False
    with suppress(AnswerError):  # sshd is not known yet, or not there; the usual files are worth reading all the same
        server = Sshd.read(view)
        patterns, has_folders = _patterns(server), _has_folders(server)
    everybody = Accounts.read(view).everybody
    files = [ReadFile(path, Keep.AUTHORIZED_KEYS) for account in everybody for path in paths(account, patterns)]
    return [*files, *(key_folder(account) for account in everybody if has_folders)]


NEEDS = Needs(then=key_files)

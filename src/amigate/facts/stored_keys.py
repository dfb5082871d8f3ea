"""The authorized keys that lie in an image at rest, in every file in which some sshd would look for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.detect.hits import Sort
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, Question, ReadFile
from amigate.facts import secrets, sshd
from amigate.facts.accounts import Accounts
from amigate.facts.authorized_keys import USUAL, AuthorizedKey, key_folder, parse, paths
from amigate.facts.host_keys import CLOCK
from amigate.facts.secrets import SEARCH, finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import Searched, View
    from amigate.facts.sshd_config import Line
    from amigate.result import Finding

_SHARED = tuple(Glob(pattern, Keep.AUTHORIZED_KEYS) for pattern in ("/etc/ssh/*keys*", "/etc/ssh/*keys*/*"))
"""Where files of keys lie that are nobody's own."""
_KEYWORDS = {"authorizedkeysfile", "authorizedkeysfile2"}


@dataclass(frozen=True, kw_only=True)
class StoredKeys:
    """Every line of a key file that sshd might accept, at rest."""

    all: tuple[AuthorizedKey, ...]
    elsewhere: tuple[Finding, ...]
    """Files named as key files are, where no account that is known would have them."""
    searched: Searched
    gaps: tuple[str, ...]
    """Which key files could not be told, or not be read."""

    @classmethod
    def read(cls, view: View) -> StoredKeys:
        """Read all that can be read; raises InconclusiveError where nobody searched."""
        searched = view.search(SEARCH.key)
        keys: dict[tuple[str, int], AuthorizedKey] = {}
        gaps: list[str] = []
        known = set()
        for user, path in _files(view, gaps):
            known.add(path)
            try:
                for key in parse(view.text(path) or "", user=user, path=path):
                    keys.setdefault((key.path, key.line), key)
            except InconclusiveError as error:
                gaps.append(str(error))
        elsewhere = [
            finding(each)
            for each in searched.found
            if each.sort is Sort.LEFTOVER and _is_key_file(each.path) and each.path not in known and not each.package
        ]
        return cls(all=tuple(keys.values()), elsewhere=tuple(elsewhere), searched=searched, gaps=tuple(gaps))

    def findings(self) -> list[Finding]:
        """Find every authorized key."""
        return [*(key.finding("a key that the image trusts") for key in self.all), *self.elsewhere]

    def require_whole(self) -> None:
        """Raise InconclusiveError where something was not looked at."""
        if self.gaps:
            raise InconclusiveError(self.gaps[0])
        self.searched.require_whole()


def _is_key_file(path: str) -> bool:
    return path.rpartition("/")[2] in {"authorized_keys", "authorized_keys2"}


def _files(view: View, gaps: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each key file with whose it is; what cannot be told goes to `gaps`."""
    lines: list[Line] = []
    try:
        lines = _lines(view)
    except InconclusiveError as error:
        gaps.append(str(error))
    try:
        accounts = Accounts.read(view)
        gaps += accounts.unseen
        for account in accounts.everybody:
            yield from ((account.name, path) for path in paths(account, _patterns(lines)))
            yield from ((account.name, each.path) for each in view.glob(key_folder(account).key) if _is_file(each.kind))
    except InconclusiveError as error:
        gaps.append(str(error))
    revoked = {word for line in lines if line.keyword == "revokedkeys" for word in line.words}
    for glob in _SHARED:
        try:
            entries = view.glob(glob.key)
        except InconclusiveError as error:
            gaps.append(str(error))
        else:
            yield from (("anybody", each.path) for each in entries if _is_file(each.kind) and each.path not in revoked)


def _is_file(kind: Kind) -> bool:
    return kind in (Kind.FILE, Kind.LINK)


def _lines(view: View) -> list[Line]:
    """Return sshd's settings, of Match blocks too; none where there is no sshd."""
    if sshd.asked_program(view) is None:
        return []
    return sshd.lines_of(view, sshd.running_server(view))


def _patterns(lines: list[Line]) -> tuple[str, ...]:
    words = [word for line in lines if line.keyword in _KEYWORDS for word in line.words]
    return tuple(dict.fromkeys([*USUAL, *(word for word in words if word.lower() != "none")]))


def _then(view: View) -> Iterator[Question]:
    if view.is_at_rest(CLOCK.key):
        yield SEARCH
        yield from _SHARED
        patterns = _patterns(_lines(view))
        for account in Accounts.read(view).everybody:
            yield from (ReadFile(path, Keep.AUTHORIZED_KEYS) for path in paths(account, patterns))
            yield key_folder(account)


NEEDS = Needs(first=(*secrets.NEEDS.first, *sshd.NEEDS.first), then=_then)

"""Traces of the machine that an image was made on, by where they lie; of nearly all of them metadata alone is asked.

A running machine leaves traces of its own, so it is asked about spools alone."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import AnswerError, InconclusiveError, NotApplicableError
from amigate.evidence.globs import covers
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, Question, ReadFile
from amigate.facts import accounts
from amigate.facts.accounts import Accounts
from amigate.facts.homes import homes
from amigate.facts.host_keys import CLOCK
from amigate.facts.links import resolved, target
from amigate.facts.residue_places import CACHES, LOG_FOLDER, PLACES, Place, Sign, Topic
from amigate.facts.services import MACHINE_ID, MACHINE_ID_CAP_BYTES
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from amigate.evidence.model import Entry, View

_DBUS_ID = "/var/lib/dbus/machine-id"
_SYSTEMD = ("/usr/lib/systemd/systemd", "/lib/systemd/systemd")
_BELOW = "/**"
_LINKS = 8
_MOST_FOLDERS = 2000
"""Below one folder; more are not looked through."""
_ELSEWHERE = {
    "/var/spool/mail": "/var/mail",
    "/var/mail": "/var/spool/mail",
    "/var/spool/cron/crontabs": "/etc/crontabs",
}
"""Folders that may be links to another, which is looked at or, as Alpine's own crontab, is no user's."""
_BUILDER = "vagrant"
_UNINITIALIZED = {"", "uninitialized"}


@dataclass(frozen=True, kw_only=True)
class Residue:
    """The traces, read where they are asked for."""

    view: View

    @classmethod
    def read(cls, view: View) -> Residue:
        """Take a view; raises InconclusiveError where nothing was seen."""
        if view.broken:
            raise InconclusiveError(view.broken)
        return cls(view=view)

    def traces(self, topic: str) -> list[Finding]:
        """Find the traces of a topic (`residue_places.Topic`), each path once.

        Raises InconclusiveError where there is none, and something was not seen."""
        return list(
            {each.path: each for each in self._told(_traces(_Listing(self.view), PLACES[Topic(topic)]))}.values()
        )

    def builders(self) -> list[Finding]:
        """Find the account by which Vagrant logs in, and what tools to build images left."""
        found = self._told(_builder_accounts(self.view))
        return found + (self.traces(Topic.BUILD_TOOLS) if not found else self._seen(Topic.BUILD_TOOLS))

    def _seen(self, topic: Topic) -> list[Finding]:
        return [each for each in _traces(_Listing(self.view), PLACES[topic]) if isinstance(each, Finding)]

    def log_size(self, at_most_kib: int) -> list[Finding]:
        """Find that all logs together hold more than `at_most_kib`; raises InconclusiveError where that is open."""
        return self._too_large("the logs", [LOG_FOLDER], at_most_kib)

    def cache_size(self, at_most_kib: int) -> list[Finding]:
        """Find that what package managers fetched is more than `at_most_kib`; raises InconclusiveError likewise."""
        return self._too_large("the package caches", CACHES, at_most_kib)

    def machine_ids(self) -> list[Finding]:
        """Find the ids that would be those of every machine made from the image.

        Raises NotApplicableError without systemd, InconclusiveError where an id was not seen."""
        if all(self.view.entry(path) is None for path in _SYSTEMD):
            raise NotApplicableError("systemd, which makes the id at first boot, is not there")
        return self._told(_machine_ids(self.view))

    def missing_machine_id(self) -> list[Finding]:
        """Find that there is no file for the id, which is not the same as an empty one."""
        if self.view.entry(MACHINE_ID) is not None:
            return []
        detail = "it is missing: where the root is read-only at boot, no id can be made; leave an empty file"
        return [Finding(path=MACHINE_ID, detail=detail)]

    def _told(self, answers: Iterable[Finding | str]) -> list[Finding]:
        """Return the findings; raise InconclusiveError where there are none, and something was not seen."""
        found, gaps = [], []
        for each in answers:
            found += [each] if isinstance(each, Finding) else []
            gaps += [each] if isinstance(each, str) else []
        if gaps and not found:
            raise InconclusiveError(gaps[0])
        return found

    def _too_large(self, what: str, folders: Sequence[str], at_most_kib: int) -> list[Finding]:
        if type(at_most_kib) is not int or at_most_kib < 0:
            raise InconclusiveError("the setting at_most_kib is no number of KiB")
        listing = _Listing(self.view)
        gaps: list[str] = []
        sizes = [
            entry.size
            for folder in folders
            for entry in listing.below(folder.removesuffix(_BELOW), gaps)
            if entry.kind is Kind.FILE
        ]
        if sum(sizes) > at_most_kib * 1024:
            detail = f"{what} hold {sum(sizes) // 1024} KiB in {len(sizes)} files (at most {at_most_kib} KiB)"
            return [Finding(path=folders[0].removesuffix(_BELOW), detail=detail)]
        if gaps:
            raise InconclusiveError(gaps[0])
        return []


class _Listing:
    """The entries of a view by the folder that they lie in."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._children: dict[str, list[Entry]] = defaultdict(list)
        for path, entry in view.entries.items():
            self._children[posixpath.dirname(path)].append(entry)

    def glob(self, pattern: str) -> list[Entry]:
        """Return what `View.glob` does, without looking at every entry for each pattern."""
        if pattern not in self.view.globbed or pattern in self.view.unseen:
            return self.view.glob(pattern)
        folder = posixpath.dirname(pattern)
        if set(folder) & set("*?"):
            return self.view.glob(pattern)
        return sorted(
            (each for each in self._children.get(folder, ()) if covers(pattern, each.path)), key=lambda each: each.path
        )

    def below(self, folder: str, gaps: list[str]) -> Iterator[Entry]:
        """Yield every entry below `folder`, links not followed; what was not seen goes to `gaps`."""
        waiting = [folder]
        for count in range(_MOST_FOLDERS):
            if count >= len(waiting):
                return
            for glob in _in_folder(waiting[count]):
                try:
                    entries = self.glob(glob.key)
                except InconclusiveError as error:
                    gaps.append(str(error))
                    continue
                for entry in entries:
                    yield entry
                    if entry.kind is Kind.DIRECTORY:
                        waiting.append(entry.path)
        if len(waiting) > _MOST_FOLDERS:
            gaps.append(f"{folder} has more folders than are looked through")


def _in_folder(folder: str) -> tuple[Glob, Glob]:
    return Glob(f"{folder}/*", Keep.NOTHING), Glob(f"{folder}/.*", Keep.NOTHING)


def _traces(listing: _Listing, places: Iterable[Place]) -> Iterator[Finding | str]:
    """Yield the traces, and as a sentence each thing that was not seen."""
    for place in places:
        gaps: list[str] = []
        if place.pattern.endswith(_BELOW):
            yield from _below(listing, place, gaps)
        else:
            yield from _matches(listing, place, gaps)
        yield from gaps


def _below(listing: _Listing, place: Place, gaps: list[str]) -> Iterator[Finding]:
    folder = place.pattern.removesuffix(_BELOW)
    counts: dict[str, int] = {}
    for entry in listing.below(folder, gaps):
        if not _is_sign(place.sign, entry, entry):
            continue
        if place.name is None:
            top = "/".join(entry.path.split("/")[: folder.count("/") + 2])
            counts[top] = counts.get(top, 0) + 1
        elif place.name.fullmatch(posixpath.basename(entry.path)):
            yield Finding(path=entry.path, detail=place.detail)
    for path, count in counts.items():
        yield Finding(path=path, detail=place.detail if count == 1 else f"{place.detail} ({count} entries)")


def _matches(listing: _Listing, place: Place, gaps: list[str]) -> Iterator[Finding]:
    try:
        patterns = list(_patterns(listing.view, place))
    except InconclusiveError as error:
        gaps.append(str(error))
        return
    for pattern in patterns:
        try:
            if _is_elsewhere(listing.view, pattern):
                continue
            for entry in _of(listing, pattern):
                yield from _judged(listing.view, place, entry, gaps)
        except InconclusiveError as error:
            gaps.append(str(error))


def _judged(view: View, place: Place, entry: Entry, gaps: list[str]) -> Iterator[Finding]:
    try:
        file = resolved(view, entry.path)
    except InconclusiveError as error:
        gaps.append(str(error))
        return
    if place.sign is not Sign.COUNTED:
        if _is_sign(place.sign, entry, file):
            yield Finding(path=entry.path, detail=place.detail)
    elif file is not None and file.kind is Kind.FILE and file.size > 0:
        if "count" not in entry.summary:
            gaps.append(f"{entry.path}: it could not be read in full")
        elif count := int(entry.summary["count"]):
            lines = f"{count} line{'s' if count > 1 else ''}"
            yield Finding(path=entry.path, line=int(entry.summary["first"]), detail=f"{place.detail} ({lines})")


def _is_sign(sign: Sign, entry: Entry, file: Entry | None) -> bool:
    match sign:
        case Sign.THERE:
            return True
        case Sign.NO_FOLDER:
            return entry.kind is not Kind.DIRECTORY
        case _:
            return file is not None and file.kind is Kind.FILE and file.size > 0


def _of(listing: _Listing, pattern: str) -> list[Entry]:
    if set(pattern) & set("*?"):
        return listing.glob(pattern)
    entry = listing.view.entry(pattern)
    return [] if entry is None else [entry]


def _is_elsewhere(view: View, pattern: str) -> bool:
    folder = posixpath.dirname(pattern)
    if folder not in _ELSEWHERE:
        return False
    entry = view.entry(folder)
    return entry is not None and entry.kind is Kind.LINK and target(entry) == _ELSEWHERE[folder]


def _builder_accounts(view: View) -> Iterator[Finding | str]:
    try:
        known = Accounts.read(view)
    except InconclusiveError as error:
        yield str(error)
        return
    yield from known.unseen
    for account in known.everybody:
        if account.name == _BUILDER:
            detail = "Vagrant's account, whose password and key are known to everybody"
            yield Finding(subject=f"user {account.name}", path=accounts.PASSWD, line=account.line, detail=detail)


def _machine_ids(view: View) -> Iterator[Finding | str]:
    for path in (MACHINE_ID, _DBUS_ID):
        try:
            entry = view.entry(path)
            if entry is not None and not (entry.kind is Kind.LINK and target(entry) == MACHINE_ID):
                text = view.text(path) or ""
                if text.strip() not in _UNINITIALIZED:
                    yield Finding(
                        path=path, detail="it holds an id, which every machine made from the image would have"
                    )
        except InconclusiveError as error:
            yield str(error)


def _patterns(view: View, place: Place) -> Iterator[str]:
    """Yield the patterns that a place stands for; raises InconclusiveError where homes cannot be told."""
    if place.pattern.startswith("~/"):
        yield from (posixpath.join(home, place.pattern[2:]) for home in homes(view))
    else:
        yield place.pattern


def _asked(pattern: str, keep: Keep) -> Question:
    return Glob(pattern, keep) if set(pattern) & set("*?") else ReadFile(pattern, keep)


def _then(view: View) -> Iterator[Question]:
    """Ask for what links lead to; at rest for everything else, folder by folder."""
    listing = _Listing(view)
    topics = [Topic.SPOOLS]
    if view.is_at_rest(CLOCK.key):
        topics = list(Topic)
        yield from (ReadFile(path, Keep.NOTHING) for path in _SYSTEMD)
        for folder in {*CACHES, *(each.pattern for topic in Topic for each in PLACES[topic])}:
            if folder.endswith(_BELOW):
                yield from _folders(listing, folder.removesuffix(_BELOW))
    for topic in topics:
        for place in PLACES[topic]:
            if not place.pattern.endswith(_BELOW):
                yield from _about(listing, place)


def _folders(listing: _Listing, folder: str) -> Iterator[Question]:
    gaps: list[str] = []
    yield from _in_folder(folder)
    for entry in listing.below(folder, gaps):
        if entry.kind is Kind.DIRECTORY:
            yield from _in_folder(entry.path)


def _about(listing: _Listing, place: Place) -> Iterator[Question]:
    try:
        patterns = list(_patterns(listing.view, place))
    except AnswerError:
        return
    for pattern in patterns:
        yield _asked(pattern, place.keep)
        try:
            entries = _of(listing, pattern)
        except AnswerError:
            continue
        for entry in entries:
            yield from _chain(listing.view, entry)


def _chain(view: View, entry: Entry) -> Iterator[Question]:
    """Ask for what a link leads to."""
    for _ in range(_LINKS):
        if entry.kind is not Kind.LINK or entry.target == "/dev/null":
            return
        yield ReadFile(target(entry), Keep.NOTHING)
        following = view.entries.get(target(entry))
        if following is None:
            return
        entry = following


NEEDS = Needs(
    first=(
        *accounts.NEEDS.first,
        CLOCK,
        *(ReadFile(path, Keep.MACHINE_ID, cap_bytes=MACHINE_ID_CAP_BYTES) for path in (MACHINE_ID, _DBUS_ID)),
        *(ReadFile(folder, Keep.NOTHING) for folder in _ELSEWHERE),
        *(_asked(place.pattern, place.keep) for place in PLACES[Topic.SPOOLS]),
    ),
    then=_then,
)

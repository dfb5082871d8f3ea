"""What tells one machine from another, and must not come with an image: ids, host name, seeds, names of initiators.

https://www.freedesktop.org/software/systemd/man/machine-id.html, systemd-random-seed.service(8), iscsi-initiator(7),
nvme-gen-hostnqn(1)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.facts.services import MACHINE_ID, MACHINE_ID_CAP_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from amigate.evidence.model import Entry, View
    from amigate.evidence.questions import Question

FILES = (
    "/proc/sys/kernel/hostname",
    "/etc/iscsi/initiatorname.iscsi",
    "/etc/nvme/hostnqn",
    "/etc/nvme/hostid",
    "/var/lib/systemd/random-seed",
    "/var/lib/systemd/credential.secret",
    "/var/lib/urandom/random-seed",
    "/var/lib/random-seed",
    "/var/lib/NetworkManager/secret_key",
)
MACHINE_IDS = (MACHINE_ID, "/var/lib/dbus/machine-id")
NEEDS = Needs(
    first=(
        *(ReadFile(path, Keep.MACHINE_ID, cap_bytes=MACHINE_ID_CAP_BYTES) for path in MACHINE_IDS),
        *(ReadFile(path, Keep.IDENTITY, cap_bytes=64 * 1024) for path in FILES),
    )
)
_NONE_YET = {"", "uninitialized"}


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A file that a profile names, whose content is known by its digest."""

    entry: Entry

    @property
    def path(self) -> str:
        """Where it is."""
        return self.entry.path

    @property
    def digest(self) -> str:
        """The digest under the key of the run; empty for an empty file.

        Raises InconclusiveError when there is none to be had."""
        if self.entry.size == 0 and self.entry.kind is Kind.FILE:
            return ""
        if "digest" not in self.entry.summary:
            raise InconclusiveError(f"{self.path}: {self.entry.withheld or 'it could not be read'}")
        return self.entry.summary["digest"]


def asked_for(pattern: str) -> Question:
    """Return the question for what a profile names, a path or a pattern."""
    return (Glob if set(pattern) & set("*?") else ReadFile)(pattern, Keep.DIGEST)


def declared(view: View, pattern: str) -> list[Declared]:
    """Return the files that a path or pattern of a profile means; raises InconclusiveError when it was not asked."""
    question = asked_for(pattern)
    if isinstance(question, Glob):
        return [Declared(entry=entry) for entry in view.glob(pattern)]
    entry = view.entry(pattern)
    return [] if entry is None else [Declared(entry=entry)]


def identity(view: View, path: str) -> str:
    """Return what stands for the identity in a file, empty where there is none; raises InconclusiveError."""
    text = view.text(path) or ""
    return "" if text.strip() in _NONE_YET else text.strip()


def identities(view: View, patterns: Iterable[str]) -> dict[str, str | InconclusiveError]:
    """Return the identities of a machine by path, a profile's too; an error where one cannot be told."""
    found: dict[str, str | InconclusiveError] = {}
    for path in (*MACHINE_IDS, *FILES):
        try:
            found[path] = identity(view, path)
        except InconclusiveError as error:
            found[path] = error
    for pattern in patterns:
        try:
            found |= {file.path: file.digest for file in declared(view, pattern)}
        except InconclusiveError as error:
            found[pattern] = error
    return found

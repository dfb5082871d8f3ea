"""Looking through all written bytes of a volume."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from amigate.disk.carve import aws, hashes, openssh, pem, putty
from amigate.disk.carve.marks import any_mark
from amigate.disk.carve.published import PUBLISHED
from amigate.disk.carve.secret import BEFORE_BYTES, MOST_BYTES, Detector, Kind, Secret
from amigate.disk.pieces import on_device
from amigate.disk.stream import stream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from amigate.disk.blocks import Blocks
    from amigate.disk.volumes.volume import Volume
    from amigate.evidence.redaction.kept import Mac

MOST_HITS = 10_000
"""Of one kind in one volume."""
_AFTER_BYTES = MOST_BYTES + BEFORE_BYTES
"""What begins so far from the end of the data may go on behind it."""
_SEEN_BYTES = BEFORE_BYTES + _AFTER_BYTES
_DETECTORS: tuple[tuple[Kind, Detector], ...] = (
    (Kind.PRIVATE_KEY, pem.find),
    (Kind.PRIVATE_KEY, openssh.encoded),
    (Kind.PRIVATE_KEY, openssh.raw),
    (Kind.PRIVATE_KEY, putty.find),
    (Kind.AWS_ACCESS_KEY, aws.find),
    (Kind.PASSWORD_HASH, hashes.find),
)


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A secret on a disk."""

    kind: Kind
    what: str
    """As in `Secret`."""
    volume: str
    offset: int
    """In the volume, in bytes."""
    length: int
    disk: str = ""
    """The disk that it is on; empty where the volume is more than stretches of disks."""
    disk_offset: int = 0
    fingerprint: str
    """As in `Secret`."""
    is_encrypted: bool
    is_whole: bool
    is_published: bool = False
    """A key that libraries ship for their self-tests; it opens nothing."""


@dataclass(frozen=True, kw_only=True)
class Carved:
    """What was found in a volume."""

    hits: tuple[Hit, ...]
    """In the order in which they were seen."""
    searched_bytes: int
    capped: frozenset[Kind] = frozenset()
    """Kinds of which there may be more than are listed."""
    unseen: str = ""
    """Why the rest of the volume was not searched; empty where all of it was."""


def carve(
    volume: Volume,
    mac: Mac,
    *,
    disks: Sequence[tuple[str, Blocks]] = (),
    also: Callable[[int, bytes], None] | None = None,
) -> Carved:
    """Look through all written bytes of a volume; `disks` are those that it may lie on.

    `also` takes the same bytes, each piece with its offset in the volume, so that they are read once for both.
    Takes time in proportion to the bytes, whatever they are."""
    if volume.blocks is None:
        return Carved(hits=(), searched_bytes=0, unseen=volume.reason or "its bytes could not be found")
    search = _Search(volume.name, volume.blocks, mac, {id(blocks): name for name, blocks in disks})
    unseen = ""
    try:
        for offset, data in stream(volume.blocks, volume.blocks.written()):
            search.feed(offset, data)
            if also:
                also(offset, data)
    except OSError as error:
        unseen = str(error)
    search.finish()
    return Carved(
        hits=tuple(search.hits), searched_bytes=search.searched, capped=frozenset(search.capped), unseen=unseen
    )


class _Search:
    """Takes bytes in pieces and looks at them as if they came at once."""

    def __init__(self, name: str, blocks: Blocks, mac: Mac, disks: dict[int, str]) -> None:
        self.hits: list[Hit] = []
        self.searched = 0
        self.capped: set[Kind] = set()
        self._name = name
        self._blocks = blocks
        self._mac = mac
        self._disks = disks
        self._data = b""
        self._at = 0
        """Where in the volume the data begins."""
        self._looked = 0
        """How much of the data was looked at, but for what is behind it."""
        self._left = dict.fromkeys(Kind, MOST_HITS)
        self._ends = dict.fromkeys(Kind, 0)

    def feed(self, offset: int, data: bytes) -> None:
        """Take the next bytes; what lies between them and the last ones is zeros."""
        if offset != self._at + len(self._data):
            self.finish()
            self._data, self._at, self._looked = b"", offset, 0
        self.searched += len(data)
        rest = len(self._data)
        if len(data) <= _SEEN_BYTES:
            self._data += data
        elif rest:  # only the seam is put together: to copy all takes as long as to search it
            self._data += data[:_SEEN_BYTES]
            self._look(rest + BEFORE_BYTES)
            self._data, self._at, self._looked = data, offset, BEFORE_BYTES
        else:
            self._data = data
        self._look(max(len(self._data) - _AFTER_BYTES, self._looked))
        done = max(self._looked - BEFORE_BYTES, 0)
        self._data, self._at, self._looked = self._data[done:], self._at + done, self._looked - done

    def finish(self) -> None:
        """Look at what is waiting for more."""
        self._look(len(self._data))

    def _look(self, end: int) -> None:
        """Look at the data up to an index; what is behind it is only seen."""
        if end > self._looked and any_mark(self._data, self._looked, end):
            found = [
                secret
                for kind, detector in _DETECTORS
                if kind not in self.capped
                for secret in detector(self._data, self._looked, end, self._mac)
            ]
            for secret in sorted(found, key=attrgetter("begin")):
                self._take(secret)
        self._looked = end

    def _take(self, secret: Secret) -> None:
        """Keep a secret, unless a part of it was found already, as another form of the same."""
        begin, end = self._at + secret.begin, self._at + secret.end
        if begin < self._ends[secret.kind]:
            return
        self._ends[secret.kind] = end
        if not self._left[secret.kind]:
            self.capped.add(secret.kind)
            return
        self._left[secret.kind] -= 1
        device, place = on_device(self._blocks, begin)
        disk = self._disks.get(id(device), "")
        self.hits.append(
            Hit(
                kind=secret.kind,
                what=secret.what,
                volume=self._name,
                offset=begin,
                length=end - begin,
                disk=disk,
                disk_offset=place if disk else 0,
                fingerprint=secret.fingerprint,
                is_encrypted=secret.is_encrypted,
                is_whole=secret.is_whole,
                is_published=secret.fingerprint in PUBLISHED,
            )
        )

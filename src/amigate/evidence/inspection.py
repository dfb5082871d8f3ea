"""What was seen of an image's disks as bytes: their volumes, and secrets that lie in them, in files or not."""

from __future__ import annotations

from dataclasses import dataclass

from amigate.check import InconclusiveError


@dataclass(frozen=True, kw_only=True)
class InspectedVolume:
    """A partition, logical volume or stretch of a disk, and what became of it."""

    name: str
    """As in `disk.volumes.volume.Volume`."""
    kind: str
    state: str
    """`read`, `exempt`, `unsupported` or `incomplete`; the last two leave open what it holds."""
    reason: str = ""
    written_bytes: int = 0
    """Of its bytes, those that are no hole; deleted files are in them, too."""
    free_bytes: int | None = None
    """Of its file system, which nothing uses by its own maps, or of swap, all behind its header; None where they were
    not counted."""
    unclean_bytes: int | None = None
    """Of the free ones, those of blocks that hold anything but zeros; None where they were not counted."""
    uncounted: str = ""
    """Why they were not, where its file system was opened; of all others, `state` and `reason` tell."""

    @property
    def is_told(self) -> bool:
        """Whether all that it holds is known, or need not be."""
        return self.state in {"read", "exempt"}


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """A secret in the bytes of a volume; nothing of the secret itself."""

    kind: str
    """`private-key`, `aws-access-key` or `password-hash`."""
    what: str
    """Its form: `RSA PRIVATE KEY`, `openssh-key-v1`, `sha512crypt` …"""
    volume: str
    offset: int
    """In the volume, in bytes."""
    place: str
    """`file`, `free`, `in-use`, `swap`, `outside` or `unknown`, as in `disk.carve.attribute.Place`."""
    path: str = ""
    """Of the file that holds it; where that is no part of the machine's tree, behind the volume's name in brackets."""
    package: str = ""
    """The package that brought the file as it is."""
    fingerprint: str = ""
    """SHA256 of a key's public half; of everything else a keyed digest."""
    is_encrypted: bool = False
    is_whole: bool = True
    is_published: bool = False
    """A key that a library ships to test itself with."""


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """All disks of an image, looked through."""

    volumes: tuple[InspectedVolume, ...] = ()
    recovered: tuple[Recovered, ...] = ()
    gaps: tuple[str, ...] = ()
    """What was not looked through for secrets, and why."""
    searched_bytes: int = 0

    def require_whole(self) -> None:
        """Raise InconclusiveError where some written bytes were not looked through."""
        if not self.volumes:
            raise InconclusiveError("the image has no disk that could be looked through")
        if self.gaps:
            raise InconclusiveError(self.gaps[0])

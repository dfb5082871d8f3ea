"""Evidence: what was seen of an image, keyed by launch, boot and vantage.

Three answers are kept apart everywhere: a thing seen, a thing known to be absent, and a thing that could not be
seen. The last raises `InconclusiveError`, so that no check takes it for absence.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from amigate.check import InconclusiveError, OnlyLiveError
from amigate.detect.hits import DETECTORS_VERSION, Sort
from amigate.evidence.globs import covers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.check import Ask
    from amigate.evidence.inspection import Inspection
    from amigate.evidence.keep import Keep
    from amigate.result import Target, Witness


class Launch(StrEnum):
    """One of the instances that a run launches from the image."""

    A = "A"
    B = "B"
    """The twin: launched beside A with another key."""
    KEYLESS = "keyless"


class Vantage(StrEnum):
    """Where the observer stands."""

    DISK = "disk"
    INSIDE = "inside"
    OUTSIDE = "outside"


@dataclass(frozen=True, order=True)
class Viewpoint:
    """The key of a view: which launch, which boot of it (counted from 1), seen from where.

    The disk at rest has neither launch nor boot."""

    launch: Launch | None
    boot: int | None
    vantage: Vantage

    def __str__(self) -> str:
        return f"{self.launch}/{self.boot}/{self.vantage}" if self.launch else str(self.vantage)

    @classmethod
    def parse(cls, text: str) -> Viewpoint:
        """Read what `str` wrote."""
        if "/" not in text:
            return cls(None, None, Vantage(text))
        launch, boot, vantage = text.split("/")
        return cls(Launch(launch), int(boot), Vantage(vantage))


DISK = Viewpoint(None, None, Vantage.DISK)


CONSOLE: Final = "serial console"
"""The search of what a launch says on it, and where what was found in it lies."""

AT_REST: Final = "only a running machine can answer"
"""Why a command's answer is unseen where there is a file system and nobody who runs anything."""


class Kind(StrEnum):
    """Type of a file system entry."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"
    """Device, pipe or socket."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of the image's file tree.

    For a link, `kind` and `mode` are the link's own while `content` is that of the file it leads to."""

    path: str
    kind: Kind
    mode: int
    """Permission bits with setuid, setgid and sticky."""
    uid: int
    gid: int
    size: int
    mtime_s: int
    """Seconds since the epoch, by the image's clock."""
    target: str = ""
    """Where a link leads, as written in it."""
    content: bytes | None = field(default=None, repr=False)
    """What is kept of it; None when nothing is, it was not asked for, or the entry is no file. Never shown."""
    truncated: bool = False
    """There is more in it than was collected."""
    kept: Keep | None = None
    """How its content is kept; None when nothing was redacted."""
    summary: Mapping[str, str] = field(default_factory=dict)
    """What is known of a content that is not kept, such as its number of lines."""
    withheld: str = ""
    """Why a content that was read is not kept."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command on the machine answered."""

    command: str
    exit_code: int
    stdout: bytes = field(repr=False)
    """What is kept of it."""
    stderr: bytes = field(repr=False)
    truncated: bool = False
    kept: Keep | None = None
    """How its output is kept; None when nothing was redacted."""
    summary: Mapping[str, str] = field(default_factory=dict)
    withheld: str = ""
    """Why its output is not kept."""

    @property
    def text(self) -> str:
        """Standard output; bytes that are no UTF-8 survive as surrogates."""
        return self.stdout.decode("utf-8", "surrogateescape")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a detector found in a file; nothing of the secret itself."""

    path: str
    sort: Sort
    line: int | None
    """Counted from 1; None where it is the file as a whole."""
    detail: str
    fingerprint: str = ""
    """SHA256 of the public half of a key, where it can be told."""
    in_program: bool = False
    """The file is a program or a library, which may hold keys to test itself with."""
    package: str = ""
    """The package that the file came with, by whose list of digests nobody has changed it since."""


@dataclass(frozen=True, kw_only=True)
class Searched:
    """What the detectors found in a whole tree, and where they could not look."""

    detectors: int
    """Their version."""
    found: tuple[Found, ...] = ()
    gaps: tuple[str, ...] = ()
    """What was not looked at, and why; a sentence each, the first of them."""
    entries: int = 0
    size_bytes: int = 0
    """Of all content that was looked at."""

    def require_whole(self) -> None:
        """Raise InconclusiveError where something was not looked at, so that nothing found proves nothing."""
        if self.gaps:
            raise InconclusiveError(self.gaps[0])
        if self.detectors < DETECTORS_VERSION:
            raise InconclusiveError("content not kept: detectors of today may find more in it than those of then")


class Outcome(StrEnum):
    """How the attempts to log in with the launch key ended."""

    ACCEPTED = "accepted"
    DENIED = "denied"
    """An SSH server answered and refused the key."""
    BROKEN = "broken"
    """Something answered, but no SSH handshake came of it."""
    BARRED = "barred"
    """An SSH server answered and turned this address away for now, so nothing is known of the key."""
    CLOSED = "closed"
    """The port refused connections: the machine is up and nothing serves SSH."""
    SILENT = "silent"
    """Nothing answered: a dead machine and a closed network look the same from here."""


@dataclass(frozen=True, kw_only=True)
class Contact:
    """How a launched instance could be reached over SSH, seen from outside."""

    address: str
    port: int
    outcome: Outcome
    detail: str = ""
    """One sentence for a reader."""
    user: str = ""
    """Who logged in, or was last tried."""
    users_tried: tuple[str, ...] = ()
    waited_s: float = 0.0
    """From the launch to the outcome."""
    launch_key: str = ""
    """SHA256 fingerprint of the key pair made for this launch."""
    host_key: str = ""
    """SHA256 fingerprint of the host key that the server proved to hold."""
    host_key_type: str = ""
    host_key_on_console: bool | None = None
    """Whether the console published that host key; None when it published none."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What EC2 says of a launched instance, once it has settled or the time for it is over."""

    state: str = ""
    """`running`, `terminated` …; empty when EC2 did not say."""
    system: str = ""
    """The system status check: `ok`, `impaired`, `initializing`, `insufficient-data`, `not-applicable`."""
    instance: str = ""
    """The instance status check, in the same words."""
    tokens: str = ""
    """`required` when its metadata needs session tokens (IMDSv2 only), else `optional`."""
    waited_s: float = 0.0
    """How long it was watched."""


PASSWORD_METHODS = frozenset({"password", "keyboard-interactive"})
"""The methods of RFC 4252 and RFC 4256 by which a password is asked for."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What an SSH server offers to somebody who shows nothing but a name."""

    user: str
    methods: tuple[str, ...] = ()
    """The authentication methods that can continue, as the server lists them."""
    admitted: bool = False
    """The name alone was enough."""
    unseen: str = ""
    """Why it could not be told; empty when it could."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What was seen from one viewpoint.

    `unseen` names, by path or question key, what was asked for and could not be seen, and why."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    """Paths that were looked for, by someone who could look, and are not there."""
    globbed: frozenset[str] = frozenset()
    """Patterns all of whose matches are in `entries`."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)
    searches: Mapping[str, Searched] = field(default_factory=dict)
    inspection: Inspection | None = None
    """Of the disks, where it is they that were looked at."""
    contact: Contact | None = None
    standing: Standing | None = None
    offers: tuple[Offer, ...] = ()
    """What strangers were offered; empty when nobody asked."""
    broken: str = ""
    """Why nothing at all could be seen; empty when the view is usable."""

    def entry(self, path: str) -> Entry | None:
        """Return the entry at `path`, None when it is known to be absent; raise InconclusiveError otherwise."""
        self._usable()
        path = posixpath.normpath(path)
        if path in self.entries:
            return self.entries[path]
        if path in self.unseen:
            raise InconclusiveError(self.unseen[path])
        if path in self.absent or any(covers(each, path) for each in self.globbed if each not in self.unseen):
            return None
        raise InconclusiveError(f"{path} was not collected")

    def content(self, path: str) -> bytes | None:
        """Return the whole content of the file at `path`, None when absent.

        Raises InconclusiveError when the content was not seen in full."""
        entry = self.entry(path)
        if entry is None:
            return None
        if path in self.unseen:
            raise InconclusiveError(self.unseen[path])
        if entry.truncated:
            raise InconclusiveError(f"{path} is larger than what is collected of it")
        if entry.withheld:
            raise InconclusiveError(f"{path}: {entry.withheld}")
        if entry.content is None:
            raise InconclusiveError(f"{path} could not be read: it is a {entry.kind}, or unreadable")
        return entry.content

    def text(self, path: str) -> str | None:
        """Return the content of the file at `path` as text; undecodable bytes survive as surrogates."""
        content = self.content(path)
        return None if content is None else content.decode("utf-8", "surrogateescape")

    def glob(self, pattern: str) -> list[Entry]:
        """Return the entries that match `pattern` (`*` and `?`, neither of which crosses a `/`), sorted."""
        self._usable()
        if pattern not in self.globbed or pattern in self.unseen:
            raise InconclusiveError(self.unseen.get(pattern, f"{pattern} was not collected"))
        return [entry for path, entry in sorted(self.entries.items()) if covers(pattern, path)]

    def answer(self, key: str) -> Answer:
        """Return the answer to the question `key`, whatever its exit code; raise InconclusiveError without one."""
        answer = self._answer(key)
        if answer.truncated:
            raise InconclusiveError(f"{key}: the answer was larger than what is collected of it")
        if answer.withheld:
            raise InconclusiveError(f"{key}: {answer.withheld}")
        return answer

    def exit_code(self, key: str) -> int:
        """Return how the command of question `key` ended, whatever it printed; raise InconclusiveError without it."""
        return self._answer(key).exit_code

    def _answer(self, key: str) -> Answer:
        self._usable()
        if self.is_at_rest(key):
            raise OnlyLiveError(at_rest(key))
        if key not in self.answers:
            raise InconclusiveError(self.unseen.get(key, f"{key}: not collected"))
        return self.answers[key]

    def search(self, key: str) -> Searched:
        """Return what the search `key` found, whole or not; raise InconclusiveError where none was made."""
        self._usable()
        if key not in self.searches:
            raise InconclusiveError(self.unseen.get(key, f"{key}: not collected"))
        return self.searches[key]

    def is_at_rest(self, key: str) -> bool:
        """Whether the question `key` was put to a file system at rest: it has no answer and never will."""
        return self.unseen.get(key) == at_rest(key)

    def _usable(self) -> None:
        if self.broken:
            raise InconclusiveError(self.broken)


def at_rest(key: str) -> str:
    """Return why `key` is unseen in a view of a file system at rest; facts then look at the files themselves."""
    return f"{key}: {AT_REST}"


LAUNCH_PERMISSION: Final = "launchPermission"
"""The attribute of DescribeImageAttribute, and its name among what is unseen."""

WATERMARKS: Final = "ImageWatermarks"
"""The field of an Image that older SDKs drop; unseen then."""


@dataclass(frozen=True, kw_only=True)
class Ec2Descriptions:
    """What EC2 says of the image, as the API returned it (botocore's dictionaries)."""

    caller: str
    """The account whose credentials asked (sts GetCallerIdentity)."""
    image: Mapping[str, Any]
    """The Image of DescribeImages, asked by id with IncludeDeprecated and IncludeDisabled."""
    snapshots: tuple[Mapping[str, Any], ...] = ()
    """DescribeSnapshots for every snapshot of the block device mapping."""
    permissions: tuple[Mapping[str, str], ...] | None = None
    """The launchPermission of DescribeImageAttribute, which only the owner can see; None when it was not seen."""
    answers: Mapping[str, Any] = field(default_factory=dict)
    """What AWS answered to what the rules ask beyond that, by `asked`."""
    unseen: Mapping[str, str] = field(default_factory=dict)
    """Why something was not seen: a snapshot by its id, `launchPermission`, or what was `asked`."""

    def answer(self, ask: Ask, about: str = "") -> Any:
        """Return what AWS answered; raises InconclusiveError where it did not, or was not asked."""
        name = asked(ask, about)
        if name not in self.answers:
            raise InconclusiveError(self.unseen.get(name, f"{name}: AWS was not asked"))
        return self.answers[name]


def asked(ask: Ask, about: str = "") -> str:
    """Return the name of an answer; `about` is the key or snapshot, where each is asked of."""
    return f"{ask} of {about}" if about else str(ask)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that a run knows of one image; what facts read, and nothing else."""

    witnesses: frozenset[Witness]
    """The witnesses that were asked."""
    collected_at: str = ""
    """RFC 3339 in UTC."""
    target: Target | None = None
    """What was looked at."""
    ec2: Ec2Descriptions | None = None
    audience: str = ""
    """Whom the image is meant for: `public`, `organization` or `accounts`. From the profile it is judged under."""
    receivers: frozenset[str] = frozenset()
    """With whom it is to be shared: account ids, ARNs of organizations and their units, `all`. From whoever asks."""
    views: Mapping[Viewpoint, View] = field(default_factory=dict)

    def view(self, viewpoint: Viewpoint) -> View:
        """Return the view from `viewpoint`; a view that was not taken is broken, and says so."""
        return self.views.get(viewpoint, View(broken=f"nothing was collected from {viewpoint}"))

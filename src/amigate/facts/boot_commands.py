"""What cloud-init does at boot because the image says so: sections of its configuration, and scripts of its own.

https://docs.cloud-init.io/en/latest/reference/modules.html"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, Question
from amigate.evidence.redaction.cloud_config import REVIEWED, digest_name
from amigate.facts import cloud_config, cloud_left, links
from amigate.facts.cloud_config import CloudConfig
from amigate.facts.host_keys import CLOCK
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from amigate.evidence.model import View

_SCRIPTS = ("scripts/per-boot/*", "scripts/per-instance/*", "scripts/per-once/*", "scripts/vendor/*")
_SENDING = "phone_home"


@dataclass(frozen=True, kw_only=True)
class BootCommand:
    """Something that is done at boot."""

    what: str
    """The section, or `script`."""
    path: str
    line: int | None
    digest: str
    """Changes with what is done; empty where there is too much of it for one."""

    def finding(self) -> Finding:
        """Return the finding that nobody has reviewed it, with the digest by which a profile says otherwise."""
        detail = (
            f"it is carried out at boot; to say that it was reviewed: {self.digest}"
            if self.digest
            else ("it is carried out at boot, and larger than what a digest is made of")
        )
        return Finding(subject=self.what, path=self.path, line=self.line, detail=detail)


@dataclass(frozen=True, kw_only=True)
class BootCommands:
    """All that is done at boot."""

    all: tuple[BootCommand, ...]

    @classmethod
    def read(cls, view: View) -> BootCommands:
        """Read configuration and scripts; raises InconclusiveError for what was not seen."""
        folder, gaps = cloud_left.folder_of(view)
        if gaps:
            raise InconclusiveError(gaps[0])
        return cls(all=(*_sections(view, CloudConfig.read(view)), *_scripts(view, folder)))

    def sending(self, reviewed: Collection[str]) -> list[Finding]:
        """Find what tells somebody outside of the instance, and is not among what was `reviewed`."""
        return [each.finding() for each in self._new(reviewed) if each.what == _SENDING]

    def others(self, reviewed: Collection[str]) -> list[Finding]:
        """Find the rest of what is not among what was `reviewed`."""
        return [each.finding() for each in self._new(reviewed) if each.what != _SENDING]

    def _new(self, reviewed: Collection[str]) -> list[BootCommand]:
        return [each for each in self.all if not each.digest or each.digest not in reviewed]


def _sections(view: View, config: CloudConfig) -> Iterator[BootCommand]:
    for name in REVIEWED:
        if config.merged.get(name):
            path, line = config.origin((name,))
            digest = view.entries[path].summary.get(digest_name(name), "")
            yield BootCommand(what=name, path=path, line=line, digest=digest)


def _scripts(view: View, folder: str) -> Iterator[BootCommand]:
    for name in _SCRIPTS:
        for entry in view.glob(f"{folder}/{name}"):
            if entry.kind is not Kind.DIRECTORY and links.is_filled(view, entry.path):
                digest = entry.summary.get("digest", "")
                yield BootCommand(what="script", path=entry.path, line=None, digest=digest)


def _then(view: View) -> Iterator[Question]:
    if view.is_at_rest(CLOCK.key):
        folder, _ = cloud_left.folder_of(view)
        for name in _SCRIPTS:
            pattern = f"{folder}/{name}"
            yield Glob(pattern, Keep.REVIEWED)
            for entry in view.glob(pattern) if pattern in view.globbed else ():
                yield from links.chain(view, entry.path)


NEEDS = Needs(first=(CLOCK, *cloud_config.NEEDS.first), then=_then)
"""A running machine is asked none of its own."""

"""Folders of a file system that only their owner's key opens: eCryptfs, by what it keeps beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob
from amigate.facts.asked import only_at_rest
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import View

_PLACES = ("/home/.ecryptfs/*", "/home/*/.ecryptfs", "/root/.ecryptfs", "/home/*/.Private", "/root/.Private")
_ASKED = tuple(Glob(pattern, Keep.NOTHING) for pattern in _PLACES)
NEEDS = only_at_rest(*_ASKED)


@dataclass(frozen=True, kw_only=True)
class EncryptedFolders:
    """The folders that are there."""

    found: tuple[Finding, ...]

    @classmethod
    def read(cls, view: View) -> EncryptedFolders:
        """Look for each; raises InconclusiveError where that could not be told."""
        return cls(
            found=tuple(
                Finding(path=entry.path, detail="a folder is encrypted (eCryptfs)")
                for question in _ASKED
                for entry in view.glob(question.key)
            )
        )

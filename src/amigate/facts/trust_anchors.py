"""Certificate authorities that an image trusts and no package brought."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.trust_anchors import ADDED_ANCHORS
from amigate.facts.asked import only_at_rest
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import View

NEEDS = only_at_rest(ADDED_ANCHORS)
_ADDED = re.compile(r"added (?P<line>\d+) (?P<fingerprint>\S+) (?P<path>/[^\t]*)\t(?P<name>.*)")
_UNTOLD = re.compile(r"untold (?P<path>/[^\t]*)\t(?P<why>.*)")


@dataclass(frozen=True, kw_only=True)
class TrustAnchors:
    """What was added, and what could not be told."""

    added: tuple[Finding, ...]
    gaps: tuple[str, ...]

    @classmethod
    def read(cls, view: View) -> TrustAnchors:
        """Take what the survey at rest says; raises InconclusiveError where there was none."""
        lines = view.answer(ADDED_ANCHORS.key).text.split("\n")
        return cls(
            added=tuple(
                Finding(
                    path=match["path"],
                    line=int(match["line"]) or None,
                    subject=match["name"],
                    detail="a certificate authority that no package brought",
                    fingerprint=match["fingerprint"],
                )
                for line in lines
                if (match := _ADDED.fullmatch(line))
            ),
            gaps=tuple(f"{match['path']}: {match['why']}" for line in lines if (match := _UNTOLD.fullmatch(line))),
        )

    def require_whole(self) -> None:
        """Raise InconclusiveError where something could not be told."""
        if self.gaps:
            raise InconclusiveError(self.gaps[0])

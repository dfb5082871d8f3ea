"""Settings that lead to hosts which only the builder of an image reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.detect.hits import Sort
from amigate.facts.asked import only_at_rest
from amigate.facts.secrets import SEARCH, finding

if TYPE_CHECKING:
    from amigate.evidence.model import Searched, View
    from amigate.result import Finding

NEEDS = only_at_rest(SEARCH)


@dataclass(frozen=True, kw_only=True)
class InternalEndpoints:
    """What the search of all files has of them."""

    found: tuple[Finding, ...]
    searched: Searched

    @classmethod
    def read(cls, view: View) -> InternalEndpoints:
        """Take the search; raises InconclusiveError where there was none."""
        searched = view.search(SEARCH.key)
        found = (each for each in searched.found if each.sort is Sort.ENDPOINT and not each.package)
        return cls(found=tuple(map(finding, found)), searched=searched)

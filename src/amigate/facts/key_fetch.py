"""Scripts in an image that fetch the launch key at boot in place of cloud-init."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.detect.hits import Sort
from amigate.facts import secrets
from amigate.facts.secrets import SEARCH, finding

if TYPE_CHECKING:
    from amigate.evidence.model import Found, Searched, View
    from amigate.result import Finding

NEEDS = secrets.NEEDS


@dataclass(frozen=True, kw_only=True)
class KeyFetch:
    """What was found of such scripts; those of packages are the packages' matter."""

    searched: Searched

    @classmethod
    def read(cls, view: View) -> KeyFetch:
        """Take the search; raises InconclusiveError where nobody searched."""
        return cls(searched=view.search(SEARCH.key))

    def scripts(self) -> list[Finding]:
        """Return each script."""
        return [finding(each) for each in self._of(Sort.KEY_FETCH)]

    def faults(self) -> list[Finding]:
        """Find what keeps a script from doing it soundly."""
        return [finding(each) for each in self._of(Sort.KEY_FETCH_FAULT)]

    def remarks(self) -> list[Finding]:
        """Find what could be better."""
        return [finding(each) for each in self._of(Sort.KEY_FETCH_REMARK)]

    def _of(self, sort: Sort) -> list[Found]:
        return [each for each in self.searched.found if each.sort is sort and not each.package]

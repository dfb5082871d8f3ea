"""Which of a user's tests run together in one process: those of one entry of the profile, about one launch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from amigate.check import Settings
    from amigate.evidence.model import Launch
    from amigate.judge.places import Place
    from amigate.own.tests import OwnTest
    from amigate.result import Witness


@dataclass(frozen=True, kw_only=True)
class Group:
    """Tests that are run by one process, always in the same order: so the n-th asking of a command is the same."""

    entry: str
    about: Launch | Witness
    launch: Launch | None
    tests: Sequence[OwnTest]
    """All of the entry's, those of other groups too: what was listed is told from what was not."""
    places: Mapping[str, Place]
    """The rules of this group, and where each is judged."""

    def order(self, settings: Mapping[str, Settings], *, limit_s: float, live: bool) -> dict[str, Any]:
        """Return what the process is told."""
        return {
            "entry": self.entry,
            "launch": self.launch or "",
            "folder": str(self.tests[0].folder),
            "tests": [(str(test.path), test.name, test.id) for test in self.tests],
            "places": {rule: str(place) for rule, place in self.places.items()},
            "settings": {rule: dict(settings.get(rule, {})) for rule in self.places},
            "limit_s": limit_s,
            "live": live,
        }


def groups(tests: Sequence[OwnTest], where: Mapping[str, Sequence[Place]]) -> tuple[Group, ...]:
    """Return the groups, in the order of the profile; `where` says where each rule is judged."""
    found: dict[tuple[str, Launch | Witness], dict[str, Place]] = {}
    for test in tests:
        for place in where.get(test.id, ()):
            found.setdefault((test.entry, place.launch or place.witness), {})[test.id] = place
    return tuple(
        Group(
            entry=entry,
            about=about,
            launch=next(iter(places.values())).launch,
            tests=[test for test in tests if test.entry == entry],
            places=places,
        )
        for (entry, about), places in found.items()
    )

"""What the disk at rest and the running launches say of the same thing, set against each other for a reader.

It decides nothing: the rules do, each on its own witness."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from amigate.check import AnswerError
from amigate.evidence.model import DISK, Launch, Vantage, Viewpoint
from amigate.facts.host_keys import HostKeys
from amigate.facts.stored_host_keys import StoredHostKeys
from amigate.facts.twins import inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from amigate.evidence.model import Evidence

_MOST = 10


def host_keys(evidence: Evidence) -> list[str]:
    """Return a sentence for each host key of the image, or one for all when it has none; nothing without both sides."""
    if DISK not in evidence.views:
        return []
    live: dict[str, frozenset[str]] = {}
    for launch in (Launch.A, Launch.B):
        if Viewpoint(launch, 1, Vantage.INSIDE) in evidence.views:
            with suppress(AnswerError):
                keys = HostKeys.read(inside(evidence, launch)).all
                live[str(launch)] = frozenset(key.fingerprint for key in keys)
    stored: StoredHostKeys | None = None
    with suppress(AnswerError):
        stored = StoredHostKeys.read(evidence.view(DISK))
    if not live or stored is None:
        return []
    at_rest = {each.fingerprint: each.path for each in stored.all if each.fingerprint}
    if at_rest:
        return list(_one_by_one(at_rest, live))[:_MOST]
    with suppress(AnswerError):
        if not stored.all:
            stored.require_whole()
            return _fresh(live)
    return []


def _one_by_one(at_rest: Mapping[str, str], live: Mapping[str, frozenset[str]]) -> Iterator[str]:
    for fingerprint, path in sorted(at_rest.items(), key=lambda item: item[1]):
        shown = [launch for launch, keys in live.items() if fingerprint in keys]
        where = f"Host key {fingerprint} is in the snapshot ({path})"
        if shown:
            yield f"{where}, and launch {' and '.join(shown)} {'has' if len(shown) == 1 else 'have'} it too."
        else:
            yield f"{where}; first boot hid it: no key of launch {' or '.join(live)} is that one."


def _fresh(live: Mapping[str, frozenset[str]]) -> list[str]:
    """Say that host keys are made by each launch, where that is so."""
    if not all(live.values()) or (len(live) > 1 and frozenset.intersection(*live.values())):
        return []
    number = " and ".join(f"{len(keys)} on launch {launch}" for launch, keys in live.items())
    different = ", all different" if len(live) > 1 else ""
    return [f"Host keys: none in the snapshot; fresh ones at first boot, {number}{different}."]

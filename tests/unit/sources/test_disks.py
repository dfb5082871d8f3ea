"""What the process that reads an image answers is believed no further than a disk's view can go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.check import InconclusiveError
from amigate.disk.blocks import IncompleteError
from amigate.disk.child.isolation import Isolation
from amigate.disk.child.run import Answer
from amigate.evidence import codec
from amigate.evidence.inspection import InspectedVolume, Inspection
from amigate.evidence.model import View, at_rest
from amigate.facts.disks import Disks
from amigate.facts.host_keys import CLOCK
from amigate.sources import disks

if TYPE_CHECKING:
    from collections.abc import Callable

AT_REST = {CLOCK.key: at_rest(CLOCK.key)}


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], View]:
    """Return the view that is made of an answer."""
    apart = Isolation(system_calls=True, files=True, network=True, unprivileged=True, no_new_privileges=True)

    def look(data: bytes) -> View:
        monkeypatch.setattr(disks, "in_child", lambda *_, **__: Answer(data=data, isolation=apart))
        return disks.look_at([], [], cancelled=lambda: False).view

    return look


def test_how_much_was_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def in_child(*_: object, progress: Callable[[int], None], **__: object) -> Answer:
        progress(1_234_567_890)
        raise IncompleteError("it was for the progress")

    monkeypatch.setattr(disks, "in_child", in_child)
    told: list[str] = []
    disks.look_at([], [], progress=told.append)
    assert told == ["reading the disk at rest: 1,235 MB so far"]


def answer(view: View) -> bytes:
    return codec.written(codec.plain(view)).encode("ascii")


def test_a_view_of_disks_is_taken(says: Callable[[bytes], View]) -> None:
    volume = InspectedVolume(name="disk", kind="ext4", state="read")
    view = View(unseen=AT_REST, inspection=Inspection(volumes=(volume,)))
    assert says(answer(view)) == view


@pytest.mark.parametrize("data", [answer(View(unseen=AT_REST)), answer(View()), b"{}", b"\xff", b"", b"[" * 100_000])
def test_a_view_without_disks_is_no_directorys(says: Callable[[bytes], View], data: bytes) -> None:
    with pytest.raises(InconclusiveError, match="the disk at rest could not be read"):
        Disks.read(says(data))

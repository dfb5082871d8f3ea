"""Detectors that look only where there is a mark find what they find when they look everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amigate.disk.carve import scan
from amigate.disk.carve.marks import MARKS, any_mark
from amigate.disk.carve.scan import carve
from amigate.disk.stream import CHUNK_BYTES
from amigate.disk.volumes.volume import State, Volume

from .conftest import mac

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.disk.blocks import Blocks
    from amigate.disk.carve.scan import Carved

    from .conftest import Planted

    Memory = Callable[[bytes], Blocks]

ROOM = 64
"""More than the longest mark takes."""
PIECES = st.sampled_from([*MARKS, b"AKIA2E0A8F3B244C9986", b"$6$", b"$", b":", b"\n", b"=", b"root", b"\0" * 600])


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_is_seen_wherever_it_begins_and_whatever_overlaps_it(mark: bytes) -> None:
    for other in MARKS:
        for at in range(ROOM - len(other), ROOM + len(mark)):
            data = bytearray(b"x" * 3 * ROOM)
            data[at : at + len(other)] = other
            data[ROOM : ROOM + len(mark)] = mark
            assert any_mark(bytes(data), ROOM, ROOM + 1), (other, at)


def test_a_mark_that_lies_elsewhere_is_not_seen() -> None:
    data = MARKS[0] + bytes(4096) + MARKS[0]
    assert not any_mark(data, len(MARKS[0]), 4096 - ROOM)
    assert any_mark(data, 0, len(data))


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whether_marks_are_asked_for_changes_no_hit(
    memory: Memory, planted: dict[str, Planted], data: st.DataObject
) -> None:
    texts = st.sampled_from([secret.text for _, secret in sorted(planted.items())])
    pieces = data.draw(st.lists(texts | PIECES | st.binary(max_size=40), min_size=1, max_size=12))
    before = CHUNK_BYTES - data.draw(st.integers(0, 6000))
    disk = memory(bytes(before) + b"".join(pieces))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "any_mark", lambda *_: True)
        expected = searched(disk)
    assert searched(disk) == expected


def searched(disk: Blocks) -> Carved:
    return carve(Volume(name="v", kind="ext4", state=State.READABLE, blocks=disk), mac)


def test_every_secret_is_found_over_every_seam(memory: Memory, planted: dict[str, Planted]) -> None:
    for secret in planted.values():
        for part in (0, 1, 2, 30, len(secret.text) // 2):
            found = searched(memory(b"\n" * (CHUNK_BYTES - part) + secret.text)).hits
            assert [(hit.kind, hit.what) for hit in found] == [(secret.kind, secret.what)]

"""Snapshots whose blocks come late, spoilt, or not at all."""

from __future__ import annotations

import io
import time
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from amigate.disk import ebs_listing
from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.budget import Budget
from amigate.disk.ebs import Ebs
from amigate.sandbox.api.ebs_tokens import BLOCK_LIFE_S, PAGE_LIFE_S, Tokens
from amigate.sandbox.fault import THROTTLED, Error

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.disk.conftest import Bed

BLOCK = 1 << 19
WRITTEN = [*range(0, 40, 2), *range(100, 300)]
REGION = "us-east-1"


class Spoilt:
    """A client whose answers are spoilt on the way."""

    def __init__(self, client: Any, times: int, spoil: Callable[[bytes], bytes]) -> None:
        self._client = client
        self._times = times
        self._spoil = spoil
        self.list_snapshot_blocks = client.list_snapshot_blocks

    def get_snapshot_block(self, **asked: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.get_snapshot_block(**asked)
        if self._times > 0:
            self._times -= 1
            answer["BlockData"] = io.BytesIO(self._spoil(answer["BlockData"].read()))
        return answer


@pytest.mark.parametrize("spoil", [lambda data: b"x" + data[1:], lambda data: data[:-1], lambda _: b""])
def test_a_block_that_was_spoilt_is_fetched_again(bed: Bed, spoil: Callable[[bytes], bytes]) -> None:
    with Ebs(Spoilt(bed.client, 2, spoil), bed.snapshot_id) as disk:  # type: ignore[arg-type]
        assert disk.read(0, 50) == bed.content[:50]
    assert bed.asked("GetSnapshotBlock") == 3


def test_a_block_that_is_always_spoilt_is_not_read(bed: Bed) -> None:
    with (
        Ebs(Spoilt(bed.client, 99, lambda data: data[::-1]), bed.snapshot_id) as disk,  # type: ignore[arg-type]
        pytest.raises(IncompleteError, match=r"block 0 of the snapshot snap-\w+ cannot be had: its checksum is"),
    ):
        disk.read(0, 50)
    assert bed.asked("GetSnapshotBlock") == 5


def test_a_block_without_a_checksum_is_not_read(bed: Bed) -> None:
    class Silent(Spoilt):
        def get_snapshot_block(self, **asked: Any) -> dict[str, Any]:
            return super().get_snapshot_block(**asked) | {"ChecksumAlgorithm": ""}

    with (
        Ebs(Silent(bed.client, 0, bytes), bed.snapshot_id) as disk,  # type: ignore[arg-type]
        pytest.raises(IncompleteError, match="its checksum is wrong"),
    ):
        disk.read(0, 50)


@pytest.mark.parametrize("error", [THROTTLED, "InternalServerException"])
def test_busy_answers_are_asked_again(bed: Bed, error: str) -> None:
    with bed.fault("GetSnapshotBlock", times=3, error=Error(error)), bed.open() as disk:
        assert disk.read(0, 50) == bed.content[:50]


def test_a_connection_that_is_lost_is_opened_again(bed: Bed) -> None:
    with bed.fault("GetSnapshotBlock", times=2, drop="before"), bed.open() as disk:
        assert disk.read(0, 50) == bed.content[:50]


def test_throttling_without_end_is_told(bed: Bed) -> None:
    with bed.fault("GetSnapshotBlock", times=None, error=Error(THROTTLED)), bed.open() as disk:
        disk.prefetch([Extent(0, BLOCK)])
        with pytest.raises(IncompleteError, match=r"cannot be had: .*RequestThrottledException"):
            disk.read(0, 50)


def test_tokens_that_expired_are_listed_again(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    with bed.open() as disk:
        monkeypatch.setattr(Tokens, "now", lambda _: now + BLOCK_LIFE_S + 60)
        disk.prefetch([Extent(100 * BLOCK, 20 * BLOCK)])
        assert disk.read(100 * BLOCK, 20 * BLOCK) == bed.content[100 * BLOCK : 120 * BLOCK]
    assert bed.asked("ListSnapshotBlocks") == 2


def test_a_snapshot_that_lists_other_blocks_later_is_not_believed() -> None:
    class Changing:
        lists = 0

        def list_snapshot_blocks(self, **_: Any) -> dict[str, Any]:
            self.lists += 1
            blocks = [{"BlockIndex": self.lists, "BlockToken": "t"}]
            return {"Blocks": blocks, "BlockSize": BLOCK, "VolumeSize": 1}

    listing = ebs_listing.Listing(Changing(), "snap-1", Budget())  # type: ignore[arg-type]
    with pytest.raises(IncompleteError, match="lists other blocks than before"):
        listing.renew(0)


def test_a_list_in_pages_goes_on_after_a_page_token_expired(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ebs_listing, "_PAGE", 100)
    begin = time.time()
    passed = count(0, PAGE_LIFE_S + 60)
    monkeypatch.setattr(Tokens, "now", lambda _: begin + next(passed))
    with bed.open() as disk:
        assert sum(extent.length for extent in disk.written()) == len(WRITTEN) * BLOCK
    assert bed.asked("ListSnapshotBlocks") == 5  # three pages, two of them asked for twice


def test_a_list_without_end_is_refused(bed: Bed) -> None:
    class Endless:
        def list_snapshot_blocks(self, **_: Any) -> dict[str, Any]:
            return {"Blocks": [], "BlockSize": BLOCK, "VolumeSize": 1, "NextToken": "again"}

    with pytest.raises(IncompleteError, match="does not end"):
        Ebs(Endless(), bed.snapshot_id)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "page,error",
    [
        ({"BlockSize": 4096, "VolumeSize": 1}, UnsupportedError),
        ({"BlockSize": BLOCK, "VolumeSize": 1, "Blocks": [{"BlockIndex": 2048, "BlockToken": "t"}]}, IncompleteError),
        ({"BlockSize": BLOCK, "VolumeSize": 1, "Blocks": [{"BlockIndex": 1, "BlockToken": "t"}] * 2}, IncompleteError),
    ],
)
def test_a_list_that_cannot_be_is_refused(bed: Bed, page: dict[str, Any], error: type[OSError]) -> None:
    class Odd:
        def list_snapshot_blocks(self, **_: Any) -> dict[str, Any]:
            return page

    with pytest.raises(error):
        Ebs(Odd(), bed.snapshot_id)  # type: ignore[arg-type]

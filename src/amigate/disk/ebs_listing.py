"""Which blocks of a snapshot were written, and the tokens that open them.

https://docs.aws.amazon.com/ebs/latest/APIReference/API_ListSnapshotBlocks.html. Blocks that are not listed were never
written. Freed ones are listed: deleted files are still in them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from amigate.disk.blocks import IncompleteError, UnsupportedError
from amigate.disk.ebs_errors import INVALID_PAGE_TOKEN, ebs_errors, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_ebs.client import EBSClient

    from amigate.disk.budget import Budget

BLOCK = 1 << 19
_PAGE = 10_000
_MOST_PAGES = 10_000
_MOST_BLOCKS = 4 << 20
"""2 TiB of written blocks; their tokens take about a gigabyte of memory."""


class Listing:
    """The written blocks of a snapshot; from any thread."""

    def __init__(self, client: EBSClient, snapshot_id: str, budget: Budget) -> None:
        """List them; raises AwsError and UsageError with what to do, IncompleteError for an answer that cannot be."""
        self._client = client
        self._snapshot_id = snapshot_id
        self._budget = budget
        self._lock = threading.Lock()
        self._times = 0
        self.size = 0
        """Of the volume, in bytes."""
        self._tokens = self._list()
        self.indexes = tuple(self._tokens)
        """Numbers of the written blocks, ascending."""

    def __contains__(self, index: int) -> bool:
        return index in self._tokens

    def token(self, index: int) -> tuple[str, int]:
        """Return the token of a block, and which listing it is of."""
        with self._lock:
            return self._tokens[index], self._times

    def renew(self, times: int) -> None:
        """List again, unless that was done since a listing of that number: tokens are good for seven days.

        Raises IncompleteError where the blocks are not the same any more."""
        with self._lock:
            if self._times == times:
                tokens = self._list()
                if tokens.keys() != self._tokens.keys():
                    raise IncompleteError(f"the snapshot {self._snapshot_id} lists other blocks than before")
                self._tokens = tokens
                self._times += 1

    def _list(self) -> Mapping[int, str]:
        found: dict[int, str] = {}
        last = -1
        for page in self._pages():
            if page["BlockSize"] != BLOCK:
                raise UnsupportedError(f"the snapshot {self._snapshot_id} has blocks of {page['BlockSize']} bytes")
            self.size = page["VolumeSize"] << 30
            for block in page["Blocks"]:
                if not last < block["BlockIndex"] < self.size // BLOCK:
                    raise IncompleteError(f"the blocks of the snapshot {self._snapshot_id} are listed out of order")
                last = block["BlockIndex"]
                found[last] = block["BlockToken"]
            if len(found) > _MOST_BLOCKS:
                raise UnsupportedError(f"the snapshot {self._snapshot_id} has more than {_MOST_BLOCKS} written blocks")
        return found

    def _pages(self) -> Iterator[Mapping[str, Any]]:
        """Yield the pages; where the token of one has expired, the list goes on by number."""
        place: dict[str, Any] = {}
        following = 0
        for _ in range(_MOST_PAGES):
            page = self._page(place)
            if page is None and "NextToken" in place:
                place = {"StartingBlockIndex": following}
                page = self._page(place)
            if page is None:
                break
            yield page
            following = page["Blocks"][-1]["BlockIndex"] + 1 if page["Blocks"] else following
            if not page.get("NextToken"):
                return
            place = {"NextToken": page["NextToken"]}
        raise IncompleteError(f"the list of blocks of the snapshot {self._snapshot_id} does not end")

    def _page(self, place: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return a page, None where its token has expired."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - slow to import

        self._budget.take_request()
        with ebs_errors(self._snapshot_id):
            try:
                page = self._client.list_snapshot_blocks(SnapshotId=self._snapshot_id, MaxResults=_PAGE, **place)
            except ClientError as error:
                if reason_of(error) == INVALID_PAGE_TOKEN:
                    return None
                raise
        return {"Blocks": [], **page}

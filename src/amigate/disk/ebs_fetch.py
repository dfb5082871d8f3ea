"""One block of a snapshot, by the EBS direct APIs, as it was written or not at all.

https://docs.aws.amazon.com/ebs/latest/APIReference/API_GetSnapshotBlock.html"""

from __future__ import annotations

import base64
import hashlib
import random
import threading
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.ebs_errors import INVALID_BLOCK_TOKEN, TRANSIENT, as_incomplete, ebs_errors, reason_of
from amigate.disk.ebs_listing import BLOCK
from amigate.errors import AmigateError, AwsError
from amigate.sources.aws_errors import code_of

if TYPE_CHECKING:
    from mypy_boto3_ebs.client import EBSClient

    from amigate.disk.budget import Budget
    from amigate.disk.ebs_listing import Listing

_ATTEMPTS = 5
"""Of ours; botocore has its own for each of them."""
_PAUSE_S = 0.25


class _AgainError(Exception):
    """A block did not come, and may when it is asked for again."""


class Fetcher:
    """Fetches blocks of a snapshot; from any thread."""

    def __init__(self, client: EBSClient, snapshot_id: str, listing: Listing, budget: Budget) -> None:
        self._client = client
        self._snapshot_id = snapshot_id
        self._listing = listing
        self._budget = budget
        self._closed = threading.Event()

    def close(self) -> None:
        """Let nobody wait any longer."""
        self._closed.set()

    def fetch(self, index: int) -> bytes:
        """Return a block whose checksum is right; raises IncompleteError, with what to do, where it cannot be had."""
        reason = ""
        for attempt in range(_ATTEMPTS):
            pause_s = random.uniform(0.5, 1) * _PAUSE_S * 2**attempt if attempt else 0  # noqa: S311 - spreads load
            if self._closed.wait(pause_s):
                break
            self._budget.take_block()
            try:
                return self._ask(index)
            except _AgainError as error:
                reason = str(error)
            except AmigateError as error:
                raise as_incomplete(error) from error
        raise IncompleteError(f"block {index} of the snapshot {self._snapshot_id} cannot be had: {reason or 'closed'}")

    def _ask(self, index: int) -> bytes:
        token, times = self._listing.token(index)
        try:
            with ebs_errors(self._snapshot_id):
                answer = self._client.get_snapshot_block(
                    SnapshotId=self._snapshot_id, BlockIndex=index, BlockToken=token
                )
                data = answer["BlockData"].read()
        except AwsError as error:
            if _reason(error) == INVALID_BLOCK_TOKEN:
                self._listing.renew(times)
                raise _AgainError("its token is not accepted") from error
            if _is_transient(error):
                raise _AgainError(str(error)) from error
            raise
        if len(data) != BLOCK:
            raise _AgainError(f"{len(data)} bytes came instead of {BLOCK}")
        checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
        if answer.get("ChecksumAlgorithm") != "SHA256" or answer.get("Checksum") != checksum:
            raise _AgainError("its checksum is wrong")
        return data


def _reason(error: AwsError) -> str:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - slow to import

    return reason_of(error.__cause__) if isinstance(error.__cause__, ClientError) else ""


def _is_transient(error: AwsError) -> bool:
    """Whether AWS was busy, or did not answer to the end."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - slow to import

    return code_of(error) in TRANSIENT if isinstance(error.__cause__, ClientError) else True

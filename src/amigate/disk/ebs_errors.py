"""What the EBS direct APIs refuse, as one sentence that says what to do.

Codes and reasons: https://docs.aws.amazon.com/ebs/latest/userguide/ebs-direct-api-errors.html"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.errors import AwsError
from amigate.sources.aws_errors import DENIED, aws_errors, code_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.exceptions import ClientError

    from amigate.errors import AmigateError

INVALID_BLOCK_TOKEN = "INVALID_BLOCK_TOKEN"  # noqa: S105 - a reason
INVALID_PAGE_TOKEN = "INVALID_PAGE_TOKEN"  # noqa: S105 - a reason
TRANSIENT = frozenset(
    {
        "InternalServerException",
        "RequestThrottledException",
        "ServiceQuotaExceededException",
        "ServiceUnavailable",
        "ThrottlingException",
    }
)
"""Codes after which to ask again, more patiently than botocore does by itself."""

_BY_REASON = {
    "SNAPSHOT_NOT_FOUND": (
        "it is not there, or belongs to an account that does not share it with this one",
        "check the region; the owner can share the snapshot with this account, or run amigate there",
    ),
    "UNAUTHORIZED_ACCOUNT": (
        "it belongs to another account, and was not shared with this one by name",
        "the owner can share the snapshot with this account; a public snapshot is copied first: aws ec2 copy-snapshot",
    ),
    "DEPENDENCY_ACCESS_DENIED": (
        "it is encrypted with a KMS key that these credentials may not use",
        "allow kms:Decrypt on the key in its key policy and in the policy of these credentials",
    ),
    "DEPENDENCY_RESOURCE_NOT_FOUND": (
        "it is encrypted with a KMS key that is gone",
        "cancel the deletion of the key, or make the image again",
    ),
    "INVALID_CUSTOMER_KEY": (
        "it is encrypted with a KMS key that is disabled or about to be deleted",
        "enable the key: aws kms enable-key",
    ),
}
_NOT_COMPLETED = (
    "it is not completed",
    "wait for it: aws ec2 wait snapshot-completed --snapshot-ids {}",
)


def reason_of(error: ClientError) -> str:
    """Return the service's reason, a word in capitals, "" without one."""
    return str(error.response.get("Reason", ""))


def explain(error: ClientError, snapshot_id: str) -> AwsError | None:
    """Return what an answer means for somebody who reads a snapshot, None where it is none of these services' own."""
    message = str(error.response.get("Error", {}).get("Message", ""))
    named = re.search(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)", message)
    permission = named[1] if named else f"ebs:{error.operation_name}"
    reason = reason_of(error)
    told = reason in _BY_REASON and not (reason == "UNAUTHORIZED_ACCOUNT" and "authorized to perform" in message)
    if code_of(error) in DENIED and not told:
        return AwsError(
            f"not allowed to read the snapshot {snapshot_id}: that needs the permission {permission}",
            hint=f"add {permission} to the policy of these credentials",
        )
    if reason == "INVALID_SNAPSHOT_ID" and "completed" in message:
        why, hint = _NOT_COMPLETED
    elif reason in _BY_REASON:
        why, hint = _BY_REASON[reason]
    else:
        return None
    return AwsError(f"cannot read the snapshot {snapshot_id}: {why}", hint=hint.format(snapshot_id))


@contextmanager
def ebs_errors(snapshot_id: str) -> Iterator[None]:
    """Turn an error of botocore while reading a snapshot into ours; the original is the cause.

    Raises UsageError for a configuration that cannot work, AwsError for anything that AWS did."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - slow to import

    with aws_errors(f"read the snapshot {snapshot_id}"):
        try:
            yield
        except ClientError as error:
            ours = explain(error, snapshot_id)
            if ours is None:
                raise
            raise ours from error


def as_incomplete(error: AmigateError) -> IncompleteError:
    """Return an error as one of reading: a block could not be had, and why."""
    return IncompleteError(f"{error}; {error.hint}" if error.hint else str(error))

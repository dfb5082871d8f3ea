"""The client of the EBS direct APIs for an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.ebs import CONCURRENCY
from amigate.sources.clients import client

if TYPE_CHECKING:
    from mypy_boto3_ebs.client import EBSClient

    from amigate.sources.aws import Aws


def ebs_client(aws: Aws, *, concurrency: int = CONCURRENCY) -> EBSClient:
    """Return a client in the account's region, with a connection for each of so many threads.

    Raises UsageError for a configuration that cannot work."""
    made: EBSClient = client(aws, "ebs", connections=concurrency)
    return made

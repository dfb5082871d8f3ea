"""The client of the EBS direct APIs for an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.ebs import CONCURRENCY
from amigate.sources.aws_errors import aws_errors
from amigate.sources.calls import log_calls

if TYPE_CHECKING:
    from mypy_boto3_ebs.client import EBSClient

    from amigate.sources.aws import Aws


def ebs_client(aws: Aws, *, concurrency: int = CONCURRENCY) -> EBSClient:
    """Return a client in the account's region, with a connection for each of so many threads.

    The sandbox serves it at the endpoint of EC2; else AWS_ENDPOINT_URL_EBS counts. Raises UsageError for a
    configuration that cannot work."""
    import boto3  # noqa: PLC0415 - slow to import
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        retries={"mode": "standard", "total_max_attempts": 5},
        max_pool_connections=concurrency,
        connect_timeout=10,
        read_timeout=30,
        user_agent_extra="amigate",
    )
    if aws.sandbox:
        config = config.merge(Config(proxies={}))
    with aws_errors("read the AWS configuration"):
        session = boto3.Session(region_name=aws.region)
        client = session.client("ebs", endpoint_url=aws.endpoint if aws.sandbox else None, config=config)
    log_calls(client, but={"GetSnapshotBlock"})
    return client

"""The connection to AWS: clients, who is calling, and errors that say what to do."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from amigate.errors import AmigateError, AwsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3
    from mypy_boto3_ec2.client import EC2Client

AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")


@dataclass(frozen=True, kw_only=True)
class Aws:
    """An account in a region, through one EC2 endpoint."""

    ec2: EC2Client = field(repr=False)
    session: boto3.Session = field(repr=False)
    region: str
    account: str
    partition: str
    """`aws`, `aws-cn`, `aws-us-gov` …"""
    arn: str
    """Who is calling."""
    endpoint: str
    """The EC2 endpoint when it is not AWS's own, else empty."""
    sandbox: bool
    """The endpoint is on this machine."""


def connect(*, region: str | None = None, endpoint_url: str | None = None) -> Aws:
    """Return the account that the AWS configuration of the environment leads to, after asking AWS who is calling.

    Raises UsageError for a configuration that cannot work, AwsError when AWS does not answer."""
    raise NotImplementedError


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Turn whatever botocore raises while trying to `what` into one sentence; the original is the cause."""
    raise NotImplementedError
    yield

"""The connection to AWS: a client, and who is calling."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from amigate.errors import AwsError, UsageError
from amigate.sources.aws_errors import BAD_CREDENTIALS, EXPIRED, aws_errors, code_of
from amigate.sources.calls import log_calls

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from mypy_boto3_ec2.client import EC2Client

AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")


@dataclass(frozen=True, kw_only=True)
class Aws:
    """An account in a region, through one EC2 endpoint."""

    ec2: EC2Client = field(repr=False)
    """Safe to use from several threads."""
    region: str
    account: str
    """Whose credentials these are."""
    partition: str
    """`aws`, `aws-cn`, `aws-us-gov` …"""
    arn: str
    """Who is calling."""
    endpoint: str
    """The EC2 endpoint when it is not AWS's own, else empty."""
    sandbox: bool
    """The endpoint is on this machine."""


def connect(*, region: str | None = None, endpoint_url: str | None = None) -> Aws:
    """Return the account that the AWS configuration of the environment leads to, after asking who is calling.

    Raises UsageError for a configuration or credentials that cannot work, AwsError without an answer."""
    import boto3  # noqa: PLC0415 - slow to import
    from botocore.config import Config  # noqa: PLC0415

    if endpoint_url:
        _require_url(endpoint_url)
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 10},
        connect_timeout=10,
        read_timeout=60,
        user_agent_extra="amigate",
    )
    with aws_errors("read the AWS configuration"):
        session = boto3.Session(region_name=region or os.environ.get("AWS_REGION") or None)
        ec2 = session.client("ec2", endpoint_url=endpoint_url, config=config)
        sandbox = is_loopback(ec2.meta.endpoint_url)
        if sandbox:  # not through a proxy, whatever the environment says
            endpoint_url = ec2.meta.endpoint_url
            config = config.merge(Config(proxies={}))
            ec2 = session.client("ec2", endpoint_url=endpoint_url, config=config)
    log_calls(ec2)
    ec2.meta.events.register_first("needs-retry.ec2.RunInstances", _no_patience_with_capacity)  # type: ignore[arg-type] # it answers
    account, arn = _caller(session, endpoint_url, config)
    return Aws(
        ec2=ec2,
        region=ec2.meta.region_name,
        account=account,
        partition=arn.split(":")[1] if arn.startswith("arn:") else ec2.meta.partition,
        arn=arn,
        endpoint="" if _is_aws(ec2.meta.endpoint_url) else ec2.meta.endpoint_url,
        sandbox=sandbox,
    )


def is_loopback(url: str) -> bool:
    """Whether `url` leads to this machine, by its host name alone."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _caller(session: boto3.Session, endpoint_url: str | None, config: Config) -> tuple[str, str]:
    """Return account and ARN; few attempts, because this is where a mistyped endpoint shows."""
    from botocore.config import Config as Settings  # noqa: PLC0415 - slow to import

    hasty = Settings(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=5, read_timeout=20)
    try:
        with aws_errors("ask AWS who is calling"):
            sts = session.client("sts", endpoint_url=endpoint_url, config=config.merge(hasty))
            log_calls(sts)
            identity = sts.get_caller_identity()
        return identity["Account"], identity["Arn"]
    except AwsError as error:
        if code_of(error) in BAD_CREDENTIALS | EXPIRED:
            raise UsageError(str(error), hint=error.hint) from error
        raise
    except KeyError:  # botocore's, for a body without the elements of an answer
        raise AwsError(
            f"{sts.meta.endpoint_url} answers, but not like AWS", hint="check the endpoint and proxies on the way"
        ) from None


def _no_patience_with_capacity(response: Any = None, **_: object) -> bool | None:
    """Say no to botocore asking again: EC2 answers 500 where it has no capacity, and another place may have some."""
    code = str(response[1].get("Error", {}).get("Code", "")) if response else ""
    return False if code.startswith("Insufficient") else None


def _is_aws(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(AWS_DOMAINS)


def _require_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise UsageError("the endpoint is no URL", hint="an endpoint looks like http://127.0.0.1:5000")

"""Region and credentials: whether somebody is calling, and who."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from amigate.doctor.finding import Finding, State, ok
from amigate.errors import AmigateError, UsageError
from amigate.sources.aws import connect
from amigate.sources.aws_errors import aws_errors

if TYPE_CHECKING:
    from amigate.sources.aws import Aws

ANY_REGION = "us-east-1"
"""Where it is asked who is calling when no region is configured."""


def account(region: str | None, endpoint_url: str | None) -> tuple[list[Finding], Aws | None]:
    """Return what was found, and the account where both are in order."""
    try:
        chosen = region or _configured()
    except UsageError as error:
        return [_failed("configuration", error)], None
    where = Finding(
        topic="region",
        state=State.FAIL,
        found="no AWS region is configured",
        next_step="give --region, set AWS_REGION, or region in amigate.toml",
    )
    if chosen:
        where = ok("region", chosen)
    try:
        aws = connect(region=chosen or ANY_REGION, endpoint_url=endpoint_url)
    except AmigateError as error:
        return [where, _failed("credentials", error)], None
    place = f"SANDBOX at {aws.endpoint}" if aws.sandbox else aws.endpoint or "AWS"
    caller = ok("credentials", f"account {aws.account}, {aws.arn} ({place})")
    return [where, caller], aws if chosen else None


def _configured() -> str | None:
    import boto3  # noqa: PLC0415 - slow to import

    with aws_errors("read the AWS configuration"):
        return os.environ.get("AWS_REGION") or boto3.Session().region_name


def _failed(topic: str, error: AmigateError) -> Finding:
    """Return an error as a finding; where AWS gave no answer, nothing is known of the credentials."""
    state = State.FAIL if isinstance(error, UsageError) else State.UNKNOWN
    return Finding(topic=topic, state=state, found=str(error), next_step=error.hint or "try again")

"""What is in the account already: an image to try things on, what runs left, how much room there is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from amigate.doctor.finding import Finding, State, ok
from amigate.errors import AmigateError
from amigate.sources import reaping
from amigate.sources.aws_errors import aws_errors
from amigate.sources.ec2 import require_ami_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.sources.aws import Aws

QUOTA = "L-1216C47A"
"""Running On-Demand Standard instances, in vCPUs (https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html)."""
NEWEST = 100


def image(aws: Aws, ami: str | None) -> tuple[Finding, Mapping[str, Any] | None]:
    """Return the image that things are tried on: the one named, else one of the account's own."""
    asked: dict[str, Any] = {"Owners": ["self"], "MaxResults": NEWEST}
    if ami:
        require_ami_id(ami)
        asked = {"ImageIds": [ami]}
    try:
        with aws_errors(f"describe {ami or 'the images of this account'}"):
            found = aws.ec2.describe_images(**asked)["Images"]
    except AmigateError as error:
        step = error.hint or "name another: amigate doctor --ami ami-…"
        return Finding(topic="image", state=State.UNKNOWN, found=str(error), next_step=step), None
    available = [each for each in found if each.get("State") == "available"]
    if not available:
        step = "name one: amigate doctor --ami ami-…"
        found_none = "this account has no image here that is available, to try a launch with"
        return Finding(topic="image", state=State.UNKNOWN, found=found_none, next_step=step), None
    newest = max(available, key=lambda each: each.get("CreationDate", ""))
    return ok("image", f"{newest['ImageId']}, to try a launch with"), newest


def leftovers(aws: Aws) -> Finding:
    """Return whether runs left something that has expired."""
    topic = "left behind"
    try:
        found = reaping.sort(reaping.find(aws), now=datetime.now(UTC), run_id=None)
    except AmigateError as error:
        return Finding(topic=topic, state=State.UNKNOWN, found=str(error), next_step=error.hint or "try again")
    if found.due or found.unclear:
        things = f"{len(found.due)} expired, {len(found.unclear)} without an expiry that can be read"
        return Finding(topic=topic, state=State.WARN, found=things, next_step="amigate reap --dry-run, then reap")
    return ok(topic, "nothing that has expired")


def room(aws: Aws) -> Finding:
    """Return how many instances run; how many may, EC2 does not say."""
    topic = "quota"
    if aws.sandbox:
        return ok(topic, "the sandbox has none")
    running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    try:
        with aws_errors("count running instances"):
            pages = aws.ec2.get_paginator("describe_instances").paginate(Filters=running)  # type: ignore[arg-type] # as above
            count = sum(len(each["Instances"]) for page in pages for each in page["Reservations"])
    except AmigateError as error:
        return Finding(topic=topic, state=State.UNKNOWN, found=str(error), next_step=error.hint or "try again")
    return Finding(
        topic=topic,
        state=State.UNKNOWN,
        found=f"{count} instances run; a run starts up to three more at once (2 vCPUs each, as t3.micro), "
        "and EC2 does not say how many may",
        next_step=f"aws service-quotas get-service-quota --service-code ec2 --quota-code {QUOTA}",
        untellable=True,
    )

"""Where test instances would go, and how SSH would reach them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amigate.doctor.finding import Finding, State, ok
from amigate.errors import AmigateError, UsageError
from amigate.sources.aws_errors import DENIED, aws_errors, code_of
from amigate.sources.network import find_network
from amigate.sources.runner import runner_network

if TYPE_CHECKING:
    from amigate.live import Options
    from amigate.sources.aws import Aws
    from amigate.sources.network import Network

EVERYWHERE = "0.0.0.0/0"


def network(aws: Aws, subnet: str | None) -> tuple[Finding, Network | None]:
    """Return the VPC and subnets that would be used."""
    try:
        found = find_network(aws, subnet)
    except AmigateError as error:
        return _wrong("network", error), None
    subnets = ", ".join(f"{each.id} ({each.zone})" for each in found.subnets)
    return ok("network", f"{found.vpc_id}: {subnets}"), found


def reach(aws: Aws, found: Network | None, options: Options) -> list[Finding]:
    """Return whether SSH gets from here to an instance, and from where it would be let in."""
    return [_runner(aws, options), _way(aws, found, options)]


def _runner(aws: Aws, options: Options) -> Finding:
    try:
        runner = runner_network(options.runner_cidr, sandbox=aws.sandbox)
    except AmigateError as error:
        return _wrong("security group", error, unanswered=State.FAIL)
    return ok("security group", f"one for each run, open to {runner} alone")


def _way(aws: Aws, found: Network | None, options: Options) -> Finding:
    topic = "way of SSH"
    if options.jump is not None:
        return _jump(topic, options)
    if aws.sandbox:
        return ok(topic, "the sandbox's instances are reached on this machine")
    if options.ssh_address == "private":
        return Finding(
            topic=topic,
            state=State.UNKNOWN,
            found="instances get private addresses alone, and there is none to try yet",
            next_step="run amigate in the VPC or where a VPN leads into it, or give --ssh-jump",
            untellable=True,
        )
    if found is None:
        return Finding(
            topic=topic,
            state=State.UNKNOWN,
            found="there is no network to look at",
            next_step="mend what is said of the network",
        )
    return _public(topic, aws, found)


def _jump(topic: str, options: Options) -> Finding:
    from amigate.jump import jump_host  # noqa: PLC0415 - paramiko is slow to import

    assert options.jump is not None
    try:
        with jump_host(options.jump):
            return ok(topic, f"the jump host {options.jump} lets us in")
    except AmigateError as error:
        return _wrong(topic, error, unanswered=State.FAIL)


def _public(topic: str, aws: Aws, found: Network) -> Finding:
    """Look for a way from the internet into each subnet."""
    try:
        with aws_errors("look at route tables"):
            filters: list[Any] = [{"Name": "vpc-id", "Values": [found.vpc_id]}]
            tables = aws.ec2.describe_route_tables(Filters=filters)["RouteTables"]
    except AmigateError as error:
        if code_of(error) in DENIED:
            step = "allow ec2:DescribeRouteTables to be told, or look yourself: the subnet needs an internet gateway"
            return Finding(topic=topic, state=State.UNKNOWN, found=str(error), next_step=step, untellable=True)
        return _wrong(topic, error)
    closed = [each.id for each in found.subnets if not _is_open(tables, each.id)]
    if closed:
        return Finding(
            topic=topic,
            state=State.FAIL,
            found=f"no internet gateway leads to {', '.join(closed)}: a public address would not be reached",
            next_step="give another --subnet, or --ssh-address private from inside the VPC, or --ssh-jump",
        )
    return ok(topic, "public addresses, through an internet gateway")


def _is_open(tables: list[Any], subnet_id: str) -> bool:
    own = [each for each in tables if any(one.get("SubnetId") == subnet_id for one in each["Associations"])]
    main = [each for each in tables if any(one.get("Main") for one in each["Associations"])]
    return any(
        route.get("DestinationCidrBlock") == EVERYWHERE and str(route.get("GatewayId", "")).startswith("igw-")
        for table in own or main
        for route in table["Routes"]
    )


def _wrong(topic: str, error: AmigateError, *, unanswered: State = State.UNKNOWN) -> Finding:
    state = State.FAIL if isinstance(error, UsageError) or code_of(error) in DENIED else unanswered
    return Finding(topic=topic, state=state, found=str(error), next_step=error.hint or "try again")

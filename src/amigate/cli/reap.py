"""`amigate reap`."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from amigate.cli import options
from amigate.errors import AmigateError, UsageError
from amigate.report.escape import printable

if TYPE_CHECKING:
    from amigate.sources.aws import Aws
    from amigate.sources.reaping import Sorted, Thing


@click.command("reap")
@click.option("--region", "regions", multiple=True, help="AWS region; repeat for more.  [default: as configured]")
@click.option("--all-regions", is_flag=True, help="Look in every region that is enabled for the account.")
@click.option("--run", "run_id", metavar="ID", help="Remove what this run made, whether it has expired or not.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@click.option(
    "--endpoint-url",
    envvar="AWS_ENDPOINT_URL",
    help="EC2 endpoint, such as the sandbox's.  [env: AWS_ENDPOINT_URL]",
)
@options.verbose
@click.pass_context
def command(  # noqa: PLR0913 - one parameter per option
    context: click.Context,
    /,
    *,
    regions: tuple[str, ...],
    all_regions: bool,
    run_id: str | None,
    dry_run: bool,
    endpoint_url: str | None,
) -> int:
    """Remove what runs left behind in an account.

    Runs tag all that they make with amigate:run and amigate:expires. What has expired is removed: instances, volumes,
    security groups, key pairs. What has no such tags, or has not expired, is not touched, unless --run names its run.
    Exit codes: 0 nothing is left that was to be removed; 2 wrong call or configuration; 3 something is left, or could
    not be looked for."""
    from amigate.sources.aws import connect  # noqa: PLC0415 - slow to import

    if all_regions and context.get_parameter_source("regions") is ParameterSource.COMMANDLINE:
        raise UsageError("--region and --all-regions exclude each other", hint="Leave out one of them.")
    if run_id is not None and not run_id.strip():
        raise UsageError("--run needs the id of a run", hint="The tag amigate:run has it.")
    first = connect(region=regions[0] if regions else None, endpoint_url=endpoint_url)
    clean = True
    for region in _enabled(first) if all_regions else dict.fromkeys(regions or [first.region]):
        try:
            aws = first if region == first.region else connect(region=region, endpoint_url=endpoint_url)
            clean = _reap(aws, run_id, dry_run=dry_run) and clean
        except AmigateError as error:
            click.echo(f"{printable(region)}: {error}", err=True)
            clean = False
    return 0 if clean else 3


def _enabled(aws: Aws) -> list[str]:
    """Return the regions that are enabled for the account."""
    from amigate.sources.aws_errors import aws_errors  # noqa: PLC0415 - slow to import

    with aws_errors("ask which regions are enabled"):
        return sorted(each["RegionName"] for each in aws.ec2.describe_regions()["Regions"])


def _reap(aws: Aws, run_id: str | None, *, dry_run: bool) -> bool:
    """Reap in one region and say so; return whether nothing is left that ought to be gone."""
    from amigate.sources import reaping  # noqa: PLC0415 - slow to import

    found = reaping.sort(reaping.find(aws), now=datetime.datetime.now(datetime.UTC), run_id=run_id)
    for thing in found.due if dry_run else ():
        click.echo(f"{aws.region}: would remove {_shown(thing)}")
    _tell_others(aws.region, found)
    if dry_run or not found.due:
        _tell_nothing(aws.region, found, run_id)
        return not found.unclear
    reaped = reaping.remove(
        aws,
        found.due,
        say=lambda text: click.echo(f"{aws.region}: {printable(text)}", err=True),
        pause_s=0.2 if aws.sandbox else 5.0,
    )
    for what in reaped.removed:
        click.echo(f"{aws.region}: removed {printable(what)}")
    for left in reaped.left:
        click.echo(f"{aws.region}: could not remove {printable(left.what)}; remove it yourself:")
        click.echo(f"    {printable(left.command)}")
    return not reaped.left and not found.unclear


def _tell_others(region: str, found: Sorted) -> None:
    for thing in found.unclear:
        expiry = f"malformed: '{printable(thing.expires[:60])}'" if thing.expires else "missing"
        click.echo(f"{region}: left {_shown(thing)} alone: its amigate:expires is {expiry}; --run removes it")
    if found.waiting:
        click.echo(f"{region}: left {len(found.waiting)} alone that {_has(len(found.waiting))} not expired")


def _has(number: int) -> str:
    return "has" if number == 1 else "have"


def _tell_nothing(region: str, found: Sorted, run_id: str | None) -> None:
    if not found.due:
        of = f" of run {printable(run_id)}" if run_id else ""
        click.echo(f"{region}: nothing{of} to remove")


def _shown(thing: Thing) -> str:
    return printable(f"{thing} (run {thing.run[:60]})")

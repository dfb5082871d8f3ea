"""`amigate share`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from amigate.cli import options, output
from amigate.cli.output import exit_code
from amigate.cli.progress import progress
from amigate.errors import UsageError

if TYPE_CHECKING:
    from amigate.gate.share import Shared


@click.command("share")
@click.argument("ami")
@click.option("--account", "accounts", multiple=True, metavar="ID", help="Account to share with; repeat for more.")
@click.option("--dry-run", is_flag=True, help="Judge, and say what would be shared, without sharing.")
@options.profile
@options.reports
@options.launching
@options.aws
def command(  # noqa: PLR0913 - one parameter per option
    *,
    ami: str,
    accounts: tuple[str, ...],
    dry_run: bool,
    profile_name: str,
    reports: tuple[str, ...],
    quiet: bool,
    region: str | None,
    endpoint_url: str | None,
    **launching: object,
) -> int:
    """Share an AMI with other accounts, if it passes.

    The image is always judged first, as `amigate validate` does, and shared only on a pass at full scope; then the
    launch permissions are read back. Exit codes are those of validate."""
    from amigate.gate import share as gate  # noqa: PLC0415 - slow to import
    from amigate.judge import catalogue  # noqa: PLC0415
    from amigate.profile import load  # noqa: PLC0415
    from amigate.run import validate  # noqa: PLC0415
    from amigate.sources.aws import connect  # noqa: PLC0415
    from amigate.sources.ec2 import require_ami_id  # noqa: PLC0415

    if not accounts:
        raise UsageError("nobody to share with was named", hint="Add --account ID, once for each account.")
    receivers = gate.require_accounts(accounts)
    require_ami_id(ami)
    wanted = output.destinations(reports)
    profile = load(profile_name, catalogue.checks())
    show = progress(quiet=quiet)
    aws = connect(region=region, endpoint_url=endpoint_url)
    judge = partial(
        validate,
        aws,
        ami,
        profile,
        options=options.launch_options(**launching),  # type: ignore[arg-type] # as click has parsed them
        receivers=receivers,
        progress=show,
    )
    report = output.judged(judge, wanted)
    aside = any(path is None and name != "console" for name, path in wanted)  # standard output is the report's
    if not report.may_share:
        held = gate.held_by(aws, report, receivers)
        already = f" It was shared before with {', '.join(held)}." if held else ""
        click.echo(f"Not shared.{already}", err=aside)
        return exit_code(report) or 3
    if dry_run:
        click.echo(f"Dry run: {ami} would be shared with {', '.join(receivers)}.", err=aside)
        return 0
    shared = gate.share(aws, report, receivers, progress=show)
    for line in told(shared, gate.launch_link(report), sandbox=aws.sandbox):
        click.echo(line, err=aside)
    return 0


def told(shared: Shared, link: str, *, sandbox: bool) -> list[str]:
    """Return what sharing came to, in lines."""
    lines = []
    if shared.already:
        lines.append(f"{shared.ami} was already shared with {', '.join(shared.already)}: nothing changed there.")
    if shared.added:
        lines.append(f"{shared.ami} is now shared with {', '.join(shared.added)}.")
    lines.append(f"Launch permissions, as EC2 has them: {', '.join(shared.permissions) or 'none'}")
    if link:
        where = " (SANDBOX: this image exists on this machine only)" if sandbox else ""
        lines.append(f"Launch link: {link}{where}")
    return lines

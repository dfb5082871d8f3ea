"""`amigate inspect`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from amigate.cli import options
from amigate.errors import AwsError

if TYPE_CHECKING:
    from amigate.result import Target
    from amigate.sources.aws import Aws


@click.command("inspect")
@click.argument("ami")
@click.option("--format", "format_", type=click.Choice(["console", "json"]), default="console", show_default=True)
@options.aws
def command(*, ami: str, format_: str, region: str | None, endpoint_url: str | None) -> int:
    """Show what an AMI is made of, and who may launch it.

    EC2 is asked; nothing is launched and nothing is judged. Exit codes: 0 shown; 2 wrong call or configuration, or
    there is no such AMI; 3 EC2 did not say."""
    from amigate.report import anatomy  # noqa: PLC0415 - slow to import
    from amigate.sources.aws import connect  # noqa: PLC0415
    from amigate.sources.ec2 import describe, require_ami_id  # noqa: PLC0415

    require_ami_id(ami)
    aws = connect(region=region, endpoint_url=endpoint_url)
    target, ec2 = describe(aws, ami)
    holders, unseen = _permissions(aws, target)
    found = anatomy.anatomy(target, ec2, holders, unseen)
    click.echo(anatomy.as_json(found) if format_ == "json" else anatomy.as_text(found), nl=False)
    return 0


def _permissions(aws: Aws, target: Target) -> tuple[tuple[str, ...] | None, str]:
    """Return who may launch the image, or None and why that cannot be seen."""
    from amigate.gate.share import permissions  # noqa: PLC0415 - slow to import
    from amigate.report.anatomy import OWNER_ONLY  # noqa: PLC0415

    if target.account != aws.account:
        return None, OWNER_ONLY
    try:
        return permissions(aws, target.id), ""
    except AwsError as error:
        return None, str(error)

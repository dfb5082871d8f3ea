"""`amigate inspect`."""

from __future__ import annotations

import click

from amigate.cli import options


@click.command("inspect")
@click.argument("ami")
@click.option("--format", "format_", type=click.Choice(["console", "json"]), default="console", show_default=True)
@options.aws
@options.verbose
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
    found = anatomy.anatomy(target, ec2)
    click.echo(anatomy.as_json(found) if format_ == "json" else anatomy.as_text(found), nl=False)
    return 0

"""`amigate bake`."""

from __future__ import annotations

from functools import partial

import click

from amigate.cli import options, output
from amigate.cli.output import exit_code
from amigate.cli.progress import progress


@click.command("bake")
@click.option("--from", "source", required=True, metavar="AMI", help="Id of the AMI to start from.")
@click.option("--name", required=True, help="Name of the new AMI.")
@options.profile
@options.reports
@options.launching
@options.aws
def command(  # noqa: PLR0913 - one parameter per option
    *,
    source: str,
    name: str,
    profile_name: str,
    reports: tuple[str, ...],
    quiet: bool,
    region: str | None,
    endpoint_url: str | None,
    **launching: object,
) -> int:
    """Make a hardened AMI from another one, and judge it.

    One instance of the AMI is launched and hardened as `amigate harden --seal` does, an image is made of it, and the
    image is judged as `amigate validate` does. On failure nothing is left behind; an image that was made and does
    not pass stays, and is not shared. Exit codes are those of validate."""
    from amigate.harden.bake import Recipe, bake  # noqa: PLC0415 - slow to import
    from amigate.harden.step import all_steps  # noqa: PLC0415
    from amigate.judge import catalogue  # noqa: PLC0415
    from amigate.profile import load  # noqa: PLC0415
    from amigate.run import validate  # noqa: PLC0415
    from amigate.sources.aws import connect  # noqa: PLC0415

    wanted = output.destinations(reports)
    profile = load(profile_name, catalogue.checks())
    choice = options.launch_options(**launching)  # type: ignore[arg-type] # as click has parsed them
    show = progress(quiet=quiet)
    aws = connect(region=region, endpoint_url=endpoint_url)
    recipe = Recipe(
        source=source,
        name=name,
        steps=all_steps(),
        ssh_users=choice.ssh_users or profile.ssh.users,
        ssh_address=choice.ssh_address,
        egress=profile.launch.egress,
        ssh_port=choice.ssh_port or profile.ssh.port,
        timeout_s=choice.timeout_s or profile.ssh.timeout_s,
        runner_cidr=choice.runner_cidr,
        subnet=choice.subnet,
        instance_type=choice.instance_type,
        jump=choice.jump,
    )
    image_id = bake(aws, recipe, show)
    click.echo(f"Made {image_id} ({name}) from {source}.", err=True)
    judge = partial(validate, aws, image_id, profile, options=choice, progress=show)
    return exit_code(output.judged(judge, wanted))

"""`amigate validate`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from amigate.cli import options, output
from amigate.cli.output import exit_code
from amigate.report.escape import printable

if TYPE_CHECKING:
    from amigate.live import Options
    from amigate.result import Witness
    from amigate.sources.keep import Keep


@click.command("validate")
@click.argument("target")
@options.profile
@click.option(
    "--evidence",
    "asked",
    callback=options.witnesses,
    metavar="WITNESS,…",
    help="Witnesses to ask: ec2, instance, twin, probe.  [default: all that the profile asks]",
)
@click.option("--accept-partial", is_flag=True, help="Accept fewer witnesses than the profile asks.")
@click.option("--keep", is_flag=True, help="Leave the test instances; say how to log in and how to remove them.")
@options.reports
@options.launching
@options.aws
def command(  # noqa: PLR0913 - one parameter per option
    *,
    target: str,
    profile_name: str,
    asked: tuple[Witness, ...] | None,
    accept_partial: bool,
    keep: bool,
    reports: tuple[str, ...],
    quiet: bool,
    region: str | None,
    endpoint_url: str | None,
    **launching: object,
) -> int:
    """Judge whether an AMI may be shared.

    TARGET is the id of an AMI (ami-…). Test instances of it are launched in your account, looked at over SSH, and
    removed again. With --keep, those of a run that came to its end stay until they expire; their private keys are
    written to files in the current directory. Exit codes: 0 nothing blocks; 1 something blocks; 2 wrong call or
    configuration; 3 could not decide."""
    from amigate.judge import catalogue  # noqa: PLC0415 - slow to import
    from amigate.profile import load  # noqa: PLC0415
    from amigate.run import narrowed, validate  # noqa: PLC0415
    from amigate.sources.aws import connect  # noqa: PLC0415
    from amigate.sources.ec2 import require_ami_id  # noqa: PLC0415

    require_ami_id(target)
    wanted = output.destinations(reports)
    profile = load(profile_name, frozenset(catalogue.checks()))
    witnesses = narrowed(profile, asked, accept_partial=accept_partial)
    choice = options.launch_options(**launching)  # type: ignore[arg-type] # as click has parsed them
    judge = partial(
        validate,
        connect(region=region, endpoint_url=endpoint_url),
        target,
        profile,
        witnesses=witnesses,
        options=replace(choice, keep=_keep(choice, profile.ssh.port) if keep else None),
        progress=output.progress(quiet=quiet),
    )
    return exit_code(output.judged(judge, wanted))


def _keep(choice: Options, port: int) -> Keep:
    """Return the wish to keep the instances; what is told of them is told even if progress is not."""
    from amigate.sources.keep import Keep  # noqa: PLC0415 - only when it is asked for

    return Keep(
        folder=Path.cwd(),
        tell=lambda line: click.echo(printable(line), err=True),
        port=choice.ssh_port or port,
        jump=str(choice.jump or ""),
    )

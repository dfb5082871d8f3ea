"""`amigate doctor`."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import click

from amigate.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.doctor.finding import Finding


@click.command("doctor")
@click.option("--only", type=click.Choice(["account", "sandbox"]), help="Look at this alone.  [default: at both]")
@click.option("--ami", help="AMI to try a launch with, as a dry run.  [default: one of the account's own]")
@click.option("--format", "format_", type=click.Choice(["console", "json"]), default="console", show_default=True)
@options.launching
@options.aws
@options.verbose
def command(
    *,
    only: str | None,
    ami: str | None,
    format_: str,
    region: str | None,
    endpoint_url: str | None,
    **launching: object,
) -> int:
    """Say whether amigate can work here, and what to do where it cannot.

    Looked at are region, credentials, permissions (each call is tried as a dry run), the network for test instances
    and how SSH reaches them, and what this machine has for the sandbox. Nothing is changed and nothing left behind.
    Exit codes: 0 nothing fails; 1 something fails; 2 wrong call or configuration; 3 what should be known could not be
    told."""
    from amigate.doctor import shown  # noqa: PLC0415 - slow to import
    from amigate.doctor.finding import exit_code  # noqa: PLC0415

    findings = []
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for finding in _findings(only, ami, region, endpoint_url, launching):
        findings.append(finding)
        if format_ == "console":
            click.echo(
                shown.as_line(finding, color=color, columns=shutil.get_terminal_size((120, 24)).columns), nl=False
            )
    click.echo(shown.as_json(findings) if format_ == "json" else "\n" + shown.summary(findings), nl=False)
    return exit_code(findings)


def _findings(
    only: str | None, ami: str | None, region: str | None, endpoint_url: str | None, launching: dict[str, object]
) -> Iterator[Finding]:
    from amigate.doctor.finding import State  # noqa: PLC0415 - slow to import

    if only != "sandbox":
        from amigate.doctor.examine import examine_account  # noqa: PLC0415 - slow to import

        choice = options.launch_options(**launching)  # type: ignore[arg-type] # as click has parsed them
        yield from examine_account(region=region, endpoint_url=endpoint_url, ami=ami, options=choice)
    if only != "account":
        from amigate.doctor.machine import machine  # noqa: PLC0415 - slow to import

        yield from machine(State.FAIL if only == "sandbox" else State.WARN)

"""`amigate packer`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from amigate.cli import options, output
from amigate.cli.output import exit_code
from amigate.cli.progress import progress
from amigate.cli.share import told
from amigate.errors import AmigateError, Exit, UsageError
from amigate.result import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from amigate.packer import Build, Made
    from amigate.result import Report
    from amigate.sources.aws import Aws


@click.command("packer")
@click.option("--account", "accounts", multiple=True, metavar="ID", help="Account to share with; repeat for more.")
@click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    default="packer-manifest.json",
    show_default=True,
    help="What the `manifest` post-processor before this one has written.",
)
@click.option("--deregister-failed", is_flag=True, help="Deregister images that fail, and delete their snapshots.")
@click.option("--run", envvar="PACKER_RUN_UUID", help="Run of Packer.  [env: PACKER_RUN_UUID]")
@click.option("--build", envvar="PACKER_BUILD_NAME", help="Name of the source.  [env: PACKER_BUILD_NAME]")
@click.option(
    "--builder", envvar="PACKER_BUILDER_TYPE", default="", help="Type of the source.  [env: PACKER_BUILDER_TYPE]"
)
@options.profile
@options.reports
@options.launching
@options.endpoint
def command(  # noqa: PLR0913 - one parameter per option
    *,
    accounts: tuple[str, ...],
    manifest: Path,
    deregister_failed: bool,
    run: str | None,
    build: str | None,
    builder: str,
    profile_name: str,
    reports: tuple[str, ...],
    quiet: bool,
    endpoint_url: str | None,
    **launching: object,
) -> int:
    """Gate the images that a build of Packer has made, and share those that pass.

    For a `shell-local` post-processor that follows `manifest`. The image in each region is judged as `amigate
    validate` does; when all of them pass, they are shared with each --account, else none is, and Packer's build fails.
    An image that the template has shared itself is refused. In the PATH of a report, {region} and {ami} are replaced.
    Exit codes are those of validate, the worst image's."""
    from amigate import packer  # noqa: PLC0415 - slow to import
    from amigate.gate import share as gate  # noqa: PLC0415
    from amigate.gate.upstream import require_unshared  # noqa: PLC0415
    from amigate.judge import catalogue  # noqa: PLC0415
    from amigate.profile import load  # noqa: PLC0415
    from amigate.run import validate  # noqa: PLC0415
    from amigate.sources.aws import connect  # noqa: PLC0415

    receivers = gate.require_accounts(accounts)
    made = packer.images(manifest, _build(run, build, builder))
    wanted = _destinations(reports, made)
    profile = load(profile_name, catalogue.checks())
    show = progress(quiet=quiet)
    choice = options.launch_options(**launching)  # type: ignore[arg-type] # as click has parsed them
    places = [connect(region=each.region, endpoint_url=endpoint_url) for each in made]
    for aws, each in zip(places, made, strict=True):
        require_unshared(aws, each.ami)
    judged: list[tuple[Aws, Report]] = []
    codes: list[int] = []
    for aws, each in zip(places, made, strict=True):
        show(f"judging {each.ami} in {each.region}")
        judge = partial(validate, aws, each.ami, profile, options=choice, receivers=receivers, progress=show)
        report, code = _judged(judge, wanted[each])
        judged += [] if report is None else [(aws, report)]
        codes.append(code)
    say = partial(click.echo, err=any(path is None and name != "console" for name, path in wanted[made[0]]))
    if not any(codes):
        _share(judged, receivers, show, say)
        return 0
    say("Nothing is shared: not every image of this build passed.")
    if deregister_failed:
        _deregister(judged, say)
    return int(Exit.BLOCKED) if Exit.BLOCKED in codes else max(codes)


def _build(run: str | None, name: str | None, builder: str) -> Build:
    from amigate.packer import Build  # noqa: PLC0415 - slow to import

    if not run or not name:
        raise UsageError(
            "this is no run of Packer: PACKER_RUN_UUID and PACKER_BUILD_NAME are not both set",
            hint="Call `amigate packer` from a shell-local post-processor, or give --run and --build.",
        )
    return Build(run=run, name=name, builder=builder)


def _judged(judge: Callable[[], Report], wanted: list[output.Destination]) -> tuple[Report | None, int]:
    """Return the report, written to where it goes, and its exit code; an error leaves the other images to be judged."""
    try:
        report = output.judged(judge, wanted)
    except AmigateError as error:
        _complain(error)
        return None, int(error.exit_code)
    return report, exit_code(report) or (0 if report.may_share else int(Exit.UNDECIDED))


def _destinations(reports: Sequence[str], made: Iterable[Made]) -> dict[Made, list[output.Destination]]:
    """Return where the reports of each image go; raises UsageError where two of them would go to one place."""
    found = {}
    for each in made:
        named = [text.replace("{region}", each.region).replace("{ami}", each.ami) for text in reports]
        found[each] = output.destinations(named)
    places = [(path or name) for wanted in found.values() for name, path in wanted if (path or name) != "console"]
    if len(set(places)) < len(places):
        raise UsageError(
            "the reports of several images would go to one place", hint="Put {region} or {ami} into the PATH."
        )
    return found


def _share(
    judged: Sequence[tuple[Aws, Report]],
    receivers: Sequence[str],
    show: Callable[[str], None],
    say: Callable[[str], None],
) -> None:
    from amigate.gate import share as gate  # noqa: PLC0415 - imported by now

    if not receivers:
        say("Not shared: no --account was given.")
        return
    shared = gate.share_all(judged, receivers, show)
    for (aws, report), each in zip(judged, shared, strict=True):
        for line in told(each, gate.launch_link(report), sandbox=aws.sandbox):
            say(line)


def _deregister(judged: Iterable[tuple[Aws, Report]], say: Callable[[str], None]) -> None:
    """Deregister what is violated for certain; what could not be decided stays, to be looked at."""
    from amigate.gate.deregister import deregister  # noqa: PLC0415 - only when it is asked for

    for aws, report in judged:
        if report.verdict is not Verdict.FAIL:
            continue
        ami = report.target.id
        try:
            snapshots = deregister(aws, ami)
        except AmigateError as error:
            _complain(error)
        else:
            say(f"Deregistered {ami} in {aws.region}; deleted {', '.join(snapshots) or 'no snapshot'}.")


def _complain(error: AmigateError) -> None:
    click.echo(f"amigate: error: {error}\n  hint: {error.hint}", err=True)

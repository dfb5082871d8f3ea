"""`amigate validate`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from amigate.cli import files, options, output, saved
from amigate.cli.output import exit_code
from amigate.cli.progress import progress
from amigate.errors import UsageError
from amigate.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from amigate.evidence.model import Evidence
    from amigate.live import Options
    from amigate.profile import Profile
    from amigate.result import Witness
    from amigate.sources.keep import Keep

LAUNCHING = (
    *("keep", "region", "endpoint_url"),
    *("users", "ssh_port", "timeout", "runner_cidr", "subnet", "instance_type", "ssh_address"),
    *("ssh_jump", "ssh_jump_identity"),
)
"""Parameters that say how to launch and look, which nobody does without an AMI."""


@click.command("validate")
@click.argument("target")
@options.profile
@options.asked
@options.accept_partial
@click.option("--keep", is_flag=True, help="Leave the test instances; say how to log in and how to remove them.")
@click.option(
    "--save-evidence",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Save what was collected, without secrets, whatever the verdict.",
)
@options.reports
@options.launching
@options.aws
@click.pass_context
def command(  # noqa: PLR0913 - one parameter per option
    context: click.Context,
    /,
    *,
    target: str,
    profile_name: str,
    asked: tuple[Witness, ...] | None,
    accept_partial: bool,
    keep: bool,
    save_evidence: Path | None,
    reports: tuple[str, ...],
    quiet: bool,
    region: str | None,
    endpoint_url: str | None,
    **launching: object,
) -> int:
    """Judge whether a machine image may be shared.

    TARGET is the id of an AMI (ami-…), a disk image file (raw, qcow2; others with qemu-img), a directory that holds a
    root file system, or a file of evidence that an earlier run has saved. The snapshots of an AMI are read, and test
    instances launched in your account, looked at over SSH, and removed again. With --keep, those of a run that came
    to its end stay until they expire; their private keys are written to files in the current directory. Of a file or
    a directory, what the disk shows is judged, without AWS and without a network. Exit codes: 0 nothing blocks; 1
    something blocks; 2 wrong call or configuration; 3 could not decide."""
    path = _path(target)
    wanted = output.destinations(reports)
    if path is not None and saved.is_saved(path):
        options.refuse(context, "saved evidence", *LAUNCHING, "save_evidence")
        return _again(path, profile_name, asked, wanted, accept_partial=accept_partial)
    from amigate.judge import catalogue  # noqa: PLC0415 - slow to import
    from amigate.profile import load  # noqa: PLC0415
    from amigate.run import narrowed, validate  # noqa: PLC0415

    kept = _Kept(save_evidence, wanted)
    show = progress(quiet=quiet)
    if path is not None:
        options.refuse(context, "a directory" if path.is_dir() else "an image file", *LAUNCHING)
        profile = load(profile_name, catalogue.checks())
        return _at_rest(path, profile, asked, wanted, show, kept)
    profile = load(profile_name, catalogue.checks())
    witnesses = narrowed(profile, asked, accept_partial=accept_partial)
    choice = options.launch_options(**launching)  # type: ignore[arg-type] # as click has parsed them
    from amigate.sources.aws import connect  # noqa: PLC0415

    judge = partial(
        validate,
        connect(region=region, endpoint_url=endpoint_url),
        target,
        profile,
        witnesses=witnesses,
        options=replace(choice, keep=_keep(choice, profile.ssh.port) if keep else None),
        progress=show,
        collected=partial(kept.take, show),
    )
    code = exit_code(output.judged(judge, wanted))
    kept.require_saved()
    return code


class _Kept:
    """Saves evidence as soon as it is there; that it could not be saved is told after the report."""

    def __init__(self, path: Path | None, reports: list[output.Destination]) -> None:
        self._path = path
        self._error: UsageError | None = None
        if path is not None:
            files.require_writable(path, "--save-evidence")
            if path.absolute() in [other.absolute() for _, other in reports if other is not None]:
                raise UsageError(
                    f"--save-evidence {printable(str(path))}: a report goes there", hint="Name another file."
                )

    def take(self, show: Callable[[str], None], evidence: Evidence) -> None:
        """Save `evidence`, where that was asked for."""
        from amigate.evidence.saved import save  # noqa: PLC0415

        if self._path is None:
            return
        try:
            save(evidence, self._path)
        except UsageError as error:
            self._error = error
        show(str(self._error or f"the evidence is in {self._path}"))

    def require_saved(self) -> None:
        """Raise the error of saving, if there was one."""
        if self._error is not None:
            raise self._error


def _path(target: str) -> Path | None:
    """Return the file or directory that `target` names, None for an AMI; raises UsageError for what is neither."""
    from amigate.sources.ec2 import AMI_ID, require_ami_id  # noqa: PLC0415 - slow to import

    path = Path(target)
    if AMI_ID.fullmatch(target):
        return None
    if path.exists():
        return path
    if "/" in target or path.suffix:
        raise UsageError(
            f"{printable(target)}: there is no such file",
            hint="Name an AMI, a disk image, a directory or a file of saved evidence.",
        )
    require_ami_id(target)
    return None


def _again(
    path: Path,
    profile_name: str,
    asked: tuple[Witness, ...] | None,
    wanted: Sequence[output.Destination],
    *,
    accept_partial: bool,
) -> int:
    """Judge saved evidence; the judge's process starts while profile and evidence are read."""
    from amigate.judge.worker import CHILD, Worker  # noqa: PLC0415 - only where it is needed

    with Worker(CHILD) as child:
        from amigate.judge import catalogue  # noqa: PLC0415 - slow to import
        from amigate.profile import load  # noqa: PLC0415

        profile = load(profile_name, catalogue.checks())
        again = partial(saved.judge, path, profile, asked, child, accept_partial=accept_partial)
        return exit_code(output.judged(again, wanted))


def _at_rest(  # noqa: PLR0913, PLR0917 - what the command was told
    path: Path,
    profile: Profile,
    asked: tuple[Witness, ...] | None,
    wanted: list[output.Destination],
    show: Callable[[str], None],
    kept: _Kept,
) -> int:
    from amigate.at_rest import judge_at_rest, require_asked  # noqa: PLC0415 - slow to import

    require_asked(profile, asked)
    judge = partial(judge_at_rest, path, profile, progress=show, collected=partial(kept.take, show))
    code = exit_code(output.judged(judge, wanted))
    kept.require_saved()
    return code


def _keep(choice: Options, port: int) -> Keep:
    """Return the wish to keep the instances; what is told of them is told even if progress is not."""
    from amigate.sources.keep import Keep  # noqa: PLC0415 - only when it is asked for

    return Keep(
        folder=Path.cwd(),
        tell=lambda line: click.echo(printable(line), err=True),
        port=choice.ssh_port or port,
        jump=str(choice.jump or ""),
    )

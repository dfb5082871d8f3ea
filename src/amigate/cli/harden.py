"""`amigate harden`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from amigate.cli import options
from amigate.cli.progress import progress
from amigate.errors import UsageError

if TYPE_CHECKING:
    from amigate.harden.run import Applied
    from amigate.harden.ssh import Address

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("harden")
@click.argument("target", required=False)
@click.option("-i", "--identity", type=FILE, help="Private key to log in with.  [default: as ssh would]")
@click.option("--known-hosts", type=FILE, help="Known hosts.  [default: ~/.ssh/known_hosts and the system's]")
@click.option("--accept-new-host-key", is_flag=True, help="Accept a host that no known_hosts names; say its key.")
@click.option("--dry-run", is_flag=True, help="Show what would change, as a diff, and change nothing.")
@click.option("--only", multiple=True, metavar="STEP", help="Apply this step alone; repeat for more.")
@click.option("--skip", multiple=True, metavar="STEP", help="Leave this step out; repeat for more.")
@click.option("--seal", "sealing", is_flag=True, help="Then remove all keys and traces, and power off for good.")
@click.option("--list", "listing", is_flag=True, help="Show the steps and the rules they meet.")
@options.progress
def command(  # noqa: PLR0913 - one parameter per option
    *,
    target: str | None,
    identity: Path | None,
    known_hosts: Path | None,
    accept_new_host_key: bool,
    dry_run: bool,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    sealing: bool,
    listing: bool,
    quiet: bool,
) -> int:
    """Harden a machine of which an image is to be made.

    TARGET is ssh://user@host[:port]; the user needs sudo without a password. The key that logs in is the only one
    that stays; `--seal` removes that as well, powers the machine off, and leaves it ready to be made an image.
    A host key that known_hosts does not name is refused, unless --accept-new-host-key is given. Exit codes: 0 done;
    2 wrong call; 3 could not be done, and what the failed step had changed was put back."""
    from amigate.harden import run  # noqa: PLC0415 - slow to import
    from amigate.harden.apply import Applier  # noqa: PLC0415
    from amigate.harden.builder import Plan  # noqa: PLC0415
    from amigate.harden.ssh import connect  # noqa: PLC0415
    from amigate.harden.step import all_steps, choose  # noqa: PLC0415

    steps = choose(all_steps(), only=only, skip=skip)
    if listing:
        for step in steps:
            click.echo(f"{step.name}: {step.title}\n    meets {', '.join(step.meets)}")
        return 0
    address = parse(target or "", identity, known_hosts, accept_new=accept_new_host_key)
    show = progress(quiet=quiet)
    show(f"logging in to {address}")
    machine = connect(address, show)
    try:
        builder = Plan(machine) if dry_run else Applier(machine)
        changes = 0
        for applied in run.apply(builder, steps, show):
            changes += len(applied.log.changes)
            _tell(applied, diffs=dry_run)
        script = run.seal_script(builder)
        if dry_run and sealing:
            click.echo(f"seal: this would run, and end with the power off\n{script}")
        elif sealing:
            show("seal: removing keys and traces, then the power goes")
            run.seal(machine, script)
    finally:
        machine.close()
    click.echo(_summary(changes, dry_run=dry_run, sealing=sealing))
    return 0


def parse(target: str, identity: Path | None, known_hosts: Path | None, *, accept_new: bool) -> Address:
    """Read ssh://user@host[:port]; raises UsageError for anything else."""
    from amigate.harden.ssh import Address  # noqa: PLC0415 - slow to import

    hint = "TARGET is ssh://user@host or ssh://user@host:port"
    if target.startswith("ami-"):
        raise UsageError("an AMI itself cannot be changed", hint=f"amigate bake --from {target} --name NEW-NAME")
    try:
        url = urlsplit(target)
        port = url.port
    except ValueError:
        raise UsageError("the target is malformed", hint=hint) from None
    if url.scheme != "ssh" or not url.username or not url.hostname or url.path.strip("/") or url.query:
        raise UsageError("the target is no ssh:// address with a user", hint=hint)
    if url.password is not None:
        raise UsageError("the target holds a password; only keys are used", hint=hint)
    if identity is not None and not identity.is_file():
        raise UsageError(f"there is no key file {identity}")
    if known_hosts is not None and not known_hosts.exists():
        raise UsageError(f"there is no file {known_hosts}")
    return Address(
        host=url.hostname,
        user=url.username,
        port=port,
        identity=identity,
        known_hosts=known_hosts,
        accept_new=accept_new,
    )


def _tell(applied: Applied, *, diffs: bool) -> None:
    from amigate.report.escape import no_command, printable  # noqa: PLC0415 - slow to import

    step, log = applied.step, applied.log
    state = "nothing to change" if not log.changes else counted(len(log.changes))
    click.echo(f"{step.name}: {state}")
    for change in log.changes:
        click.echo(f"  {change.deed}: {printable(change.what)}")
        if diffs and change.diff:
            for line in change.diff.splitlines():
                click.echo(no_command("\t".join(map(printable, line.split("\t")))))
    for note in log.notes:
        click.echo(f"  note: {printable(note)}")


def counted(changes: int) -> str:
    """Return how many changes, in words."""
    return f"{changes} change{'s' * (changes != 1)}"


def _summary(changes: int, *, dry_run: bool, sealing: bool) -> str:
    if dry_run:
        return f"Dry run: {counted(changes)} would be made; nothing was changed."
    if sealing:
        return f"{counted(changes)} made; sealed and powered off. Make the image now: do not start the machine before."
    return f"{counted(changes)} made." if changes else "Nothing had to be changed."

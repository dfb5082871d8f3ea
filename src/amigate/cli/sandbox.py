"""`amigate sandbox`."""

from __future__ import annotations

import contextlib
import shlex
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from amigate.cli.progress import progress
from amigate.errors import UsageError
from amigate.report.escape import printable

if TYPE_CHECKING:
    from types import FrameType
    from typing import TextIO

    from amigate.sandbox import Sandbox
    from amigate.sandbox.images import Choice

_MIB = 1 << 20


@click.group("sandbox")
def command() -> None:
    """Run an EC2 endpoint on this machine, with real virtual machines."""


@command.command("up")
@click.option(
    "--image", "wanted", multiple=True, metavar="NAME[+DEFECT…]", help="An AMI to offer; by default lean and leaky."
)
@click.option("--port", default=0, show_default="any free one", help="Where the endpoint listens, on 127.0.0.1.")
@click.option("--memory-mib", default=256, show_default=True, help="Memory of each instance.")
@click.option("--fault", "faults", multiple=True, metavar="ACTION[:N[+]]=EFFECT", help="What is made to go wrong.")
@click.option("--log-calls", type=click.Path(dir_okay=False, path_type=Path), help="A file for the log of calls.")
def up(wanted: tuple[str, ...], port: int, memory_mib: int, faults: tuple[str, ...], log_calls: Path | None) -> None:
    """Start the sandbox and stay until Ctrl-C, which takes everything away again.

    Each --image is an image, with defects if wanted: lean, cloud, leaky, systemd+password-login, or one that
    was imported. `amigate sandbox images list` shows them.

    Each --fault makes the N-th call of ACTION (a pattern; N+ is that call and all after it) go wrong. EFFECT is an
    error code (or denied, throttled), delay:SECONDS, drop (no answer) or drop-after (carried out, no answer), as in
    RunInstances:2=InsufficientInstanceCapacity. --log-calls appends each call as a line of JSON, without secrets."""
    from amigate.sandbox import Sandbox  # noqa: PLC0415 - slow to import
    from amigate.sandbox import images as built  # noqa: PLC0415
    from amigate.sandbox.fault_text import parse  # noqa: PLC0415

    planned = [parse(text) for text in faults]
    choices = [built.parse(text) for text in wanted or built.DEFAULTS]
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    show = progress(quiet=False, watched=False)
    with contextlib.ExitStack() as exits:
        lines = exits.enter_context(_appended(log_calls)) if log_calls else None
        disks = [built.build(choice.image, defects=choice.defects, progress=show) for choice in choices]
        sandbox = exits.enter_context(Sandbox(port=port, memory_mib=memory_mib))
        amis = [
            sandbox.add_image(disk, choice.title, memory_mib=choice.memory_mib)
            for disk, choice in zip(disks, choices, strict=True)
        ]
        for fault in planned:
            sandbox.faults.add(fault)
        sandbox.calls.write_to(lines)
        try:
            click.echo(_banner(sandbox, dict(zip(amis, choices, strict=True))))
            threading.Event().wait()
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            show("SANDBOX ends: its instances, images and keys go with it")


@command.group("images")
def images() -> None:
    """Show and build the images of the sandbox."""


@images.command("list")
def list_() -> None:
    """List what can be built, what is in the cache, what was imported, and the defects that an image can have."""
    from amigate.sandbox import images as built  # noqa: PLC0415 - slow to import
    from amigate.sandbox.images import imported  # noqa: PLC0415

    click.echo("images:")
    for recipe in built.RECIPES.values():
        click.echo(f"  {recipe.name:28}{recipe.summary}")
    for name, (image, _) in built.SETS.items():
        click.echo(f"  {name:28}{image} with many defects")
    for own in imported.images():
        click.echo(f"  {own.name:28}imported; {own.memory_mib} MiB of memory; {own.path}")
    click.echo("\nbuilt:")
    for each in built.cached():
        click.echo(f"  {each.size_bytes // _MIB:6} MiB  {each.name}\n              {each.path}")
    click.echo("\ndefects:")
    for defect in built.DEFECTS.values():
        only = "" if set(defect.images) == built.RECIPES.keys() else f" ({', '.join(defect.images)})"
        click.echo(f"  {defect.name:28}{defect.summary}{only}")


@images.command("build")
@click.argument("name")
@click.option("--defect", "defects", multiple=True, help="What is to be wrong with it; may be repeated.")
def build(name: str, defects: tuple[str, ...]) -> None:
    """Build the image NAME, unless the cache has it, and print where it is."""
    from amigate.sandbox import images as built  # noqa: PLC0415 - slow to import

    choice = built.parse("+".join([name, *defects]))
    path = built.build(choice.image, defects=choice.defects, progress=progress(quiet=False))
    click.echo(path)


@images.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "image_format", required=True, type=click.Choice(["qcow2", "raw"]), help="What the file is.")
@click.option("--name", required=True, help="What to call the image here.")
@click.option(
    "--memory-mib", default=512, show_default=True, type=click.IntRange(64, 65536), help="What a guest needs at least."
)
def import_(path: Path, image_format: str, name: str, memory_mib: int) -> None:
    """Take the disk image at PATH into the cache, for `amigate sandbox up --image NAME`.

    The format is never guessed from the file. A qcow2 must be self-contained: no backing file, no data in
    another file, no encryption. The image must boot from BIOS. It stays until it is removed."""
    from amigate.sandbox.images import importing  # noqa: PLC0415 - slow to import

    taken = importing.take(path, image_format=importing.Format(image_format), name=name, memory_mib=memory_mib)
    click.echo(taken.path)


@images.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove the imported image NAME."""
    from amigate.sandbox.images import imported  # noqa: PLC0415 - slow to import

    imported.remove(name)


def _appended(path: Path) -> TextIO:
    """Open a file to write after what it holds."""
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--log-calls {printable(str(path))}: {error.strerror}", hint="Name a file.") from error


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _banner(sandbox: Sandbox, amis: dict[str, Choice]) -> str:
    """Say what runs, and what to type into another terminal to use it."""
    lines = ["SANDBOX: an EC2 on this machine with real virtual machines. Nothing here is AWS.", ""]
    lines += [f"  {ami}  {choice.title}{_defects(choice)}" for ami, choice in amis.items()]
    lines += ["", f"  {sandbox.speed}", "  Log in at an instance's PublicIpAddress, port AMIGATE_SSH_PORT, as admin."]
    lines += ["", "In another terminal:", ""]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in sandbox.environment().items()]
    lines += ["", "Ctrl-C ends the SANDBOX and everything in it."]
    return "\n".join(lines)


def _defects(choice: Choice) -> str:
    return f"  ({', '.join(choice.defects)})" if choice.defects else ""

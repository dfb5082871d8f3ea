"""`amigate sandbox`."""

from __future__ import annotations

import shlex
import signal
import threading
from typing import TYPE_CHECKING

import click

from amigate.cli.output import progress

if TYPE_CHECKING:
    from types import FrameType

    from amigate.sandbox import Sandbox
    from amigate.sandbox.images import Choice

_MIB = 1 << 20


@click.group("sandbox")
def command() -> None:
    """Run an EC2 endpoint on this machine, with real virtual machines."""


@command.command("up")
@click.option("--image", "wanted", multiple=True, metavar="NAME[+DEFECT…]", help="An AMI to offer; lean and leaky.")
@click.option("--port", default=0, show_default="any free one", help="Where the endpoint listens, on 127.0.0.1.")
@click.option("--memory-mib", default=256, show_default=True, help="Memory of each instance.")
def up(wanted: tuple[str, ...], port: int, memory_mib: int) -> None:
    """Start the sandbox and stay until Ctrl-C, which takes everything away again.

    Each --image is an image, with defects if wanted: lean, leaky, lean+password-login. `amigate sandbox
    images list` shows them."""
    from amigate.sandbox import Sandbox  # noqa: PLC0415 - slow to import
    from amigate.sandbox import images as built  # noqa: PLC0415

    choices = [built.parse(text) for text in wanted or built.DEFAULTS]
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    show = progress(quiet=False)
    disks = [built.build(choice.image, defects=choice.defects, progress=show) for choice in choices]
    with Sandbox(port=port, memory_mib=memory_mib) as sandbox:
        amis = [sandbox.add_image(disk, choice.title) for disk, choice in zip(disks, choices, strict=True)]
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
    """List the images in the cache, and the defects that one can have."""
    from amigate.sandbox import images as built  # noqa: PLC0415 - slow to import

    found = built.cached()
    for image in found:
        click.echo(f"{image.size_bytes // _MIB:6} MiB  {image.name}\n            {image.path}")
    if not found:
        click.echo("no image is built yet; `amigate sandbox images build lean` builds one")
    click.echo("\ndefects:")
    for defect in built.DEFECTS.values():
        click.echo(f"  {defect.name:22}{defect.summary}")


@images.command("build")
@click.argument("name")
@click.option("--defect", "defects", multiple=True, help="What is to be wrong with it; may be repeated.")
def build(name: str, defects: tuple[str, ...]) -> None:
    """Build the image NAME, unless the cache has it, and print where it is."""
    from amigate.sandbox import images as built  # noqa: PLC0415 - slow to import

    choice = built.parse("+".join([name, *defects]))
    path = built.build(choice.image, defects=choice.defects, progress=progress(quiet=False))
    click.echo(path)


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

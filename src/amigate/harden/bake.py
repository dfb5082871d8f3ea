"""From an AMI to a hardened one: launch, harden, seal, make an image; nothing else stays behind."""

from __future__ import annotations

import re
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from amigate.errors import AwsError, HardenError, LaunchError, UsageError
from amigate.harden import run as hardening
from amigate.harden.apply import Applier
from amigate.harden.new_image import make_image
from amigate.sources.aws_errors import aws_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from amigate.harden.step import Step
    from amigate.jump import Jump
    from amigate.profile import Egress
    from amigate.sources.aws import Aws
    from amigate.sources.launch import AccountRun
    from amigate.sources.machine import Machine
    from amigate.sources.tunnel import JumpHost

_NAME = re.compile(r"[A-Za-z0-9()\[\] ./\-'@_]{3,128}")
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html"""

FIRST_BOOT_S = 300.0
STOPPED_S = 600.0
LIFETIME_S = 4 * 3600
"""More than first boot, steps, seal and the making of the image take together."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What to make, of what, and how to get in."""

    source: str
    """Id of the AMI to start from."""
    name: str
    """Of the new AMI."""
    steps: Sequence[Step]
    ssh_users: Sequence[str] | None = None
    """Whom to log in as; by default the usual users for the source."""
    ssh_port: int = 22
    timeout_s: float = 300.0
    """For the login."""
    runner_cidr: str | None = None
    subnet: str | None = None
    instance_type: str | None = None
    ssh_address: Literal["public", "private"] = "public"
    egress: Sequence[Egress] = ()
    jump: Jump | None = None
    """The host through which the instance is reached."""


def bake(aws: Aws, recipe: Recipe, progress: Callable[[str], None] = lambda _: None) -> str:
    """Return the id of the new AMI, once it is available.

    Raises UsageError before anything is launched for a name that is taken or malformed or a source that is not
    there; afterwards AmigateError, and then nothing that was made is left."""
    from amigate.jump import jump_host  # noqa: PLC0415
    from amigate.sources.ec2 import describe  # noqa: PLC0415 - AWS only when it is asked
    from amigate.sources.launch import open_run  # noqa: PLC0415
    from amigate.sources.login_users import login_users  # noqa: PLC0415

    _, ec2 = describe(aws, recipe.source)
    _require_free(aws, recipe.name)
    with (
        jump_host(recipe.jump) if recipe.jump else nullcontext() as jump,
        open_run(
            aws,
            runner_cidr=recipe.runner_cidr,
            ssh_port=recipe.ssh_port,
            subnet=recipe.subnet,
            instance_type=recipe.instance_type,
            ssh_address=recipe.ssh_address,
            egress=recipe.egress,
            lifetime_s=LIFETIME_S + int(recipe.timeout_s),
            progress=progress,
        ) as run,
    ):
        machine = run.launch(ec2.image, "builder", stop_on_shutdown=True)
        _prepare(run, machine, recipe, login_users(ec2.image, recipe.ssh_users), jump, progress)
        _await_stopped(run, machine)
        progress("builder: sealed and stopped")
        return make_image(run, machine.instance_id, recipe.name, source=recipe.source, progress=progress)


def _require_free(aws: Aws, name: str) -> None:
    """Raise UsageError unless an AMI can be given this name."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for an AMI", hint="3 to 128 letters, digits, spaces and ( ) [ ] . / - ' @ _"
        )
    with aws_errors("look for an AMI of that name"):
        found = aws.ec2.describe_images(
            Owners=["self"],
            Filters=[{"Name": "name", "Values": [name]}],
            IncludeDeprecated=True,
            IncludeDisabled=True,
        )["Images"]
    if found:
        raise UsageError(
            f"the name {name!r} is taken by {found[0].get('ImageId', 'another AMI')}",
            hint="choose another --name, or deregister that AMI",
        )


def _prepare(  # noqa: PLR0913, PLR0917 - the parts of one run
    run: AccountRun,
    machine: Machine,
    recipe: Recipe,
    users: Sequence[str],
    jump: JumpHost | None,
    progress: Callable[[str], None],
) -> None:
    """Log in, apply the steps, seal."""
    from amigate.harden.ssh import Address, connect  # noqa: PLC0415 - paramiko is slow to import
    from amigate.sources.reach import reach  # noqa: PLC0415

    contact, connection = reach(run, machine, users=users, port=recipe.ssh_port, timeout_s=recipe.timeout_s, jump=jump)
    if connection is None:
        raise LaunchError(f"nobody could log in to the builder: {contact.detail}")
    connection.close()
    progress(f"builder: logged in as {contact.user} after {contact.waited_s:.1f} s")
    session = connect(
        Address(
            host=contact.address,
            port=contact.port,
            user=contact.user,
            key=machine.key.private,
            host_fingerprint=contact.host_key,
            gateway=jump.connection if jump else None,
        )
    )
    try:
        # What first boot is still writing would come back behind the steps.
        session.execute(_AWAIT_FIRST_BOOT, timeout_s=FIRST_BOOT_S)
        builder = Applier(session)
        for applied in hardening.apply(builder, recipe.steps):
            changes = len(applied.log.changes)
            counted = f"{changes} change{'s' * (changes > 1)}" if changes else "nothing to change before the seal"
            progress(f"builder: {applied.step.name}: {counted}")
        progress("builder: seal")
        hardening.seal(session, hardening.seal_script(builder))
    finally:
        session.close()


_AWAIT_FIRST_BOOT = "if command -v cloud-init >/dev/null 2>&1; then cloud-init status --wait >/dev/null; fi"


def _await_stopped(run: AccountRun, machine: Machine) -> None:
    until = time.monotonic() + STOPPED_S
    while (state := machine.look().state) != "stopped":
        if state in {"shutting-down", "terminated"}:
            raise HardenError(f"the builder is {state} instead of stopped, so no image can be made of it")
        if time.monotonic() > until:
            raise AwsError(f"the builder did not stop within {STOPPED_S:.0f} s of its seal")
        time.sleep(min(run.pause_s, 5.0))

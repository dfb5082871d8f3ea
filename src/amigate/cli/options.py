"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from click.core import ParameterSource

from amigate.cli import completing
from amigate.cli.progress import listen
from amigate.errors import UsageError
from amigate.report.formats import FORMATS as NAMES
from amigate.result import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from amigate.live import Options

Command = Any  # a function that click decorates: its parameters are the options


def aws(command: Command) -> Command:
    """Add how to reach AWS; everything else comes from the AWS configuration, as for the AWS CLI."""
    return click.option("--region", help="AWS region.  [default: from the AWS configuration]")(endpoint(command))


def endpoint(command: Command) -> Command:
    """Add which EC2 is asked."""
    text = "EC2 endpoint, such as the sandbox's.  [env: AWS_ENDPOINT_URL]"
    return click.option("--endpoint-url", envvar="AWS_ENDPOINT_URL", help=text)(command)


def profile(command: Command) -> Command:
    """Add the profile."""
    text = "Profile: a shipped one by name (`amigate profiles list`), or a YAML file."
    return click.option(
        "--profile",
        "profile_name",
        default="aws-shared",
        show_default=True,
        help=text,
        shell_complete=completing.profiles,
    )(command)


def launching(command: Command) -> Command:
    """Add how test instances are launched and reached."""
    options = [
        click.option("--user", "users", multiple=True, help="Login user; repeat to try several.  [default: profile]"),
        click.option(
            "--ssh-port",
            type=click.IntRange(1, 65535),
            help="TCP port of SSH.  [default: profile; env: AMIGATE_SSH_PORT]",
        ),
        click.option("--timeout", type=click.FloatRange(5, 7200), help="Seconds until a login must work."),
        click.option("--runner-cidr", help="Where SSH may come from.  [default: this machine's public address]"),
        click.option("--subnet", help="Subnet to launch in.  [default: those of the default VPC]"),
        click.option("--instance-type", help="Type to launch, and no other.  [default: chosen to fit the image]"),
        click.option(
            "--ssh-address",
            type=click.Choice(["public", "private"]),
            help="Address to reach the instances at; with private they get no public one.  "
            "[default: public; private with --ssh-jump]",
        ),
        click.option(
            "--ssh-jump",
            metavar="[USER@]HOST[:PORT]",
            help="Reach the instances through this host, as ssh -J does; --runner-cidr names its address.",
        ),
        click.option(
            "--ssh-jump-identity",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Private key for the jump host.  [default: as ssh would]",
        ),
    ]
    return _apply(command, options)


def reports(command: Command) -> Command:
    """Add where the report goes."""
    return _formats("--report", "reports", "Report", NAMES)(progress(command))


def progress(command: Command) -> Command:
    """Add how much of the run's progress is shown."""
    return click.option("-q", "--quiet", is_flag=True, help="Show no progress.")(verbose(command))


def verbose(command: Command) -> Command:
    """Add that all that the run does is shown."""
    return click.option(
        "-v",
        "--verbose",
        is_flag=True,
        expose_value=False,
        callback=listen,
        help="Show each call to AWS, each login and round trip, and how long phases take.",
    )(command)


def formats(names: Collection[str]) -> Callable[[Command], Command]:
    """Return what adds the formats in which something is shown that there is already."""
    return _formats("--format", "formats", "Show it", names)


def _formats(flag: str, name: str, verb: str, names: Collection[str]) -> Callable[[Command], Command]:
    text = f"{verb} as FORMAT ({', '.join(names)}), to PATH or standard output; repeat for more.  [default: console]"
    complete = completing.one_of(names)
    return click.option(flag, name, multiple=True, metavar="FORMAT[=PATH]", help=text, shell_complete=complete)


def asked(command: Command) -> Command:
    """Add which witnesses are asked."""
    text = "Witnesses to ask: ec2, disk, instance, twin, probe.  [default: all that the profile asks]"
    return click.option(
        "--evidence",
        "asked",
        callback=witnesses,
        metavar="WITNESS,…",
        help=text,
        shell_complete=completing.one_of(Witness),
    )(command)


def accept_partial(command: Command) -> Command:
    """Add that fewer witnesses will do."""
    text = "Accept fewer witnesses than the profile asks."
    return click.option("--accept-partial", is_flag=True, help=text)(command)


def witnesses(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[Witness, ...] | None:
    """Read a comma-separated list of witnesses."""
    del context, parameter
    if value is None:
        return None
    try:
        return tuple(Witness(name.strip()) for name in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{error}; name some of {', '.join(Witness)}") from None


def launch_options(  # noqa: PLR0913, PLR0917 - one parameter per option that is not taken as it is
    users: tuple[str, ...],
    ssh_port: int | None,
    timeout: float | None,
    ssh_address: Literal["public", "private"] | None,
    ssh_jump: str | None,
    ssh_jump_identity: Path | None,
    **rest: Any,
) -> Options:
    """Return the options of `launching` as the run takes them; raise UsageError for some that do not go together."""
    from amigate.jump import Jump  # noqa: PLC0415 - slow to import
    from amigate.live import Options  # noqa: PLC0415

    if ssh_jump is None and ssh_jump_identity is not None:
        raise UsageError("--ssh-jump-identity is the key for a jump host, and there is none", hint="add --ssh-jump")
    if ssh_jump is not None and rest.get("runner_cidr") is None:
        raise UsageError(
            "with --ssh-jump it is the jump host that connects to the instances, and its address there is not known",
            hint="name it with --runner-cidr, such as 10.0.0.5/32: its private address where it is in the same network",
        )
    return Options(
        ssh_users=users or None,
        ssh_port=ssh_port,
        timeout_s=timeout,
        ssh_address=ssh_address or ("private" if ssh_jump else "public"),
        jump=Jump.parse(ssh_jump, ssh_jump_identity) if ssh_jump else None,
        **rest,
    )


def refuse(context: click.Context, target: str, *names: str, why: str = "nothing is launched") -> None:
    """Raise UsageError for options on the command line that mean nothing with such a target."""
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name in names and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise UsageError(
            f"{', '.join(given)} mean{'s' * (len(given) == 1)} nothing with {target}: {why}",
            hint="Leave it out, or name another target.",
        )


def _apply(command: Command, options: list[Callable[[Command], Command]]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command

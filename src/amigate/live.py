"""The live part of a run: what the plan asks for is launched, looked at and removed again."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from amigate.errors import RemovalError
from amigate.result import Phase
from amigate.rules import needs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from amigate.evidence.model import Ec2Descriptions
    from amigate.jump import Jump
    from amigate.plan import Plan
    from amigate.profile import Profile
    from amigate.sources.aws import Aws
    from amigate.sources.instance import Observation
    from amigate.sources.keep import Keep
    from amigate.sources.observation import Further

_log = logging.getLogger(__name__)
LIFETIME_S = 7200
"""Beside the time for logins; a run is over long before, so what is there then was left behind."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to launch and reach the test instances; None leaves it to the profile or to what EC2 offers."""

    ssh_users: Sequence[str] | None = None
    ssh_port: int | None = None
    timeout_s: float | None = None
    runner_cidr: str | None = None
    subnet: str | None = None
    instance_type: str | None = None
    ssh_address: Literal["public", "private"] = "public"
    """Where they are reached; with "private" they get no public address."""
    jump: Jump | None = None
    """The host through which the instances are reached."""
    keep: Keep | None = None
    """Leave the instances of a run that came to its end."""


@dataclass
class Log:
    """What is to be said of the run itself: seconds per phase, cost, and notes for the reader."""

    phases: dict[str, float] = field(default_factory=dict)
    timeline: list[Phase] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    """time.monotonic() at the run's begin."""
    notes: list[str] = field(default_factory=list)
    cost: dict[str, float] = field(default_factory=dict)
    left: RemovalError | None = None
    """What could not be removed."""

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure what happens inside, however it ends."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.phases[name] = round(time.monotonic() - started, 3)
            self.span(name, started, time.monotonic())
            _log.debug("phase %s: %.1f s", name, self.phases[name])

    def span(self, name: str, started: float, ended: float) -> None:
        """Take something that happened between two times of time.monotonic() into the timeline."""
        phase = Phase(name=name, started_s=round(started - self.began, 3), duration_s=round(ended - started, 3))
        self.timeline.append(phase)


def observe_image(  # noqa: PLR0913, PLR0917 - the run's own parts
    aws: Aws,
    ec2: Ec2Descriptions,
    planned: Plan,
    profile: Profile,
    options: Options,
    log: Log,
    progress: Callable[[str], None],
    further: Further | None = None,
) -> Observation | None:
    """Launch, look and remove; None when there is nothing to launch; `further` asks more of each.

    What is left behind is noted in `log`."""
    if not planned.launches:
        return None
    from amigate.facts.catalogue import NEEDS, after_reboot  # noqa: PLC0415 - while the instances boot
    from amigate.facts.reboot import boot_id  # noqa: PLC0415
    from amigate.jump import jump_host  # noqa: PLC0415
    from amigate.sources.instance import Manner, Questions, observe  # noqa: PLC0415 - paramiko is slow to import
    from amigate.sources.launch import open_run  # noqa: PLC0415
    from amigate.sources.login_users import login_users  # noqa: PLC0415

    timeout_s = options.timeout_s or profile.ssh.timeout_s
    lifetime_s = LIFETIME_S + int(2 * timeout_s)
    going_through = jump_host(options.jump) if options.jump else nullcontext()
    account_run = open_run(
        aws,
        runner_cidr=options.runner_cidr,
        ssh_port=options.ssh_port or profile.ssh.port,
        subnet=options.subnet,
        instance_type=options.instance_type,
        ssh_address=options.ssh_address,
        egress=profile.launch.egress,
        lifetime_s=lifetime_s,
        keep=options.keep,
        progress=progress,
    )
    seen: Observation | None = None
    try:
        with going_through as jump, log.phase("launch to removal"), account_run as run, log.phase("launch and observe"):
            seen = observe(
                run,
                ec2.image,
                planned,
                Questions(needs=(*NEEDS, *needs_of(profile)), after_reboot=after_reboot, boot=boot_id, further=further),
                Manner(
                    ssh_users=login_users(ec2.image, options.ssh_users or profile.ssh.users),
                    ssh_port=options.ssh_port or profile.ssh.port,
                    jump=jump,
                    timeout_s=timeout_s,
                    key_wait_s=profile.ssh.key_wait_s,
                ),
                progress=progress,
            )
    except RemovalError as error:
        if seen is None:
            raise
        log.left = error
        told, *commands = error.hint.splitlines()
        log.notes.append(f"Resources were left behind: {error}. {told} {'; '.join(commands)}")
    return seen

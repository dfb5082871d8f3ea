"""Launch test instances of an image and look at each from outside and from inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amigate.evidence.model import Launch

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from amigate.evidence.model import Contact, View, Viewpoint
    from amigate.evidence.questions import Needs
    from amigate.sources.launch import AccountRun, Machine
    from amigate.sources.ssh import Connection


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What was seen of the launches."""

    views: Mapping[Viewpoint, View]
    """Per launch, boot 1: an inside view (broken when the login failed) and an outside view with the Contact."""
    consoles: Mapping[str, str]
    """Tail of the serial console of each launch that could not be logged in to; harmless to print."""
    timings: Mapping[str, float]
    """Seconds per phase and launch, such as `A: login`."""
    instance_seconds: float
    """Sum over the launches, until the observation ended."""


def observe(  # noqa: PLR0913
    run: AccountRun,
    image: Mapping[str, Any],
    launches: Sequence[Launch] = (Launch.A, Launch.B),
    *,
    needs: Sequence[Needs],
    ssh_users: Sequence[str],
    ssh_port: int = 22,
    timeout_s: float = 300,
    collect_s: float = 120,
    progress: Callable[[str], None] = lambda _: None,
) -> Observation:
    """Launch all of `launches` at the same time, log in to each, collect what `needs` asks.

    Raises LaunchError or AwsError when AWS is in the way; what the image does is part of the views."""
    raise NotImplementedError


def reach(  # noqa: PLR0913
    run: AccountRun,
    machine: Machine,
    *,
    users: Sequence[str],
    port: int = 22,
    timeout_s: float = 300,
    cancelled: threading.Event | None = None,
) -> tuple[Contact, Connection | None]:
    """Wait until `machine` runs and log in; the Contact says how it went, the Connection is None unless accepted."""
    raise NotImplementedError

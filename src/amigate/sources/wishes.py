"""What the caller of a run may choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Network

    from amigate.profile import Egress


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """How the caller wants test instances launched."""

    runner: IPv4Network
    """Who may connect."""
    ssh_port: int = 22
    subnet: str | None = None
    instance_type: str | None = None
    private: bool = False
    """Reach the instances at their private addresses, and give them no public one."""
    egress: Sequence[Egress] = ()
    """Where they may connect to."""
    lifetime_s: int = 7200
    """After that everything counts as left behind."""

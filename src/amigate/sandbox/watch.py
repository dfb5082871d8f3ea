"""What somebody who tries things out has of a sandbox: the log of its calls, and the faults in force."""

from __future__ import annotations

from dataclasses import dataclass, field

from amigate.sandbox.calls import Calls
from amigate.sandbox.faults import Faults


@dataclass(frozen=True, kw_only=True)
class Watch:
    """The log and the faults of one sandbox."""

    calls: Calls = field(default_factory=Calls)
    faults: Faults = field(default_factory=Faults)

"""What a child gives up, for good, before it looks at the image."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.disk.child import landlock, libc, seccomp
from amigate.disk.child.isolation import Isolation

if TYPE_CHECKING:
    from amigate.disk.child.limits import Limits

SOCKET = 3
"""The descriptor of the socket, behind which no further one can be opened."""
ORPHANED = 4
"""Exit code of a child whose parent was gone before it started."""
_NOBODY = 65534
_CAP_KILL = 5


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, however it does; exits where it is dead already."""
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(ORPHANED)


def confine(limits: Limits, parent: int) -> Isolation:
    """Give up everything but computing and the socket; return what the kernel let us give up.

    What can be given up only with privileges comes first, the filter that forbids all this itself last."""
    base = _address_space()
    network = libc.unshare(libc.CLONE_NEWNET)
    if os.geteuid() == 0 and _may_be_killed_as_another():
        _become_nobody()
    network = network or libc.unshare(libc.CLONE_NEWUSER | libc.CLONE_NEWNET)
    no_new_privileges = libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    capabilities = libc.drop_capabilities()
    libc.prctl(libc.PR_SET_DUMPABLE, 0)
    files = landlock.install()
    unprivileged = capabilities and os.geteuid() != 0
    _limit_resources(limits, base)
    die_with(parent)  # again: becoming somebody else forgets it
    return Isolation(
        system_calls=seccomp.install(),
        files=files,
        network=network,
        unprivileged=unprivileged,
        no_new_privileges=no_new_privileges,
    )


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def _may_be_killed_as_another() -> bool:
    """Whether root, who started this, may signal other users: in a container it may not."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    effective = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> _CAP_KILL & 1)


def _become_nobody() -> None:
    try:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    except OSError:
        return  # said as a gap


def _limit_resources(limits: Limits, base: int) -> None:
    for kind, soft, hard in (
        (resource.RLIMIT_AS, base + limits.memory_bytes, base + limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
        (resource.RLIMIT_NPROC, 0, 0),
        (resource.RLIMIT_NOFILE, SOCKET + 1, SOCKET + 1),
    ):
        allowed = resource.getrlimit(kind)[1]
        if allowed != resource.RLIM_INFINITY:
            soft, hard = min(soft, allowed), min(hard, allowed)  # noqa: PLW2901 - what may be
        resource.setrlimit(kind, (soft, hard))

"""The folder of one run, and what remains of runs that were killed."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "amigate-sandbox-"
_LOCK = "lock"
_LONGEST = 107 - len("/i-0123456789abcdef0/control/qmp")


@contextlib.contextmanager
def folder(parent: Path | None) -> Iterator[Path]:
    """Provide a new folder for disks and sockets, gone afterwards; folders of dead runs beside it go too."""
    place = (parent or Path(tempfile.gettempdir())).resolve()
    place.mkdir(parents=True, exist_ok=True)
    sweep(place)
    own = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    try:
        if len(str(own)) > _LONGEST:
            raise SandboxError(f"{place} is too long a path for sockets", hint="choose a shorter directory")
        with (own / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


def sweep(place: Path) -> None:
    """Remove the folders of runs that hold no lock any more: they were killed."""
    for left in place.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError), (left / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)

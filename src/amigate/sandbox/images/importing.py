"""Takes a disk image of the user's own into the cache, as a self-contained qcow2.

The file is not trusted: it is opened once, its format is what the user says and never what its bytes say, and
qemu-img, which reads the rest of it, runs with limits and without privileges."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.errors import SandboxError, UsageError
from amigate.sandbox.images import cache, imported, qcow2, tools
from amigate.sandbox.images.choice import SETS
from amigate.sandbox.images.recipes import RECIPES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

MOST_BYTES = 64 << 30
"""The largest disk, as a guest sees it: the sandbox's volumes end there."""
_TIMEOUT_S = 1800
_CPU_S = 900
_MEMORY_BYTES = 2 << 30


class Format(StrEnum):
    """What an image file is; always said, never guessed."""

    QCOW2 = "qcow2"
    RAW = "raw"


def take(path: Path, *, image_format: Format, name: str, memory_mib: int) -> imported.Imported:
    """Convert a disk image into the cache under a name, and return it.

    Raises UsageError for a file or a name that cannot be taken, SandboxError when the conversion fails."""
    _check_name(name)
    tools.require(("prlimit", "qemu-img", "setpriv"))
    out = imported.folder() / f"{name}.qcow2"
    with cache.one_builder(out), _opened(path) as file:
        if out.exists():
            raise UsageError(f"an image called {name!r} was imported before", hint="amigate sandbox images remove")
        size = _virtual_size(file, image_format)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".importing-") as folder:
            made = Path(folder) / "disk.qcow2"
            _convert(file, image_format, made, size)
            with made.open("rb") as result:
                qcow2.virtual_size(result)
            made.chmod(0o444)
            out.with_suffix(".json").write_text(json.dumps({"memory_mib": memory_mib}))
            made.rename(out)
    return imported.find(name)


def _check_name(name: str) -> None:
    if not imported.NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of an image", hint="small letters, digits, dots, - and _")
    if name in (*RECIPES, *SETS):
        raise UsageError(f"{name!r} is an image of the sandbox's own", hint="choose another name")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file to read; a device or a pipe would be read, or waited for, without end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        raise UsageError(f"{path} cannot be opened: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{path} is no regular file")
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _virtual_size(file: BinaryIO, image_format: Format) -> int:
    """Return how many bytes a guest sees, if that can be a disk."""
    length = os.fstat(file.fileno()).st_size
    size = qcow2.virtual_size(file) if image_format is Format.QCOW2 else length
    if size == 0 or max(size, length) > MOST_BYTES:
        raise UsageError(f"the disk has {max(size, length)} bytes", hint=f"from 1 to {MOST_BYTES} can be imported")
    return size


def _convert(file: BinaryIO, image_format: Format, out: Path, size: int) -> None:
    """Let qemu-img write a copy; it opens the file that was looked at, whatever the path leads to by now."""
    descriptor = file.fileno()
    room = size + size // 8 + (64 << 20)
    limits = [f"--as={_MEMORY_BYTES}", f"--cpu={_CPU_S}", f"--fsize={room}", "--core=0"]
    command = ["qemu-img", "convert", "-f", image_format.value, "-O", "qcow2", f"/proc/self/fd/{descriptor}", str(out)]
    confined = ["setpriv", "--no-new-privs", *tools.without_capabilities(), "--", "prlimit", *limits, "--"]
    try:
        tools.run([*confined, *command], timeout_s=_TIMEOUT_S, pass_fds=(descriptor,))
    except SandboxError as error:
        raise SandboxError(f"the image could not be converted: {error}", hint="is --format what it is?") from error

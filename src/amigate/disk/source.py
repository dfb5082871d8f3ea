"""A disk image file, whatever its format, as a disk."""

from __future__ import annotations

import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.disk.convert import converted
from amigate.disk.formats import FOOTER_BYTES, Format, recognise
from amigate.disk.pieces import part
from amigate.disk.qcow2 import Qcow2
from amigate.disk.raw import Raw
from amigate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amigate.disk.blocks import Blocks


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image file that is open."""

    file: Blocks
    format: Format
    """`raw` or `qcow2`: what is left to do is done by `disk`, in a process that may read hostile data."""


@contextmanager
def opened(path: Path, *, image_format: Format | None = None, scratch: Path | None = None) -> Iterator[Image]:
    """Yield an image file or block device, for as long as the context lasts.

    Its format is told by its magic, unless given: whoever made a raw disk may have begun it like another format.
    Raises UsageError for what is no file, UnsupportedError or IncompleteError for an image that cannot be read."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISBLK(mode):
            raise UsageError(f"{path}: it is no disk image", hint="Give a file or a block device.")
        raw = Raw(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be opened: {error.strerror}") from error
    with raw:
        found = image_format or recognise(raw)
        if found in {Format.RAW, Format.QCOW2}:
            yield Image(file=raw, format=found)
        elif found == Format.VHD_FIXED:
            yield Image(file=part(raw, 0, raw.size - FOOTER_BYTES), format=Format.RAW)
        else:
            with converted(path, found, scratch) as disk:
                yield Image(file=disk, format=Format.RAW)


def disk(image: Image) -> Blocks:
    """Return the disk in an image; raises UnsupportedError or IncompleteError for a qcow2 that cannot be read."""
    return Qcow2(image.file) if image.format == Format.QCOW2 else image.file

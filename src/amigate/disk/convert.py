"""Disk images of other programs, made raw by qemu-img: a large parser for files that are not to be trusted.

It gets the format told, one file to read and one to write, no network, and limits for time and memory."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError, UnsupportedError
from amigate.disk.formats import Format
from amigate.disk.raw import Raw

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_DISK_BYTES = 16 << 40
"""Size of a disk, nearly all of which may be holes."""
_MOST_MEMORY_BYTES = 4 << 30
_MOST_S = 1800
_LEAST_FREE_BYTES = 1 << 30
"""Left on the file system that the disk is written to."""
_OPTIONS: dict[Format, dict[str, str | None]] = {
    Format.VMDK: {"backing": None},
    Format.VHD: {"force_size_calc": "current_size"},  # the one by geometry may be less, and hide the end of a disk
}
_BY_HAND = "or make the image qcow2 yourself: qemu-img convert -O qcow2"


@contextlib.contextmanager
def converted(path: Path, image_format: Format, scratch: Path | None = None) -> Iterator[Raw]:
    """Yield the disk in an image that `formats.recognise` knew, from a temporary file that is gone afterwards.

    `scratch` is where that file lies, else where TMPDIR says. Raises UnsupportedError where qemu-img is missing,
    cannot be locked in or does not understand the image, IncompleteError where a limit is reached."""
    program = shutil.which("qemu-img")
    if program is None:
        raise UnsupportedError(f"a {image_format} image is read by qemu-img, which is missing: apt install qemu-utils")
    with tempfile.TemporaryDirectory(prefix="amigate-disk-", dir=scratch) as folder:
        raw = Path(folder) / "raw"
        source = {
            "driver": image_format.value,
            "file": {"driver": "file", "filename": str(path.absolute())},
            **_OPTIONS.get(image_format, {}),
        }
        _run([*_cell(), program, "convert", "-q", "-O", "raw", f"json:{json.dumps(source)}", str(raw)], raw)
        with Raw(raw) as disk:
            yield disk


def _cell() -> list[str]:
    """Return what a program is started with so that it has no network; the process stays the same."""
    limits = (f"--fsize={_MOST_DISK_BYTES}", f"--as={_MOST_MEMORY_BYTES}", f"--cpu={_MOST_S}", "--core=0")
    without = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    cell = ["prlimit", *limits, *without]
    if shutil.which("prlimit") is None or shutil.which("unshare") is None:
        raise UnsupportedError(f"qemu-img is only run without a network, and unshare or prlimit is missing; {_BY_HAND}")
    done = subprocess.run([*cell, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        raise UnsupportedError(f"qemu-img is only run without a network, which this machine does not allow; {_BY_HAND}")
    return cell


def _run(command: list[str], raw: Path) -> None:
    end = time.monotonic() + _MOST_S
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # it quotes the image
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
    ) as process:
        try:
            while process.poll() is None:
                if time.monotonic() > end:
                    raise IncompleteError(f"converting the image took longer than {_MOST_S} s")
                if shutil.disk_usage(raw.parent).free < _LEAST_FREE_BYTES:
                    raise IncompleteError(f"there is no room for the disk in {raw.parent.parent}; set TMPDIR")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
        finally:
            process.kill()
    if process.returncode:
        raise UnsupportedError(f"qemu-img cannot read the image as what it seems to be (exit {process.returncode})")

"""Files that commands write: whether they can be written is found before anything is launched."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from amigate.errors import UsageError
from amigate.report.escape import printable

_HINT = "Name a file that can be written."


def require_writable(path: Path, option: str, *, device: bool = False) -> None:
    """Raise UsageError when no file can be written to `path`; with `device`, it may be one, or a pipe."""
    if path.exists() and not path.is_file():
        possible = device and not path.is_dir() and os.access(path, os.W_OK)
    else:
        possible = os.access(path.absolute().parent, os.W_OK | os.X_OK)
    if not possible:
        raise UsageError(f"{option} {printable(str(path))}: no file can be written there", hint=_HINT)


def write(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all, or to a device or pipe; raises UsageError where that fails."""
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
        else:
            _replace(path, text)
    except OSError as error:
        raise UsageError(f"{printable(str(path))}: {error.strerror}", hint=_HINT) from None


def _replace(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(prefix=".amigate-", dir=path.absolute().parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise

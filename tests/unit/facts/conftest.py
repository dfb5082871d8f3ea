"""A root file system at rest, made of a few files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.sources.directory import read_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from amigate.evidence.model import View
    from amigate.evidence.questions import Needs


@pytest.fixture
def at_rest(tmp_path: Path) -> Callable[..., View]:
    """Return a function that writes files (path to text, or to bytes) and returns what `needs` see of them."""

    def look(files: Mapping[str, str | bytes], *needs: Needs) -> View:
        (tmp_path / "lib").mkdir(exist_ok=True)
        for path, content in files.items():
            file = tmp_path / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_directory(tmp_path, needs, redactor=None)

    return look

"""How reports name a profile's file, so that the name leads to it in whoever's checkout."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def shown(path: Path) -> str:
    """Return `path` relative to the repository that holds it, else to the working directory, else absolute.

    A shipped profile is named as in amigate's own repository: `profiles/NAME.yaml`."""
    whole = path.resolve()
    if whole.parent == Path(str(files("amigate.profiles"))).resolve():
        return f"profiles/{whole.name}"
    for folder in (*(parent for parent in whole.parents if (parent / ".git").exists()), Path.cwd()):
        if whole.is_relative_to(folder):
            return whole.relative_to(folder).as_posix()
    return whole.as_posix()

"""Names in a folder, and what they mean."""

from __future__ import annotations

from amigate.disk.blocks import IncompleteError

Names = tuple[list[str], list[int]]
"""Names, and the numbers of the inodes that they mean."""
_NO_NAMES = {"", ".", ".."}


def named(raw: list[bytes], numbers: list[int], what: str) -> Names:
    """Return entries of a folder by their names; raises IncompleteError about `what` for a name that none can have."""
    # At once, as nothing that is no UTF-8 reaches over a slash.
    text = b"/".join(raw).decode("utf-8", "surrogateescape")
    names = text.split("/") if raw else []
    if len(names) != len(numbers) or "\0" in text or not _NO_NAMES.isdisjoint(names):
        raise IncompleteError(f"{what} is damaged: it holds a name that none can have")
    return names, numbers

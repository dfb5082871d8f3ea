"""The step `disk`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.harden.step import step

if TYPE_CHECKING:
    from amigate.harden.builder import Builder


@step("disk", meets=["disk-no-recoverable-secrets", "disk-free-space-clean"], needs_seal=True)
def disk(builder: Builder) -> None:
    """Nothing that was deleted can be read off the disk: free space is overwritten with zeros, at the seal.

    An image has every block that was ever written, deleted files too. To fill what is free takes as long as to write
    it, and leaves out what a file system keeps for itself: XFS gives 0.7 % of its size to no file, with rmapbt 2 %.
    Where the verdict still finds something, build on a fresh file system. Trimming would be faster and is not certain
    to reach the snapshot."""
    builder.at_seal("disk.seal.sh.j2")
    builder.note("done by the seal")

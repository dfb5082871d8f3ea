"""FAT12, FAT16 and FAT32 with long names, read from their blocks as Linux' vfat shows them.

The format is that of Microsoft's "FAT: General Overview of On-Disk Format" (fatgen103, the FAT32 File System
Specification), the names and what counts in a folder that of Linux' fs/fat/. Numbers are little-endian. Nothing has a
checksum but long names, so that what is told is checked against itself: the copies of the table against each other,
chains against sizes and other chains, folders against the entries that lead to them."""

from amigate.disk.fat.reader import Fat, ask_first

__all__ = ["Fat", "ask_first"]

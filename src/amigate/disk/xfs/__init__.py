"""XFS version 5, read from its blocks.

The format is that of Linux' fs/xfs/libxfs/xfs_format.h, xfs_da_format.h and xfs_log_format.h, described in "XFS
Algorithms & Data Structures" (https://mirrors.edge.kernel.org/pub/linux/utils/fs/xfs/docs/xfs_filesystem_structure.pdf).
Numbers are big-endian, checksums little-endian. Version 4 is not read: without checksums, damage shows as less."""

from amigate.disk.xfs.reader import Xfs, ask_first

__all__ = ["Xfs", "ask_first"]

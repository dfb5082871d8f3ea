"""ext2, ext3 and ext4, read from their blocks.

The format is that of Linux' fs/ext4/ext4.h, ext4_extents.h and xattr.h, described in
https://docs.kernel.org/filesystems/ext4/ondisk.html. Numbers are little-endian, but those of the journal. Where there
are no checksums (ext2, ext3, older ext4), damage is told only where it breaks the structure."""

from amigate.disk.ext.reader import Ext, ask_first

__all__ = ["Ext", "ask_first"]

"""What lies in an inode in place of a map of its blocks, and goes on in an attribute of the file system's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.blocks import IncompleteError
from amigate.disk.ext import attributes

if TYPE_CHECKING:
    from amigate.disk.ext.inodes import Node

_PARENT_BYTES = 4
"""A folder begins with the number of the one above it."""


def content(node: Node) -> bytes:
    """Return the content of a file or the target of a link; raises IncompleteError where it does not fit."""
    found = node.pointers + _rest(node)
    if node.inode.size > len(found):
        raise IncompleteError(f"inode {node.inode.number} is damaged: its content does not fit into it")
    return found[: node.inode.size]


def entries(node: Node) -> tuple[bytes, bytes]:
    """Return the two pieces that the entries of a folder lie in."""
    return node.pointers[_PARENT_BYTES:], _rest(node)


def _rest(node: Node) -> bytes:
    rest = attributes.content(node)
    if rest is None:
        raise IncompleteError(f"inode {node.inode.number} is damaged: nothing says that its content lies in it")
    return rest

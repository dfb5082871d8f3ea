"""Updates that were not installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.images import archive
from amigate.sandbox.images.defects.registry import defect

if TYPE_CHECKING:
    from amigate.sandbox.images.tree import Tree


@defect(
    "pending-security-update",
    "A newer security version of sudo is in the archive that the image asks.",
    violates=("package-no-pending-security-updates",),
)
def _pending_security_update(tree: Tree) -> None:
    tree.write(archive.SOURCES, archive.with_newer(tree.path(archive.SOURCES).read_text()))

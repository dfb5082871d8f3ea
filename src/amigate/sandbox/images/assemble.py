"""Run as a program, as root or under fakeroot: tar to tree, defects on top, tree to raw disk."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from amigate.sandbox.images import archive, clean, disk, tools
from amigate.sandbox.images.base import SUITE
from amigate.sandbox.images.defects import DEFECTS
from amigate.sandbox.images.recipes import RECIPES
from amigate.sandbox.images.tree import Tree


def assemble(image: str, base: Path, out: Path, *, digest: str, defects: list[str]) -> None:
    """Write the raw disk of an image with the defects named."""
    recipe = RECIPES[image]
    with tempfile.TemporaryDirectory(dir=out.parent, prefix="tree-") as folder:
        tools.run(["tar", "-C", folder, "--exclude=./dev/*", "-xpf", str(base)])
        tree = Tree(Path(folder))
        tree.root.chmod(0o755)
        recipe.lay(tree)
        archive.lay(tree, base.stem, SUITE)
        for name in defects:
            DEFECTS[name].apply(image, tree)
        clean.configure_boot(tree, str(disk.partition_uuid(digest)))
        disk.make(tree, out, digest=digest, size_mib=recipe.size_mib)


def main() -> None:
    """Read the arguments and assemble."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--digest", required=True)
    parser.add_argument("--defect", action="append", default=[])
    given = parser.parse_args()
    assemble(given.image, given.base, given.out, digest=given.digest, defects=given.defect)


if __name__ == "__main__":
    main()

"""Files larger than are read at once: a secret at the end of one is found, and no gap is left."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from amigate.disk.readers import open_reader
from amigate.disk.root.assemble import assemble
from amigate.disk.root.part import Part
from amigate.disk.volumes.volume import State, Volume
from amigate.disk.witness.files import Files
from amigate.evidence.pieces import AT_ONCE_BYTES, pieces
from amigate.evidence.search import search

from .shown import MIB, FileBlocks, mounted, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")

KEY = b"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYZ1a2b3c4d5\n"
LARGE = AT_ONCE_BYTES + 5 * MIB + 4096


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_a_secret_at_the_end_of_a_large_file_is_found(kind: str, tmp_path: Path) -> None:
    if not shutil.which(f"mkfs.{kind}"):
        pytest.skip(f"mkfs.{kind} is not installed")
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(320 * MIB)
    run(f"mkfs.{kind}", "-q", image)
    content = b"\1" * 12 * MIB + bytes(LARGE - 13 * MIB) + b"\2" * (MIB - len(KEY)) + KEY
    with mounted(image, kind=kind) as root:
        (root / "etc").mkdir()
        (root / "usr").mkdir()
        (root / "etc/passwd").write_bytes(b"root:x:0:0::/root:/bin/sh\n")
        (root / "etc/whole").write_bytes(content[: AT_ONCE_BYTES // 4])
        with (root / "etc/large").open("wb") as file:
            file.write(content[: 12 * MIB])
            file.seek(LARGE - MIB)
            file.write(content[-MIB:])
    with closing(FileBlocks(image)) as blocks:
        reader = open_reader(kind, blocks)
        part = Part(volume=Volume(name="disk", kind=kind, state=State.READABLE, blocks=blocks), reader=reader)
        files = Files(assemble([part]), [part])
        assert b"".join(pieces(files, "/etc/large")) == content[: 12 * MIB] + content[-MIB:]
        assert b"".join(pieces(files, "/etc/whole")) == content[: AT_ONCE_BYTES // 4]
        assert files.read("/etc/large", LARGE) == content
        searched = search(files)
    assert searched.gaps == ()
    assert {found.path for found in searched.found} == {"/etc/large"}

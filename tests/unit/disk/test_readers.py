from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import UnsupportedError
from amigate.disk.readers import READERS, open_reader

if TYPE_CHECKING:
    from .conftest import Memory


@pytest.mark.parametrize(
    "kind, says", [("xfs", "no XFS"), ("ext2", "no ext"), ("ext4", "no ext"), ("vfat", "no FAT"), ("btrfs", "btrfs")]
)
def test_what_is_not_of_the_kind_that_it_is_opened_as_is_refused(memory: type[Memory], kind: str, says: str) -> None:
    assert (kind in READERS) == (kind != "btrfs")
    with pytest.raises(UnsupportedError, match=says):
        open_reader(kind, memory(bytes(1 << 16)))

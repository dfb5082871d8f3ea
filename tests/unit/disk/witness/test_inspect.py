"""The view of an image some of whose bytes cannot be found."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from amigate.disk.qcow2 import Qcow2
from amigate.disk.witness.inspect import inspect
from amigate.evidence.redaction.redactor import Redactor

if TYPE_CHECKING:
    from tests.unit.disk.conftest import Memory

CLUSTER = 512
TABLES = 65
"""Each L2 table tells of 64 clusters, so the last begins 2 MiB into the disk."""


def test_a_disk_whose_written_clusters_cannot_be_told_is_incomplete(memory: type[Memory]) -> None:
    file = bytearray(4 * CLUSTER)
    struct.pack_into(">4sIQIIQIIQ", file, 0, b"QFI\xfb", 3, 0, 0, 9, TABLES * 64 * CLUSTER, 0, TABLES, CLUSTER)
    struct.pack_into(">QQQII", file, 72, 0, 0, 0, 4, 104)
    struct.pack_into(">Q", file, CLUSTER + 8 * (TABLES - 1), 1 << 20)  # beyond the end of the file
    view = inspect([("disk", Qcow2(memory(bytes(file))))], (), Redactor())
    assert view.inspection is not None
    (volume,) = view.inspection.volumes
    assert (volume.name, volume.state) == ("disk", "incomplete")
    assert view.inspection.gaps

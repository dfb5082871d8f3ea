"""Disks in memory, and a snapshot in the sandbox, whose EBS direct APIs are a real endpoint."""

from __future__ import annotations

import random
import struct
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from amigate.disk import ebs_fetch
from amigate.disk.blocks import Extent
from amigate.disk.ebs import Ebs
from amigate.disk.pieces import require
from amigate.disk.volumes.lvm_label import checksum
from amigate.sandbox.api import kms_keys, registry
from amigate.sandbox.api.registry import NewImage
from amigate.sandbox.api.server import Server
from amigate.sandbox.cloud import Cloud
from amigate.sandbox.fault import Fault
from amigate.sandbox.machines.accelerator import Accelerator
from amigate.sandbox.settings import Settings
from amigate.sandbox.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

BLOCK = 1 << 19
PAGE = 4096
WRITTEN = [*range(0, 40, 2), *range(100, 300)]
REGION = "us-east-1"


class Memory:
    """A device in memory, which counts what is read of it; what is zero in a whole page was never written."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self.reads: list[Extent] = []
        self.wanted: list[Extent] = []

    def read(self, offset: int, length: int) -> bytes:
        require(self, offset, length)
        self.reads.append(Extent(offset, length))
        return self.data[offset : offset + length]

    def prefetch(self, extents: Iterable[Extent]) -> None:
        self.wanted += extents

    def written(self) -> Iterator[Extent]:
        for offset in range(0, self.size, PAGE):
            page = self.data[offset : offset + PAGE]
            if page.count(0) < len(page):
                yield Extent(offset, len(page))


@pytest.fixture
def memory() -> type[Memory]:
    return Memory


@pytest.fixture
def physical_volume() -> Callable[..., bytes]:
    return make_physical_volume


def make_physical_volume(text: str, *, uuid: str = "a" * 32, size: int = 24 << 20, at: int = 512) -> bytes:
    """Return a physical volume with a text, which begins so far into its metadata area of 64 KiB; without, no area."""
    area, length = 4096, 65536
    disk = bytearray(size)
    label = bytearray(512)
    struct.pack_into("<8sQII8s", label, 0, b"LABELONE", 1, 0, 32, b"LVM2 001")
    struct.pack_into("<32sQ", label, 32, uuid.encode(), size)
    struct.pack_into("<8Q", label, 72, 1 << 20, 0, 0, 0, area if text else 0, length, 0, 0)
    struct.pack_into("<I", label, 16, checksum(bytes(label[20:])))
    disk[512:1024] = label
    data = text.encode() + b"\0"
    header = bytearray(512)
    struct.pack_into("<4x16sIQQ", header, 0, b" LVM2 x[5A%r0N*>", 1, area, length)
    struct.pack_into("<QQII", header, 40, at, len(data), checksum(data), 0)
    struct.pack_into("<I", header, 0, checksum(bytes(header[4:])))
    disk[area : area + 512] = header
    first = min(len(data), length - at)
    disk[area + at : area + at + first] = data[:first]
    disk[area + 512 : area + 512 + len(data) - first] = data[first:]
    return bytes(disk)


@dataclass(frozen=True, kw_only=True)
class Bed:
    """A snapshot in the sandbox, and what is on it."""

    client: Any
    kms: Any
    snapshot_id: str
    content: bytes
    watch: Watch
    cloud: Cloud
    disk: Path
    url: str

    @property
    def snapshot(self) -> Any:
        """The snapshot of the model, to change what no call changes."""
        return self.cloud.catalogue.region(REGION).snapshots[self.snapshot_id]

    def open(self, **options: Any) -> Ebs:
        return Ebs(self.client, self.snapshot_id, **options)

    def asked(self, action: str) -> int:
        """How many such calls there were."""
        asked = self.watch.calls.matching(action)
        return sum(call.parameters.get("SnapshotId") == self.snapshot_id for call in asked)

    def with_snapshot(self, owner: str = "") -> Bed:
        """Return the bed with a new snapshot of the disk."""
        images = self.cloud.catalogue.region(REGION).images
        owner_id = owner or self.cloud.settings.account_id
        new = NewImage(name=f"image {len(images)}", owner_id=owner_id, region=REGION, disk=self.disk)
        (snapshot_id,) = images[registry.add_image(self.cloud, new)].snapshot_ids
        return replace(self, snapshot_id=snapshot_id)

    def fault(self, action: str, **what: Any) -> Any:
        return self.watch.faults.add(Fault(action, **what))


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a disk of which some blocks were written."""
    plain = tmp_path_factory.mktemp("disk") / "disk.raw"
    seed = random.Random(5)  # noqa: S311 - content of a disk
    with plain.open("wb") as file:
        file.truncate(300 * BLOCK)
        for index in WRITTEN:
            file.seek(index * BLOCK + seed.randrange(BLOCK - 5000))
            file.write(seed.randbytes(5000))
    image = plain.with_suffix(".qcow2")
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(plain), str(image)], check=True)
    return image


@pytest.fixture(scope="module")
def server(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    settings = Settings(region=REGION, ssh_port=20022, memory_mib=256)
    folder = tmp_path_factory.mktemp("cloud")
    cloud = Cloud(settings, folder, nursery=None, accelerator=Accelerator(name="tcg", reason=""))  # type: ignore[arg-type]
    watch = Watch()
    with kms_keys.fresh(), registry.fresh(REGION, settings.account_id), Server(cloud, 0, watch) as running:
        url = f"http://127.0.0.1:{running.port}"

        def client(service: Any) -> Any:
            return boto3.client(
                service,
                endpoint_url=url,
                region_name=REGION,
                aws_access_key_id=settings.access_key_id,
                aws_secret_access_key=settings.secret_access_key,
                config=Config(retries={"total_max_attempts": 1}, max_pool_connections=32),
            )

        yield Bed(
            client=client("ebs"),
            kms=client("kms"),
            snapshot_id="",
            content=disk.with_suffix(".raw").read_bytes(),
            watch=watch,
            cloud=cloud,
            disk=disk,
            url=url,
        )


@pytest.fixture
def bed(server: Bed, monkeypatch: pytest.MonkeyPatch) -> Bed:
    monkeypatch.setattr(ebs_fetch, "_PAUSE_S", 0.001)
    return server.with_snapshot()

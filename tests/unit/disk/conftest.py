"""A snapshot in the sandbox, whose EBS direct APIs are the real endpoint of these tests."""

from __future__ import annotations

import random
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from amigate.disk import ebs_fetch
from amigate.disk.ebs import Ebs
from amigate.sandbox.api import kms_keys, registry
from amigate.sandbox.api.registry import NewImage
from amigate.sandbox.api.server import Server
from amigate.sandbox.cloud import Cloud
from amigate.sandbox.fault import Fault
from amigate.sandbox.machines.accelerator import Accelerator
from amigate.sandbox.settings import Settings
from amigate.sandbox.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = 1 << 19
WRITTEN = [*range(0, 40, 2), *range(100, 300)]
REGION = "us-east-1"


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

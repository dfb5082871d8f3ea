"""One instance as plain values, and an endpoint behind which no machine can start."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from amigate.sandbox.api import kms_keys, registry
from amigate.sandbox.api.registry import NewImage
from amigate.sandbox.api.server import Server
from amigate.sandbox.cloud import Cloud
from amigate.sandbox.machines.accelerator import Accelerator
from amigate.sandbox.machines.spec import Disk, Spec
from amigate.sandbox.settings import Settings
from amigate.sandbox.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A real endpoint, reached over TCP by real clients."""

    cloud: Cloud
    watch: Watch
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: Any, region: str = REGION, *, key: str = "", tries: int = 1) -> Any:
        """Return a boto3 client that asks once."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=key or self.cloud.settings.access_key_id,
            aws_secret_access_key=self.cloud.settings.secret_access_key,
            config=Config(retries={"total_max_attempts": tries}),
        )

    def add_disk(self, disk: Path, name: str = "image", owner: str = "") -> str:
        """Register a qcow2 file as an image, and return its snapshot."""
        owner_id = owner or self.cloud.settings.account_id
        ami = registry.add_image(self.cloud, NewImage(name=name, owner_id=owner_id, region=REGION, disk=disk))
        (snapshot_id,) = self.cloud.catalogue.region(REGION).images[ami].snapshot_ids
        return snapshot_id

    def set_policy(self, key: str, principal: str, condition: dict[str, Any] | None = None) -> None:
        """Let one principal do everything with a key, and nobody else."""
        statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}
        found = kms_keys.find(key, account=self.cloud.settings.account_id, region=REGION)
        assert found is not None
        found.policy = json.dumps(policy)

    def snapshot(self, snapshot_id: str) -> Any:
        """Return a snapshot of the model, to change what no call changes."""
        return self.cloud.catalogue.region(REGION).snapshots[snapshot_id]


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    settings = Settings(region=REGION, ssh_port=20022, memory_mib=256)
    cloud = Cloud(settings, tmp_path, nursery=None, accelerator=Accelerator(name="tcg", reason=""))  # type: ignore[arg-type]
    watch = Watch()
    with kms_keys.fresh(), registry.fresh(settings.region, settings.account_id), Server(cloud, 0, watch) as server:
        yield Endpoint(cloud=cloud, watch=watch, port=server.port)


@pytest.fixture
def spec() -> Spec:
    return Spec(
        instance_id="i-0123456789abcdef0",
        reservation_id="r-0123456789abcdef0",
        launch_index=0,
        image_id="ami-0123456789abcdef0",
        instance_type="t3.micro",
        account_id="123456789012",
        zone="us-east-1a",
        region="us-east-1",
        private_ip="172.31.0.4",
        public_ip="127.0.0.2",
        ssh_port=20022,
        mac="02:00:00:00:00:01",
        interface_id="eni-0123456789abcdef0",
        security_groups=("default",),
        key_name="launch",
        public_key="ssh-ed25519 AAAA launch",
        user_data=b"\x00hello",
        tokens_required=True,
        metadata_enabled=True,
        disks=(
            Disk(volume_id="vol-0123456789abcdef0", device="/dev/xvda", backing=Path("base.qcow2"), size_bytes=1 << 30),
        ),
        memory_mib=256,
    )

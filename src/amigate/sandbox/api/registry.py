"""moto's state of one run: fresh at the start, gone at the end, and images put into it from outside the API."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends

from amigate.errors import UsageError
from amigate.sandbox.api import encryption
from amigate.sandbox.api.image import Image
from amigate.sandbox.api.mapping import Mapping
from amigate.sandbox.api.snapshot import Snapshot
from amigate.sandbox.machines import disks
from amigate.sandbox.machines.spec import DEVICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Mapping as Map

    from moto.ec2.models import EC2Backend

    from amigate.sandbox.cloud import Cloud

_NO_IMAGES = "MOTO_EC2_LOAD_DEFAULT_AMIS"


@contextlib.contextmanager
def fresh(region: str, account_id: str) -> Iterator[None]:
    """Provide an account with nothing but its default network; moto's hundreds of made-up images stay out."""
    before = os.environ.get(_NO_IMAGES)
    os.environ[_NO_IMAGES] = "false"
    ec2_backends.reset()
    try:
        _ = ec2_backends[account_id][region]
        yield
    finally:
        ec2_backends.reset()
        if before is None:
            del os.environ[_NO_IMAGES]
        else:
            os.environ[_NO_IMAGES] = before


@dataclass(frozen=True, kw_only=True)
class NewImage:
    """An image to be registered from outside the API."""

    name: str
    owner_id: str
    region: str
    disk: Path | None
    """None for an image without a disk, of the instance-store kind."""
    volumes: Map[str, Path | int] = field(default_factory=dict)
    """Further volumes: device to a disk file, or to the size of an empty one in GiB."""
    shared_with: Sequence[str] = ()
    encrypted: bool = False
    kms_key_id: str | None = None
    """By id, alias or ARN; a key that is not there is kept as it is written."""
    metadata: Map[str, Any] = field(default_factory=dict)
    """Fields of `Image`."""


_METADATA = frozenset(Image.__dataclass_fields__) - {"ec2_backend", "name", "mappings", "id", "launch_permissions"}
_DEFAULTS: dict[str, Any] = {"root_device_name": DEVICE, "boot_mode": "legacy-bios", "ena_support": True}


def add_image(cloud: Cloud, new: NewImage) -> str:
    """Register disk files as an image, and return its id."""
    if unknown := set(new.metadata) - _METADATA:
        raise UsageError(f"an image has no {', '.join(sorted(unknown))}", hint=f"known: {', '.join(sorted(_METADATA))}")
    traits: dict[str, Any] = ({} if new.disk is None else _DEFAULTS) | dict(new.metadata)
    files = ({} if new.disk is None else {traits["root_device_name"]: new.disk}) | dict(new.volumes)
    sizes = {device: disks.gib(disks.virtual_size(file)) for device, file in files.items() if isinstance(file, Path)}
    with cloud.lock:
        region = cloud.catalogue.region(new.region)
        if any(image.name == new.name and image.owner_id == new.owner_id for image in region.images.values()):
            raise UsageError(f"there is an image called {new.name!r} already")
        backend = cloud.catalogue.backend(new.owner_id, new.region)
        image = Image(
            ec2_backend=backend,
            name=new.name,
            mappings=tuple(_mapping(cloud, backend, new, device, sizes.get(device)) for device in files),
            **_kind(new) | traits,
        )
        image.launch_permissions += [{"UserId": account_id} for account_id in new.shared_with]
        region.images[image.id] = image
        for mapping, file in zip(image.mappings, files.values(), strict=True):
            if isinstance(file, Path) and mapping.snapshot_id:
                cloud.store.adopt(mapping.snapshot_id, file)
    return image.id


def _kind(new: NewImage) -> dict[str, Any]:
    return {"root_device_type": "instance-store" if new.disk is None else "ebs"}


def _mapping(cloud: Cloud, backend: EC2Backend, new: NewImage, device: str, size_gib: int | None) -> Mapping:
    """Return one entry, with a new snapshot if there is a file of that size."""
    key = None
    if new.encrypted or new.kms_key_id:
        named = new.kms_key_id
        key = encryption.default_key(backend) if named is None else encryption.find_key(backend, named) or named
    empty = Mapping(device=device, volume_type="gp3", encrypted=key is not None, kms_key_id=key)
    if size_gib is None:
        return replace(empty, size_gib=int(str(new.volumes[device])))
    snapshot = Snapshot(ec2_backend=backend, volume_size=size_gib, encrypted=key is not None, kms_key_id=key)
    cloud.catalogue.region(new.region).snapshots[snapshot.id] = snapshot
    return replace(empty, size_gib=size_gib, snapshot_id=snapshot.id)

"""moto's state of one run: fresh at the start, gone at the end, and images put into it from outside the API."""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING

from moto.ec2.models import ec2_backends

from amigate.errors import UsageError
from amigate.sandbox.api.model import Image
from amigate.sandbox.machines import disks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

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


def add_image(cloud: Cloud, disk: Path, *, name: str, owner_id: str, shared_with: Sequence[str] = ()) -> str:
    """Register a disk file as an image of an account that others may launch as well, and return the image's id."""
    if not re.fullmatch(r"\d{12}", owner_id):
        raise UsageError(f"{owner_id!r} is not an account id", hint="twelve digits")
    size = disks.virtual_size(disk)
    with cloud.lock:
        backend = ec2_backends[cloud.settings.account_id][cloud.settings.region]
        if any(image.name == name and image.owner_id == owner_id for image in backend.amis.values()):
            raise UsageError(f"there is an image called {name!r} already")
        image = Image(backend, name=name, owner_id=owner_id, size_gib=disks.gib(size))
        image.launch_permissions += [{"UserId": account_id} for account_id in shared_with]
        cloud.store.adopt(image.ebs_snapshot.id, disk)
    return str(image.id)

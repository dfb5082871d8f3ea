"""Takes back what a launch that failed has made."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from moto.ec2.models import EC2Backend
    from moto.ec2.models.instances import Instance

    from amigate.sandbox.cloud import Cloud


@contextlib.contextmanager
def all_or_nothing(cloud: Cloud, backend: EC2Backend) -> Iterator[None]:
    """Leave no reservation, instance, machine, interface or volume of a launch that ends with an error."""
    reservations, interfaces, volumes = set(backend.reservations), set(backend.enis), set(backend.volumes)
    try:
        yield
    except BaseException:
        for reservation_id in backend.reservations.keys() - reservations:
            for instance in backend.reservations[reservation_id].instances:
                _end(cloud, instance)
            del backend.reservations[reservation_id]
        for interface_id in backend.enis.keys() - interfaces:
            backend.enis[interface_id].delete()
        for volume_id in backend.volumes.keys() - volumes:
            if backend.volumes[volume_id].attachment is None:
                del backend.volumes[volume_id]
        raise


def _end(cloud: Cloud, instance: Instance) -> None:
    """Take an instance away with its volumes, though not with an interface that was there before."""
    for interface in instance.network_interfaces:
        instance.detach_eni(interface)
    for volume in instance.block_device_mapping.values():
        volume.delete_on_termination = True
    cloud.discard(instance.id)
    instance.terminate()
    instance.ec2_backend.tags.pop(instance.id, None)

"""Block device mappings of requests, checked as EC2 checks them and laid over those that are there."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import EC2ClientError

from amigate.sandbox.api import encryption, errors
from amigate.sandbox.api.mapping import DEFAULT_VOLUME_TYPE, Mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from moto.ec2.models import EC2Backend

    from amigate.sandbox.api.catalogue import Region
    from amigate.sandbox.api.snapshot import Snapshot

_DEVICE = re.compile(r"(/dev/)?(sd[a-z][1-9]?\d?|xvd[a-z]{1,2}\d?)")
_TYPES = ("standard", "io1", "io2", "gp2", "gp3", "sc1", "st1")
_TYPES_WITH_IOPS = ("io1", "io2", "gp3")
_LARGEST_GIB = 65536


@dataclass(frozen=True, kw_only=True)
class BlockDevices:
    """Reads the mappings of one request."""

    region: Region
    backend: EC2Backend
    """Of the caller."""

    def laid_over(self, present: Iterable[Mapping], asked: Sequence[dict[str, Any]]) -> tuple[Mapping, ...]:
        """Return mappings with the changes of a request; those marked NoDevice stay, as such."""
        found = {mapping.device: mapping for mapping in present}
        self._check_devices(asked)
        for one in asked:
            device = one["DeviceName"]
            found[device] = self._changed(found.get(device), one)
        return tuple(found.values())

    def _check_devices(self, asked: Sequence[dict[str, Any]]) -> None:
        seen: set[str] = set()
        for one in asked:
            device = one.get("DeviceName")
            if device is None:
                raise errors.missing("deviceName")
            if not _DEVICE.fullmatch(device):
                message = f"Value ({device}) for parameter device is invalid. {device} is not a valid EBS device name."
                raise errors.bad_value(message)
            if device in seen:
                raise errors.bad_mapping(f"The device '{device}' is used in more than one block-device mapping")
            seen.add(device)

    def _changed(self, present: Mapping | None, asked: dict[str, Any]) -> Mapping:
        device, volume = asked["DeviceName"], asked.get("Ebs")
        if "NoDevice" in asked:
            return Mapping(device=device, is_left_out=True)
        if volume is None and asked.get("VirtualName") is None:
            raise errors.bad_mapping(f"The mapping of '{device}' needs Ebs, VirtualName or NoDevice")
        if volume is None:
            return Mapping(device=device, virtual_name=asked["VirtualName"])
        base = present if present is not None and present.is_volume else Mapping(device=device)
        return self._encrypted(self._sized(base, volume), volume)

    def _sized(self, base: Mapping, volume: dict[str, Any]) -> Mapping:
        """Return a volume with its source, size and type."""
        snapshot_id = volume.get("SnapshotId") or base.snapshot_id
        least = base.size_gib if snapshot_id == base.snapshot_id else 0
        if volume.get("SnapshotId"):
            snapshot = self.region.visible_snapshot(volume["SnapshotId"], self.backend.account_id)
            if snapshot.status != "completed":
                raise errors.wrong_snapshot_state(snapshot.id)
            least = snapshot.volume_size
        size = int(volume.get("VolumeSize") or least)
        if not size:
            raise errors.missing("size or snapshotId")
        if size < least:
            source = f"snapshot '{snapshot_id}'" if snapshot_id else "the volume"
            message = f"Volume of size {size}GB is smaller than {source}, expect size >= {least}GB"
            raise errors.bad_mapping(message)
        if size > _LARGEST_GIB:
            raise errors.bad_mapping(f"Volume of size {size}GB is too large, expect size <= {_LARGEST_GIB}GB")
        kind = volume.get("VolumeType") or base.volume_type
        iops = volume.get("Iops") or (base.iops if kind == base.volume_type else None)
        check_type(kind, iops)
        return replace(
            base,
            snapshot_id=snapshot_id,
            size_gib=size,
            volume_type=kind,
            iops=iops,
            throughput=volume.get("Throughput") or (base.throughput if kind == base.volume_type else None),
            delete_on_termination=volume.get("DeleteOnTermination", base.delete_on_termination),
        )

    def _encrypted(self, mapping: Mapping, volume: dict[str, Any]) -> Mapping:
        """Return a volume that is encrypted if anything says so; nothing can make it plain again."""
        snapshot = self.region.snapshots.get(mapping.snapshot_id or "")
        wanted = bool(volume.get("Encrypted"))
        inherited = mapping.encrypted or (snapshot is not None and snapshot.encrypted)
        if volume.get("KmsKeyId") and not (wanted or inherited):
            raise errors.needs("KmsKeyId", "Encrypted")
        if not (wanted or inherited):
            return mapping
        key = volume.get("KmsKeyId") and encryption.find_key(self.backend, volume["KmsKeyId"])
        if volume.get("KmsKeyId") and key is None:
            raise EC2ClientError("InvalidParameterValue", f"The KMS key '{volume['KmsKeyId']}' does not exist")
        return replace(mapping, encrypted=True, kms_key_id=key or mapping.kms_key_id)


def check_source(snapshot: Snapshot, volume: dict[str, Any]) -> None:
    """Refuse an image an unfinished snapshot, and to change whether that is encrypted."""
    if snapshot.status != "completed":
        raise errors.wrong_snapshot_state(snapshot.id)
    if "KmsKeyId" in volume or volume.get("Encrypted", snapshot.encrypted) != snapshot.encrypted:
        raise errors.bad_mapping("the encryption of a device that has a snapshot cannot be changed")


def check_type(kind: str, iops: int | None) -> None:
    """Refuse a type of volume that there is none of, or that its IOPS do not fit."""
    if kind not in _TYPES:
        raise EC2ClientError("UnknownVolumeType", f"Unsupported volume type '{kind}' for volume creation.")
    if kind in {"io1", "io2"} and not iops:
        raise errors.bad_combination(f"The parameter iops must be specified for {kind} volumes.")
    if iops and kind not in _TYPES_WITH_IOPS:
        raise errors.bad_combination(f"The parameter iops is not supported for {kind} volumes.")


__all__ = ["DEFAULT_VOLUME_TYPE", "BlockDevices", "check_source", "check_type"]

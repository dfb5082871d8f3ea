"""What kind of machine an image starts, and which volumes travel with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amigate.check import InconclusiveError
from amigate.evidence.model import WATERMARKS
from amigate.facts.ami import Ami, descriptions
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from amigate.evidence.model import Ec2Descriptions, Evidence

MARKETPLACE_REGION = "us-east-1"
MARKETPLACE_BYTES = 5 * 10**12
"""5 TB, https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html"""
_GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class Volume:
    """One entry of the block device mapping that has a snapshot."""

    device: str
    snapshot: str
    size_gib: int | None
    """None where neither the mapping nor the snapshot says."""


@dataclass(frozen=True, kw_only=True)
class ImageForm:
    """How DescribeImages describes the machine, https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html."""

    id: str
    owner: str
    region: str
    """Empty where the evidence does not say."""
    is_public: bool
    architecture: str
    virtualization: str
    boot_mode: str
    """Empty for the default of the instance type."""
    has_ena: bool
    imds: str
    kernels: tuple[str, ...]
    """Kernel and RAM disk of a paravirtual image."""
    root_device: str
    volumes: tuple[Volume, ...]
    watermarks: tuple[str, ...]
    """`account:name` each."""
    watermarks_unseen: str
    ami: Ami

    @classmethod
    def read(cls, evidence: Evidence) -> ImageForm:
        """Read the description; raises InconclusiveError when EC2 was not asked."""
        ec2 = descriptions(evidence)
        image = ec2.image
        return cls(
            id=str(image.get("ImageId", "")),
            owner=str(image.get("OwnerId", "")),
            region=evidence.target.region if evidence.target else "",
            is_public=bool(image.get("Public")),
            architecture=str(image.get("Architecture", "")),
            virtualization=str(image.get("VirtualizationType", "")),
            boot_mode=str(image.get("BootMode", "")),
            has_ena=image.get("EnaSupport") is True,
            imds=str(image.get("ImdsSupport", "")),
            kernels=tuple(str(image[name]) for name in ("KernelId", "RamdiskId") if image.get(name)),
            root_device=str(image.get("RootDeviceName", "")),
            volumes=tuple(_volumes(ec2)),
            watermarks=tuple(str(each.get("WatermarkKey", "")) for each in image.get(WATERMARKS) or ()),
            watermarks_unseen=ec2.unseen.get(WATERMARKS, ""),
            ami=Ami.read(evidence),
        )

    def without_imdsv2(self) -> list[Finding]:
        """Find an image whose launches answer metadata requests without a session token."""
        return [] if self.imds == "v2.0" else [self._finding("its launches do not require IMDSv2 (imdsSupport)")]

    def outdated(self) -> list[Finding]:
        """Find what current instance types do not launch; raises InconclusiveError where EC2 does not say."""
        if not self.architecture or not self.virtualization:
            raise InconclusiveError("EC2 does not say what architecture and virtualization the image has")
        found = []
        if self.virtualization != "hvm":
            found.append(self._finding(f"its virtualization is {self.virtualization}, not hvm"))
        if self.architecture not in {"x86_64", "arm64"}:
            found.append(self._finding(f"its architecture is {self.architecture}, not x86_64 or arm64"))
        if not self.has_ena:
            found.append(self._finding("it does not say that it supports ENA, so Nitro instances refuse it"))
        return found + [self._finding(f"it names {kernel}, as paravirtual images do") for kernel in self.kernels]

    def legacy_boot(self) -> list[Finding]:
        """Find an image that boots by the BIOS of old; where it says nothing, x86 does and arm64 does not."""
        mode = self.boot_mode or ("uefi" if self.architecture == "arm64" else "legacy-bios by default")
        return [] if mode in {"uefi", "uefi-preferred"} else [self._finding(f"its boot mode is {mode}")]

    def unexpected_volumes(self, declared: object) -> list[Finding]:
        """Find volumes beside the root that are not declared, or are not as they are declared.

        `declared` is device to size in GiB, null for any. Raises InconclusiveError where the root cannot be told, or a
        size."""
        if not isinstance(declared, dict) or not all(size is None or type(size) is int for size in declared.values()):
            raise InconclusiveError("the setting volumes must name devices, each with its size in GiB or null")
        if self.root_device not in {volume.device for volume in self.volumes}:
            raise InconclusiveError("EC2 does not say which volume is the root")
        further = {volume.device: volume for volume in self.volumes if volume.device != self.root_device}
        found = [
            Finding(subject=each.snapshot, detail=f"{each.device} travels with each launch, and nobody declared it")
            for each in further.values()
            if each.device not in declared
        ]
        found += [
            Finding(subject=device, detail="it is declared, and the image has no such volume")
            for device in declared
            if device not in further
        ]
        wrong = [each for each in further.values() if each.size_gib != declared.get(each.device, each.size_gib)]
        sized = [each for each in wrong if declared[each.device] is not None]
        found += [
            Finding(subject=each.snapshot, detail=f"{each.device} has {each.size_gib} GiB, not {declared[each.device]}")
            for each in sized
            if each.size_gib is not None
        ]
        if not found and any(each.size_gib is None for each in sized):
            raise InconclusiveError("EC2 does not say how large each volume is")
        return found

    def outside_marketplace_limits(self) -> list[Finding]:
        """Find what AWS Marketplace does not take in; raises InconclusiveError where it cannot be told."""
        found = []
        if self.region and self.region != MARKETPLACE_REGION:
            found.append(self._finding(f"it is in {self.region}; AWS Marketplace takes images from us-east-1"))
        size = sum(volume.size_gib or 0 for volume in self.volumes)
        if size * _GIB > MARKETPLACE_BYTES:
            found.append(self._finding(f"its volumes have {size} GiB, which is more than 5 TB"))
        found += [Finding(subject=each, detail="this snapshot is encrypted") for each in self.ami.encrypted]
        if found:
            return found
        if not self.region:
            raise InconclusiveError("the evidence does not say in which region the image is")
        if any(volume.size_gib is None for volume in self.volumes):
            raise InconclusiveError("EC2 does not say how large each volume is")
        return self.ami.encrypted_snapshots()

    def unmarked(self, name: str) -> list[Finding]:
        """Find an image without its owner's watermark of that name, or of any where `name` is empty.

        Raises InconclusiveError where watermarks were not seen."""
        if any(
            mark == f"{self.owner}:{name}" if name else mark.startswith(f"{self.owner}:") for mark in self.watermarks
        ):
            return []
        if self.watermarks_unseen:
            raise InconclusiveError(self.watermarks_unseen)
        wanted = f"no watermark {self.owner}:{name}" if name else f"no watermark of account {self.owner}"
        late = ", and is public already, so AWS attaches none" if self.is_public else ""
        return [self._finding(f"it carries {wanted}{late}")]

    def _finding(self, detail: str) -> Finding:
        return Finding(subject=self.id, detail=detail)


def _volumes(ec2: Ec2Descriptions) -> Iterator[Volume]:
    sizes = {str(each.get("SnapshotId", "")): each.get("VolumeSize") for each in ec2.snapshots}
    for mapping in ec2.image.get("BlockDeviceMappings") or ():
        ebs: Mapping[str, Any] = mapping.get("Ebs") or {}
        if snapshot := str(ebs.get("SnapshotId", "")):
            size = ebs.get("VolumeSize", sizes.get(snapshot))
            device = str(mapping.get("DeviceName", ""))
            yield Volume(device=device, snapshot=snapshot, size_gib=size if type(size) is int else None)

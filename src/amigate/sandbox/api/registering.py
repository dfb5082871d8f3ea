"""RegisterImage and CopyImage: images of snapshots that are there, and of other images."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult

from amigate.sandbox.api import errors
from amigate.sandbox.api.block_devices import BlockDevices, check_source
from amigate.sandbox.api.copying import Copying
from amigate.sandbox.api.image import Image
from amigate.sandbox.api.naming import Naming

if TYPE_CHECKING:
    from amigate.sandbox.api.copying import EncryptionWish
    from amigate.sandbox.api.mapping import Mapping

_ARCHITECTURES = ("i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac")
_VIRTUALIZATION = ("hvm", "paravirtual")
_BOOT_MODES = ("legacy-bios", "uefi", "uefi-preferred")


class Registering(Naming, Copying):
    """Register and copy images."""

    def register_image(self) -> ActionResult:
        """Make an image of snapshots; one with ImageLocation only is of the instance-store kind, without disks."""
        name = self.new_name()
        location = self._get_param("ImageLocation")
        mappings = self._registered()
        root = self._root(mappings, location)
        traits = self._traits()
        tags = self.new_tags("image")["image"]
        self.error_on_dryrun()
        image = Image(
            ec2_backend=self.backend,
            name=name,
            description=self._get_param("Description"),
            mappings=mappings,
            root_device_name=root,
            root_device_type="ebs" if mappings and location is None else "instance-store",
            image_location=location,
            **traits,
        )
        self.here.images[image.id] = image
        image.add_tags(tags)
        return ActionResult({"ImageId": image.id})

    def _registered(self) -> tuple[Mapping, ...]:
        asked = self._get_param("BlockDeviceMappings", [])
        for one in asked:
            self._check_source(one.get("Ebs", {}))
        return BlockDevices(region=self.here, backend=self.backend).laid_over((), asked)

    def _check_source(self, volume: dict[str, Any]) -> None:
        """Refuse snapshots of others, too."""
        if "SnapshotId" in volume:
            check_source(self.here.owned_snapshot(volume["SnapshotId"], self.current_account), volume)

    def _root(self, mappings: tuple[Mapping, ...], location: str | None) -> str | None:
        """Return the root device, which has a snapshot."""
        root = self._get_param("RootDeviceName")
        if location is not None:
            return None if root is None else str(root)
        if not mappings or root is None:
            raise errors.missing("blockDeviceMapping" if not mappings else "rootDeviceName")
        if not any(mapping.device == root and mapping.snapshot_id for mapping in mappings):
            raise errors.bad_mapping(f"The root device '{root}' must be mapped to a snapshot")
        return str(root)

    def _traits(self) -> dict[str, Any]:
        """Return what the request says of the image; EC2's own defaults are i386 and paravirtual."""
        architecture = self._one_of("Architecture", _ARCHITECTURES) or "i386"
        virtualization = self._one_of("VirtualizationType", _VIRTUALIZATION) or "paravirtual"
        boot_mode = self._one_of("BootMode", _BOOT_MODES)
        tpm = self._one_of("TpmSupport", ("v2.0",))
        sriov = self._one_of("SriovNetSupport", ("simple",))
        if virtualization == "paravirtual" and (boot_mode or self._get_param("EnaSupport") or sriov):
            raise errors.bad_combination("bootMode, enaSupport and sriovNetSupport need the virtualization type hvm")
        if tpm and boot_mode != "uefi":
            raise errors.bad_combination("tpmSupport needs the boot mode uefi")
        if boot_mode == "legacy-bios" and architecture.startswith("arm64"):
            raise errors.bad_combination(
                f"The boot mode legacy-bios is not supported by the architecture {architecture}"
            )
        return {
            "architecture": architecture,
            "virtualization_type": virtualization,
            "boot_mode": boot_mode,
            "tpm_support": tpm,
            "sriov_net_support": sriov,
            "imds_support": self._one_of("ImdsSupport", ("v2.0",)),
            "ena_support": self._get_param("EnaSupport"),
            "uefi_data": self._get_param("UefiData"),
            "kernel_id": self._get_param("KernelId"),
            "ramdisk_id": self._get_param("RamdiskId"),
        }

    def _one_of(self, name: str, allowed: tuple[str, ...]) -> str | None:
        value = self._get_param(name)
        if value is not None and value not in allowed:
            parameter = name[0].lower() + name[1:]
            raise errors.bad_value(f"Value ({value}) for parameter {parameter} is invalid. Expected: {allowed}")
        return None if value is None else str(value)

    def copy_image(self) -> ActionResult:
        """Copy an image and its disks from any region; permissions stay behind, tags come on request."""
        if (made := self.made_before()) is not None:
            return ActionResult(made)
        source = self._source()
        name = self.new_name()
        wish = self.encryption_wish()
        if wish.key_id and not wish.is_wanted and not source.is_encrypted:
            raise errors.needs("KmsKeyId", "Encrypted")
        tags = self.new_tags("image", "snapshot")
        if self.is_true("CopyImageTags"):
            present = self.cloud.catalogue.backend(self.current_account, source.ec2_backend.region_name).tags
            tags["image"] = present.get(source.id, {}) | tags["image"]
        self.error_on_dryrun()
        image = self._copy_of(source, name, wish)
        image.add_tags(tags["image"])
        for snapshot_id in image.snapshot_ids:
            self.here.snapshots[snapshot_id].add_tags(tags["snapshot"])
        return self.remember({"ImageId": image.id})

    def _source(self) -> Image:
        """Return the image to copy, if the caller may read its disks too."""
        origin = self.cloud.catalogue.region(self.required("SourceRegion"))
        source = origin.visible_image(self.required("SourceImageId"), self.current_account)
        if source.state != "available":
            raise errors.image_unavailable(source.id)
        is_own = source.owner_id == self.current_account
        if source.root_device_type != "ebs":
            raise errors.unsupported("images of the instance-store kind have no disk here")
        if source.product_codes and not is_own:
            message = "Images with EC2 BillingProduct codes cannot be copied to another AWS account"
            raise errors.invalid_request(message)
        snapshots = [origin.snapshots[snapshot_id] for snapshot_id in source.snapshot_ids]
        if not all(origin.may_restore(snapshot, self.current_account) for snapshot in snapshots):
            raise errors.invalid_request("You do not have permission to access the storage of this ami")
        return source

    def _copy_of(self, source: Image, name: str, wish: EncryptionWish) -> Image:
        description = self._get_param("Description")
        image = Image(
            ec2_backend=self.backend,
            name=name,
            description=source.description if description is None else description,
            source_image_id=source.id,
            source_image_region=source.ec2_backend.region_name,
            **source.traits,
        )
        image.mappings = tuple(self._copied_mapping(mapping, source, image, wish) for mapping in source.mappings)
        if any(self.here.snapshots[one].status == "error" for one in image.snapshot_ids):
            image.state = "failed"
            image.state_reason = {"Code": "Client.InvalidKMSKey", "Message": "Given key ID is not accessible"}
        self.here.images[image.id] = image
        return image

    def _copied_mapping(self, mapping: Mapping, source: Image, image: Image, wish: EncryptionWish) -> Mapping:
        if mapping.snapshot_id is None:
            return mapping
        origin = self.cloud.catalogue.region(source.ec2_backend.region_name)
        description = (
            f"Copied for DestinationAmi {image.id} from SourceAmi {source.id} "
            f"for SourceSnapshot {mapping.snapshot_id}. Task created on {time.time_ns() // 1_000_000:,}."
        )
        snapshot = self.copied(origin.snapshots[mapping.snapshot_id], wish, description=description)
        return replace(mapping, snapshot_id=snapshot.id, encrypted=snapshot.encrypted, kms_key_id=snapshot.kms_key_id)

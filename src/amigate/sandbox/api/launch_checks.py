"""Whether an image and an instance type go together, on EC2 and in the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.models.instance_types import INSTANCE_TYPES

from amigate.sandbox.api import errors

if TYPE_CHECKING:
    from amigate.sandbox.api.image import Image

BOOTED_ARCHITECTURE = "x86_64"


def check_fit(image: Image, type_name: str) -> None:
    """Refuse what EC2 refuses, in its words, then what only the sandbox cannot boot."""
    kind: dict[str, Any] | None = INSTANCE_TYPES.get(type_name)
    if kind is None:
        raise errors.bad_value(f"Invalid value '{type_name}' for InstanceType.")
    _check_architecture(image, kind)
    _check_virtualization(image, kind, type_name)
    _check_network(image, kind, type_name)
    _check_boot(image, kind, type_name)
    _check_sandbox(image)


def _check_architecture(image: Image, kind: dict[str, Any]) -> None:
    offered = kind["ProcessorInfo"]["SupportedArchitectures"]
    if image.architecture not in offered:
        raise errors.bad_value(
            f"The architecture '{','.join(offered)}' of the specified instance type does not match the architecture "
            f"'{image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching "
            "architectures, and try again. You can use 'describe-instance-types' or 'describe-images' to discover the "
            "architecture of the instance type or AMI."
        )


def _check_virtualization(image: Image, kind: dict[str, Any], type_name: str) -> None:
    if image.virtualization_type not in kind["SupportedVirtualizationTypes"]:
        raise errors.bad_combination(
            f"Virtualization type 'hvm' is required for instances of type '{type_name}'. "
            "Ensure that you are using an AMI with virtualization type 'hvm'."
        )
    if image.root_device_type not in kind["SupportedRootDeviceTypes"]:
        raise errors.bad_combination(
            f"The instance type '{type_name}' does not support an AMI with the root device type "
            f"'{image.root_device_type}'."
        )


def _check_network(image: Image, kind: dict[str, Any], type_name: str) -> None:
    if kind["NetworkInfo"].get("EnaSupport") == "required" and not image.ena_support:
        raise errors.bad_combination(
            f"Enhanced networking with the Elastic Network Adapter (ENA) is required for the '{type_name}' instance "
            "type. Ensure that you are using an AMI that is enabled for ENA."
        )


def _check_boot(image: Image, kind: dict[str, Any], type_name: str) -> None:
    offered = kind.get("SupportedBootModes", [])
    if image.boot_mode in {"uefi", "legacy-bios"} and image.boot_mode not in offered:
        raise errors.bad_combination(
            f"The instance type '{type_name}' does not support an AMI with the boot mode '{image.boot_mode}'. "
            f"It supports: {', '.join(offered)}."
        )


def _check_sandbox(image: Image) -> None:
    """Refuse what EC2 would boot and QEMU here does not."""
    if image.architecture != BOOTED_ARCHITECTURE:
        raise errors.unsupported(f"only {BOOTED_ARCHITECTURE} boots here; {image.id} is {image.architecture}")
    if image.boot_mode == "uefi":
        raise errors.unsupported(f"machines here boot from BIOS; {image.id} needs UEFI")
    if image.virtualization_type != "hvm" or image.root_device_type != "ebs":
        raise errors.unsupported(f"{image.id} has no disk that boots here")

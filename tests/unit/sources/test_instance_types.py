"""Which types an image may boot on, compared with what EC2 says of each type."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from moto.ec2.models.instance_types import INSTANCE_TYPES

from amigate.sources.instance_types import TYPES, instance_types

USUAL: dict[str, Any] = {
    "Architecture": "x86_64",
    "EnaSupport": True,
    "VirtualizationType": "hvm",
    "RootDeviceType": "ebs",
}
X86_STORES = {"c1", "c3", "d2", "i2", "m1", "m2", "m3", "r3", "x1"}


@pytest.mark.parametrize(
    "image,first",
    [
        ({}, "t3.micro"),
        ({"BootMode": "uefi"}, "t3.micro"),
        ({"BootMode": "uefi-preferred"}, "t3.micro"),
        ({"BootMode": "uefi", "TpmSupport": "v2.0"}, "t3.micro"),
        ({"Architecture": "arm64"}, "t4g.micro"),
        ({"Architecture": "arm64", "EnaSupport": False}, "t4g.micro"),
        ({"EnaSupport": False}, "t2.micro"),
        ({"EnaSupport": False, "BootMode": "uefi-preferred"}, "t2.micro"),
        ({"Architecture": "i386", "EnaSupport": False}, "t2.micro"),
        ({"Architecture": "i386"}, "t2.micro"),
        ({"VirtualizationType": "paravirtual", "EnaSupport": False}, "m3.medium"),
        ({"Architecture": "i386", "VirtualizationType": "paravirtual"}, "c3.large"),
        ({"RootDeviceType": "instance-store", "EnaSupport": False}, "m3.medium"),
    ],
)
def test_the_smallest_current_type_that_fits_comes_first(image: dict[str, Any], first: str) -> None:
    assert instance_types({**USUAL, **image})[0] == first


@pytest.mark.parametrize(
    "image",
    [
        {"Architecture": "arm64_mac"},
        {"Architecture": "x86_64_mac"},
        {"RootDeviceType": "instance-store", "BootMode": "uefi"},
        {"VirtualizationType": "paravirtual", "Architecture": "arm64"},
        {"Architecture": "i386", "BootMode": "uefi"},
    ],
)
def test_no_type_is_made_up_for_what_nothing_boots(image: dict[str, Any]) -> None:
    assert instance_types({**USUAL, **image}) == ()


def test_an_image_that_says_nothing_of_itself_gets_a_type_all_the_same() -> None:
    assert instance_types({}) != ()


def every_image() -> list[dict[str, Any]]:
    choices: dict[str, list[Any]] = {
        "Architecture": ["x86_64", "i386", "arm64"],
        "EnaSupport": [True, False],
        "VirtualizationType": ["hvm", "paravirtual"],
        "RootDeviceType": ["ebs", "instance-store"],
        "BootMode": [None, "legacy-bios", "uefi", "uefi-preferred"],
        "TpmSupport": [None, "v2.0"],
    }
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


@pytest.mark.parametrize("image", every_image(), ids=lambda image: " ".join(map(str, image.values())))
def test_ec2_says_of_each_type_that_it_supports_the_image(image: dict[str, Any]) -> None:
    for name in instance_types(image):
        kind = INSTANCE_TYPES[name]
        assert image["Architecture"] in kind["ProcessorInfo"]["SupportedArchitectures"]
        assert image["VirtualizationType"] in kind["SupportedVirtualizationTypes"]
        assert image["RootDeviceType"] in kind["SupportedRootDeviceTypes"]
        assert image["TpmSupport"] is None or kind["NitroTpmSupport"] == "supported"
        assert image["BootMode"] != "uefi" or "uefi" in kind["SupportedBootModes"]
        if not image["EnaSupport"] and image["Architecture"] == "x86_64" and image["BootMode"] != "uefi":
            assert kind["NetworkInfo"]["EnaSupport"] != "required" or image["TpmSupport"]


def test_only_the_families_that_aws_names_boot_from_an_instance_store() -> None:
    assert {kind.family for kind in TYPES if kind.instance_store} <= X86_STORES


def test_where_one_kind_is_scarce_there_are_others_in_other_families() -> None:
    for image in ({}, {"Architecture": "arm64"}, {"EnaSupport": False}):
        assert len({name.partition(".")[0] for name in instance_types({**USUAL, **image})}) >= 3

"""Several accounts and regions in one sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from amigate.errors import UsageError

from .conftest import Caller, code

if TYPE_CHECKING:
    from pathlib import Path

    from amigate.sandbox import Sandbox


def test_each_access_key_is_of_one_account(caller: Caller, stranger: Caller) -> None:
    accounts = [one.client("sts").get_caller_identity()["Account"] for one in (caller, stranger)]
    assert accounts == [caller.account_id, stranger.account_id]


def test_an_account_id_has_twelve_digits(sandbox: Sandbox) -> None:
    with pytest.raises(UsageError, match="account"):
        sandbox.credentials("me")


def test_images_live_in_their_region(caller: Caller, ec2: Any, disk: Path) -> None:
    made = caller.add_image(disk, "there", region="eu-central-1")
    assert code(ec2.describe_images, ImageIds=[made]) == "InvalidAMIID.NotFound"
    there = caller.client(region="eu-central-1")
    assert [image["ImageId"] for image in there.describe_images(Owners=["self"])["Images"]] == [made]


def test_every_region_has_a_default_network(caller: Caller) -> None:
    for region in ("eu-west-1", "ap-southeast-2"):
        (vpc,) = caller.client(region=region).describe_vpcs()["Vpcs"]
        assert vpc["IsDefault"] is True


def test_a_region_that_there_is_not_is_refused(caller: Caller) -> None:
    nowhere = caller.client(region="mars-north-1")
    assert code(nowhere.describe_images) == "AuthFailure"
    assert code(nowhere.describe_instances) == "AuthFailure"
    launch = {"ImageId": "ami-0123456789abcdef0", "MinCount": 1, "MaxCount": 1}
    assert code(nowhere.run_instances, **launch) == "AuthFailure"


def test_instances_keys_and_networks_are_an_accounts_own(ec2: Any, theirs: Any) -> None:
    ec2.create_key_pair(KeyName="mine")
    assert theirs.describe_key_pairs()["KeyPairs"] == []
    assert ec2.describe_vpcs()["Vpcs"][0]["VpcId"] != theirs.describe_vpcs()["Vpcs"][0]["VpcId"]

"""Whom to log in as, by what the image says of itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amigate.sources.login_users import HINTS, MOST_USERS, OWNERS, USUAL, login_users

OURS = {*USUAL, *(user for _, users in HINTS for user in users), *(user for users in OWNERS.values() for user in users)}


@pytest.mark.parametrize(
    "image,first",
    [
        ({}, "ec2-user"),
        ({"Name": "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20260401"}, "ubuntu"),
        ({"Name": "al2023-ami-2023.7.20260401.0-kernel-6.1-x86_64"}, "ec2-user"),
        ({"Name": "amzn2-ami-kernel-5.10-hvm-2.0.20260401.0-x86_64-gp2"}, "ec2-user"),
        ({"Name": "debian-12-amd64-20260401-1000"}, "admin"),
        ({"Name": "Rocky-9-EC2-Base-9.4-20240509.0.x86_64"}, "rocky"),
        ({"Name": "AlmaLinux OS 9.4.20240513 x86_64"}, "almalinux"),
        ({"Name": "Fedora-Cloud-Base-AmazonEC2.x86_64-40-1.14"}, "fedora"),
        ({"Name": "fedora-coreos-40.20240616.3.0-x86_64"}, "core"),
        ({"Name": "CentOS Stream 9 x86_64 20240603"}, "centos"),
        ({"Name": "RHEL-9.4.0_HVM-20240605-x86_64-82-Hourly2-GP3"}, "ec2-user"),
        ({"Name": "suse-sles-15-sp6-v20240620-hvm-ssd-x86_64"}, "ec2-user"),
        ({"Name": "alpine-3.20.1-x86_64-uefi-cloudinit-r0"}, "alpine"),
        ({"Name": "golden-7", "Description": "our Ubuntu with nginx"}, "ubuntu"),
        ({"Name": "golden-7", "PlatformDetails": "Red Hat Enterprise Linux"}, "ec2-user"),
        ({"Name": "golden-7", "OwnerId": "099720109477"}, "ubuntu"),
        ({"Name": "golden-7", "OwnerId": "136693071363"}, "admin"),
        ({"Name": "ubuntu-golden", "Description": "replaces the debian one"}, "ubuntu"),
    ],
)
def test_the_user_that_the_image_hints_at_is_tried_first(image: dict[str, Any], first: str) -> None:
    assert login_users(image, None)[0] == first


def test_the_usual_users_follow_each_once() -> None:
    users = login_users({"Name": "ubuntu"}, None)
    assert users[0] == "ubuntu"
    assert set(users) == set(USUAL)
    assert len(users) == len(set(users))


def test_users_that_were_named_are_all_that_counts() -> None:
    assert login_users({"Name": "ubuntu"}, ["deploy"]) == ("deploy",)


@given(st.dictionaries(st.sampled_from(["Name", "Description", "PlatformDetails", "OwnerId"]), st.text(), max_size=4))
def test_no_word_of_an_image_becomes_a_user(image: dict[str, str]) -> None:
    users = login_users(image, None)
    assert set(users) <= OURS
    assert 1 <= len(users) <= MOST_USERS

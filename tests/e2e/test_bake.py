"""A leaky image made into one that may be shared; a file of its own, as files of tests run beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .reports import RECEIVER, read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Account, CommandLine

pytestmark = pytest.mark.vm


def test_a_leaky_image_is_baked_into_one_that_passes_and_is_shared(
    cli: CommandLine, leaky_ami: str, ec2: Any, tmp_path: Path, account: Account
) -> None:
    baked = cli("bake", "--from", leaky_ami, "--name", "e2e-baked", "--report", f"json={tmp_path / 'b.json'}")
    assert baked.returncode == 0, baked.stderr
    report = read(tmp_path / "b.json")
    assert (report["verdict"], report["scope"], report["may_share"]) == ("pass", "full", True)
    ami = report["target"]["id"]

    shared = cli("share", ami, "--account", RECEIVER)
    assert shared.returncode == 0, shared.stderr
    assert f"#LaunchInstances:ami={ami}" in shared.stdout
    permissions = ec2.describe_image_attribute(ImageId=ami, Attribute="launchPermission")["LaunchPermissions"]
    assert permissions == [{"UserId": RECEIVER}]

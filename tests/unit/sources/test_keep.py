"""Instances that are kept: how to get in and how to get rid of them is said, and nothing else is different."""

from __future__ import annotations

import io
import re
import shlex
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import paramiko
import pytest

from amigate.errors import UsageError
from amigate.sources.keep import Keep
from amigate.sources.launch import open_run

if TYPE_CHECKING:
    from pathlib import Path

    from amigate.sources.aws import Aws

RUNNER = "203.0.113.7/32"


@pytest.fixture
def image(ami_id: str) -> dict[str, Any]:
    return {"ImageId": ami_id, "Architecture": "x86_64", "EnaSupport": True, "BootMode": "legacy-bios"}


def test_the_way_in_goes_through_the_jump_host(aws: Aws, image: dict[str, Any], tmp_path: Path) -> None:
    told: list[str] = []
    keep = Keep(folder=tmp_path, tell=told.append, jump="me@bastion:2200")
    with open_run(aws, runner_cidr=RUNNER, pause_s=0, keep=keep) as run:
        run.launch(image, "A")
    assert ".pem -J me@bastion:2200 " in told[1]


def running(aws: Aws) -> list[str]:
    instances = [i for r in aws.ec2.describe_instances()["Reservations"] for i in r["Instances"]]
    return [i["InstanceId"] for i in instances if i["State"]["Name"] == "running"]


def test_a_run_that_ends_well_leaves_its_instances_and_says_how_to_go_on(
    aws: Aws, image: dict[str, Any], tmp_path: Path
) -> None:
    told: list[str] = []
    keep = Keep(folder=tmp_path, tell=told.append, port=2222)
    with open_run(aws, runner_cidr=RUNNER, pause_s=0, keep=keep) as run:
        machine = run.launch(image, "A")
        run.logins[machine.instance_id] = "admin"
        run.launch(image, "keyless", keyless=True)
    assert machine.instance_id in running(aws)
    assert len(running(aws)) == 2
    assert len(aws.ec2.describe_key_pairs()["KeyPairs"]) == 1
    path = tmp_path / f"amigate-{run.run_id}-A.pem"
    address = machine.look().address
    assert told[0] == f"kept A: {machine.instance_id} at {address}"
    assert told[1] == f"  ssh -i {shlex.quote(str(path))} -p 2222 admin@{address}"
    assert re.fullmatch(r"kept keyless: i-[0-9a-f]+ at [0-9.]+", told[2])
    assert told[-1] == f"Remove them now: amigate reap --run {run.run_id} --region eu-central-1"
    assert run.expires.isoformat(timespec="seconds") in told[-2]
    assert not any("PRIVATE" in line for line in told)


def test_the_key_file_is_its_owners_alone_and_opens_the_instance(
    aws: Aws, image: dict[str, Any], tmp_path: Path
) -> None:
    with open_run(aws, runner_cidr=RUNNER, pause_s=0, keep=Keep(folder=tmp_path, tell=lambda _: None)) as run:
        machine = run.launch(image, "A")
    [path] = tmp_path.glob("*.pem")
    assert path.stat().st_mode & 0o777 == 0o600
    key = paramiko.Ed25519Key(file_obj=io.StringIO(path.read_text()))
    assert key.fingerprint == machine.key.fingerprint


def test_a_file_that_is_there_is_not_overwritten_and_then_nothing_is_kept(
    aws: Aws, image: dict[str, Any], tmp_path: Path
) -> None:
    def leave(path: Path) -> None:
        with open_run(aws, runner_cidr=RUNNER, pause_s=0, keep=Keep(folder=tmp_path, tell=lambda _: None)) as run:
            run.launch(image, "A")
            run.launch(image, "B")
            path.joinpath(f"amigate-{run.run_id}-B.pem").write_text("mine")

    with pytest.raises(UsageError, match=r"B\.pem: File exists"):
        leave(tmp_path)
    assert running(aws) == []
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_that_cannot_be_written_to_is_told_before_anything_is_launched(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no key file"):
        Keep(folder=tmp_path / "nowhere", tell=lambda _: None)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_run_that_does_not_end_well_keeps_nothing(
    aws: Aws, image: dict[str, Any], tmp_path: Path, error: type[BaseException]
) -> None:
    keep = Keep(folder=tmp_path, tell=lambda _: None)
    with suppress(ZeroDivisionError, KeyboardInterrupt), open_run(aws, runner_cidr=RUNNER, pause_s=0, keep=keep) as run:
        run.launch(image, "A")
        raise error
    assert running(aws) == []
    assert list(tmp_path.iterdir()) == []


def test_without_the_wish_no_key_is_written(aws: Aws, image: dict[str, Any], tmp_path: Path) -> None:
    with open_run(aws, runner_cidr=RUNNER, pause_s=0) as run:
        run.launch(image, "A")
    assert list(tmp_path.rglob("*.pem")) == []

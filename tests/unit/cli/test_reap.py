"""`amigate reap` on an account: what it says, what it removes, how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from amigate.cli import _run
from amigate.sources import aws as source

if TYPE_CHECKING:
    from amigate.sources.aws import Aws

PAST, FUTURE = "2020-01-01T00:00:00+00:00", "2120-01-01T00:00:00+00:00"


def make_key(aws: Aws, name: str, **tags: str) -> None:
    given: Any = [{"Key": f"amigate:{key}", "Value": value} for key, value in tags.items()]
    aws.ec2.create_key_pair(KeyName=name, TagSpecifications=[{"ResourceType": "key-pair", "Tags": given}])


def keys(aws: Aws) -> list[str]:
    return [pair["KeyName"] for pair in aws.ec2.describe_key_pairs()["KeyPairs"]]


def test_what_has_expired_is_removed_and_said(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    make_key(aws, "old", run="0123456789", expires=PAST)
    make_key(aws, "new", run="9876543210", expires=FUTURE)
    assert _run(["reap"]) == 0
    assert capsys.readouterr().out == (
        "eu-central-1: left 1 alone that has not expired\neu-central-1: removed key pair old\n"
    )
    assert keys(aws) == ["new"]


def test_an_account_without_leftovers_says_so(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["reap"]) == 0
    assert capsys.readouterr().out == "eu-central-1: nothing to remove\n"


def test_a_dry_run_shows_and_removes_nothing(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    make_key(aws, "old", run="0123456789", expires=PAST)
    assert _run(["reap", "--dry-run"]) == 0
    assert capsys.readouterr().out == "eu-central-1: would remove key pair old (run 0123456789)\n"
    assert keys(aws) == ["old"]


def test_a_run_that_is_named_goes_before_it_expires(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    make_key(aws, "new", run="9876543210", expires=FUTURE)
    make_key(aws, "other", run="0123456789", expires=FUTURE)
    assert _run(["reap", "--run", "9876543210"]) == 0
    assert keys(aws) == ["other"]
    assert _run(["reap", "--run", "9876543210"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "eu-central-1: nothing of run 9876543210 to remove"


@pytest.mark.parametrize(
    "tags,said",
    [
        ({}, "is missing"),
        ({"expires": "soon\u202e"}, r"is malformed: 'soon\u202e'"),
    ],
)
def test_an_expiry_that_cannot_be_read_is_said_and_leaves_things_alone(
    aws: Aws, capsys: pytest.CaptureFixture[str], tags: dict[str, str], said: str
) -> None:
    make_key(aws, "odd", run="0123456789", **tags)
    assert _run(["reap"]) == 3
    assert capsys.readouterr().out.startswith(
        f"eu-central-1: left key pair odd (run 0123456789) alone: its amigate:expires {said}"
    )
    assert keys(aws) == ["odd"]


def test_tags_cannot_act_on_a_terminal(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    make_key(aws, "odd", run="\u202e\u0085x" + "y" * 200, expires=PAST)
    assert _run(["reap", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert r"(run \u202e\x85xyyy" in said
    assert len(said) < 200


def test_what_cannot_be_removed_is_said_with_its_command(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    make_key(aws, "old", run="0123456789", expires=PAST)

    def deny(**_: object) -> Any:
        error = {"Error": {"Code": "UnauthorizedOperation", "Message": "no"}}
        return type("Response", (), {"status_code": 403}), {**error, "ResponseMetadata": {"HTTPStatusCode": 403}}

    aws.ec2.meta.events.register("before-call.ec2.DeleteKeyPair", deny)
    try:
        assert _run(["reap"]) == 3
    finally:
        aws.ec2.meta.events.unregister("before-call.ec2.DeleteKeyPair", deny)
    assert capsys.readouterr().out == (
        "eu-central-1: could not remove key pair old; remove it yourself:\n"
        "    aws ec2 --region eu-central-1 delete-key-pair --key-name old\n"
    )


def test_several_regions_are_looked_at_and_one_that_fails_does_not_end_it(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    other = source.connect(region="us-east-1")
    make_key(aws, "old", run="0123456789", expires=PAST)

    def deny(**_: object) -> Any:
        error = {"Error": {"Code": "UnauthorizedOperation", "Message": "no"}}
        return type("Response", (), {"status_code": 403}), {**error, "ResponseMetadata": {"HTTPStatusCode": 403}}

    other.ec2.meta.events.register("before-call.ec2.DescribeInstances", deny)
    try:
        assert _run(["reap", "--region", "us-east-1", "--region", "eu-central-1"]) == 3
    finally:
        other.ec2.meta.events.unregister("before-call.ec2.DescribeInstances", deny)
    said = capsys.readouterr()
    assert "us-east-1: not allowed to look for what runs have left" in said.err
    assert said.out == "eu-central-1: removed key pair old\n"
    assert keys(aws) == []


def test_all_regions_are_those_that_are_enabled(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    enabled = {"Regions": [{"RegionName": "us-east-1"}, {"RegionName": "eu-central-1"}]}

    def give(**_: object) -> Any:
        return type("Response", (), {"status_code": 200}), enabled

    aws.ec2.meta.events.register("before-call.ec2.DescribeRegions", give)
    try:
        assert _run(["reap", "--all-regions"]) == 0
    finally:
        aws.ec2.meta.events.unregister("before-call.ec2.DescribeRegions", give)
    assert capsys.readouterr().out == "eu-central-1: nothing to remove\nus-east-1: nothing to remove\n"


@pytest.mark.parametrize("arguments", [["--all-regions", "--region", "us-east-1"], ["--run", " "]])
def test_a_wrong_call_is_exit_code_2(arguments: list[str]) -> None:
    assert _run(["reap", *arguments]) == 2

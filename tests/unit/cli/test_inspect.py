"""`amigate inspect` on an account."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from amigate.cli import _run

if TYPE_CHECKING:
    import pytest

    from amigate.sources.aws import Aws


def register(aws: Aws) -> str:
    return aws.ec2.register_image(Name="golden 7", Architecture="x86_64")["ImageId"]


def test_an_image_is_shown(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    ami = register(aws)
    assert _run(["inspect", ami]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"AMI                       {ami}\nName                      golden 7\n")
    assert "Launch permission         implicit: the owner alone" in said


def test_launch_permissions_are_read(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    ami = register(aws)
    aws.ec2.modify_image_attribute(ImageId=ami, LaunchPermission={"Add": [{"UserId": "111122223333"}]})
    assert _run(["inspect", ami, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["permissions"] == {"kind": "explicit", "with": ["111122223333"], "unseen": None}


def test_permissions_that_may_not_be_read_are_told_and_the_rest_is_shown(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    ami = register(aws)

    def deny(**_: object) -> Any:
        error = {"Error": {"Code": "UnauthorizedOperation", "Message": "no"}}
        return type("Response", (), {"status_code": 403}), {**error, "ResponseMetadata": {"HTTPStatusCode": 403}}

    aws.ec2.meta.events.register("before-call.ec2.DescribeImageAttribute", deny)
    try:
        assert _run(["inspect", ami]) == 0
    finally:
        aws.ec2.meta.events.unregister("before-call.ec2.DescribeImageAttribute", deny)
    assert "not known; not allowed to read the launch permissions" in capsys.readouterr().out


def test_an_image_that_is_not_there_is_a_wrong_call(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["inspect", "ami-0123456789abcdef0"]) == 2
    assert "there is no ami-0123456789abcdef0" in capsys.readouterr().err
    assert _run(["inspect", "ami-nonsense"]) == 2

"""Sharing: only on a full pass, read back, and taken back when it did not go as asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from amigate.errors import AwsError, ShareError, UsageError
from amigate.gate.share import launch_link, permissions, require_accounts, share, share_all
from amigate.result import Report, Result, Severity, Status, Target
from amigate.sources.aws import Aws

OWNER, FRIEND, OTHER = "123456789012", "111111111111", "222222222222"
AMI = "ami-0123456789abcdef0"


class Ec2:
    """EC2's launch permissions of one image, and the ways in which calls go wrong."""

    def __init__(self, *holders: str) -> None:
        self.permissions: list[dict[str, str]] = [{"UserId": holder} for holder in holders]
        self.calls: list[str] = []
        self.after_adding: BaseException | None = None
        """Raised by an Add that has taken effect."""
        self.forgetful = False
        """An Add has no effect."""
        self.stubborn = False
        """A Remove is refused."""
        self.unreadable_after = 10**9
        """Number of describes that succeed."""

    def describe_image_attribute(self, *, ImageId: str, Attribute: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert (ImageId, Attribute) == (AMI, "launchPermission")
        self.calls.append("describe")
        if self.calls.count("describe") > self.unreadable_after:
            raise _refused("DescribeImageAttribute")
        return {"LaunchPermissions": list(self.permissions)}

    def modify_image_attribute(self, *, ImageId: str, LaunchPermission: dict[str, list[dict[str, str]]]) -> None:  # noqa: N803 - boto3's names
        assert ImageId == AMI
        ((action, entries),) = LaunchPermission.items()
        self.calls.append(f"{action} {' '.join(entry['UserId'] for entry in entries)}")
        if action == "Remove":
            if self.stubborn:
                raise _refused("ModifyImageAttribute")
            self.permissions = [each for each in self.permissions if each not in entries]
            return
        if not self.forgetful:
            self.permissions += entries
        if self.after_adding is not None:
            raise self.after_adding


def _refused(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "InternalError", "Message": "sorry"}}, operation)


def aws(ec2: Ec2, **changes: Any) -> Aws:
    fields: dict[str, Any] = {
        "ec2": ec2,
        "region": "eu-central-1",
        "account": OWNER,
        "partition": "aws",
        "arn": f"arn:aws:iam::{OWNER}:root",
        "endpoint": "",
        "sandbox": False,
    }
    return Aws(**fields | changes)


def report(*statuses: Status, **target: Any) -> Report:
    results = tuple(
        Result(
            id=f"r{number}",
            status=status,
            severity=Severity.HIGH,
            blocking=status in (Status.FAIL, Status.INCONCLUSIVE),
            title="",
            guideline="",
            source="",
            witness=(),
            message="",
        )
        for number, status in enumerate(statuses)
    )
    fields: dict[str, Any] = {"kind": "ami", "id": AMI, "account": OWNER, "region": "eu-central-1", "partition": "aws"}
    return Report(
        target=Target(**fields | target),
        audience="accounts",
        profile="p",
        profile_digest="",
        witnesses=(),
        collected_at="",
        evidence_digest="",
        results=results,
    )


PASSED = report(Status.PASS)


@pytest.mark.trap(69)
@pytest.mark.parametrize(
    "refused",
    [
        report(Status.PASS, Status.FAIL),
        report(Status.PASS, Status.INCONCLUSIVE),
        report(Status.PASS, Status.NOT_ASKED),
        report(),
        report(Status.PASS, account=OTHER),
        report(Status.PASS, region="us-east-1"),
        report(Status.PASS, endpoint="http://127.0.0.1:5000"),
    ],
)
def test_anything_but_a_full_pass_of_this_place_is_refused_before_any_change(refused: Report) -> None:
    ec2 = Ec2()
    with pytest.raises(ShareError) as error:
        share(aws(ec2), refused, [FRIEND])
    assert error.value.hint
    assert ec2.calls == []


def test_a_permission_is_added_and_read_back() -> None:
    ec2 = Ec2(OTHER)
    shared = share(aws(ec2), PASSED, [FRIEND])
    assert (shared.added, shared.already, shared.permissions) == ((FRIEND,), (), (FRIEND, OTHER))
    assert ec2.calls == ["describe", f"Add {FRIEND}", "describe"]


def test_sharing_again_changes_nothing() -> None:
    ec2 = Ec2(FRIEND)
    shared = share(aws(ec2), PASSED, [FRIEND])
    assert (shared.added, shared.already) == ((), (FRIEND,))
    assert not any(call.startswith("Add") for call in ec2.calls)


def test_only_what_is_missing_is_added() -> None:
    ec2 = Ec2(FRIEND)
    assert share(aws(ec2), PASSED, [FRIEND, OTHER]).added == (OTHER,)
    assert f"Add {OTHER}" in ec2.calls


def test_what_ec2_does_not_show_is_taken_back() -> None:
    ec2 = Ec2()
    ec2.forgetful = True
    with pytest.raises(ShareError, match="does not show"):
        share(aws(ec2), PASSED, [FRIEND])
    assert ec2.calls[-1] == f"Remove {FRIEND}"


@pytest.mark.parametrize(
    "error",
    [
        _refused("ModifyImageAttribute"),
        ReadTimeoutError(endpoint_url="https://ec2.eu-central-1.amazonaws.com"),
        KeyboardInterrupt(),
    ],
)
def test_an_answer_that_is_lost_after_taking_effect_leaves_nothing_shared(error: BaseException) -> None:
    ec2 = Ec2(OTHER)
    ec2.after_adding = error
    with pytest.raises((AwsError, KeyboardInterrupt)):
        share(aws(ec2), PASSED, [FRIEND, OTHER])
    assert ec2.permissions == [{"UserId": OTHER}]


def test_a_read_back_that_fails_leaves_nothing_shared() -> None:
    ec2 = Ec2()
    ec2.unreadable_after = 1
    with pytest.raises(AwsError):
        share(aws(ec2), PASSED, [FRIEND])
    assert ec2.permissions == []


def test_permissions_that_cannot_be_read_first_are_not_added_to() -> None:
    ec2 = Ec2()
    ec2.unreadable_after = 0
    with pytest.raises(AwsError):
        share(aws(ec2), PASSED, [FRIEND])
    assert ec2.calls == ["describe"]


def test_what_cannot_be_taken_back_is_said_with_the_command() -> None:
    ec2 = Ec2()
    ec2.after_adding, ec2.stubborn = _refused("ModifyImageAttribute"), True
    with pytest.raises(ShareError, match="could not be taken back") as error:
        share(aws(ec2), PASSED, [FRIEND])
    assert error.value.hint == (
        f"aws ec2 modify-image-attribute --region eu-central-1 --image-id {AMI} "
        f"--launch-permission 'Remove=[{{UserId={FRIEND}}}]'"
    )


@pytest.mark.trap(66)
def test_all_four_kinds_of_permission_are_read() -> None:
    ec2 = Ec2(FRIEND)
    ec2.permissions += [{"Group": "all"}, {"OrganizationArn": "arn:o"}, {"OrganizationalUnitArn": "arn:ou"}]
    assert permissions(aws(ec2), AMI) == (FRIEND, "arn:o", "arn:ou", "group all")


@pytest.mark.parametrize(
    "account", ["", "12345678901", "1234567890123", "all", "12345678901a", "\u0661" * 12, f"{FRIEND}\n"]
)
def test_what_is_no_account_is_a_mistake_of_the_caller(account: str) -> None:
    with pytest.raises(UsageError):
        require_accounts([account])


def test_accounts_count_once() -> None:
    assert require_accounts([FRIEND, OTHER, FRIEND]) == (FRIEND, OTHER)


@pytest.mark.parametrize(
    "partition,host",
    [
        ("aws", "https://eu-central-1.console.aws.amazon.com"),
        ("aws-cn", "https://eu-central-1.console.amazonaws.cn"),
        ("aws-us-gov", "https://eu-central-1.console.amazonaws-us-gov.com"),
    ],
)
def test_the_launch_link_leads_to_the_partitions_console(partition: str, host: str) -> None:
    link = launch_link(replace(PASSED, target=replace(PASSED.target, partition=partition)))
    assert link == f"{host}/ec2/home?region=eu-central-1#LaunchInstances:ami={AMI}"
    assert launch_link(replace(PASSED, target=replace(PASSED.target, partition="aws-iso"))) == ""


def test_several_images_are_shared() -> None:
    here, there = Ec2(), Ec2(OTHER)
    shared = share_all([(aws(here), PASSED), (aws(there), PASSED)], [FRIEND])
    assert [each.permissions for each in shared] == [(FRIEND,), (FRIEND, OTHER)]


def test_where_one_of_several_images_may_not_be_shared_nothing_is_called() -> None:
    here, there = Ec2(), Ec2()
    with pytest.raises(ShareError, match="the verdict is fail"):
        share_all([(aws(here), PASSED), (aws(there), report(Status.FAIL))], [FRIEND])
    assert here.calls == there.calls == []


@pytest.mark.trap(71)
@pytest.mark.parametrize("error", [_refused("ModifyImageAttribute"), KeyboardInterrupt()], ids=["refused", "interrupt"])
def test_where_one_of_several_images_cannot_be_shared_the_others_are_taken_back(error: BaseException) -> None:
    first, second, third = Ec2(), Ec2(FRIEND), Ec2()
    third.after_adding = error
    with pytest.raises((AwsError, KeyboardInterrupt)):
        share_all([(aws(each), PASSED) for each in (first, second, third)], [FRIEND])
    held = [each.permissions for each in (first, second, third)]
    assert held == [[], [{"UserId": FRIEND}], []]  # the second had it before


def test_what_cannot_be_taken_back_of_several_images_is_told_and_the_rest_is_taken_back() -> None:
    first, second, third = Ec2(), Ec2(), Ec2()
    first.stubborn = True
    third.after_adding = _refused("ModifyImageAttribute")
    with pytest.raises(ShareError, match="could not be taken back") as error:
        share_all([(aws(each), PASSED) for each in (first, second, third)], [FRIEND])
    assert f"Remove=[{{UserId={FRIEND}}}]" in error.value.hint
    assert (second.permissions, third.permissions) == ([], [])

"""What AWS answers to what the rules ask beyond the image; what it does not answer is unseen, with the reason."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from amigate.check import Ask
from amigate.errors import AwsError
from amigate.sources import asking, clients
from amigate.sources.clients import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.sources.aws import Aws

KEY = "arn:aws:kms:us-east-1:123456789012:key/{}"


class Client:
    """Stands in for boto3's, with the calls given."""

    def __init__(self, name: str = "ec2", **calls: Callable[..., dict[str, Any]]) -> None:
        self.meta = SimpleNamespace(service_model=SimpleNamespace(service_name=name))
        for operation, call in calls.items():
            setattr(self, operation, call)


def denied(operation: str) -> Callable[..., dict[str, Any]]:
    def call(**_: object) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)

    return call


def test_nothing_is_asked_that_no_rule_asks_for() -> None:
    nobody: Any = None
    assert asking.answers(nobody, (), {"ImageId": "ami-1"}, [{"SnapshotId": "snap-1", "KmsKeyId": "k"}]) == ({}, {})


def test_all_is_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(3, timeout=10)

    def described(_: Aws, key: str) -> str:
        together.wait()
        return key

    monkeypatch.setitem(asking._OF_KEYS, Ask.KEYS, described)
    snapshots = [{"SnapshotId": f"snap-{each}", "KmsKeyId": KEY.format(each)} for each in "abc"]
    nobody: Any = None
    seen, unseen = asking.answers(nobody, [Ask.KEYS], {}, snapshots)
    assert seen == {f"key of {KEY.format(each)}": KEY.format(each) for each in "abc"}
    assert not unseen


def test_one_answer_that_is_refused_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    kms = Client("kms", describe_key=denied("DescribeKey"))
    quotas = Client("service-quotas", get_service_quota=lambda **_: {"Quota": {"Value": 7.0}})
    monkeypatch.setattr(clients, "client", lambda _, name, **__: {"kms": kms, "service-quotas": quotas}[name])
    aws: Any = SimpleNamespace(region="us-east-1")
    seen, unseen = asking.answers(aws, [Ask.KEYS, Ask.SHARING_QUOTA], {}, [{"KmsKeyId": KEY.format("a")}])
    assert seen == {"quota of sharing": 7.0}
    (why,) = unseen.values()
    assert "DescribeKey needs the permission kms:DescribeKey" in why


def test_an_answer_that_is_none_of_awss_is_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "client", lambda *_, **__: Client("kms", describe_key=lambda **_: {}))
    nobody: Any = None
    seen, unseen = asking.answers(nobody, [Ask.KEYS], {}, [{"KmsKeyId": KEY.format("a")}])
    assert not seen
    assert list(unseen.values()) == ["AWS answered without 'KeyMetadata'"]


def test_a_permission_is_named_as_iam_calls_the_service() -> None:
    quotas = Client("service-quotas", get_service_quota=denied("GetServiceQuota"))
    with pytest.raises(AwsError, match="servicequotas:GetServiceQuota"):
        Service(quotas).ask("get_service_quota", "ask")


def test_an_operation_that_boto3_does_not_know_is_said_to_be_so() -> None:
    with pytest.raises(AwsError, match="boto3 does not know get_image_ancestry") as caught:
        Service(Client()).ask("get_image_ancestry", "trace the ancestry")
    assert "newer boto3" in caught.value.hint


def test_pages_are_followed_and_more_than_are_read_is_no_answer() -> None:
    def listed(NextToken: str = "0", **_: object) -> dict[str, Any]:  # noqa: N803 - AWS's word
        return {"Things": [NextToken], "NextToken": str(int(NextToken) + 1)}

    def ended(NextToken: str = "0", **_: object) -> dict[str, Any]:  # noqa: N803 - AWS's word
        return listed(NextToken) if NextToken != "2" else {"Things": ["2"]}

    assert list(Service(Client(list_things=ended)).pages("list_things", "list", "Things")) == ["0", "1", "2"]
    with pytest.raises(AwsError, match="more than 4 pages"):
        list(Service(Client(list_things=listed)).pages("list_things", "list", "Things", most=4))

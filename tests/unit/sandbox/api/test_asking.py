"""What amigate asks AWS beyond the image, asked of the sandbox through boto3, answered in the services' own form."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from amigate.check import Ask
from amigate.evidence import codec
from amigate.sandbox import DENIED, Error, Fault
from amigate.sources.aws import connect
from amigate.sources.ec2 import describe

from .conftest import code, snapshots_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amigate.sandbox import Sandbox
    from amigate.sources.aws import Aws

    from .conftest import Caller

SCANNED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OTHER = "210987654321"


@pytest.fixture
def aws(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", caller.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", caller.secret_access_key)
    return connect(region="us-east-1", endpoint_url=caller.sandbox.endpoint)


@pytest.fixture
def recorded(sandbox: Sandbox) -> Iterator[Any]:
    """Return what scanners say, which is nothing again afterwards."""
    yield sandbox.recorded
    fresh = type(sandbox.recorded)()
    for each in dataclasses.fields(fresh):
        setattr(sandbox.recorded, each.name, getattr(fresh, each.name))


def asked_of(aws: Aws, image: str, *asks: Ask) -> tuple[dict[str, Any], dict[str, str]]:
    """Return answers, as evidence writes them, and why others are missing."""
    _, ec2 = describe(aws, image, asks)
    return codec.plain(dict(ec2.answers)), dict(ec2.unseen)


def test_what_may_be_shared_in_the_region(aws: Aws, caller: Caller, ec2: Any, image: str) -> None:
    asks = (Ask.PUBLIC_ACCESS, Ask.PUBLIC_IMAGES, Ask.PUBLIC_QUOTA, Ask.SHARING_QUOTA, Ask.ENCRYPTION_BY_DEFAULT)
    seen, unseen = asked_of(aws, image, *asks)
    assert not unseen
    assert seen == {
        "block public access": {"ImageBlockPublicAccessState": "block-new-sharing", "ManagedBy": "account"},
        "encryption by default": {"EbsEncryptionByDefault": False},
        "public images": {"Public": 0, "RecycleBin": 0},
        "quota of public images": 5.0,
        "quota of sharing": 1000.0,
    }
    ec2.disable_image_block_public_access()
    ec2.enable_ebs_encryption_by_default()
    for each in (image, caller.add_image(None, "another")):
        ec2.modify_image_attribute(ImageId=each, LaunchPermission={"Add": [{"Group": "all"}]})
    seen, _ = asked_of(aws, image, *asks)
    assert seen["block public access"]["ImageBlockPublicAccessState"] == "unblocked"
    assert seen["encryption by default"] == {"EbsEncryptionByDefault": True}
    assert seen["public images"] == {"Public": 1, "RecycleBin": 0}


def test_a_quota_that_was_changed(aws: Aws, image: str, recorded: Any) -> None:
    recorded.changed_quotas = {"L-0E3CBAB9": 50.0}
    assert asked_of(aws, image, Ask.PUBLIC_QUOTA)[0] == {"quota of public images": 50.0}


def test_who_may_use_snapshots(aws: Aws, ec2: Any, image: str) -> None:
    (snapshot,) = snapshots_of(ec2, image)
    ec2.modify_snapshot_attribute(SnapshotId=snapshot, CreateVolumePermission={"Add": [{"UserId": OTHER}]})
    seen, _ = asked_of(aws, image, Ask.SNAPSHOT_PERMISSIONS)
    assert seen == {f"snapshot permissions of {snapshot}": [{"UserId": OTHER}]}


def test_keys_with_their_policies_and_grants(aws: Aws, caller: Caller, disk: Path) -> None:
    kms = caller.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    grant = {"GranteePrincipal": f"arn:aws:iam::{OTHER}:root", "Operations": ["Decrypt"]}
    kms.create_grant(KeyId=key, **grant)
    image = caller.add_image(disk, encrypted=True, kms_key_id=key)
    seen, unseen = asked_of(aws, image, Ask.KEYS, Ask.KEY_POLICIES)
    assert not unseen
    described = seen[f"key of {key}"]
    assert (described["Arn"], described["KeyManager"], described["KeyState"]) == (key, "CUSTOMER", "Enabled")
    assert json.loads(seen[f"key policy of {key}"]["Policy"])["Statement"]
    assert seen[f"key policy of {key}"]["Grants"] == [grant | {"Constraints": {}}]


def test_awss_own_key(aws: Aws, caller: Caller, disk: Path) -> None:
    seen, unseen = asked_of(aws, caller.add_image(disk, encrypted=True), Ask.KEYS)
    assert [each["KeyManager"] for each in seen.values()] == ["AWS"], unseen


def test_the_ancestry_over_regions_until_it_is_lost(aws: Aws, caller: Caller, stranger: Caller, disk: Path) -> None:
    base = stranger.add_image(disk, "base", region="eu-west-1", shared_with=[caller.account_id])
    parent = caller.add_image(disk, "parent", source_image_id=base, source_image_region="eu-west-1")
    image = caller.add_image(
        disk, "image", source_image_id=parent, source_image_region="us-east-1", source_instance_id="i-1"
    )
    first, second = asked_of(aws, image, Ask.ANCESTRY)[0]["ancestry"]
    assert (first["ImageId"], first["OwnerId"], first["IsCopy"]) == (parent, caller.account_id, True)
    assert (second["ImageId"], second["OwnerId"]) == (base, stranger.account_id)
    assert "IsCopy" not in second
    caller.client().deregister_image(ImageId=parent)
    assert asked_of(aws, image, Ask.ANCESTRY)[0] == {"ancestry": []}
    assert asked_of(aws, caller.add_image(disk, "made of nothing"), Ask.ANCESTRY)[0] == {"ancestry": []}


def test_what_inspector_found(aws: Aws, caller: Caller, disk: Path) -> None:
    findings = (
        {"Title": "CVE-1", "SeverityLabel": "low", "FixAvailable": True, "Paths": ["/secret"]},
        {"Title": "CVE-2", "SeverityLabel": "critical", "FixAvailable": False},
    )
    results = {"HighestFindingSeverityLabel": "critical", "FindingScanDate": SCANNED, "LowFixAvailableSince": SCANNED}
    image = caller.add_image(disk, findings=findings, scan_results=results)
    _, ec2 = describe(aws, image, [Ask.VULNERABILITIES])
    assert codec.plain(dict(ec2.image))["ScanResults"]["FindingScanDate"] == "2026-01-02T03:04:05+00:00"
    assert ec2.answers["vulnerabilities"] == {
        "Findings": [
            {"Title": "CVE-2", "SeverityLabel": "critical", "FixAvailable": False},
            {"Title": "CVE-1", "SeverityLabel": "low", "FixAvailable": True},
        ]
    }


def test_how_inspectors_scans_went(aws: Aws, image: str, recorded: Any) -> None:
    assert asked_of(aws, image, Ask.VULNERABILITIES)[0] == {"vulnerabilities": {"Scans": []}}
    scan = {"scanStatus": "FAILED", "scanStatusReason": "UNSUPPORTED_OS", "startedAt": SCANNED}
    recorded.inspector_scans = {image: [scan | {"scanId": "a1"}]}
    (seen,) = asked_of(aws, image, Ask.VULNERABILITIES)[0]["vulnerabilities"]["Scans"]
    assert (seen["scanStatus"], seen["scanStatusReason"]) == ("FAILED", "UNSUPPORTED_OS")
    assert datetime.fromisoformat(seen["startedAt"]) == SCANNED


def test_the_last_malware_scan_of_the_image(aws: Aws, caller: Caller, image: str, recorded: Any) -> None:
    assert asked_of(aws, image, Ask.MALWARE)[0] == {"malware scan": {}}
    arn = f"arn:aws:ec2:us-east-1:{caller.account_id}:image/"
    common = {"ResourceType": "EC2_AMI", "ScanCategory": "FULL_SCAN", "ScanStatus": "COMPLETED"}
    threat = {"Name": "EICAR", "ItemDetails": [{"ItemPath": "/opt/eicar.com", "Hash": "aa"}]}
    clean = {"ScanResultStatus": "NO_THREATS_FOUND", "SkippedFileCount": 2}
    recorded.malware_scans = [
        common | {"ScanId": "1", "ResourceArn": arn + image, "ScanStartedAt": SCANNED, "ScanResultDetails": clean},
        common
        | {
            "ScanId": "2",
            "ResourceArn": arn + image,
            "ScanStartedAt": SCANNED.replace(year=2027),
            "ScanResultDetails": {"ScanResultStatus": "THREATS_FOUND", "Threats": [threat]},
        },
        common | {"ScanId": "3", "ResourceArn": arn + "ami-1", "ScanStartedAt": SCANNED.replace(year=2028)},
        {"ScanId": "4", "ResourceType": "EBS_SNAPSHOT", "ResourceArn": "arn:aws:ec2:us-east-1::snapshot/snap-1"},
    ]
    seen = asked_of(aws, image, Ask.MALWARE)[0]["malware scan"]
    assert (seen["ScanId"], seen["ScanStatus"], seen["ScanResultStatus"]) == ("2", "COMPLETED", "THREATS_FOUND")
    assert seen["Threats"] == [{"Name": "EICAR", "Paths": ["/opt/eicar.com"]}]


@pytest.mark.parametrize(
    "ask,permission",
    [
        (Ask.PUBLIC_ACCESS, "ec2:GetImageBlockPublicAccessState"),
        (Ask.PUBLIC_IMAGES, "ec2:ListImagesInRecycleBin"),
        (Ask.SHARING_QUOTA, "servicequotas:GetServiceQuota"),
        (Ask.ENCRYPTION_BY_DEFAULT, "ec2:GetEbsEncryptionByDefault"),
        (Ask.VULNERABILITIES, "inspector2:ListOnDemandScans"),
        (Ask.MALWARE, "guardduty:ListMalwareScans"),
        (Ask.SNAPSHOT_PERMISSIONS, "ec2:DescribeSnapshotAttribute"),
    ],
)
def test_what_is_denied_is_unseen_and_names_the_permission(
    aws: Aws, sandbox: Sandbox, image: str, ask: Ask, permission: str
) -> None:
    action = permission.split(":")[1]
    with sandbox.faults.add(Fault(action, times=None, error=Error(DENIED))) as fault:
        seen, unseen = asked_of(aws, image, ask)
    assert fault.fired
    assert not seen
    (why,) = unseen.values()
    assert permission in why


def test_calls_that_no_rule_asks_for_are_not_made(aws: Aws, sandbox: Sandbox, image: str) -> None:
    sandbox.calls.clear()
    describe(aws, image)
    made = {call.action for call in sandbox.calls.all()}
    assert made == {"DescribeImages", "DescribeSnapshots", "DescribeImageAttribute"}


def test_watermarks_are_the_owners_and_not_for_public_images(ec2: Any, theirs: Any, caller: Caller, image: str) -> None:
    key = ec2.attach_image_watermark(ImageId=image, WatermarkName="golden")["WatermarkKey"]
    assert key == f"{caller.account_id}:golden"
    (mark,) = ec2.describe_images(ImageIds=[image])["Images"][0]["ImageWatermarks"]
    assert (mark["WatermarkKey"], mark["SourceImageId"]) == (key, image)
    copy = ec2.copy_image(SourceImageId=image, SourceRegion="us-east-1", Name="copy")["ImageId"]
    assert ec2.describe_images(ImageIds=[copy])["Images"][0]["ImageWatermarks"][0]["WatermarkKey"] == key
    ec2.disable_image_block_public_access()
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"Group": "all"}]})
    assert code(ec2.attach_image_watermark, ImageId=image, WatermarkName="late") == "OperationNotPermitted"
    assert code(theirs.attach_image_watermark, ImageId=image, WatermarkName="mine") == "AuthFailure"
    ec2.detach_image_watermark(ImageId=image, WatermarkKey=key)
    assert "ImageWatermarks" not in ec2.describe_images(ImageIds=[image])["Images"][0]


@pytest.mark.parametrize(
    "service,call,parameters",
    [
        ("inspector2", "list_findings", {}),
        ("guardduty", "list_detectors", {}),
        ("service-quotas", "list_service_quotas", {"ServiceCode": "ec2"}),
        ("inspector2", "start_on_demand_scan", {"resourceId": "ami-0123456789abcdef0", "resourceType": "AMI"}),
    ],
)
def test_the_rest_of_those_services_is_not_there(caller: Caller, service: str, call: str, parameters: Any) -> None:
    assert code(getattr(caller.client(service), call), **parameters) in {"ValidationException", "InvalidRequest"}

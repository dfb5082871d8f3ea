"""The rules about what AWS knows of an image, judged by the real judge: passing, failing in each way, undecided."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from amigate.check import Ask
from amigate.evidence.model import asked
from amigate.judge import catalogue
from amigate.judge.places import Place
from amigate.judge.process import Judge
from amigate.plan import asks
from amigate.result import Status, Witness

from .judging import decisions
from .trees import named

if TYPE_CHECKING:
    from collections.abc import Mapping

PASS, FAIL, WARN, UNSURE, NONE = (
    Status.PASS,
    Status.FAIL,
    Status.WARN,
    Status.INCONCLUSIVE,
    Status.NOT_APPLICABLE,
)
KEY = "ami-uses-customer-managed-key"
POLICY = "ami-key-policy-admits-targets"
ACCESS = "ami-public-access-not-blocked"
PUBLIC_QUOTA = "ami-public-quota-has-room"
SHARING_QUOTA = "ami-sharing-quota-has-room"
SNAPSHOTS = "ami-only-expected-snapshots"
PERMISSIONS = "ami-snapshot-permissions-as-planned"
AGE = "ami-recent-with-deprecation-date"
IMDS = "ami-requires-imdsv2"
MODERN = "ami-modern-virtualization-and-boot"
PROVENANCE = "ami-provenance-known"
WORDS = "ami-metadata-leaks-nothing"
ENCRYPTING = "ami-encryption-by-default-noticed"
CVES = "ami-cve-findings-within-threshold"
MALWARE = "ami-malware-scan-clean"
MARKETPLACE = "ami-meets-marketplace-source-limits"
WATERMARK = "ami-watermark-attached"
RULES = (
    KEY, POLICY, ACCESS, PUBLIC_QUOTA, SHARING_QUOTA, SNAPSHOTS, PERMISSIONS, AGE, IMDS, MODERN, PROVENANCE, WORDS,
    ENCRYPTING, CVES, MALWARE, MARKETPLACE, WATERMARK,
)  # fmt: skip
PLACES = {rule: (Place(Witness.EC2),) for rule in RULES}

OURS, OTHER, DEBIAN, EVIL = "123456789012", "111122223333", "136693071363", "666677778888"
AMI, PARENT, BASE = "ami-0123456789abcdef0", "ami-11111111111111111", "ami-22222222222222222"
ROOT, DATA = "snap-0123456789abcdef0", "snap-11111111111111111"
ARN = f"arn:aws:kms:us-east-1:{OURS}:key/k"
ORGANIZATION = "arn:aws:organizations::999999999999:organization/o-a1b2c3d4e5"
UNIT = "arn:aws:organizations::999999999999:ou/o-a1b2c3d4e5/ou-ab12-11111111"
MARK = f"{OURS}:golden"
ACCESS_KEY = "AKIA" + "Z7" * 8

IMAGE: dict[str, Any] = {
    "ImageId": AMI,
    "Name": "golden-12-202512010930",
    "Description": "Golden Debian 12 (20251201-1615), RHEL-9 like, UTF-8, HVM-20251201",
    "State": "available",
    "OwnerId": OURS,
    "CreationDate": "2025-12-01T00:00:00.000Z",
    "DeprecationTime": "2027-11-30T00:00:00.000Z",
    "Architecture": "x86_64",
    "VirtualizationType": "hvm",
    "EnaSupport": True,
    "BootMode": "uefi-preferred",
    "ImdsSupport": "v2.0",
    "RootDeviceType": "ebs",
    "RootDeviceName": "/dev/xvda",
    "BlockDeviceMappings": [
        {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": ROOT, "VolumeSize": 8}},
        {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
        {"DeviceName": "/dev/sdc", "Ebs": {"VolumeSize": 10}},
    ],
    "SourceImageId": PARENT,
    "SourceImageRegion": "us-east-1",
    "SourceInstanceId": "i-0123456789abcdef0",
    "ScanResults": {"FindingScanDate": "2025-12-20T00:00:00+00:00"},
    "ImageWatermarks": [{"WatermarkKey": MARK}],
    "Tags": [{"Key": "Base", "Value": DEBIAN}, {"Key": "Built", "Value": f"202512010930 by {OURS}"}],
}
SCAN = {
    "ScanId": "s1",
    "ScanCategory": "FULL_SCAN",
    "ScanStatus": "COMPLETED",
    "ScanStartedAt": "2025-12-20T00:00:00+00:00",
    "ScanResultStatus": "NO_THREATS_FOUND",
    "SkippedFileCount": 0,
    "Threats": [],
}
ANCESTORS: list[dict[str, Any]] = [
    {"ImageId": PARENT, "CreationDate": "2025-11-01T00:00:00+00:00", "OwnerId": OURS, "IsCopy": False,
     "SourceImageId": BASE, "SourceImageRegion": "us-east-1"},
    {"ImageId": BASE, "CreationDate": "2020-01-01T00:00:00+00:00", "OwnerId": DEBIAN},
]  # fmt: skip
ANSWERS: dict[str, Any] = {
    Ask.PUBLIC_ACCESS: {"ImageBlockPublicAccessState": "unblocked", "ManagedBy": "account"},
    Ask.PUBLIC_IMAGES: {"Public": 3, "RecycleBin": 1},
    Ask.PUBLIC_QUOTA: 5.0,
    Ask.SHARING_QUOTA: 1000.0,
    Ask.ENCRYPTION_BY_DEFAULT: {"EbsEncryptionByDefault": False},
    Ask.ANCESTRY: ANCESTORS,
    Ask.VULNERABILITIES: {"Findings": []},
    Ask.MALWARE: SCAN,
    asked(Ask.SNAPSHOT_PERMISSIONS, ROOT): [],
    asked(Ask.SNAPSHOT_PERMISSIONS, DATA): [],
    asked(Ask.KEYS, ARN): {"Arn": ARN, "KeyManager": "CUSTOMER", "KeyState": "Enabled"},
}


@dataclass
class Case:
    """How to spoil an image that is meant for everybody, and what has to come of it."""

    expected: Mapping[str, Status]
    image: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    """Fields of the image that are not there."""
    answers: Mapping[str, Any] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)
    """What AWS did not say, and why."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Other fields of the kit's image."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of all the rules that have them."""
    says: Mapping[str, str] = field(default_factory=dict)
    """Rule to something in its message or findings."""


SOUND = dict.fromkeys(RULES, PASS) | {KEY: NONE, POLICY: NONE, SHARING_QUOTA: NONE}
"""Of the image above, which is meant for everybody."""
ACCOUNTS = {ACCESS: NONE, PUBLIC_QUOTA: NONE, ENCRYPTING: NONE, SHARING_QUOTA: PASS}
"""What differs for one that is meant for accounts."""
DENIED = "not allowed to look: it needs the permission x:Y"


def encrypted(policy: object = None, grants: object = (), *, key: str = ARN, **more: Any) -> dict[str, Any]:
    """Return how an image differs whose snapshot is encrypted, and that goes to the receivers named."""
    answers = {asked(Ask.KEY_POLICIES, ARN): {"Policy": json.dumps(policy), "Grants": grants}} if policy else {}
    snapshot = {"SnapshotId": ROOT, "Encrypted": True, "KmsKeyId": key, "VolumeSize": 8}
    receivers = more.pop("receivers", [OTHER])
    return {
        "more": {"snapshots": [snapshot], "audience": "accounts", "receivers": receivers} | more,
        "answers": answers,
    }


def statement(principal: object, *actions: str, effect: str = "Allow", **condition: object) -> dict[str, Any]:
    said = {"Effect": effect, "Principal": principal, "Action": list(actions) or ["kms:*"], "Resource": "*"}
    return said | ({"Condition": condition["condition"]} if condition else {})


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement({"AWS": f"arn:aws:iam::{OURS}:root"}), *statements]}


NEEDED = ("kms:Decrypt", "kms:DescribeKey", "kms:CreateGrant", "kms:ReEncrypt*", "kms:GenerateDataKey*")
ADMITS = policy(statement({"AWS": [f"arn:aws:iam::{OTHER}:root"]}, *NEEDED))
OPERATIONS = [
    "Decrypt", "DescribeKey", "CreateGrant", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKeyWithoutPlaintext"
]  # fmt: skip
SECRET = ACCOUNTS | {KEY: PASS, POLICY: PASS, MARKETPLACE: FAIL}
"""What is judged otherwise of an encrypted image for accounts."""


def data_volume(**ebs: object) -> dict[str, Any]:
    further = {"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": DATA} | ebs}
    return {"BlockDeviceMappings": [*IMAGE["BlockDeviceMappings"], further]}


BOTH = {"snapshots": [{"SnapshotId": each, "Encrypted": False, "VolumeSize": 8} for each in (ROOT, DATA)]}


def described(text: str) -> dict[str, Any]:
    return {"Description": f"Golden 12 {text}"}


WRONG = "what a declarative policy and old images can get wrong at once"

OLDER = {"CreationDate": "2025-09-01T00:00:00.000Z", "DeprecationTime": "2027-08-31T00:00:00.000Z"}

CASES = {
    "a sound image for everybody": Case({}),
    "a sound image for accounts": Case(ACCOUNTS, more={"audience": "accounts"}),
    "EC2 alone was asked": Case(
        dict.fromkeys([ACCESS, PUBLIC_QUOTA, PERMISSIONS, PROVENANCE, ENCRYPTING, CVES, MALWARE], UNSURE),
        answers=dict.fromkeys(ANSWERS),
        says={ACCESS: "block public access: AWS was not asked"},
    ),
    "AWS lets nobody ask": Case(
        dict.fromkeys([ACCESS, PUBLIC_QUOTA, PERMISSIONS, PROVENANCE, ENCRYPTING, CVES, MALWARE], UNSURE),
        unseen=dict.fromkeys(ANSWERS, DENIED),
        says=dict.fromkeys([ACCESS, PUBLIC_QUOTA, PERMISSIONS, PROVENANCE, ENCRYPTING, CVES, MALWARE], "x:Y"),
    ),
    WRONG: Case(
        dict.fromkeys(RULES, FAIL) | {KEY: NONE, POLICY: NONE, SHARING_QUOTA: NONE, ENCRYPTING: WARN},
        image={
            "CreationDate": "2020-01-01T00:00:00.000Z",
            "DeprecationTime": "2025-01-01T00:00:00.000Z",
            "Architecture": "i386",
            "VirtualizationType": "paravirtual",
            "KernelId": "aki-01234567",
            "ImdsSupport": "",
            "Description": "",
            "ScanResults": {"HighestFindingSeverityLabel": "critical", "FindingScanDate": "2025-12-20T00:00:00Z"},
            "ImageWatermarks": [{"WatermarkKey": f"{EVIL}:golden"}],
        }
        | data_volume(VolumeSize=5000),
        answers={
            Ask.PUBLIC_ACCESS: {"ImageBlockPublicAccessState": "block-new-sharing", "ManagedBy": "declarative-policy"},
            Ask.PUBLIC_IMAGES: {"Public": 5, "RecycleBin": 0},
            Ask.ENCRYPTION_BY_DEFAULT: {"EbsEncryptionByDefault": True},
            Ask.ANCESTRY: [{"ImageId": PARENT, "OwnerId": EVIL, "Name": "debian-12-amd64"}],
            Ask.VULNERABILITIES: {"Findings": [{"Title": "CVE-2025-1 - bash", "SeverityLabel": "critical"}]},
            Ask.MALWARE: SCAN
            | {"ScanResultStatus": "THREATS_FOUND", "Threats": [{"Name": "EICAR", "Paths": ["/opt/eicar.com"]}]},
            asked(Ask.SNAPSHOT_PERMISSIONS, ROOT): [{"Group": "all"}],
        },
        more=BOTH,
        says={
            ACCESS: "declarative policy",
            PUBLIC_QUOTA: "5 other images",
            SNAPSHOTS: "/dev/sdf travels",
            PERMISSIONS: "everybody can read it",
            AGE: "2192 days ago",
            MODERN: "paravirtual",
            PROVENANCE: EVIL,
            WORDS: "no description",
            CVES: "CVE-2025-1",
            MALWARE: "/opt/eicar.com",
            MARKETPLACE: "5008 GiB",
            WATERMARK: f"no watermark of account {OURS}",
        },
    ),
    # Keys
    "a key that admits the receiver": Case(SECRET, **encrypted(ADMITS)),
    "nobody is named, so the policy is not judged": Case(SECRET | {POLICY: NONE}, **encrypted(ADMITS, receivers=[])),
    "an encrypted image for everybody": Case(
        {KEY: PASS, POLICY: NONE, MARKETPLACE: FAIL}, **encrypted(ADMITS, receivers=["all"], audience="public")
    ),
    "AWS's own key": Case(
        SECRET | {KEY: FAIL, POLICY: FAIL},
        more=encrypted()["more"],
        answers=encrypted(policy())["answers"] | {asked(Ask.KEYS, ARN): {"KeyManager": "AWS", "KeyState": "Enabled"}},
        says={KEY: "AWS manages it"},
    ),
    "a key that is to be deleted": Case(
        SECRET | {KEY: FAIL},
        more=encrypted()["more"],
        answers=encrypted(ADMITS)["answers"]
        | {asked(Ask.KEYS, ARN): {"KeyManager": "CUSTOMER", "KeyState": "PendingDeletion"}},
        says={KEY: "PendingDeletion"},
    ),
    "a key of another region": Case(
        SECRET | {KEY: FAIL, POLICY: UNSURE},
        **encrypted(key=ARN.replace("us-east-1", "eu-west-1")),
        says={KEY: "eu-west-1"},
    ),
    "EC2 does not say which key": Case(SECRET | {KEY: UNSURE, POLICY: UNSURE}, **encrypted(ADMITS, key="")),
    "KMS lets nobody look": Case(
        SECRET | {KEY: UNSURE, POLICY: UNSURE},
        more=encrypted()["more"],
        unseen={asked(Ask.KEYS, ARN): DENIED, asked(Ask.KEY_POLICIES, ARN): DENIED},
        says={KEY: "x:Y", POLICY: "x:Y"},
    ),
    "no snapshot could be looked at": Case(
        ACCOUNTS | {KEY: UNSURE, POLICY: UNSURE, WORDS: UNSURE, MARKETPLACE: UNSURE},
        more={"snapshots": [], "audience": "accounts"},
    ),
    "a policy that is for its own account": Case(
        SECRET | {POLICY: FAIL}, **encrypted(policy()), says={POLICY: f"does not let {OTHER} do kms:CreateGrant"}
    ),
    "a policy that leaves CreateGrant out": Case(
        SECRET | {POLICY: FAIL},
        **encrypted(policy(statement({"AWS": OTHER}, *(each for each in NEEDED if "Grant" not in each)))),
        says={POLICY: "do kms:CreateGrant"},
    ),
    "a policy that denies one thing again": Case(
        SECRET | {POLICY: FAIL},
        **encrypted({"Statement": [*ADMITS["Statement"], statement("*", "kms:ReEncryptTo", effect="Deny")]}),
        says={POLICY: "do kms:ReEncryptTo"},
    ),
    "a grant in the place of a policy": Case(
        SECRET,
        **encrypted(policy(), [{"GranteePrincipal": f"arn:aws:iam::{OTHER}:root", "Operations": OPERATIONS}]),
    ),
    "a grant with constraints": Case(
        SECRET | {POLICY: UNSURE},
        **encrypted(
            policy(),
            [
                {
                    "GranteePrincipal": f"arn:aws:iam::{OTHER}:root",
                    "Operations": OPERATIONS,
                    "Constraints": {"EncryptionContextEquals": {"a": "b"}},
                }
            ],
        ),
    ),
    "a policy for one role of the receiver": Case(
        SECRET | {POLICY: UNSURE},
        **encrypted(policy(statement({"AWS": f"arn:aws:iam::{OTHER}:role/builder"}, *NEEDED))),
        says={POLICY: "single principals"},
    ),
    "a policy with conditions that hold": Case(
        SECRET,
        **encrypted(
            policy(
                statement(
                    "*",
                    *(each for each in NEEDED if "Grant" not in each),
                    condition={
                        "StringEquals": {"kms:CallerAccount": [OTHER, OURS]},
                        "StringLike": {"kms:ViaService": "ec2.*.amazonaws.com"},
                    },
                ),
                statement({"AWS": OTHER}, "kms:CreateGrant", condition={"Bool": {"kms:GrantIsForAWSResource": True}}),
            )
        ),
    ),
    "a policy with a condition that nobody knows": Case(
        SECRET | {POLICY: UNSURE},
        **encrypted(
            policy(statement("*", *NEEDED, condition={"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}))
        ),
    ),
    "a policy for the organization": Case(
        SECRET,
        **encrypted(
            policy(statement("*", *NEEDED, condition={"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})),
            receivers=[ORGANIZATION, UNIT],
        ),
    ),
    "a policy for another organization": Case(
        SECRET | {POLICY: FAIL},
        **encrypted(
            policy(statement("*", *NEEDED, condition={"StringEquals": {"aws:PrincipalOrgID": "o-zzzzzzzzzz"}})),
            receivers=[ORGANIZATION],
        ),
    ),
    "a policy that is no policy": Case(SECRET | {POLICY: UNSURE}, **encrypted({"Statement": ["Allow"]})),
    # Sharing
    "the account blocks public access": Case(
        {ACCESS: FAIL},
        answers={Ask.PUBLIC_ACCESS: {"ImageBlockPublicAccessState": "block-new-sharing", "ManagedBy": "account"}},
        says={ACCESS: "us-east-1"},
    ),
    "AWS does not say whether it blocks": Case({ACCESS: UNSURE}, answers={Ask.PUBLIC_ACCESS: {}}),
    "the Recycle Bin may hold too much": Case(
        {PUBLIC_QUOTA: UNSURE}, answers={Ask.PUBLIC_IMAGES: {"Public": 3, "RecycleBin": 2}}
    ),
    "exactly as many public images as there may be": Case(
        {}, answers={Ask.PUBLIC_IMAGES: {"Public": 4, "RecycleBin": 0}}
    ),
    "more receivers than there may be": Case(
        ACCOUNTS | {SHARING_QUOTA: FAIL},
        answers={Ask.SHARING_QUOTA: 2.0},
        more={
            "audience": "organization",
            "permissions": [{"UserId": OTHER}, {"OrganizationArn": ORGANIZATION}],
            "receivers": [ORGANIZATION, EVIL],
        },
        says={SHARING_QUOTA: "3 accounts"},
    ),
    "the present receivers are not known": Case(
        ACCOUNTS | {SHARING_QUOTA: UNSURE},
        more={"audience": "accounts", "permissions": None},
        unseen={"launchPermission": DENIED},
    ),
    "nobody says how many receivers there may be": Case(
        ACCOUNTS | {SHARING_QUOTA: UNSURE}, more={"audience": "accounts"}, unseen={Ask.SHARING_QUOTA: DENIED}
    ),
    "a stranger may read the disk": Case(
        {PERMISSIONS: FAIL},
        answers={asked(Ask.SNAPSHOT_PERMISSIONS, ROOT): [{"UserId": EVIL}]},
        says={PERMISSIONS: f"account {EVIL}"},
    ),
    "receivers may copy": Case(
        ACCOUNTS,
        answers={asked(Ask.SNAPSHOT_PERMISSIONS, ROOT): [{"UserId": OTHER}]},
        more={"audience": "accounts", "receivers": [OTHER]},
        settings={"copyable": True},
    ),
    "a receiver may copy who has no permission": Case(
        ACCOUNTS | {PERMISSIONS: FAIL},
        answers={asked(Ask.SNAPSHOT_PERMISSIONS, ROOT): [{"UserId": EVIL}]},
        more={"audience": "accounts", "receivers": [OTHER]},
        settings={"copyable": True},
        says={PERMISSIONS: f"account {OTHER} cannot read it"},
    ),
    "an organization may copy": Case(
        ACCOUNTS | {PERMISSIONS: UNSURE},
        more={"audience": "organization", "receivers": [ORGANIZATION]},
        settings={"copyable": True},
    ),
    "everybody may copy": Case(
        {}, answers={asked(Ask.SNAPSHOT_PERMISSIONS, ROOT): [{"Group": "all"}]}, settings={"copyable": True}
    ),
    "everybody may copy, and nobody has a permission": Case({PERMISSIONS: FAIL}, settings={"copyable": True}),
    "everybody may copy what is for accounts": Case(
        ACCOUNTS | {PERMISSIONS: FAIL},
        answers={asked(Ask.SNAPSHOT_PERMISSIONS, ROOT): [{"Group": "all"}]},
        more={"audience": "accounts"},
        settings={"copyable": True},
    ),
    "an image without snapshots": Case(
        {PERMISSIONS: NONE, SNAPSHOTS: UNSURE, MARKETPLACE: PASS},
        image={"RootDeviceType": "instance-store", "BlockDeviceMappings": []},
        more={"snapshots": []},
    ),
    "AWS encrypts by default": Case(
        {ENCRYPTING: WARN}, answers={Ask.ENCRYPTION_BY_DEFAULT: {"EbsEncryptionByDefault": True}}
    ),
    "AWS says nothing of encryption by default": Case({ENCRYPTING: UNSURE}, answers={Ask.ENCRYPTION_BY_DEFAULT: {}}),
    "another watermark than the profile's": Case(
        {WATERMARK: FAIL}, settings={"watermark": "release"}, says={WATERMARK: f"{OURS}:release"}
    ),
    "the profile's watermark": Case({}, settings={"watermark": "golden"}),
    "a public image without a watermark": Case(
        {WATERMARK: FAIL}, image={"Public": True}, without=("ImageWatermarks",), says={WATERMARK: "public already"}
    ),
    "an SDK that knows no watermarks": Case(
        {WATERMARK: UNSURE}, without=("ImageWatermarks",), unseen={"ImageWatermarks": "an old boto3"}
    ),
    # Volumes
    "a declared volume": Case({}, image=data_volume(VolumeSize=20), more=BOTH, settings={"volumes": {"/dev/sdf": 20}}),
    "a declared volume of any size": Case({}, image=data_volume(), more=BOTH, settings={"volumes": {"/dev/sdf": None}}),
    "a declared volume that is not there": Case(
        {SNAPSHOTS: FAIL}, settings={"volumes": {"/dev/sdf": 20}}, says={SNAPSHOTS: "no such volume"}
    ),
    "a declared volume of another size": Case(
        {SNAPSHOTS: FAIL},
        image=data_volume(VolumeSize=21),
        more=BOTH,
        settings={"volumes": {"/dev/sdf": 20}},
        says={SNAPSHOTS: "21 GiB, not 20"},
    ),
    "a declared volume of unknown size": Case(
        {SNAPSHOTS: UNSURE, MARKETPLACE: UNSURE},
        image=data_volume(),
        more={"snapshots": [{"SnapshotId": each, "Encrypted": False} for each in (ROOT, DATA)]},
        settings={"volumes": {"/dev/sdf": 20}},
    ),
    "volumes that are no mapping": Case({SNAPSHOTS: UNSURE}, settings={"volumes": [DATA]}),
    "nobody knows the root": Case({SNAPSHOTS: UNSURE}, without=("RootDeviceName",)),
    # Age
    "a hundred days old": Case({AGE: WARN}, image=OLDER, says={AGE: "122 days"}),
    "a hundred days old, for accounts": Case(
        ACCOUNTS, image={"CreationDate": "2025-09-01T00:00:00.000Z"}, more={"audience": "accounts"}
    ),
    "no deprecation date": Case({AGE: FAIL}, without=("DeprecationTime",), says={AGE: "no date"}),
    "deprecated too late for everybody": Case(
        {AGE: FAIL}, image={"DeprecationTime": "2028-06-01T00:00:00.000Z"}, says={AGE: "two years"}
    ),
    "deprecated late, for accounts": Case(
        ACCOUNTS, image={"DeprecationTime": "2028-06-01T00:00:00.000Z"}, more={"audience": "accounts"}
    ),
    "deprecated later than in ten years": Case(
        ACCOUNTS | {AGE: FAIL}, image={"DeprecationTime": "2040-01-01T00:00:00.000Z"}, more={"audience": "accounts"}
    ),
    "a date that is none": Case({AGE: UNSURE}, image={"CreationDate": "yesterday"}),
    "a new copy of an old image": Case(
        {AGE: FAIL},
        without=("SourceInstanceId",),
        answers={Ask.ANCESTRY: [{**ANCESTORS[0], "CreationDate": "2020-01-01T00:00:00+00:00"}, ANCESTORS[1]]},
        says={AGE: f"as a copy of {PARENT}"},
    ),
    "a copy of a new image on an old base": Case({}, without=("SourceInstanceId",)),
    "a copy of what may be a copy of something old": Case(
        {AGE: UNSURE},
        without=("SourceInstanceId",),
        answers={Ask.ANCESTRY: [{k: v for k, v in ANCESTORS[0].items() if k != "IsCopy"}, ANCESTORS[1]]},
        says={AGE: BASE},
    ),
    "a copy of a copy of something old": Case(
        {AGE: FAIL},
        without=("SourceInstanceId",),
        answers={Ask.ANCESTRY: [ANCESTORS[0] | {"IsCopy": True}, ANCESTORS[1]]},
    ),
    "a copy whose ancestry is cut": Case(
        {AGE: UNSURE, PROVENANCE: WARN},
        without=("SourceInstanceId",),
        answers={Ask.ANCESTRY: [ANCESTORS[0] | {"IsCopy": True}]},
    ),
    "a copy of which AWS tells nothing": Case(
        {AGE: UNSURE, PROVENANCE: UNSURE}, without=("SourceInstanceId",), unseen={Ask.ANCESTRY: DENIED}
    ),
    # Machine
    "no IMDSv2": Case({IMDS: FAIL}, without=("ImdsSupport",)),
    "a legacy boot mode": Case({MODERN: WARN}, image={"BootMode": "legacy-bios"}),
    "no boot mode on x86": Case({MODERN: WARN}, without=("BootMode",)),
    "no boot mode on arm64": Case({}, image={"Architecture": "arm64"}, without=("BootMode",)),
    "no ENA": Case({MODERN: FAIL}, without=("EnaSupport",)),
    "EC2 names no architecture": Case({MODERN: UNSURE}, without=("Architecture",)),
    # Ancestry
    "an image of Amazon's": Case(
        {AGE: PASS, WATERMARK: FAIL}, image={"OwnerId": "137112412989", "ImageOwnerAlias": "amazon"}
    ),
    "the declared base": Case(
        {},
        answers={Ask.ANCESTRY: [ANCESTORS[0], ANCESTORS[1] | {"OwnerId": EVIL}]},
        settings={"base": BASE},
    ),
    "a stranger's image on the way to a trusted one": Case(
        {PROVENANCE: FAIL},
        answers={Ask.ANCESTRY: [ANCESTORS[0] | {"OwnerId": EVIL}, ANCESTORS[1]]},
        says={PROVENANCE: PARENT},
    ),
    "an ancestor that is gone": Case(
        {PROVENANCE: WARN}, answers={Ask.ANCESTRY: [{"ImageId": PARENT}]}, says={PROVENANCE: PARENT}
    ),
    "an imported image": Case({PROVENANCE: WARN}, without=("SourceImageId",), answers={Ask.ANCESTRY: []}),
    "trusted owners that are no list": Case({PROVENANCE: UNSURE}, settings={"trusted": DEBIAN}),
    # Words
    "a mail address": Case({WORDS: FAIL}, image=described("by ops@example.com"), says={WORDS: "mail address"}),
    "a host name of EC2's": Case({WORDS: FAIL}, image=described("of ip-10-0-0-1"), says={WORDS: "host name"}),
    "an internal host": Case({WORDS: FAIL}, image=described("of build7.corp"), says={WORDS: "host name"}),
    "a private address": Case({WORDS: FAIL}, image=described("at 192.168.7.1"), says={WORDS: "address"}),
    "a version that looks like an address": Case({}, image=described("Windows 10.0.20348.1970, 8.8.8.8")),
    "a ticket": Case({WORDS: FAIL}, image=described("ticket OPS-123"), says={WORDS: "ticket"}),
    "a change request": Case({WORDS: FAIL}, image=described("for CHG0012345"), says={WORDS: "ticket"}),
    "a fix of a known vulnerability": Case({}, image=described("fixes CVE-2024-6387, issue 7 of 9")),
    "another account": Case({WORDS: FAIL}, image=described(f"from {EVIL}"), says={WORDS: "another account"}),
    "an access key": Case({WORDS: FAIL}, image=described(ACCESS_KEY), says={WORDS: "access key"}),
    "a word that is internal": Case(
        {WORDS: FAIL}, image=described("for project Falcon"), settings={"internal": ["falcon"]}
    ),
    "a tag of a snapshot": Case(
        {WORDS: FAIL},
        more={
            "snapshots": [
                {"SnapshotId": ROOT, "Encrypted": False, "Tags": [{"Key": "Owner", "Value": "ops@example.com"}]}
            ]
        },
        says={WORDS: "tag Owner"},
    ),
    "no version in the description": Case({WORDS: FAIL}, image={"Description": "Golden"}, says={WORDS: "version"}),
    # Scans
    "nobody has scanned it": Case(
        {CVES: UNSURE},
        without=("ScanResults",),
        answers={Ask.VULNERABILITIES: {"Scans": []}},
        says={CVES: "start-on-demand-scan"},
    ),
    "a scan that failed": Case(
        {CVES: UNSURE},
        without=("ScanResults",),
        answers={
            Ask.VULNERABILITIES: {
                "Scans": [
                    {"scanStatus": "IN_PROGRESS", "startedAt": "2025-12-01"},
                    {"scanStatus": "FAILED", "scanStatusReason": "UNSUPPORTED_OS", "startedAt": "2025-12-20"},
                ]
            }
        },
        says={CVES: "FAILED: UNSUPPORTED_OS"},
    ),
    "an old scan": Case(
        {CVES: UNSURE}, image={"ScanResults": {"FindingScanDate": "2025-11-20T00:00:00Z"}}, says={CVES: "42 days"}
    ),
    "findings within the threshold": Case(
        {CVES: WARN},
        image={"ScanResults": IMAGE["ScanResults"] | {"HighestFindingSeverityLabel": "medium"}},
        says={CVES: "sees what Inspector found"},
    ),
    "findings that may not be listed": Case(
        {CVES: FAIL},
        image={"ScanResults": IMAGE["ScanResults"] | {"HighestFindingSeverityLabel": "high"}},
        unseen={Ask.VULNERABILITIES: DENIED},
        says={CVES: "high severity"},
    ),
    "a fix that has been there for long": Case(
        {CVES: FAIL},
        image={
            "ScanResults": IMAGE["ScanResults"]
            | {"HighestFindingSeverityLabel": "low", "LowFixAvailableSince": "2025-09-01T00:00:00Z"}
        },
        says={CVES: "122 days"},
    ),
    "a severity that nobody knows": Case(
        {CVES: UNSURE}, answers={Ask.VULNERABILITIES: {"Findings": [{"Title": "x", "SeverityLabel": "untriaged"}]}}
    ),
    "results whose severity cannot be seen": Case({CVES: UNSURE}, unseen={Ask.VULNERABILITIES: DENIED}),
    "many findings": Case(
        {CVES: FAIL},
        answers={
            Ask.VULNERABILITIES: {
                "Findings": [{"Title": f"CVE-{n}", "SeverityLabel": "high", "FixAvailable": True} for n in range(30)]
            }
        },
        says={CVES: "10 more"},
    ),
    "a severity that is none in the profile": Case({CVES: UNSURE}, settings={"max_severity": "bad"}),
    "GuardDuty has not looked": Case({MALWARE: UNSURE}, answers={Ask.MALWARE: {}}),
    "GuardDuty skipped it": Case(
        {MALWARE: UNSURE},
        answers={
            Ask.MALWARE: {"ScanStatus": "SKIPPED", "ScanStatusReason": "AMI_SNAPSHOT_LIMIT_EXCEEDED"},
        },
        says={MALWARE: "AMI_SNAPSHOT_LIMIT_EXCEEDED"},
    ),
    "GuardDuty had issues": Case(
        {MALWARE: UNSURE}, answers={Ask.MALWARE: SCAN | {"ScanStatus": "COMPLETED_WITH_ISSUES"}}
    ),
    "GuardDuty skipped files": Case({MALWARE: UNSURE}, answers={Ask.MALWARE: SCAN | {"SkippedFileCount": 3}}),
    "GuardDuty skipped files, as it may": Case(
        {}, answers={Ask.MALWARE: SCAN | {"SkippedFileCount": 3}}, settings={"max_skipped_files": 3}
    ),
    "GuardDuty skipped a snapshot": Case({MALWARE: UNSURE}, answers={Ask.MALWARE: SCAN | {"SkippedResourcesCount": 1}}),
    "GuardDuty looked at changes alone": Case(
        {MALWARE: UNSURE}, answers={Ask.MALWARE: SCAN | {"ScanCategory": "INCREMENTAL_SCAN"}}
    ),
    "GuardDuty looked long ago": Case(
        {MALWARE: UNSURE}, answers={Ask.MALWARE: SCAN | {"ScanStartedAt": "2025-11-01T00:00:00Z"}}
    ),
    "malware in an image that was not scanned to the end": Case(
        {MALWARE: FAIL},
        answers={Ask.MALWARE: SCAN | {"ScanStatus": "COMPLETED_WITH_ISSUES", "ScanResultStatus": "THREATS_FOUND"}},
    ),
    # Marketplace
    "another region": Case({MARKETPLACE: FAIL}, more={"region": "eu-west-1"}, says={MARKETPLACE: "eu-west-1"}),
    "no region": Case({MARKETPLACE: UNSURE}, more={"region": ""}),
}


def _of_rule(rule: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name in catalogue.checks()[rule].settings}


def spoilt(case: Case, kit: Any) -> Any:
    image = kit.Image()
    image.ec2 = {name: value for name, value in (IMAGE | dict(case.image)).items() if name not in case.without}
    image.snapshots = [{"SnapshotId": ROOT, "Encrypted": False, "VolumeSize": 8}]
    image.audience = "public"
    image.ec2_answers = {
        name: value
        for name, value in (ANSWERS | dict(case.answers)).items()
        if value is not None and name not in case.unseen
    }
    image.ec2_unseen = dict(case.unseen)
    for name, value in case.more.items():
        setattr(image, name, value)
    return image


TRAPS = {
    "no ENA": (62,),
    "exactly as many public images as there may be": (71,),
    "the account blocks public access": (71,),
}
"""Cases that are traps, by number (docs/corpus.md)."""


@pytest.mark.parametrize("name", named(CASES, TRAPS))
def test_each_rule_answers_as_aws_describes_the_image(name: str, kit: Any) -> None:
    case = CASES[name]
    image = spoilt(case, kit)
    settings = {rule: _of_rule(rule, case.settings) for rule in RULES}
    found = {rule: decision for (rule, _), (decision, _) in decisions(PLACES, image.evidence(), settings).items()}
    assert {rule: str(decision.status) for rule, decision in found.items()} == {
        rule: str(status) for rule, status in {**SOUND, **case.expected}.items()
    }, {rule: decision.message for rule, decision in found.items()}
    for rule, text in case.says.items():
        assert text in repr(found[rule])
    for decision in found.values():
        assert (decision.status in {FAIL, WARN}) == bool(decision.findings), decision
        assert decision.message or decision.status is PASS
        assert ACCESS_KEY not in repr(decision)
        assert "the check broke" not in decision.message


@pytest.mark.parametrize("name", ["a sound image for everybody", "AWS lets nobody ask", WRONG])
def test_the_judges_own_process_answers_the_same(name: str, kit: Any) -> None:
    case, evidence = CASES[name], spoilt(CASES[name], kit).evidence()
    with Judge(PLACES) as child:
        found = child.judge(evidence)
    assert {rule: str(decision.status) for (rule, _), (decision, _) in found.items()} == {
        rule: str(status) for rule, status in {**SOUND, **case.expected}.items()
    }


def test_only_what_the_rules_ask_for_is_asked() -> None:
    checks = catalogue.checks()
    assert asks([checks[rule] for rule in RULES], (Witness.EC2,)) == set(Ask)
    assert asks([checks[IMDS], checks[MODERN], checks["ami-owned-and-available"]], (Witness.EC2,)) == set()
    assert asks([checks[rule] for rule in RULES], (Witness.DISK,)) == set()

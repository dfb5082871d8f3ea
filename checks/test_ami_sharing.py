"""Whether AWS lets the image be shared as it is meant to, and with its receivers able to use it."""

from amigate import check
from amigate.check import Ask, Settings, warn
from amigate.facts.ami import Ami
from amigate.facts.encryption_keys import EncryptionKeys
from amigate.facts.image_form import ImageForm
from amigate.facts.sharing_terms import SharingTerms


@check(
    "ami-uses-customer-managed-key",
    severity="critical",
    guideline="aws-shared-ami/sharing-encrypted",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/share-amis-with-organizations-and-OUs.html",
    evidence=["ec2"],
    applies_when="a snapshot is encrypted and the AMI goes to other accounts",
    asks=[Ask.KEYS],
)
def test_uses_customer_managed_key(encryption_keys: EncryptionKeys) -> None:
    """Encrypted snapshots use an enabled customer managed KMS key.

    A snapshot under AWS's own key for EBS cannot be shared at all, and nobody launches an image whose key is disabled,
    about to be deleted, or in another region. Copy the image with a key of your own."""
    assert not encryption_keys.unfit()


@check(
    "ami-key-policy-admits-targets",
    severity="high",
    guideline="aws-shared-ami/sharing-encrypted",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/allow-org-ou-to-use-key.html",
    evidence=["ec2"],
    applies_when="a snapshot is encrypted and the AMI goes to other accounts",
    asks=[Ask.KEY_POLICIES],
)
def test_key_policy_admits_targets(encryption_keys: EncryptionKeys) -> None:
    """The KMS key policy or a grant admits every target.

    Receivers who may launch the image and not use its key see instances that end at once. For each of them the policy
    or a grant must allow what EBS does with the key (Decrypt, DescribeKey, CreateGrant, ReEncrypt*,
    GenerateDataKeyWithoutPlaintext), and no statement deny it; what hangs on an unknown condition, or is for single
    roles, cannot be told. Targets are those that `amigate share` is told."""
    assert not encryption_keys.shut_out()


@check(
    "ami-public-access-not-blocked",
    severity="critical",
    guideline="aws-shared-ami/sharing-block-public-access",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-public-access-to-amis.html",
    evidence=["ec2"],
    applies_when="the target is public",
    asks=[Ask.PUBLIC_ACCESS],
)
def test_public_access_not_blocked(ami: Ami, sharing_terms: SharingTerms) -> None:
    """Block public access allows a public share in the region of the image.

    It is on in new accounts, and in those without public images since 2023-07-15; AWS then refuses to share with
    everybody. It is a choice of the account, or of its organization, for each region, and never switched off by
    amigate. Switch it on again once the image is shared."""
    ami.require_public()
    assert not sharing_terms.public_access_blocks()


@check(
    "ami-public-quota-has-room",
    severity="high",
    guideline="aws-shared-ami/sharing-quotas",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-quotas.html",
    evidence=["ec2"],
    applies_when="the target is public",
    asks=[Ask.PUBLIC_IMAGES, Ask.PUBLIC_QUOTA],
)
def test_public_quota_has_room(ami: Ami, sharing_terms: SharingTerms) -> None:
    """The region of the image has room under the quota of public AMIs.

    An account has five at first, those in the Recycle Bin included. Make images private or deregister them, or ask AWS
    for more. Releases have stopped half-way through their regions for want of room."""
    ami.require_public()
    assert not sharing_terms.public_quota_shortfalls()


@check(
    "ami-sharing-quota-has-room",
    severity="medium",
    guideline="aws-shared-ami/sharing-quotas",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-quotas.html",
    evidence=["ec2"],
    applies_when="the target is accounts, organizations or OUs",
    asks=[Ask.SHARING_QUOTA],
)
def test_sharing_quota_has_room(sharing_terms: SharingTerms) -> None:
    """Current plus planned permissions stay within the sharing quota.

    An image can be shared with 1,000 accounts, organizations and organizational units at first. An organization is one
    of them, whatever its size: share with it in the place of many accounts."""
    sharing_terms.require_named_receivers()
    assert not sharing_terms.sharing_quota_shortfalls()


@check(
    "ami-snapshot-permissions-as-planned",
    severity="high",
    guideline="aws-shared-ami/sharing-snapshots",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-ami-copy-works.html",
    evidence=["ec2"],
    asks=[Ask.SNAPSHOT_PERMISSIONS],
    copyable=False,
)
def test_snapshot_permissions_as_planned(sharing_terms: SharingTerms, rule_settings: Settings) -> None:
    """Snapshot permissions match the copyable setting.

    Launching an image needs no permission for its snapshots. Who has one can read the whole disk, deleted files too,
    and copy the image, out of reach of its owner; so nobody else may have one unless the profile says `copyable`. Where
    it does, each target must have it."""
    assert not sharing_terms.misused_snapshots(copyable=rule_settings["copyable"] is True)


@check(
    "ami-encryption-by-default-noticed",
    severity="info",
    guideline="aws-shared-ami/sharing-public-limits",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/AMIEncryption.html",
    evidence=["ec2"],
    applies_when="the target is public",
    asks=[Ask.ENCRYPTION_BY_DEFAULT],
)
def test_encryption_by_default_noticed(ami: Ami, sharing_terms: SharingTerms) -> None:
    """EBS encryption by default does not surprise a public share.

    Where an account encrypts by default, each copy of an image comes out encrypted, cannot become public, and cannot be
    turned back. This warns of it."""
    ami.require_public()
    warn(sharing_terms.encrypted_copies())


@check(
    "ami-watermark-attached",
    severity="info",
    guideline="aws-shared-ami/sharing-watermark",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachImageWatermark.html",
    evidence=["ec2"],
    watermark="",
)
def test_watermark_attached(image_form: ImageForm, rule_settings: Settings) -> None:
    """The AMI carries its own watermark before it goes public.

    Copies and images made of it keep the mark, and receivers can insist on it (Allowed AMIs). Only the owner attaches
    one, and not to a public image: aws ec2 attach-image-watermark first, share then. The setting `watermark` is its
    name; without one any mark of the owner's counts."""
    assert not image_form.unmarked(str(rule_settings["watermark"]))

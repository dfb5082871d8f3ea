"""What EC2 knows of the image, before anything is launched."""

from amigate import check
from amigate.facts.ami import Ami

INTRO = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-intro.html"


@check(
    "ami-owned-and-available",
    severity="critical",
    guideline="aws-shared-ami/sharing-owner-only",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html",
    evidence=["ec2"],
    preflight=True,
)
def test_owned_and_available(ami: Ami) -> None:
    """The AMI is available and belongs to the calling account.

    Only the owner can change launch permissions, and an image that is pending, failed, disabled or deregistered
    cannot be launched by anybody."""
    assert not ami.not_ours_to_share()


@check(
    "ami-root-device-is-ebs",
    severity="high",
    guideline="marketplace/ebs-backed",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/creating-an-ami-instance-store.html",
    evidence=["ec2"],
)
def test_root_device_is_ebs(ami: Ami) -> None:
    """The root device of the AMI is an EBS volume.

    An instance-store image has no snapshot that could be inspected at rest, and launches on few old instance
    types only."""
    assert not ami.root_device_faults()


@check(
    "ami-unencrypted-when-public",
    severity="critical",
    guideline="aws-shared-ami/sharing-public-limits",
    source=INTRO,
    evidence=["ec2"],
    applies_when="the target is public",
)
def test_unencrypted_when_public(ami: Ami) -> None:
    """No snapshot of a public AMI is encrypted.

    AWS refuses to make such an image public. A copy of an encrypted snapshot is always encrypted again, so the
    image must be built anew."""
    ami.require_public()
    assert not ami.encrypted_snapshots()


@check(
    "ami-no-product-codes-when-public",
    severity="critical",
    guideline="aws-shared-ami/sharing-public-limits",
    source=INTRO,
    evidence=["ec2"],
    applies_when="the target is public",
)
def test_no_product_codes_when_public(ami: Ami) -> None:
    """A public AMI carries no product codes.

    AWS refuses to make such an image public. Codes come with a base image of the AWS Marketplace and stay with
    every image made of it: start from another base."""
    ami.require_public()
    assert not ami.codes()


@check(
    "ami-not-shared-before-gate",
    severity="critical",
    guideline="lesson/packer-shares-before-tests",
    source=INTRO,
    evidence=["ec2"],
)
def test_not_shared_before_gate(ami: Ami) -> None:
    """The AMI is shared with nobody outside the plan.

    Launch permissions from before the gate were given to an image that nobody had judged. Packer gives them inside
    the builder, before any post-processor runs: take out ami_users, ami_groups and ami_org_arns, and let the gate
    share. The plan is whom `amigate share` is told to share with; `amigate validate` has none."""
    assert not ami.shared_outside_the_plan()

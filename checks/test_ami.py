"""What EC2 knows of the image, before anything is launched."""

from amigate import check
from amigate.facts.ami import Ami


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

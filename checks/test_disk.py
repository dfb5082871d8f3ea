"""What the disks of the image hold, in files and out of them."""

from amigate import check
from amigate.facts.disks import Disks


@check(
    "disk-every-volume-inspected",
    severity="critical",
    guideline="lesson/unmounted-means-unseen",
    source="https://securitycafe.ro/2024/05/08/aws-cloudquarry-digging-for-secrets-in-public-amis/",
    evidence=["disk"],
)
def test_every_volume_inspected(disks: Disks) -> None:
    """Every volume of the image was inspected.

    What lies in a partition that nobody looked at reaches everybody who gets the image. Boot loaders and swap are
    searched as bytes; a file system that is not read, or is damaged, leaves the verdict open."""
    disks.require_every_volume()


@check(
    "disk-no-recoverable-secrets",
    severity="high",
    guideline="aws-shared-ami/remove-sensitive-data",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html",
    evidence=["disk"],
    remedy="disk",
)
def test_no_recoverable_secrets(disks: Disks) -> None:
    """No secret can be recovered from the raw disk.

    A snapshot has every block that was ever written: what was deleted before the image was made is still in it, and
    whoever has the image can read it. Private keys, AWS credentials and password hashes are looked for in all of
    them. Removing files does not help; build on a fresh disk, or fill the free space with zeros."""
    assert not disks.recoverable()
    disks.inspection.require_whole()

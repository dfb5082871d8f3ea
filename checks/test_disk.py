"""What the disks of the image hold, in files and out of them."""

from amigate import check
from amigate.check import Settings
from amigate.facts.disks import Disks
from amigate.facts.encrypted_folders import EncryptedFolders
from amigate.facts.own_traces import OwnTraces


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


@check(
    "disk-free-space-clean",
    severity="medium",
    guideline="cis-like/image-cleanup",
    source="https://github.com/digitalocean/marketplace-partners",
    evidence=["disk"],
    remedy="disk",
    at_most_percent=1,
)
def test_free_space_clean(disks: Disks, rule_settings: Settings) -> None:
    """Free space is zeroed or trimmed.

    What was deleted is still in the blocks that nothing uses now, for whoever has the image, and no search knows every
    kind of secret. `at_most_percent` limits, for each file system, the share of its free space in blocks that hold
    anything but zeros: none where it is new, below 1 where an ext was filled with zeros. XFS keeps room back, 0.7 % of
    its size or with rmapbt 2 %, that filling does not reach. Space outside of file systems does not count. Build on a
    fresh file system first, then fill what is free with zeros; fstrim is not certain to reach the snapshot."""
    assert not disks.unclean(rule_settings["at_most_percent"])
    disks.require_free_space_counted()


@check(
    "disk-no-encrypted-filesystems",
    severity="critical",
    guideline="marketplace/no-encrypted-filesystems",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html",
    evidence=["disk"],
    remedy="disk",
    applies_when="the image is meant for AWS Marketplace, whose profile asks for it",
)
def test_no_encrypted_filesystems(disks: Disks, encrypted_folders: EncryptedFolders) -> None:
    """No file system is encrypted.

    AWS Marketplace scans what it sells, and cannot scan what it cannot read. LUKS, BitLocker, the encryption of ext4
    and eCryptfs are told; what EBS encrypts is another matter. A file system that is not read leaves it open."""
    assert not disks.encrypted() + list(encrypted_folders.found)
    disks.require_every_volume()


@check(
    "disk-inspected-read-only",
    severity="critical",
    guideline="lesson/checker-contaminates",
    source="https://securitycafe.ro/2024/05/08/aws-cloudquarry-digging-for-secrets-in-public-amis/",
    evidence=["disk"],
)
def test_inspected_read_only(own_traces: OwnTraces, disks: Disks) -> None:
    """Inspection changed nothing on the disk.

    amigate mounts nothing: it reads the blocks of a snapshot, or of a file that it opens for reading, and replays a
    journal in memory. What it cannot see to is that an instance which was tested is not imaged afterwards: launch key
    and collector would be in the image, and their traces are looked for."""
    assert not own_traces.found
    disks.require_looked_at()

"""What the image is made of, how old it is, and what scanners and its own words say of it."""

from amigate import check
from amigate.check import Ask, Settings, warn
from amigate.facts.image_age import ImageAge
from amigate.facts.image_ancestry import ImageAncestry
from amigate.facts.image_form import ImageForm
from amigate.facts.image_scans import ImageScans
from amigate.facts.image_words import ImageWords

POLICIES = "https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html"
BEST_PRACTICES = "https://docs.aws.amazon.com/marketplace/latest/userguide/best-practices-for-building-your-amis.html"

DISTRIBUTIONS = {
    "099720109477": "Canonical",
    "125523088429": "Fedora and CentOS",
    "136693071363": "Debian",
    "137112412989": "Amazon Linux",
    "309956199498": "Red Hat",
    "538276064493": "Alpine Linux",
    "764336703387": "AlmaLinux",
    "792107900819": "Rocky Linux",
    "013907871322": "SUSE",
}
"""Accounts from which distributions publish in the partition `aws`."""


@check(
    "ami-only-expected-snapshots",
    severity="high",
    guideline="lesson/cloudquarry-public-ami-secrets",
    source="https://securitycafe.ro/2024/05/08/aws-cloudquarry-digging-for-secrets-in-public-amis/",
    evidence=["ec2"],
    volumes={},
)
def test_only_expected_snapshots(image_form: ImageForm, rule_settings: Settings) -> None:
    """The block device mapping holds only declared snapshots.

    A data volume of the build machine travels with each launch even though nobody looks at it. The setting `volumes`
    declares those beside the root: device name to size in GiB, or null for any. Entries without a snapshot are empty
    disks, and fine."""
    assert not image_form.unexpected_volumes(rule_settings["volumes"])


@check(
    "ami-recent-with-deprecation-date",
    severity="high",
    guideline="aws-shared-ami/sharing-deprecation",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html",
    evidence=["ec2"],
    asks=[Ask.ANCESTRY],
    max_age_days=730,
    warn_age_days=90,
)
def test_recent_with_deprecation_date(image_age: ImageAge, rule_settings: Settings) -> None:
    """The AMI is recent and its deprecation date is set.

    An old image is launched for the first time with all that was found since. A copy has a new date of creation, so it
    is as old as what it was copied from. A date of deprecation tells receivers when to move on; it lies at most two
    years after creation for public images, ten for others. An image for everybody that is older than `warn_age_days`
    warns."""
    assert not image_age.too_old(rule_settings["max_age_days"])
    assert not image_age.deprecation_faults()
    warn(image_age.aging(rule_settings["warn_age_days"]))


@check(
    "ami-requires-imdsv2",
    severity="medium",
    guideline="marketplace/imdsv2",
    source=BEST_PRACTICES,
    evidence=["ec2"],
)
def test_requires_imdsv2(image_form: ImageForm) -> None:
    """The AMI asks for IMDSv2 at launch.

    Without it a server that can be talked into a request hands out the credentials of the instance's role. With it
    launches also have a hop limit of 2. The flag does not prove that first boot copes: boot-works-with-imdsv2-only
    does."""
    assert not image_form.without_imdsv2()


@check(
    "ami-modern-virtualization-and-boot",
    severity="medium",
    guideline="marketplace/architecture",
    source=POLICIES,
    evidence=["ec2"],
)
def test_modern_virtualization_and_boot(image_form: ImageForm) -> None:
    """The AMI is HVM, 64-bit and ENA capable with a current boot mode.

    Current instance types launch nothing else. A legacy boot mode warns: such an image has no Secure Boot."""
    assert not image_form.outdated()
    warn(image_form.legacy_boot())


@check(
    "ami-provenance-known",
    severity="medium",
    guideline="lesson/whoami-name-confusion",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetImageAncestry.html",
    evidence=["ec2"],
    asks=[Ask.ANCESTRY],
    trusted=("amazon", *DISTRIBUTIONS),
    base="",
)
def test_provenance_known(image_ancestry: ImageAncestry, rule_settings: Settings) -> None:
    """The ancestry of the AMI ends at a trusted owner.

    Images with the name of a distribution and another owner are an attack, so owners count, and names do not. The way
    back, over images of one's own, must lead to an account or alias in `trusted` (by default Amazon and the large
    distributions), or to the image `base`; a stranger's image on the way is a violation. A chain that is missing or
    cut, because an ancestor is gone or the image was imported, warns."""
    origin = image_ancestry.origin(rule_settings["trusted"], rule_settings["base"])
    assert not origin.strangers
    warn(origin.loose_ends)


@check(
    "ami-metadata-leaks-nothing",
    severity="medium",
    guideline="aws-shared-ami/remove-sensitive-data",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html",
    evidence=["ec2"],
    internal=(),
    public_accounts=tuple(DISTRIBUTIONS),
)
def test_metadata_leaks_nothing(image_words: ImageWords, rule_settings: Settings) -> None:
    """Name, description and tags give away nothing internal.

    Internal host names and addresses, mail addresses, numbers of tickets, ids of other accounts and access keys of
    AWS tell an attacker where to look; `internal` are more words. Receivers see name and description alone, so there
    must be a description, with a version in it."""
    assert not image_words.leaks(rule_settings["internal"], rule_settings["public_accounts"])
    assert not image_words.poor_description()


@check(
    "ami-cve-findings-within-threshold",
    severity="high",
    guideline="marketplace/no-known-vulnerabilities",
    source="https://docs.aws.amazon.com/inspector/latest/user/machine-image-on-demand.html",
    evidence=["ec2"],
    asks=[Ask.VULNERABILITIES],
    max_severity="medium",
    max_fix_age_days=90,
    max_scan_age_days=30,
)
def test_cve_findings_within_threshold(image_scans: ImageScans, rule_settings: Settings) -> None:
    """Vulnerability findings for the AMI are fresh and within the threshold.

    Amazon Inspector scans an image on demand, for a price and in up to hours, so the scan is to be made beforehand. An
    image without results, or with old ones, is not decided. Whoever may use the image sees the results too: findings
    within the threshold warn of that."""
    assert not image_scans.vulnerabilities(rule_settings["max_severity"], rule_settings["max_fix_age_days"])
    image_scans.require_recent_scan(rule_settings["max_scan_age_days"])
    warn(image_scans.told_to_receivers())


@check(
    "ami-malware-scan-clean",
    severity="high",
    guideline="marketplace/no-malware",
    source=POLICIES,
    evidence=["ec2"],
    asks=[Ask.MALWARE],
    max_scan_age_days=30,
    max_skipped_files=0,
)
def test_malware_scan_clean(image_scans: ImageScans, rule_settings: Settings) -> None:
    """A malware scan of the AMI finds nothing.

    GuardDuty scans an image on demand (StartMalwareScan), before it is shared: public images, those with product codes
    and those with more than 40 snapshots are skipped, and a skip is not clean. Nor is a scan that left snapshots out,
    or more files than `max_skipped_files`."""
    assert not image_scans.malware()
    image_scans.require_whole_scan(rule_settings["max_scan_age_days"], rule_settings["max_skipped_files"])


@check(
    "ami-meets-marketplace-source-limits",
    severity="critical",
    guideline="marketplace/architecture",
    source=POLICIES,
    evidence=["ec2"],
    applies_when="the image is meant for AWS Marketplace",
)
def test_meets_marketplace_source_limits(image_form: ImageForm) -> None:
    """The AMI meets the Marketplace source limits.

    AWS Marketplace takes images from us-east-1, with at most 5 TB of volumes, none of them encrypted. A profile that
    has this rule is for images that are meant for it."""
    assert not image_form.outside_marketplace_limits()

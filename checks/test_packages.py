"""What is installed."""

from datetime import UTC, datetime

from amigate import Finding, check
from amigate.check import Settings, inconclusive, not_applicable, warn
from amigate.facts.ami import Ami
from amigate.facts.cloud_init import CloudInit
from amigate.facts.kernels import Kernels
from amigate.facts.key_fetch import KeyFetch
from amigate.facts.legacy_services import LegacyServices
from amigate.facts.os_release import OsRelease
from amigate.facts.os_support import Support
from amigate.facts.packages import Packages
from amigate.facts.pending_updates import PendingUpdates


@check(
    "package-ami-tools-current",
    severity="medium",
    guideline="aws-shared-ami/update-ami-tools",
    source="https://github.com/awsdocs/amazon-ec2-user-guide",
    evidence=["instance"],
    remedy="packages",
    applies_when="the AMI is instance-store backed or the AMI tools are installed",
    names=["aws-amitools-ec2", "ec2-ami-tools"],
    at_least="1.5.19",
)
def test_ami_tools_current(packages: Packages, ami: Ami, rule_settings: Settings) -> None:
    """The AMI tools are current.

    They bundle instance-store images and have no part in others; AWS dropped the advice with the last
    instance-store guides. 1.5.19 is the last version that AWS published."""
    installed = packages.named(rule_settings["names"])
    if not installed and ami.root_device_type == "ebs":
        not_applicable("the image is EBS-backed and has no AMI tools")
    if not installed:
        inconclusive("the image is not known to be EBS-backed, and no package of the AMI tools is known here")
    assert not packages.older_than(rule_settings["names"], rule_settings["at_least"])


@check(
    "package-cloud-init-enabled",
    severity="critical",
    guideline="aws-shared-ami/install-public-key-credentials",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html",
    evidence=["disk"],
    remedy="packages",
)
def test_cloud_init_enabled(cloud_init: CloudInit, key_fetch: KeyFetch, logins: tuple[str, ...]) -> None:
    """cloud-init or an equal is installed and enabled.

    Without it no launch key is installed, and whoever launches the image cannot log in. Ignition with Afterburn,
    tiny-cloud and a start-up script that fetches the key are equals; where a launch let its key in, what is missing
    here is a remark."""
    if cloud_init.equals or key_fetch.scripts():
        return
    missing = [Finding(subject="cloud-init", detail="neither it nor an equal is installed")]
    faults = [*cloud_init.switched_off, *cloud_init.not_enabled] if cloud_init.is_installed else missing
    warn(faults if logins else [])
    if faults and not cloud_init.is_installed:
        key_fetch.searched.require_whole()
    assert not faults


@check(
    "package-os-still-supported",
    severity="high",
    guideline="marketplace/supported-os",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html",
    evidence=["disk"],
    remedy="packages",
    extended=False,
    table_days=365,
)
def test_os_still_supported(os_release: OsRelease, rule_settings: Settings) -> None:
    """The operating system is still supported.

    Without support nobody mends what is found in it. `extended` counts support that is paid for; `table_days` is how
    old amigate's table may be that says until when. A system that the table does not have leaves it open."""
    today = datetime.now(UTC).date()
    support = Support.of(os_release, today=today, table_days=rule_settings["table_days"])
    assert not support.faults(os_release.path, today=today, is_extended=rule_settings["extended"] is True)


@check(
    "package-no-legacy-services",
    severity="medium",
    guideline="cis-like/legacy-services",
    source="https://github.com/dev-sec/linux-baseline",
    evidence=["disk"],
    remedy="packages",
)
def test_no_legacy_services(legacy_services: LegacyServices) -> None:
    """No legacy network service is installed.

    Servers of telnet, rsh, NIS, TFTP, finger, talk, and inetd, which starts them, know no encryption and hardly any
    authentication. They are told by their programs, as packages are called differently everywhere."""
    assert not legacy_services.found


@check(
    "package-newest-kernel-running",
    severity="low",
    guideline="lesson/reboot-pending",
    source="https://manpages.debian.org/bookworm/needrestart/needrestart.1.en.html",
    evidence=["instance"],
    remedy="packages",
)
def test_newest_kernel_running(kernels: Kernels) -> None:
    """The newest installed kernel is running.

    An update of the kernel that the boot loader does not start mends nothing. A fresh launch runs what is installed
    but for the kernel, so no needs-restarting is asked; kernels of another flavour do not count."""
    assert not kernels.faults()


@check(
    "package-no-pending-security-updates",
    severity="high",
    guideline="marketplace/no-known-vulnerabilities",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/best-practices-for-building-your-amis.html",
    evidence=["instance"],
    remedy="packages",
)
def test_no_pending_security_updates(pending_updates: PendingUpdates) -> None:
    """No security update is pending.

    What is known to be open is attacked within days. apt, dnf, yum, zypper or apk is asked with lists that it has just
    fetched, beside those of the machine. Where it cannot fetch, as on a launch whose way out is closed, or does not
    tell security updates from others, that leaves it open; `launch: egress:` of a profile lets it out."""
    assert not pending_updates.findings()

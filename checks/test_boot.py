"""What launching the image shows."""

from amigate import Finding, check, inconclusive, not_applicable, warn
from amigate.check import Settings
from amigate.evidence.model import Contact, Outcome, Standing
from amigate.facts.failed_units import FailedUnits
from amigate.facts.outside import Console, Offers, impaired, status_faults, unanswered
from amigate.facts.provisioning import Provisioning
from amigate.facts.reboot import Reboot
from amigate.facts.twins import Twins


@check(
    "boot-fresh-key-logs-in",
    severity="critical",
    guideline="aws-shared-ami/install-public-key-credentials",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html",
    evidence=["instance", "probe"],
    remedy="cloud-init",
    applies_when="the image is reached over SSH",
)
def test_fresh_key_logs_in(contact: Contact) -> None:
    """A key made for this launch logs in as the declared user.

    Whoever launches the image has no other way in: at first boot it must install the public key that EC2 hands
    it, and a server must be there to take it."""
    if contact.outcome in {Outcome.SILENT, Outcome.BARRED}:
        inconclusive(f"nobody could try: {contact.detail}")
    refused = [Finding(subject=f"port {contact.port}", detail=contact.detail)]
    assert not (refused if contact.outcome is not Outcome.ACCEPTED else [])


@check(
    "boot-host-keys-unique-per-launch",
    severity="critical",
    guideline="aws-shared-ami/remove-host-keys",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html",
    evidence=["twin"],
    remedy="keys",
    applies_when="sshd is installed",
)
def test_host_keys_unique_per_launch(twins: Twins) -> None:
    """SSH host keys are made at boot and differ between launches.

    Whoever knows the private host key of one machine can pose as every other machine that has the same."""
    assert not twins.host_key_faults()


@check(
    "boot-earlier-launch-key-absent",
    severity="critical",
    guideline="aws-shared-ami/install-public-key-credentials",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html",
    evidence=["twin"],
    remedy="keys",
)
def test_earlier_launch_key_absent(twins: Twins) -> None:
    """A second launch does not accept the key of the first.

    A key that two launches with different keys have in common came with the image, and opens every machine made
    from it."""
    assert not twins.keys_of_both()


@check(
    "boot-passes-status-checks",
    severity="critical",
    guideline="marketplace/launchable",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/best-practices-for-building-your-amis.html",
    evidence=["instance"],
    looks=["status"],
)
def test_passes_status_checks(standing: Standing) -> None:
    """An instance launched from the AMI passes both status checks.

    EC2 itself says whether the machine came up and is reachable. A host of AWS's that is impaired says nothing of
    the image."""
    assert not status_faults(standing)


@check(
    "boot-works-with-imdsv2-only",
    severity="high",
    guideline="aws-shared-ami/install-public-key-credentials",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html",
    evidence=["instance"],
    remedy="cloud-init",
    looks=["status"],
)
def test_works_with_imdsv2_only(contact: Contact, standing: Standing) -> None:
    """Key injection works when only IMDSv2 is offered.

    The account that launches the image may require session tokens of every instance. First-boot software that
    reads the metadata without a token then finds no key, and nobody gets in."""
    if standing.tokens != "required":
        inconclusive("EC2 does not say that the launch offered IMDSv2 only")
    if reason := unanswered(contact):
        inconclusive(reason)
    refused = [Finding(subject=f"port {contact.port}", detail=f"with IMDSv2 only, {contact.detail}")]
    assert not (refused if contact.outcome is Outcome.DENIED else [])


@check(
    "boot-provisioning-finishes-without-error",
    severity="high",
    guideline="lesson/wazuh-login-before-ready",
    source="https://github.com/wazuh/wazuh-virtual-machines/issues/98",
    evidence=["instance"],
    remedy="cloud-init",
)
def test_provisioning_finishes_without_error(provisioning: Provisioning) -> None:
    """First-boot provisioning ends without errors.

    Whatever first boot could not do is missing on every machine made from the image, and a login may work long
    before that shows. cloud-init's own status counts; without cloud-init, no unit of systemd may have failed."""
    assert not provisioning.faults
    warn(provisioning.remarks)


@check(
    "boot-survives-reboot",
    severity="high",
    guideline="lesson/hardened-image-fails-to-reboot",
    source="https://github.com/anthcourtney/ansible-role-cis-amazon-linux/issues/53",
    evidence=["instance"],
    looks=["status", "reboot"],
)
def test_survives_reboot(reboot: Reboot) -> None:
    """The instance comes back from a reboot with the same host keys.

    Hardened images are known to end in emergency mode, where a locked root cannot open the console; and host keys
    that change teach their users to ignore the warning."""
    assert not reboot.faults()


@check(
    "boot-without-key-no-password-path",
    severity="medium",
    guideline="marketplace/launch-without-user-data",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html",
    evidence=["instance", "probe"],
    remedy="sshd",
    looks=["status", "keyless"],
)
def test_without_key_no_password_path(offers: Offers, standing: Standing) -> None:
    """A launch without key pair or user data offers no password path.

    An image that falls back to a default password when it is given no key opens each such machine to whoever has
    read its manual."""
    assert not offers.password_findings() + impaired(standing)
    offers.require_all_seen()
    assert not status_faults(standing)


@check(
    "boot-identities-unique-per-launch",
    severity="high",
    guideline="cis-like/image-residue",
    source="https://github.com/libguestfs/guestfs-tools",
    evidence=["twin"],
    remedy="residue",
    digests_of="files",
    files=[],
)
def test_identities_unique_per_launch(twins: Twins, rule_settings: Settings) -> None:
    """machine-id, host name and storage identifiers differ between launches.

    Machines that take each other's identity share leases, logs, keys derived from them and locks on storage. A seed
    of random numbers that came with the image is known to everybody who has it. A host name that is localhost on
    both tells nothing apart. `files` names more of them, such as the id of an agent."""
    assert not twins.shared_identities(rule_settings["files"])


@check(
    "boot-application-secrets-random",
    severity="high",
    guideline="marketplace/no-default-passwords",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html",
    evidence=["twin"],
    applies_when="the profile declares first-boot credentials",
    digests_of="files",
    files=[],
)
def test_application_secrets_random(twins: Twins, rule_settings: Settings) -> None:
    """Application secrets made at first boot are random per launch.

    A default password, or a certificate that was made when a package was installed, opens every machine that was
    launched from the image. `files` names the files in which first boot leaves them: each exists, differs between
    two launches, and is root's alone (mode 0600)."""
    if not rule_settings["files"]:
        not_applicable("the profile declares no first-boot credentials")
    assert not twins.secret_faults(rule_settings["files"])


@check(
    "boot-default-user-becomes-root",
    severity="high",
    guideline="marketplace/full-privilege",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html",
    evidence=["instance"],
    remedy="accounts",
)
def test_default_user_becomes_root(root_refusals: list[Finding]) -> None:
    """The default user can become root.

    Whoever launches the image owns the machine. All that is collected from inside is collected by `sudo -n`, by the
    user who logged in with the launch key: what was collected proves it, and a refusal is the violation."""
    assert not root_refusals


@check(
    "boot-no-failed-units",
    severity="low",
    guideline="marketplace/well-built-image",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/best-practices-for-building-your-amis.html",
    evidence=["instance"],
    applies_when="systemd is the init system",
    allowed=[],
)
def test_no_failed_units(failed_units: FailedUnits, rule_settings: Settings) -> None:
    """No unit has failed after boot.

    A unit that fails on a fresh launch fails on each of them. `allowed` has patterns of units that may."""
    assert not failed_units.other_than(rule_settings["allowed"])


@check(
    "boot-console-output-without-secrets",
    severity="medium",
    guideline="lesson/serial-console-password",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-serial-console-prerequisites.html",
    evidence=["instance"],
    remedy="secrets",
    looks=["status", "console"],
)
def test_console_output_without_secrets(console: Console) -> None:
    """The console output shows no secret.

    Whoever may read the console of an instance reads what first boot has printed there: passwords, tokens and keys
    are searched for as in logs. Fingerprints of host keys belong there. An instance type whose console EC2 shows
    hours later leaves it open."""
    assert not console.findings()
    console.searched.require_whole()

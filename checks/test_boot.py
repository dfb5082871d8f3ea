"""What launching the image shows."""

from amigate import Finding, check, inconclusive
from amigate.evidence.model import Contact, Outcome
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
    if contact.outcome is Outcome.SILENT:
        inconclusive(f"nothing answered: {contact.detail}")
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

"""Whose keys the image trusts."""

from amigate import check, inconclusive, warn
from amigate.evidence.model import Contact
from amigate.facts.authorized_keys import AuthorizedKeys
from amigate.facts.secrets import Secrets
from amigate.facts.stored_host_keys import StoredHostKeys
from amigate.facts.stored_keys import StoredKeys

BUILDING = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html"


@check(
    "key-live-only-launch-key",
    severity="critical",
    guideline="aws-shared-ami/receiver-checks",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/usingsharedamis-confirm.html",
    evidence=["instance"],
    remedy="keys",
)
def test_only_launch_key(authorized_keys: AuthorizedKeys, contact: Contact) -> None:
    """A running instance trusts the launch key alone.

    Any other key belongs to somebody who can then log in to every machine made from the image."""
    if contact.launch_key not in authorized_keys.fingerprints:
        inconclusive("the launch key is in no key file that was found, so there must be one that was not")
    assert not authorized_keys.other_than(contact.launch_key)


@check(
    "key-no-host-keys-at-rest",
    severity="critical",
    guideline="aws-shared-ami/remove-host-keys",
    source=BUILDING,
    evidence=["disk"],
    remedy="keys",
)
def test_no_host_keys_at_rest(stored_host_keys: StoredHostKeys) -> None:
    """No SSH host key is stored in the image.

    Whoever has the image could pose as any machine made of it. AWS looks for this in public AMIs, tells owner and
    users, and makes the AMI private. A running machine cannot tell: first boot replaces the keys."""
    assert not stored_host_keys.all
    stored_host_keys.require_whole()


@check(
    "key-no-authorized-keys-at-rest",
    severity="critical",
    guideline="aws-shared-ami/remove-sensitive-data",
    source=BUILDING,
    evidence=["disk"],
    remedy="keys",
)
def test_no_authorized_keys_at_rest(stored_keys: StoredKeys) -> None:
    """No user has an authorized key in the image.

    Its owner could log in to every machine made of the image. The launch key is written at first boot, so at rest
    every key is left over, one behind a forced command too."""
    assert not stored_keys.findings()
    stored_keys.require_whole()


@check(
    "key-no-user-private-keys",
    severity="critical",
    guideline="aws-shared-ami/remove-sensitive-data",
    source=BUILDING,
    evidence=["instance", "disk"],
    remedy="keys",
)
def test_no_user_private_keys(secrets: Secrets) -> None:
    """No private key of a person is in the image.

    Everybody who gets the image gets the key and whatever it opens; a passphrase only delays that. Every file is
    looked at, whatever its name. Keys that came with a package and are as it brought them are everybody's; one in a
    program of no known package is a remark. On a running machine homes alone are looked at."""
    assert not secrets.private_keys()
    secrets.require_whole()
    warn(secrets.keys_in_programs())

"""Whose keys the image trusts."""

from amigate import check, inconclusive
from amigate.evidence.model import Contact
from amigate.facts.authorized_keys import AuthorizedKeys


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

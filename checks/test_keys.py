"""Whose keys the image trusts."""

from amigate import check, inconclusive, warn
from amigate.evidence.model import Contact
from amigate.facts.authorized_keys import AuthorizedKeys
from amigate.facts.builder_keys import BuilderKeys
from amigate.facts.residue import Residue
from amigate.facts.secrets import Secrets
from amigate.facts.stored_host_keys import StoredHostKeys
from amigate.facts.stored_keys import StoredKeys

BUILDING = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html"
CLOUDQUARRY = "https://securitycafe.ro/2024/05/08/aws-cloudquarry-digging-for-secrets-in-public-amis/"


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


@check(
    "key-no-shared-tls-keys",
    severity="high",
    guideline="marketplace/no-private-keys",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html",
    evidence=["disk"],
    remedy="keys",
)
def test_no_shared_tls_keys(secrets: Secrets) -> None:
    """No TLS private key is shared by all launches.

    Whoever has the image can pose as every server made from it. Private keys in folders of servers count. A pair that
    signed itself when a package was installed is a remark: nobody trusts it, yet all launches share it."""
    assert not secrets.tls_keys(made_at_installation=False)
    secrets.require_whole()
    warn(secrets.tls_keys(made_at_installation=True))


@check(
    "key-no-vpn-keys",
    severity="high",
    guideline="lesson/cloudquarry-public-ami-secrets",
    source=CLOUDQUARRY,
    evidence=["disk"],
    remedy="keys",
)
def test_no_vpn_keys(secrets: Secrets) -> None:
    """No VPN or overlay network key is in the image.

    It lets everybody who has the image into the builder's network. Keys and passwords of WireGuard, OpenVPN, IPsec,
    Tailscale, ZeroTier, NetBird, Cloudflare's tunnels and of wireless networks count, in their own files."""
    assert not secrets.vpn_keys()
    secrets.require_whole()


@check(
    "key-no-cluster-dns-gpg-secrets",
    severity="high",
    guideline="lesson/cloudquarry-public-ami-secrets",
    source=CLOUDQUARRY,
    evidence=["disk"],
    remedy="keys",
)
def test_no_cluster_dns_gpg_secrets(secrets: Secrets) -> None:
    """No cluster, DNS or GPG secret is in the image.

    Keys and tokens of Kubernetes and its like, of etcd, Consul and Ceph, of rndc and TSIG, and secret keys of OpenPGP
    work wherever they are copied to. Keyrings of public keys, and empty ones, are no violation."""
    assert not secrets.cluster_secrets()
    secrets.require_whole()


@check(
    "key-ssh-client-files-reveal-nothing",
    severity="low",
    guideline="cis-like/image-cleanup",
    source="https://github.com/digitalocean/marketplace-partners",
    evidence=["disk"],
    remedy="keys",
)
def test_ssh_client_files_reveal_nothing(residue: Residue) -> None:
    """SSH client files reveal no other host.

    Known hosts and settings for hosts name machines of the builder's, and where they are reached from; they are a
    remark. Keys that they name are looked for wherever they lie, by the rule about private keys."""
    warn(residue.traces("ssh-client"))


@check(
    "key-no-builder-signature-keys",
    severity="critical",
    guideline="lesson/packer-key-left-behind",
    source="https://github.com/hashicorp/packer/issues/4045",
    evidence=["instance", "disk"],
    remedy="keys",
)
def test_no_builder_signature_keys(builder_keys: BuilderKeys) -> None:
    """No builder's well-known key is trusted.

    The private halves of Vagrant's insecure keys are public. Packer makes a key for each build and leaves it to the
    user it logs in as, to root too, and to a default user that cloud-init makes late."""
    assert not builder_keys.all
    builder_keys.require_whole()

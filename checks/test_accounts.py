"""Who has an account, and what its password field lets one do."""

from amigate import check
from amigate.facts.accounts import Accounts


@check(
    "account-root-has-no-usable-password",
    severity="critical",
    guideline="aws-shared-ami/disable-local-root-access",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html",
    evidence=["instance", "disk"],
    remedy="accounts",
)
def test_root_has_no_usable_password(accounts: Accounts) -> None:
    """Root has no usable password.

    Root's password would be known to whoever built the image, and its hash to whoever launches it. `sudo` does
    not need it."""
    assert not accounts.superusers_with_password()


@check(
    "account-no-empty-passwords",
    severity="critical",
    guideline="marketplace/no-default-passwords",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html",
    evidence=["instance", "disk"],
    remedy="accounts",
)
def test_no_empty_passwords(accounts: Accounts) -> None:
    """No account has an empty password.

    An empty field asks for no password at all where PAM (nullok) or sshd (PermitEmptyPasswords) allow it."""
    assert not accounts.empty_passwords()


@check(
    "account-no-usable-password-hash",
    severity="critical",
    guideline="marketplace/no-password-authentication",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html",
    evidence=["instance", "disk"],
    remedy="accounts",
)
def test_no_usable_password_hash(accounts: Accounts) -> None:
    """No account has a usable password hash.

    Whoever launches the image can read the hash and guess the password at leisure, and then knows it on every
    other machine made from the image; a shell that lets nobody in does not change that."""
    assert not accounts.usable_hashes()


@check(
    "account-only-root-has-uid-zero",
    severity="critical",
    guideline="cis-like/unique-superuser",
    source="https://github.com/dev-sec/linux-baseline",
    evidence=["instance", "disk"],
    remedy="accounts",
)
def test_only_root_has_uid_zero(accounts: Accounts) -> None:
    """Root alone has user id zero.

    A second superuser under another name is the oldest back door there is: what is forbidden to root by name,
    such as a password or a login over SSH, is not forbidden to it."""
    assert not accounts.other_superusers()

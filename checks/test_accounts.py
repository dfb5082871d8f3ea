"""Who has an account, and what its password field lets one do."""

from dataclasses import replace

from amigate import Finding, check, inconclusive, warn
from amigate.check import Settings
from amigate.facts.account_copies import AccountCopies
from amigate.facts.accounts import Accounts
from amigate.facts.cloud_config import CloudConfig
from amigate.facts.cloud_settings import default_user, other_users
from amigate.facts.consoles import Consoles
from amigate.facts.login_defs import LoginDefs
from amigate.facts.login_ends import LoginEnds
from amigate.facts.pam import Pam
from amigate.facts.remote_identities import RemoteIdentities
from amigate.facts.root_grants import RootGrants
from amigate.facts.sshd import Sshd


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


@check(
    "account-no-hash-behind-lock",
    severity="high",
    guideline="marketplace/no-hashed-passwords",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html",
    evidence=["disk"],
    remedy="accounts",
)
def test_no_hash_behind_lock(accounts: Accounts) -> None:
    """No lock hides a password hash.

    `passwd -l` puts a `!` in front of the hash and leaves it there: `passwd -u` opens the account again, and whoever
    has the image can guess the password at leisure."""
    assert not accounts.hidden_hashes()


@check(
    "account-no-unexpected-login-users",
    severity="high",
    guideline="aws-shared-ami/receiver-checks",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/usingsharedamis-confirm.html",
    evidence=["instance", "disk"],
    remedy="accounts",
    users=(),
)
def test_no_unexpected_login_users(
    accounts: Accounts,
    cloud_config: CloudConfig,
    remote_identities: RemoteIdentities,
    launch_user: str,
    rule_settings: Settings,
) -> None:
    """Only expected users can log in.

    Root, the user that gets the launch key, and the `users` of the profile are expected; whoever else has a shell
    that lets somebody in is not, and neither is whoever first boot would make. An account without such a shell is
    left to the rules about its password and its keys. Where accounts come from elsewhere, files do not tell who may
    log in."""
    expected = {"root", launch_user, default_user(cloud_config), *rule_settings["users"]}
    made = [
        cloud_config.finding(keys, "an account that first boot makes")
        for name, keys in other_users(cloud_config)
        if name not in expected
    ]
    assert not [*accounts.login_users_other_than(expected), *made]
    remote_identities.require_none()


@check(
    "account-sudo-rules-expected",
    severity="high",
    guideline="cis-like/image-cleanup",
    source="https://docs.aws.amazon.com/imagebuilder/latest/userguide/security-best-practices.html",
    evidence=["instance", "disk"],
    remedy="accounts",
    users=(),
    groups=("admin", "sudo", "wheel"),
)
def test_sudo_rules_expected(
    root_grants: RootGrants,
    accounts: Accounts,
    cloud_config: CloudConfig,
    launch_user: str,
    rule_settings: Settings,
) -> None:
    """sudo and doas grant root only as declared.

    The user that gets the launch key, and the `users` of the profile, need no password; its `groups` are asked for
    one, which nobody in a sound image has. A rule for somebody who is not there waits for whoever takes the name:
    cloud-init leaves one behind for the default user of the builder."""
    default = {launch_user, default_user(cloud_config)} - {""}
    users = {"root", *default, *rule_settings["users"]}
    groups = {f"%{group}" for group in rule_settings["groups"]}
    present = {account.name for account in accounts.everybody} | default
    found = root_grants.to_others_than(users | groups, without_password=users)
    assert not [*found, *root_grants.left_behind(present)]
    accounts.require_all_seen()


@check(
    "account-shadow-backups-without-hashes",
    severity="high",
    guideline="cis-like/image-residue",
    source="https://github.com/libguestfs/guestfs-tools",
    evidence=["disk"],
    remedy="accounts",
)
def test_shadow_backups_without_hashes(account_copies: AccountCopies) -> None:
    """Backups of the account files hold no hash.

    `passwd` and `usermod` write what was there before into shadow-, so that the hash that they took away is still in
    the image; so do package managers and people, and pam_pwhistory keeps all that there ever were."""
    assert not account_copies.hashes
    account_copies.require_whole()


@check(
    "account-pam-not-weakened",
    severity="high",
    guideline="cis-like/pam-integrity",
    source="https://github.com/dev-sec/linux-baseline",
    evidence=["disk"],
    remedy="accounts",
)
def test_pam_not_weakened(pam: Pam, accounts: Accounts) -> None:
    """PAM asks for authentication as the package shipped it.

    One line that lets whoever comes in, or runs a command that is told the password, opens every program that asks
    PAM. That empty passwords are taken is how distributions ship it: a remark, and a violation as soon as there is
    one. `pam_permit` at the end of Debian's common-auth lets nobody in."""
    assert not pam.faults
    if pam.nullok:
        assert not accounts.empty_passwords()
    warn([*pam.nullok, *pam.unknown])


@check(
    "account-no-autologin",
    severity="high",
    guideline="lesson/serial-console-password",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-serial-console-prerequisites.html",
    evidence=["disk"],
    remedy="accounts",
)
def test_no_autologin(consoles: Consoles) -> None:
    """No console logs in by itself.

    The serial console of EC2 is reached by whoever may use it in the account, without the key of the instance: a
    console that asks nobody makes root of them. A rescue shell that a locked root is refused is as it should be."""
    assert not consoles.open


@check(
    "account-remote-identity-backends-clean",
    severity="high",
    guideline="cis-like/image-residue",
    source="https://github.com/libguestfs/guestfs-tools",
    evidence=["disk"],
    remedy="accounts",
)
def test_remote_identity_backends_clean(remote_identities: RemoteIdentities) -> None:
    """No directory service identity is left behind.

    A keytab, a bind password or a machine account makes every machine of the image the same member of somebody's
    directory; a cache holds the hashes of whoever logged in to the builder. A source of accounts beside the files
    lets in whomever its owner likes."""
    assert not [*remote_identities.sources, *remote_identities.left]


@check(
    "account-aging-keeps-key-login",
    severity="medium",
    guideline="lesson/aging-locks-out-keys",
    source="https://github.com/gravitational/teleport/issues/56047",
    evidence=["disk"],
    remedy="accounts",
    life_days=730,
)
def test_aging_keeps_key_login(login_ends: LoginEnds, made_day: int | None, rule_settings: Settings) -> None:
    """Password aging locks no key user out.

    Whose password has to be changed is let in with no key either, and who has none cannot change it: a longest age of
    60 days ends all logins after 60 days. Accounts that first boot makes take theirs from login.defs."""
    assert not login_ends.within(rule_settings["life_days"], made_day)


@check(
    "account-default-user-accepts-keys",
    severity="medium",
    guideline="lesson/locked-account-refuses-keys",
    source="https://github.com/openssh/openssh-portable/blob/master/platform.c",
    evidence=["instance", "disk"],
    remedy="accounts",
    applies_when="sshd is installed",
)
def test_default_user_accepts_keys(sshd: Sshd, accounts: Accounts, cloud_config: CloudConfig, launch_user: str) -> None:
    """The lock on the default user still permits keys.

    Without PAM, sshd takes a `!` in front of the password field for a locked account and refuses even the right key;
    a `*` does no harm. cloud-init locks with a `!` whom it makes, unless it is told not to."""
    without_pam = [session for session in sshd.sessions if session.value("usepam") != "yes"]
    if not without_pam:
        return
    user = launch_user or default_user(cloud_config)
    if not user:
        inconclusive("sshd works without PAM, and nobody says which user gets the launch key")
    accounts.require_well_formed()
    locked = accounts.locked(user)
    if locked is None:
        locked = _locked_at_first_boot(cloud_config, user)
    assert not locked


def _locked_at_first_boot(cloud_config: CloudConfig, user: str) -> list[Finding]:
    """Find that cloud-init makes `user` with a lock."""
    keys = ("system_info", "default_user", "lock_passwd")
    if cloud_config.value(*keys) is False:
        return []
    return [replace(cloud_config.finding(keys, "cloud-init makes this account with a `!`"), subject=user)]


@check(
    "account-system-accounts-cannot-login",
    severity="low",
    guideline="cis-like/system-accounts",
    source="https://github.com/dev-sec/linux-baseline",
    evidence=["disk"],
    remedy="accounts",
)
def test_system_accounts_cannot_login(accounts: Accounts, account_copies: AccountCopies, login_defs: LoginDefs) -> None:
    """System accounts have no shell and groups no password.

    Nobody works as a system account: a shell only serves whoever got hold of the service. A group's password makes
    everybody a member who knows it."""
    assert not [*accounts.system_shells(login_defs.uid_min), *account_copies.group_passwords]
    account_copies.require_groups()

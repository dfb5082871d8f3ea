"""How sshd lets people in."""

from amigate import Finding, check, inconclusive
from amigate.facts.outside import Offers
from amigate.facts.ssh_servers import SshServers
from amigate.facts.sshd import Sshd
from amigate.facts.sshd_answers import Session
from amigate.facts.sshd_syntax import SshdSyntax

BUILDING = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html"
REFUSING = {"no", "without-password", "prohibit-password", "forced-commands-only"}
"""The values of PermitRootLogin that keep root from logging in with a password."""


@check(
    "ssh-no-root-password-login",
    severity="critical",
    guideline="aws-shared-ami/disable-root-password-login",
    source=BUILDING,
    evidence=["instance", "disk"],
    remedy="sshd",
    applies_when="sshd is installed",
)
def test_no_root_password_login(sshd: Sshd) -> None:
    """sshd refuses password logins for root.

    A password that ships with an image is the same on every machine made from it, and root's opens everything."""
    assert not _root_password_sessions(sshd)
    refuses, is_no = REFUSING.__contains__, "no".__eq__
    asking = ("passwordauthentication", "kbdinteractiveauthentication")
    if any(not refuses(each.value("permitrootlogin")) for each in sshd.sessions) or sshd.may_become(
        "permitrootlogin", refuses
    ):
        sshd.require_seen("passwordauthentication", lambda value: value == "no")
        sshd.require_seen("kbdinteractiveauthentication", lambda value: value == "no")
    if any(map(_password_way, sshd.sessions)) or any(sshd.may_become(each, is_no) for each in asking):
        sshd.require_seen("permitrootlogin", REFUSING.__contains__)


def _root_password_sessions(sshd: Sshd) -> list[Finding]:
    return [
        sshd.finding(session, "permitrootlogin", f"permitrootlogin is {session.value('permitrootlogin')}, with {way}")
        for session in sshd.sessions_of(*sshd.superusers)
        if session.value("permitrootlogin") not in REFUSING and (way := _password_way(session))
    ]


def _password_way(session: Session) -> str:
    """Name the methods by which sshd would take a password in `session`."""
    methods = ("passwordauthentication", "kbdinteractiveauthentication")
    return " and ".join(f"{method} {session.value(method)}" for method in methods if session.value(method) != "no")


@check(
    "ssh-no-password-login",
    severity="critical",
    guideline="marketplace/no-password-authentication",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html",
    evidence=["instance", "disk"],
    remedy="sshd",
    applies_when="sshd is installed",
)
def test_no_password_login(sshd: Sshd) -> None:
    """sshd refuses password logins for every login user.

    A machine in the cloud is tried with guessed passwords within minutes of its launch; keys cannot be guessed."""
    assert not sshd.sessions_where("passwordauthentication", is_not="no")


@check(
    "ssh-public-key-login-enabled",
    severity="critical",
    guideline="aws-shared-ami/install-public-key-credentials",
    source=BUILDING,
    evidence=["instance", "disk"],
    remedy="sshd",
    applies_when="sshd is installed",
)
def test_public_key_login_enabled(sshd: Sshd, launch_user: str) -> None:
    """sshd accepts public keys.

    The key that EC2 hands to an instance is the only credential its owner has. Where no launch tells who that is, it
    is asked of all login users."""
    sessions = sshd.sessions_of(launch_user) if launch_user else sshd.sessions
    if not sessions:
        inconclusive("no user is known whose sessions could be looked at")
    refused = [sshd.finding(s, "pubkeyauthentication") for s in sessions if s.value("pubkeyauthentication") != "yes"]
    more = [
        sshd.finding(s, "authenticationmethods", "a public key alone is not enough: authenticationmethods")
        for s in sessions
        if not _key_is_enough(s.value("authenticationmethods"))
    ]
    if not launch_user and 0 < len(refused + more) < len(sessions):
        inconclusive("sshd accepts a public key of some alone, and only a launch tells whose key EC2 hands over")
    assert not refused + more
    sshd.require_seen("pubkeyauthentication", lambda value: value == "yes")
    sshd.require_seen("authenticationmethods", _key_is_enough)


def _key_is_enough(methods: str) -> bool:
    """Whether one of the lists of AuthenticationMethods asks for nothing but a public key; "any" asks for one."""
    return methods in ("", "any") or any(set(each.split(",")) == {"publickey"} for each in methods.split())


@check(
    "ssh-no-dns-checks",
    severity="low",
    guideline="aws-shared-ami/disable-sshd-dns-checks",
    source=BUILDING,
    evidence=["instance", "disk"],
    remedy="sshd",
    applies_when="sshd is installed",
)
def test_no_dns_checks(sshd: Sshd) -> None:
    """sshd does no reverse DNS check at login.

    Where no name server answers, each login waits for it; AWS calls this step optional."""
    assert not [finding for finding in sshd.sessions_where("usedns", is_not="no") if "not known" not in finding.detail]


@check(
    "ssh-host-key-paths-per-boot",
    severity="high",
    guideline="aws-shared-ami/remove-host-keys",
    source=BUILDING,
    evidence=["instance", "disk"],
    remedy="keys",
    applies_when="sshd is installed",
)
def test_host_key_paths_per_boot(sshd: Sshd) -> None:
    """Host keys come only from paths renewed at boot.

    First boot makes new keys in /etc/ssh under their usual names. A key that is kept elsewhere, or a certificate for
    one, stays the same on every machine made of the image."""
    assert not sshd.host_keys_elsewhere()


@check(
    "ssh-no-other-servers",
    severity="medium",
    guideline="aws-shared-ami/disable-root-password-login",
    source=BUILDING,
    evidence=["instance", "disk"],
    remedy="sshd",
)
def test_no_other_servers(ssh_servers: SshServers) -> None:
    """No second SSH server is installed.

    What is required of sshd says nothing of dropbear, of an sshd that a unit starts with a configuration of its own,
    or of a server in the initramfs, which is there before the system is."""
    assert not ssh_servers.others


@check(
    "ssh-no-keyboard-interactive-login",
    severity="critical",
    guideline="marketplace/no-password-authentication",
    source="https://github.com/dev-sec/ssh-baseline",
    evidence=["instance", "disk"],
    remedy="sshd",
    applies_when="sshd is installed",
)
def test_no_keyboard_interactive_login(sshd: Sshd) -> None:
    """sshd offers no keyboard-interactive login.

    With PAM this asks for the password just as well: `PasswordAuthentication no` alone leaves it open."""
    assert not sshd.sessions_where("kbdinteractiveauthentication", is_not="no")


@check(
    "ssh-no-empty-passwords",
    severity="critical",
    guideline="cis-like/ssh-empty-passwords",
    source="https://github.com/dev-sec/ssh-baseline",
    evidence=["instance", "disk"],
    remedy="sshd",
    applies_when="sshd is installed",
)
def test_permits_no_empty_passwords(sshd: Sshd) -> None:
    """sshd refuses empty passwords.

    One account with an empty field, made by whatever is installed later, would be open to everybody."""
    assert not sshd.sessions_where("permitemptypasswords", is_not="no")


@check(
    "ssh-match-blocks-evaluated",
    severity="critical",
    guideline="lesson/match-blocks-ignored",
    source="https://github.com/dev-sec/ansible-ssh-hardening/issues/188",
    evidence=["instance", "disk"],
    remedy="sshd",
    applies_when="sshd is installed",
)
def test_match_blocks_evaluated(sshd: Sshd) -> None:
    """Every Match block has been evaluated.

    A Match block beats what stands outside of it, wherever it stands: a password login for one network or one group
    does not show in the settings that hold for everybody. One that runs a command, or asks what cannot be made up
    here, leaves the question open."""
    asking = ("passwordauthentication", "kbdinteractiveauthentication", "permitemptypasswords")
    found = [finding for keyword in asking for finding in sshd.seen_with_other_than(keyword, "no")]
    assert not sshd.of_match_blocks(found + _root_password_sessions(sshd))
    for keyword in asking:
        sshd.require_seen(keyword, "no".__eq__)
    sshd.require_every_match_seen()


@check(
    "ssh-config-parses",
    severity="high",
    guideline="lesson/include-order-wins",
    source="https://github.com/canonical/cloud-init/issues/5934",
    evidence=["instance", "disk"],
    remedy="sshd",
    applies_when="sshd is installed",
)
def test_config_parses(sshd_syntax: SshdSyntax) -> None:
    """The sshd configuration parses and every Include resolves.

    A server that runs keeps its old configuration until it is started anew: with an error in it, the next boot has
    no sshd. An Include of a file that is not there is passed over in silence, and what it was to forbid is allowed."""
    assert not sshd_syntax.faults


@check(
    "ssh-offers-no-password-method",
    severity="critical",
    guideline="marketplace/no-password-authentication",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html",
    evidence=["probe"],
    remedy="sshd",
    applies_when="an SSH port is open",
    looks=["stranger"],
)
def test_offers_no_password_method(offers: Offers) -> None:
    """The server offers no password method to a stranger.

    What the server says to somebody without credentials is the truth, whichever files it has read: it must name
    neither password nor keyboard-interactive, for root, the default user and a name that nobody has."""
    assert not offers.passwords()

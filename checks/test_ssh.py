"""How sshd lets people in."""

import re

from amigate import Finding, check, inconclusive
from amigate.check import Settings
from amigate.evidence.model import Contact, Outcome
from amigate.facts import sshd_limits
from amigate.facts.host_trust import HostTrust
from amigate.facts.key_sources import KeySources
from amigate.facts.listeners import Listeners
from amigate.facts.outside import Offers
from amigate.facts.ssh_files import SshFiles
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


@check(
    "ssh-no-unknown-key-sources",
    severity="critical",
    guideline="lesson/keys-outside-authorized-keys",
    source="https://man.openbsd.org/sshd_config#AuthorizedKeysCommand",
    evidence=["instance", "disk"],
    remedy="sshd",
    applies_when="sshd is installed",
)
def test_no_unknown_key_sources(key_sources: KeySources) -> None:
    """sshd takes keys only from known sources.

    Whoever holds an authority that sshd trusts, or writes the command that it asks for keys, logs in to every machine
    of the image, and no key file shows it. Commands of EC2 Instance Connect, SSSD and Google's agent are known ones,
    as long as they come with their packages and root alone may change them. A file of keys that is in no home is one
    more source where there are keys in it at rest; all others are the matter of the rule about authorized keys."""
    assert not key_sources.unknown
    key_sources.require_whole()


@check(
    "ssh-no-host-based-trust",
    severity="high",
    guideline="cis-like/no-host-based-trust",
    source="https://github.com/dev-sec/ssh-baseline",
    evidence=["instance", "disk"],
    remedy="sshd",
    applies_when="sshd is installed",
)
def test_no_host_based_trust(sshd: Sshd, host_trust: HostTrust) -> None:
    """No host-based trust grants a login.

    A machine that is trusted to say who logs in says so for every user that it has; the files that name it outlive
    the setting that makes sshd read them. Files without anything in them name none."""
    found = [
        *sshd.seen_with_other_than("hostbasedauthentication", "no"),
        *sshd.seen_with_other_than("ignorerhosts", "yes"),
    ]
    assert not [*found, *host_trust.files]
    sshd.require_seen("hostbasedauthentication", "no".__eq__)
    sshd.require_seen("ignorerhosts", "yes".__eq__)


@check(
    "ssh-port-matches-declaration",
    severity="high",
    guideline="marketplace/ssh-port",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html",
    evidence=["instance", "probe"],
    remedy="sshd",
    applies_when="sshd is installed",
    port=22,
)
def test_port_matches_declaration(listeners: Listeners, contact: Contact, rule_settings: Settings) -> None:
    """sshd listens on the declared port.

    Whoever launches the image opens the port that its documentation names, and its scanner tries that one. What the
    kernel lists as listening counts, as under socket activation the keyword Port says nothing; and the port at which
    the launch was reached."""
    port = rule_settings["port"]
    reached = contact.port if contact.outcome in {Outcome.ACCEPTED, Outcome.DENIED} else None
    open_to_others = [each for each in listeners.all if each.protocol == "tcp" and not each.is_loopback]
    elsewhere = [
        each.finding()
        for each in open_to_others
        if each.port != port and ("sshd" in each.processes or each.port == reached)
    ]
    nowhere = Finding(subject=f"tcp port {port}", detail="nothing listens on the declared port")
    assert not [*elsewhere, *([] if port in {each.port for each in open_to_others} else [nowhere])]
    if reached is None:
        inconclusive(f"the launch was not reached from outside: {contact.detail}")


@check(
    "ssh-strict-modes-no-user-environment",
    severity="medium",
    guideline="cis-like/ssh-strict-modes",
    source="https://github.com/dev-sec/ssh-baseline",
    evidence=["instance", "disk"],
    remedy="sshd",
    applies_when="sshd is installed",
)
def test_strict_modes_no_user_environment(sshd: Sshd) -> None:
    """sshd enforces StrictModes and ignores user environments.

    Without the first, a key file that others may write lets them in; with the second, a user sets what the login
    shell and forced commands run with."""
    found = [
        *sshd.seen_with_other_than("strictmodes", "yes"),
        *sshd.seen_with_other_than("permituserenvironment", "no"),
    ]
    assert not found
    sshd.require_seen("strictmodes", "yes".__eq__)
    sshd.require_seen("permituserenvironment", "no".__eq__)


BROKEN = {
    "ciphers": re.compile(r"3des|arcfour|-cbc"),
    "kexalgorithms": re.compile(r"sha1"),
    "macs": re.compile(r"md5|-96"),
    "hostkeyalgorithms": re.compile(r"ssh-dss"),
}
"""What is in the names of algorithms that are broken; new ones are not, so they need no new version of this."""


@check(
    "ssh-no-weak-algorithms",
    severity="medium",
    guideline="cis-like/ssh-algorithms",
    source="https://github.com/dev-sec/ssh-baseline",
    evidence=["instance"],
    remedy="sshd",
    applies_when="sshd is installed",
)
def test_no_weak_algorithms(sshd: Sshd) -> None:
    """sshd offers no broken algorithm.

    A client may ask for the weakest that the server has. sshd itself is asked, as a policy of the whole system may
    stand behind its files."""
    found = {}
    for session in sshd.sessions:
        for keyword, broken in BROKEN.items():
            names = session.value(keyword).split(",")
            if names == [""]:
                inconclusive(f"sshd does not say which {keyword} it has")
            weak = [name for name in names if broken.search(name)]
            if weak:
                found[keyword] = sshd.finding(session, keyword, f"{keyword} has {', '.join(weak)}")
    assert not list(found.values())


FORWARDING = (
    "allowtcpforwarding",
    "allowagentforwarding",
    "allowstreamlocalforwarding",
    "x11forwarding",
    "permittunnel",
    "gatewayports",
)


@check(
    "ssh-forwarding-disabled",
    severity="low",
    guideline="cis-like/ssh-forwarding",
    source="https://github.com/dev-sec/ssh-baseline",
    evidence=["instance", "disk"],
    remedy="sshd",
    applies_when="sshd is installed",
)
def test_forwarding_disabled(sshd: Sshd) -> None:
    """sshd forwards neither ports, agents, X11 nor tunnels.

    Whoever has a login reaches what the machine reaches, and whoever has the machine uses the agents of those who log
    in. Many products need it. `DisableForwarding` switches all of it off, whatever else is said."""
    found = [
        finding
        for keyword in FORWARDING
        for finding in sshd.seen_with_other_than(keyword, "no", but_for=lambda s: s.value("disableforwarding") == "yes")
    ]
    assert not found
    if any(session.value("disableforwarding") != "yes" for session in sshd.sessions):
        for keyword in FORWARDING:
            sshd.require_seen(keyword, "no".__eq__)
    sshd.require_seen("disableforwarding", "yes".__eq__)


@check(
    "ssh-login-limits-set",
    severity="low",
    guideline="cis-like/ssh-login-limits",
    source="https://github.com/dev-sec/ssh-baseline",
    evidence=["instance", "disk"],
    remedy="sshd",
    applies_when="sshd is installed",
    max_auth_tries=4,
    login_grace_s=60,
    max_sessions=10,
    max_startups="10:30:60",
    client_alive_s=300,
    client_alive_count=3,
)
def test_login_limits_set(sshd: Sshd, rule_settings: Settings) -> None:
    """sshd limits tries, login time and idle sessions.

    Guessing gets few tries a connection, connections that do not log in end soon, and a session whose client is gone
    does not stay. Each number is the most that is taken; none, where 0 means that there is no limit, is too many."""
    assert not sshd_limits.faults(sshd, rule_settings)


@check(
    "ssh-file-modes-tight",
    severity="medium",
    guideline="cis-like/ssh-file-modes",
    source="https://github.com/dev-sec/ssh-baseline",
    evidence=["disk"],
    remedy="sshd",
    applies_when="sshd is installed",
)
def test_file_modes_tight(ssh_files: SshFiles) -> None:
    """SSH server files belong to root with tight modes.

    Whoever may change a file that sshd reads decides who logs in, and whoever may read a host key poses as the
    machine. Red Hat's group ssh_keys may read host keys."""
    assert not ssh_files.faults

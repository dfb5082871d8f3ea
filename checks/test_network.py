"""What listens, what calls out, and whom the image trusts over a network."""

from amigate import check, inconclusive, warn
from amigate.check import Settings
from amigate.evidence.model import Contact
from amigate.facts.back_channels import BackChannels
from amigate.facts.connections import Connections
from amigate.facts.host_firewall import SYSCTLS, HostFirewall
from amigate.facts.integrity import Integrity
from amigate.facts.internal_endpoints import InternalEndpoints
from amigate.facts.listeners import Listeners, declared_ports
from amigate.facts.log_forwarding import LogForwarding
from amigate.facts.repositories import Repositories
from amigate.facts.scheduled_jobs import ScheduledJobs
from amigate.facts.session_port import SessionPort
from amigate.facts.trust_anchors import TrustAnchors

RECEIVERS_CHECK = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/usingsharedamis-confirm.html"


@check(
    "network-only-declared-listeners",
    severity="high",
    guideline="aws-shared-ami/receiver-checks",
    source=RECEIVERS_CHECK,
    evidence=["instance", "probe"],
    remedy="network",
    declared=["udp/68", "udp/546"],
)
def test_only_declared_listeners(
    listeners: Listeners, session_port: SessionPort, contact: Contact, rule_settings: Settings
) -> None:
    """Only declared services listen.

    Whatever else listens is open to whoever reaches the machine. The kernel's own tables are read, of IPv4 and IPv6,
    not the image's `ss`; loopback does not count, and a socket of systemd counts as any other. SSH's port is declared
    by the profile; `declared` has the others as `tcp/443`, by default those of DHCP's clients. No ports are scanned:
    the launch's security group lets SSH in alone. Where something between forwards SSH to another port, it is the
    machine's own that is meant."""
    declared = declared_ports(rule_settings["declared"])
    assert not listeners.reachable_other_than({*declared, ("tcp", session_port.instead_of(contact))})


@check(
    "network-no-remote-logging",
    severity="high",
    guideline="aws-shared-ami/receiver-checks",
    source=RECEIVERS_CHECK,
    evidence=["instance", "disk"],
    remedy="network",
    allowed=[],
)
def test_no_remote_logging(log_forwarding: LogForwarding, rule_settings: Settings) -> None:
    """No log or telemetry goes to somebody else.

    What a machine logs is its owner's. The settings of rsyslog, syslog-ng, systemd, auditd and the usual agents are
    read with what they include; a host other than the machine itself counts, whether the sender is enabled or not,
    and so does an agent that sends as another account. `allowed` names hosts that may be sent to."""
    assert not log_forwarding.other_than(rule_settings["allowed"])


@check(
    "network-scheduled-jobs-accounted-for",
    severity="medium",
    guideline="aws-shared-ami/receiver-checks",
    source=RECEIVERS_CHECK,
    evidence=["instance", "disk"],
    remedy="network",
    allowed=[],
)
def test_scheduled_jobs_accounted_for(scheduled_jobs: ScheduledJobs, rule_settings: Settings) -> None:
    """Every cron job and timer is accounted for.

    A job that runs by the clock needs nobody to log in. Tables and scripts of cron and anacron, jobs of at, and
    timers of systemd, of the system and of users, are a package's, unchanged, or named in `allowed` by path."""
    assert not scheduled_jobs.unaccounted(rule_settings["allowed"])


@check(
    "network-no-vendor-back-channel",
    severity="high",
    guideline="marketplace/no-seller-access",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html",
    evidence=["instance", "disk"],
    remedy="network",
)
def test_no_vendor_back_channel(back_channels: BackChannels) -> None:
    """No vendor back channel is installed.

    A tunnel that calls out lets its owner in past every security group. What starts with the machine is a violation,
    whomever it calls: ngrok, frp, chisel, Tailscale, Cloudflare's, Teleport, remote control, `ssh -R` and autossh in
    units, start-up scripts and cron. What is installed and not seen to be started is a remark."""
    assert not back_channels.active
    back_channels.require_whole()
    warn(back_channels.idle)


@check(
    "network-no-internal-endpoints",
    severity="medium",
    guideline="aws-shared-ami/remove-sensitive-data",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/building-shared-amis.html",
    evidence=["disk"],
    remedy="network",
)
def test_no_internal_endpoints(internal_endpoints: InternalEndpoints) -> None:
    """No internal endpoint of the builder is left.

    It discloses how the builder's network is called, and what leads there fails everywhere else. A proxy counts
    wherever it is; mirrors, registries, NTP servers and /etc/hosts count with private addresses and names."""
    assert not internal_endpoints.found
    internal_endpoints.searched.require_whole()


@check(
    "network-no-added-trust-anchors",
    severity="high",
    guideline="cis-like/trust-anchors",
    source="https://github.com/libguestfs/guestfs-tools",
    evidence=["disk"],
    remedy="network",
)
def test_no_added_trust_anchors(trust_anchors: TrustAnchors) -> None:
    """No certificate authority was added.

    Its owner can pose as any server to every machine made from the image. Anchors of the administrator, and what a
    bundle or Java's key store has beyond the distribution's files, count. Stores of NSS, and files that rpm or apk
    brought, leave it open."""
    assert not trust_anchors.added
    trust_anchors.require_whole()


@check(
    "network-no-tampered-binaries",
    severity="medium",
    guideline="cis-like/file-integrity",
    source="https://github.com/dev-sec/linux-baseline",
    evidence=["disk"],
    remedy="packages",
    allowed=[],
)
def test_no_tampered_binaries(integrity: Integrity, rule_settings: Settings) -> None:
    """No binary was replaced or preloaded.

    Programs and libraries are compared with dpkg's lists, which rpm's and apk's packages leave open; a program that is
    setuid or setgid is a package's and known to be so, or named in `allowed` by path. /etc/ld.so.preload is absent.
    File capabilities are not looked at."""
    assert not integrity.other_than(rule_settings["allowed"])
    integrity.require_whole()


@check(
    "network-package-repos-signed",
    severity="medium",
    guideline="cis-like/signed-repositories",
    source="https://manpages.debian.org/bookworm/apt/apt-secure.8.en.html",
    evidence=["disk"],
    remedy="packages",
)
def test_package_repos_signed(repositories: Repositories) -> None:
    """Every package repository is signed.

    Whoever can answer in the name of an unsigned repository is root on each machine that updates. Every enabled one
    of dnf and yum says gpgcheck=1, itself or in the main settings; nothing switches apt's or zypper's checks off."""
    assert not repositories.unsigned


@check(
    "network-firewall-and-sysctl-hardened",
    severity="low",
    guideline="cis-like/firewall-and-sysctl",
    source="https://github.com/digitalocean/marketplace-partners",
    evidence=["instance"],
    remedy="network",
    firewall=True,
    sysctl={name: list(values) for name, values in SYSCTLS.items()},
)
def test_firewall_and_sysctl_hardened(host_firewall: HostFirewall, rule_settings: Settings) -> None:
    """Firewall and sysctl follow the hardened profile.

    firewalld says that it runs, or nftables or iptables have rules for what comes in; what is installed and does not
    filter does not count. Settings of the kernel are read as they are in effect. EC2's security groups filter too:
    `firewall: false` leaves the machine's own out, and `sysctl` has the settings with their values."""
    faults = host_firewall.sysctl_faults(rule_settings["sysctl"])
    assert not faults + (host_firewall.firewall_faults() if rule_settings["firewall"] is not False else [])


@check(
    "network-no-unexpected-egress",
    severity="medium",
    guideline="marketplace/no-data-export",
    source="https://docs.aws.amazon.com/marketplace/latest/userguide/product-and-ami-policies.html",
    evidence=["instance"],
    remedy="network",
    declared=[],
)
def test_no_unexpected_egress(
    connections: Connections, session_port: SessionPort, contact: Contact, rule_settings: Settings
) -> None:
    """The instance calls nobody unasked.

    The kernel's tables are looked at for twenty seconds after the boot has ended. A call to anything but DNS, DHCP,
    NTP, EC2's link-local services, what may be a mirror (ports 80 and 443) and what `declared` names as `tcp/5432`
    is a violation, answered or not. That none was seen proves nothing without the network's flow logs, which amigate
    does not have: then it is open."""
    own_port = session_port.instead_of(contact)
    assert not connections.unexpected(declared_ports(rule_settings["declared"]), own_port)
    inconclusive("no call was seen in twenty seconds, and no flow log tells what was called before and between")

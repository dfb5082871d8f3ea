"""Where an image keeps traces of the machine that it was made on, and what counts as one.

From the lists of guestfs-tools' virt-sysprep, AWS's clean-up script for Image Builder
(https://docs.aws.amazon.com/imagebuilder/latest/userguide/security-best-practices.html), DigitalOcean's img_check."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from amigate.evidence.keep import Keep

if TYPE_CHECKING:
    from collections.abc import Mapping


class Topic(StrEnum):
    """What the traces tell of."""

    SEEDS = "seeds"
    LOGS = "logs"
    TEMPORARY = "temporary"
    HOST = "host"
    SPOOLS = "spools"
    SUBSCRIPTIONS = "subscriptions"
    INSTALLER = "installer"
    BUILD_TOOLS = "build-tools"
    PACKAGE_HISTORY = "package-history"
    AGENTS = "agents"
    SSH_CLIENT = "ssh-client"


class Sign(StrEnum):
    """What of a place is a trace."""

    FILLED = "filled"
    """A file with something in it."""
    THERE = "there"
    """Whatever is there, a folder too."""
    NO_FOLDER = "no-folder"
    """Whatever is there but folders."""
    COUNTED = "counted"
    """A file some lines of which count."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place, and what it means that there is something."""

    pattern: str
    """As sh has it; `~/` stands for every home, and `/**` at its end for all below a folder, however deep."""
    detail: str
    sign: Sign = Sign.FILLED
    keep: Keep = Keep.NOTHING
    name: re.Pattern[str] | None = None
    """Of all below a folder, only what is named so; else it is told by what lies in the folder itself."""


def _filled(detail: str, *patterns: str) -> tuple[Place, ...]:
    return tuple(Place(pattern=pattern, detail=detail) for pattern in patterns)


def _there(detail: str, *patterns: str) -> tuple[Place, ...]:
    return tuple(Place(pattern=pattern, detail=detail, sign=Sign.THERE) for pattern in patterns)


def _counted(keep: Keep, detail: str, *patterns: str) -> tuple[Place, ...]:
    return tuple(Place(pattern=pattern, detail=detail, sign=Sign.COUNTED, keep=keep) for pattern in patterns)


LOG_FOLDER = "/var/log/**"
_ROTATED = re.compile(
    r".*(?:\.\d{1,4}|-\d{8,14}|\.old)(?:\.(?:gz|xz|bz2|zst|lz4))?|(?!eipp\.).+\.log\.(?:gz|xz|bz2|zst|lz4)"
)
_LOGS = re.compile(
    r"(?:auth|secure|messages|syslog|kern|daemon|user|debug|cron|maillog|mail|boot|audit|cloud-init(?:-output)?)"
    r"(?:\.log|\.err|\.info|\.warn)?|[wb]tmp|lastlog|tallylog|sa\d{2,8}|sar\d{2,8}"
)
_INSTANCE_ID = re.compile(r"m?i-[0-9a-f]{8,17}")
CACHES = (
    "/var/cache/dnf/**",
    "/var/cache/yum/**",
    "/var/cache/libdnf5/**",
    "/var/cache/apt/archives/**",
    "/var/cache/zypp/packages/**",
    "/var/cache/apk/**",
    "/var/cache/pacman/pkg/**",
)
"""Where package managers keep what they have fetched."""

_CRONTAB = "a crontab of a user, with jobs"
_JOB = "a job of at"
_MAIL = "mail"
_QUEUED = "a message in a mail queue"
_SUBSCRIPTION = "a subscription of whoever built the image"
_INSTALLER = "the installer left it; it may hold answers and password hashes"
_BUILD = "a tool that builds or tests images left it"
_TOOL = "a tool to build or test images"
_LEASE = "a lease of the build host"
_AGENT = "an agent keeps state of the build host in it"
_HISTORY = "a package manager's history"

PLACES: Mapping[Topic, tuple[Place, ...]] = {
    Topic.SEEDS: _filled(
        "a random seed, the same on every machine made from the image",
        "/var/lib/systemd/random-seed",
        "/var/lib/urandom/random-seed",
        "/var/lib/random-seed",
        "/var/lib/misc/random-seed",
        "/var/lib/seedrng/seed.*",
        "/boot/efi/loader/random-seed",
        "/boot/loader/random-seed",
        "/efi/loader/random-seed",
    ),
    Topic.LOGS: (
        Place(pattern=LOG_FOLDER, detail="a log that was rotated", name=_ROTATED),
        Place(pattern=LOG_FOLDER, detail="a log of the build host", name=_LOGS),
        Place(pattern="/var/log/journal/**", detail="a journal of the build host"),
        *_filled("a log of logins on the build host", "/var/lib/lastlog/*", "/var/lib/wtmpdb/*"),
    ),
    Topic.TEMPORARY: tuple(
        Place(pattern=f"{folder}/**", detail="something temporary was left", sign=Sign.NO_FOLDER)
        for folder in ("/tmp", "/var/tmp")  # noqa: S108 - of the image
    ),
    Topic.HOST: (
        *_counted(Keep.STATIC_NAME, "a host name that no distribution gives", "/etc/hostname"),
        *_counted(Keep.SETTINGS, "name servers of the build host", "/etc/resolv.conf"),
        *_counted(Keep.HOSTS, "names of hosts", "/etc/hosts"),
        *_filled(
            _LEASE,
            "/var/lib/dhcp/*lease*",
            "/var/lib/dhclient/*",
            "/var/lib/dhcpcd/*lease*",
            "/var/lib/NetworkManager/*lease*",
            "/var/lib/wicked/lease*",
            "/var/lib/systemd/network/*",
        ),
        *_filled(
            "what NetworkManager knows of the build host", "/var/lib/NetworkManager/s*", "/var/lib/NetworkManager/t*"
        ),
        *_filled("the secret by which systemd keeps credentials", "/var/lib/systemd/credential.secret"),
        *_filled("names of the build host's network cards", "/etc/udev/rules.d/70-persistent-*.rules"),
        *_counted(
            Keep.CARDS,
            "a network card of the build host, or a connection's id",
            "/etc/NetworkManager/system-connections/*",
            "/etc/sysconfig/network-scripts/ifcfg-*",
            "/etc/sysconfig/network/ifcfg-*",
            "/etc/netplan/*",
            "/etc/network/interfaces",
            "/etc/network/interfaces.d/*",
            "/etc/systemd/network/*",
        ),
    ),
    Topic.SPOOLS: (
        *_counted(Keep.SETTINGS, _CRONTAB, "/var/spool/cron/*", "/var/spool/cron/crontabs/*", "/var/spool/cron/tabs/*"),
        *_filled(_JOB, "/var/spool/at/*", "/var/spool/at/spool/*", "/var/spool/cron/at*/*", "/var/spool/atjobs/*"),
        *_filled(_MAIL, "/var/mail/*", "/var/spool/mail/*"),
        *_filled(
            _QUEUED,
            "/var/spool/postfix/maildrop/*",
            "/var/spool/postfix/incoming/*",
            "/var/spool/postfix/active/*",
            "/var/spool/postfix/hold/*",
            "/var/spool/postfix/corrupt/*",
            "/var/spool/postfix/defer*/*",
            "/var/spool/postfix/defer*/*/*",
            "/var/spool/exim4/input/*",
            "/var/spool/exim/input/*",
            "/var/spool/mqueue/*",
            "/var/spool/clientmqueue/*",
        ),
    ),
    Topic.SUBSCRIPTIONS: _filled(
        _SUBSCRIPTION,
        "/etc/pki/consumer/*",
        "/etc/pki/entitlement/*",
        "/var/lib/rhsm/facts/*",
        "/etc/sysconfig/rhn/systemid*",
        "/var/lib/ubuntu-advantage/private/*",
        "/var/lib/ubuntu-pro/private/*",
        "/etc/zypp/credentials.d/*",
        "/var/lib/cloudregister/*",
    ),
    Topic.INSTALLER: (
        *_filled(
            _INSTALLER,
            "/root/*-ks.cfg",
            "/root/ks.cfg",
            "/root/ks-*.log",
            "/root/install.log*",
            "/root/*preseed*",
            "/root/autoinst*.xml",
            "/preseed.cfg",
            "/autoinst.xml",
            "/var/lib/preseed/*",
            "/etc/cloud/cloud.cfg.d/99-installer.cfg",
        ),
        *(
            Place(pattern=pattern, detail=_INSTALLER)
            for pattern in ("/var/log/anaconda/**", "/var/log/installer/**", "/var/adm/autoinstall/**")
        ),
        *_counted(Keep.STORED_ANSWERS, "a password that the installer was told", "/var/cache/debconf/passwords.dat*"),
    ),
    Topic.BUILD_TOOLS: (
        *_there(
            _BUILD,
            *(
                f"{folder}/{name}"
                for folder in ("/tmp", "/var/tmp")  # noqa: S108 - of the image
                for name in (
                    "packer*",
                    "script_*.sh",
                    "ansible*",
                    ".ansible*",
                    "goss*",
                    "kitchen*",
                    "verifier",
                    "TOE_*",
                    ".amigate-*",
                )
            ),
            *("~/packer*", "~/.packer.d", "~/.ansible*", "~/.vagrant*", "~/.kitchen", "~/goss*", "~/.inspec"),
            *("/packer*", "/vagrant", "/goss*", "/imagebuilder_service", "/tmp/imagebuilder_service"),  # noqa: S108
            *("/var/lib/amazon/toe/*", "/etc/sudoers.d/*vagrant*", "/run/.amigate-*"),
        ),
        *_there(
            _TOOL,
            *(
                f"/usr/{where}/{name}"
                for where in ("bin", "local/bin")
                for name in (
                    "goss",
                    "dgoss",
                    "kgoss",
                    "bats",
                    "inspec",
                    "kitchen",
                    "serverspec*",
                    "packer",
                    "molecule",
                    "awstoe",
                )
            ),
            *("/opt/inspec", "/opt/chef-workstation", "/opt/chefdk", "/opt/bats"),
            "/usr/local/lib/python*/*-packages/testinfra",
            "/usr/lib/python*/*-packages/testinfra",
        ),
    ),
    Topic.PACKAGE_HISTORY: _filled(
        _HISTORY,
        "/var/lib/dnf/history.sqlite*",
        "/var/lib/yum/history/*",
        "/usr/lib/sysimage/libdnf5/transaction_history.sqlite*",
        "/var/log/dpkg.log*",
        "/var/log/apt/history.log*",
        "/var/log/apt/term.log*",
        "/var/log/dnf*.log*",
        "/var/log/yum.log*",
        "/var/log/hawkey.log*",
        "/var/log/zypper.log*",
        "/var/log/zypp/history*",
        "/var/log/pacman.log*",
    ),
    Topic.SSH_CLIENT: _counted(
        Keep.SETTINGS,
        "it names hosts that the builder logged in to",
        "~/.ssh/known_hosts*",
        "~/.ssh/config",
        "~/.ssh/config.d/*",
        "/etc/ssh/ssh_known_hosts*",
    ),
    Topic.AGENTS: (
        Place(pattern="/var/lib/amazon/ssm/**", detail=_AGENT),
        Place(pattern="/var/lib/amazon/ssm/**", detail="the id of an instance", sign=Sign.THERE, name=_INSTANCE_ID),
        Place(pattern="/var/snap/amazon-ssm-agent/**", detail=_AGENT, name=re.compile(r".*(?:Store|\.log|\.json)")),
        Place(pattern="/var/log/amazon/**", detail="a log of an agent"),
        Place(pattern="/var/log/ecs/**", detail="a log of an agent"),
        Place(pattern="/var/lib/ecs/data/**", detail=_AGENT),
        Place(pattern="/opt/codedeploy-agent/deployment-root/**", detail=_AGENT),
        *_filled(
            _AGENT,
            "/opt/aws/amazon-cloudwatch-agent/logs/state/*",
            "/opt/aws/amazon-cloudwatch-agent/logs/*.log",
            "/var/awslogs/state/*",
            "/var/lib/awslogs/*",
            "/var/lib/rsyslog/imjournal.state",
            "/var/spool/rsyslog/imjournal.state",
        ),
    ),
}

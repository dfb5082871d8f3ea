"""An image as evidence: sound until a test spoils something of it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from amigate.evidence.keep import Keep
from amigate.evidence.model import (
    Answer,
    Contact,
    Ec2Descriptions,
    Entry,
    Evidence,
    Kind,
    Launch,
    Offer,
    Outcome,
    Standing,
    Vantage,
    View,
    Viewpoint,
)
from amigate.evidence.redaction.keys import fingerprint
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts import host_keys, packages, provisioning, sshd
from amigate.facts.accounts import MORE_PASSWD, MORE_SHADOW
from amigate.facts.identities import HOST_NAME, KNOWN
from amigate.facts.reboot import BOOT_ID
from amigate.facts.sshd_sessions import Criterion, command
from amigate.result import Target, Witness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ACCOUNT = "123456789012"
SSHD = "/usr/sbin/sshd"
STANDING = {"state": "running", "system": "ok", "instance": "ok", "tokens": "required"}
SNAPSHOT = "snap-0123456789abcdef0"
BOOT = "00000000-0000-0000-0000-00000000000{}\n"
SECRET_HASH = "$6$saltsalt$2fMKQTLCTBFHWkMgHsSxv6JPA4o1dzYNxwWtbMS2PL.8AcEX5hYm3OwqjNqgVKGCJBBXEMJbkXKuuEGh0r1bC0"

REDACTOR = Redactor()
"""One for both launches, as in a run."""

EFFECTIVE = {
    "port": "22",
    "permitrootlogin": "without-password",
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitemptypasswords": "no",
    "pubkeyauthentication": "yes",
    "usedns": "no",
    "authenticationmethods": "any",
    "authorizedkeysfile": ".ssh/authorized_keys .ssh/authorized_keys2",
    "hostkey": "/etc/ssh/ssh_host_ed25519_key",
}


def blob(name: str, kind: str = "ssh-ed25519") -> bytes:
    """Return a public key that is like no other but in its form."""
    fields = (kind.encode(), name.encode().ljust(32, b"."))
    return b"".join(len(each).to_bytes(4, "big") + each for each in fields)


def key(name: str, kind: str = "ssh-ed25519") -> str:
    """Return the line of a public key."""
    return f"{kind} {base64.b64encode(blob(name, kind)).decode()}"


@dataclass
class Image:
    """What the launches of an image show; every field may be changed before `evidence` is called."""

    passwd: str = "root:x:0:0:root:/root:/bin/bash\nadmin:x:1000:1000::/home/admin:/bin/bash\n"
    shadow: str | None = "root:*:19000:0:99999:7:::\nadmin:!:19000:0:99999:7:::\n"
    config: str = "PasswordAuthentication no\n"
    effective: dict[str, str] = field(default_factory=lambda: dict(EFFECTIVE))
    sessions: Mapping[Criterion, Mapping[str, str]] = field(default_factory=dict)
    """Effective values by criterion, where Match blocks tell sessions apart."""
    keys: dict[str, str] = field(default_factory=dict)
    """More key files, path to text; {own} stands for the launch key."""
    host_key: str = "host {launch}"
    identities: dict[str, str | None] = field(
        default_factory=lambda: {"/etc/machine-id": "{launch}" * 32, HOST_NAME: "ip-10-0-0-{launch}\n"}
    )
    """Files of identities, and files that a profile names; None for one that is looked for and not there."""
    host_key_age_s: int = 0
    dpkg: str = "installed bash 5.2.15-2+b2\n"
    ec2: dict[str, Any] = field(
        default_factory=lambda: {
            "ImageId": "ami-0123456789abcdef0",
            "State": "available",
            "OwnerId": ACCOUNT,
            "RootDeviceType": "ebs",
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": SNAPSHOT}}],
        }
    )
    snapshots: Sequence[Mapping[str, Any]] = field(
        default_factory=lambda: [{"SnapshotId": SNAPSHOT, "Encrypted": False}]
    )
    permissions: Sequence[Mapping[str, str]] | None = ()
    ec2_answers: dict[str, Any] = field(default_factory=dict)
    """What AWS answered beyond that, by name."""
    ec2_unseen: dict[str, str] = field(default_factory=dict)
    region: str = "us-east-1"
    collected_at: str = "2026-01-01T00:00:00+00:00"
    audience: str = "accounts"
    receivers: Sequence[str] = ()
    standing: dict[str, Any] = field(default_factory=dict)
    offers: dict[str, Any] = field(default_factory=dict)
    """What every stranger is offered."""
    rebooted: dict[str, Any] = field(default_factory=dict)
    """Contact after the reboot."""
    standing_after: dict[str, Any] = field(default_factory=dict)
    host_key_after: str = "host {launch}"
    boot_after: str = "2"
    contact: dict[str, Any] = field(default_factory=dict)
    launch_key: str = "launch {launch}"
    answers: dict[str, Answer | None] = field(default_factory=dict)
    """Answers that replace the sound ones; None for one that was not collected."""
    unseen: dict[str, str] = field(default_factory=dict)
    globbed: Sequence[str] = ()
    """More patterns that were looked for."""
    broken: dict[Launch, str] = field(default_factory=dict)
    asked: Sequence[Witness] = (Witness.EC2, Witness.INSTANCE, Witness.TWIN, Witness.PROBE)

    def evidence(self) -> Evidence:
        """Return what a run would have collected."""
        views = {}
        for launch in (Launch.A, Launch.B):
            views[Viewpoint(launch, 1, Vantage.INSIDE)] = self.inside(launch)
            views[Viewpoint(launch, 1, Vantage.OUTSIDE)] = self.outside(launch)
        views[Viewpoint(Launch.KEYLESS, 1, Vantage.OUTSIDE)] = replace(self.outside(Launch.KEYLESS), contact=None)
        views |= self.second_boot(Launch.B)
        ec2 = Ec2Descriptions(
            caller=ACCOUNT,
            image=self.ec2,
            snapshots=tuple(self.snapshots),
            permissions=None if self.permissions is None else tuple(self.permissions),
            answers=self.ec2_answers,
            unseen=self.ec2_unseen,
        )
        return Evidence(
            witnesses=frozenset(self.asked),
            collected_at=self.collected_at,
            target=Target(kind="ami", id=str(self.ec2.get("ImageId", "")), region=self.region),
            ec2=ec2,
            audience=self.audience,
            receivers=frozenset(self.receivers),
            views=views,
        )

    def outside(self, launch: Launch) -> View:
        """Return what is seen of a launch from outside."""
        strangers = ("root", "admin", "amigate-0123abcd")
        return View(
            contact=self.contact_of(launch),
            standing=Standing(
                **({"state": "running", "system": "ok", "instance": "ok", "tokens": "required"} | self.standing)
            ),
            offers=tuple(Offer(**({"user": user, "methods": ("publickey",)} | self.offers)) for user in strangers),
        )

    def second_boot(self, launch: Launch) -> dict[Viewpoint, View]:
        """Return what is seen of a launch after it was rebooted."""
        host = "/etc/ssh/ssh_host_ed25519_key"
        key_after = self.host_key_after.format(launch=launch)
        contact = replace(self.contact_of(launch), host_key=fingerprint(blob(key_after)))
        answers = {
            BOOT_ID.key: said(BOOT.format(self.boot_after)),
            host_keys.public_half(host).key: said(key(key_after) + "\n"),
        }
        standing = {"state": "running", "system": "ok", "instance": "ok"} | self.standing_after
        outside = View(contact=replace(contact, **self.rebooted), standing=Standing(**standing))
        return {
            Viewpoint(launch, 2, Vantage.OUTSIDE): outside,
            Viewpoint(launch, 2, Vantage.INSIDE): View(answers=answers),
        }

    def contact_of(self, launch: Launch) -> Contact:
        """Return how a launch was reached."""
        contact = Contact(
            address="192.0.2.1",
            port=22,
            outcome=Outcome.ACCEPTED,
            user="admin",
            users_tried=("admin",),
            launch_key=fingerprint(blob(self.launch_key.format(launch=launch))),
            host_key=fingerprint(blob(self.host_key.format(launch=launch))),
            host_key_type="ssh-ed25519",
        )
        return replace(contact, **self.contact)

    def inside(self, launch: Launch) -> View:
        """Return what the collector sees."""
        if launch in self.broken:
            return View(broken=self.broken[launch])
        files = {"/etc/passwd": self.passwd, "/etc/ssh/sshd_config": self.config}
        files |= {} if self.shadow is None else {"/etc/shadow": self.shadow}
        launch_line = key(self.launch_key.format(launch=launch)) + " launch\n"
        files |= {"/home/admin/.ssh/authorized_keys": launch_line}
        files |= {path: text.replace("{own}", launch_line.strip()) for path, text in self.keys.items()}
        entries = {path: file(path, text.encode("utf-8", "surrogateescape")) for path, text in files.items()}
        for path, text in self.identities.items():
            if text is not None:
                one = file(path, text.format(launch=launch).encode())
                entries[path] = REDACTOR.entry(one, KNOWN.get(path, Keep.DIGEST))
        host = "/etc/ssh/ssh_host_ed25519_key"
        entries[host] = replace(file(host, None), mtime_s=1_700_000_100 - self.host_key_age_s)
        homes = [line.split(":")[5] for line in self.passwd.splitlines() if line.count(":") == 6]
        usual = [f"{home.rstrip('/')}/.ssh/authorized_keys{end}" for home in homes for end in ("", "2")]
        answers = {
            BOOT_ID.key: said(BOOT.format(1)),
            provisioning.WAIT.key: said("", provisioning.ABSENT),
            provisioning.CLOUD_INIT.key: said("", provisioning.ABSENT),
            provisioning.RESULT.key: said("", 1),
            provisioning.FAILED_UNITS.key: said("", provisioning.ABSENT),
            f"test of sshd: {SSHD} -t": said(""),
            sshd.PROGRAM.key: said(f"{SSHD}\n"),
            sshd.PROCESSES.key: said(f"{SSHD}\n\1sshd: {SSHD} -D [listener] 0 of 10-100 startups\0\2"),
            host_keys.CLOCK.key: said("1700000200\n100.42 1.0\n"),
            host_keys.public_half(host).key: said(key(self.host_key.format(launch=launch)) + "\n"),
            packages.DPKG.key: said(self.dpkg),
            packages.RPM.key: said("", 99),
            packages.APK.key: said("", 99),
        }
        for criterion, values in (self.sessions or {Criterion(): {}}).items():
            effective = {**self.effective, **values}
            text = "".join(f"{name} {value}\n" for name, value in effective.items() if value)
            answers[command(SSHD, [], criterion)] = said(text)
        kept = {name: answer for name, answer in {**answers, **self.answers}.items() if answer is not None}
        gone = {
            path
            for path in [*usual, "/etc/shadow", *MORE_PASSWD, *MORE_SHADOW, *KNOWN, *self.identities]
            if path not in entries
        } - self.unseen.keys()
        return View(
            entries={path: entry for path, entry in entries.items() if path not in self.unseen},
            absent=frozenset(gone),
            globbed=frozenset({"/etc/ssh/ssh_host_*key", "/etc/ssh/sshd_config.d/*.conf", *self.globbed}),
            answers=kept,
            unseen=self.unseen,
        )


def file(path: str, content: bytes | None) -> Entry:
    """Return a plain file of root's."""
    return Entry(
        path=path, kind=Kind.FILE, mode=0o600, uid=0, gid=0, size=len(content or b""), mtime_s=0, content=content
    )


def said(text: str, exit_code: int = 0) -> Answer:
    """Return a command's answer."""
    return Answer(command="", exit_code=exit_code, stdout=text.encode("utf-8", "surrogateescape"), stderr=b"")


class Kit:
    """What the tests build evidence from."""

    Image = Image
    ACCOUNT = ACCOUNT
    SECRET_HASH = SECRET_HASH
    SSHD = SSHD
    EFFECTIVE = EFFECTIVE
    blob = staticmethod(blob)
    key = staticmethod(key)
    file = staticmethod(file)
    said = staticmethod(said)

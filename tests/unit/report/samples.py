"""Reports as real runs have them: the rules of a shipped profile, with findings of the images of the demonstration."""

from __future__ import annotations

from typing import Any

from amigate.judge import catalogue
from amigate.profile import load
from amigate.result import Finding, Phase, Report, Result, Status, Target, Witness
from amigate.rules import rules_of

HOST_KEYS = {
    "ecdsa": "SHA256:kTZ0nda8eBixC2IHoMShWneUOwXqRCB/UIFUNhv7MPI",
    "ed25519": "SHA256:8bL2QDth/muSHYs6XZlG0oGFQIRxJ4MtyNuQ0gOSn7g",
    "rsa": "SHA256:XTyG0tNXB8hKpR/XB3br69zHq1nJyXnt/0vsURvmOds",
}
BUILDER = "SHA256:0Scnwq55KKtPFgt0g8ORbdetpRcoYq2fOhN5pCntYAM"
KEYS = "/root/.ssh/authorized_keys", "/home/admin/.ssh/authorized_keys"
LEAKS = {
    "ssh-no-dns-checks": [
        Finding(
            subject="every user, from anywhere",
            path="/etc/ssh/sshd_config.d/30-dns.conf",
            line=1,
            detail="usedns is yes",
            seen="disk, A, B",
        )
    ],
    "disk-no-recoverable-secrets": [
        Finding(path="/etc/shadow", detail="a password hash (sha512crypt)", seen="disk"),
        Finding(
            path="disk/p1",
            subject="at byte 30982144",
            detail="a private key (OPENSSH PRIVATE KEY), in free space: it was deleted and is still there",
            fingerprint=HOST_KEYS["ecdsa"],
            seen="disk",
        ),
    ],
    "boot-earlier-launch-key-absent": [
        Finding(
            subject=f"user {path.split('/')[-3]}",
            path=path,
            line=1,
            detail="a key that two launches with different keys have in common (ssh-ed25519)",
            fingerprint=BUILDER,
        )
        for path in KEYS
    ],
    "boot-host-keys-unique-per-launch": [
        Finding(path=f"/etc/ssh/ssh_host_{kind}_key", detail=detail, fingerprint=print_, seen=seen)
        for detail, seen in (("was made before this machine was started", "A, B"), ("is the same on two launches", ""))
        for kind, print_ in HOST_KEYS.items()
    ],
    "ssh-no-root-password-login": [
        Finding(
            subject="every user, from anywhere",
            path="/etc/ssh/sshd_config.d/20-root.conf",
            line=1,
            detail="permitrootlogin is yes, with passwordauthentication yes",
            seen="disk, A, B",
        )
    ],
    "account-root-has-no-usable-password": [
        Finding(subject="root", path="/etc/shadow", line=1, detail="a password is set", seen="disk, A, B")
    ],
    "key-no-host-keys-at-rest": [
        Finding(
            path=f"/etc/ssh/ssh_host_{kind}_key",
            line=1,
            detail=f"a private key (OPENSSH, {kind}) without a passphrase",
            fingerprint=print_,
            seen="disk",
        )
        for kind, print_ in HOST_KEYS.items()
    ],
    "key-no-authorized-keys-at-rest": [
        Finding(path=path, line=1, detail="a key that the image trusts (ssh-ed25519)", fingerprint=BUILDER, seen="disk")
        for path in KEYS
    ],
}
TIMELINE = [
    ("describe", 0.1, 1.2),
    ("preflight", 1.3, 0.6),
    ("launch to removal", 2.0, 99.4),
    ("launch and observe", 2.1, 90.6),
    ("A launch", 2.2, 3.1),
    ("B launch", 2.2, 3.0),
    ("read the disk at rest", 2.2, 22.5),
    ("B login", 5.2, 50.5),
    ("A login", 5.3, 54.7),
    ("B collect", 55.7, 31.0),
    ("A collect", 60.0, 30.2),
    ("B stranger", 86.7, 3.2),
    ("judge", 101.6, 2.9),
]


def sample(statuses: dict[str, Status], found: dict[str, list[Finding]], **changes: Any) -> Report:
    """Return a report under the profile aws-shared in which all that is not named is met."""
    profile = load("aws-shared", catalogue.checks())
    results = []
    for rule, check in rules_of(profile).items():
        status = statuses.get(rule, Status.FAIL if found.get(rule) else Status.PASS)
        number = len(found.get(rule, ()))
        bad = status in (Status.FAIL, Status.INCONCLUSIVE)
        mended = status is Status.FAIL and check.remedy != "none"
        results.append(
            Result(
                id=rule,
                status=status,
                severity=check.severity,
                blocking=bad and profile.blocks(check.severity),
                title=check.title,
                guideline=check.guideline,
                source=check.source,
                witness=() if status is Status.NOT_ASKED else check.evidence,
                message=MESSAGES.get(status, "") or (f"{number} findings" if number else ""),
                findings=tuple(found.get(rule, ())),
                remediation=f"amigate harden ssh://USER@HOST --only {check.remedy}" if mended else "",
                step=check.remedy if check.remedy != "none" else "",
                duration_s=0.01,
                rationale=check.rationale,
                profile_line=profile.line(rule),
            )
        )
    fields: dict[str, Any] = {
        "target": Target(
            kind="ami",
            id="ami-2da49989561fcfe63",
            name="golden-2026-11",
            partition="aws",
            account="123456789012",
            region="eu-central-1",
            snapshots=("snap-0c5f0a7be5ec5ecf1",),
        ),
        "audience": profile.audience,
        "profile": profile.name,
        "profile_digest": profile.digest,
        "profile_path": profile.path,
        "witnesses": tuple(Witness),
        "collected_at": "2026-11-26T17:58:12+00:00",
        "evidence_digest": "sha256:5f2c1d0e9b8a7f6e5d4c3b2a190817263544f5e6d7c8b9a0f1e2d3c4b5a69788",
        "results": tuple(results),
        "timings": {name: seconds for name, _, seconds in TIMELINE},
        "timeline": tuple(Phase(name=name, started_s=began, duration_s=took) for name, began, took in TIMELINE),
        "cost": {"ebs_blocks": 783, "ebs_requests": 786, "ebs_usd": 0.002349, "instance_seconds": 185.4},
        "tool": "amigate 0.1.0",
    }
    return Report(**fields | changes)


MESSAGES = {
    Status.INCONCLUSIVE: (
        "launch A: nobody could log in as admin, ec2-user, ubuntu: the launch key was refused "
        "(the machine may still be installing it; see the serial console)"
    ),
    Status.NOT_APPLICABLE: "the image is meant for accounts, not for all",
    Status.NOT_ASKED: "none of its witnesses was asked",
    Status.WAIVED: "waived by ops until 2027-03-31: the appliance needs it",
}
NOT_APPLICABLE = dict.fromkeys(
    ("ami-unencrypted-when-public", "ami-no-product-codes-when-public", "cloud-init-can-install-launch-key"),
    Status.NOT_APPLICABLE,
)


def failing() -> Report:
    """Return the report of a leaky image."""
    notes = [f"Host key {print_} is in the snapshot, and launch A and B have it too." for print_ in HOST_KEYS.values()]
    return sample({**NOT_APPLICABLE, "ssh-no-other-servers": Status.WAIVED}, LEAKS, notes=tuple(notes))


def passing() -> Report:
    """Return the report of a clean image."""
    note = "Host keys: none in the snapshot; fresh ones at first boot, 2 on launch A and 2 on launch B, all different."
    return sample(NOT_APPLICABLE, {}, notes=(note,))


def undecided() -> Report:
    """Return the report of an image that nobody could log in to, and whose disk was not asked."""
    profile = load("aws-shared", catalogue.checks())
    statuses = dict(NOT_APPLICABLE)
    for rule, check in rules_of(profile).items():
        if check.evidence == (Witness.DISK,):
            statuses[rule] = Status.NOT_ASKED
        elif Witness.EC2 not in check.evidence:
            statuses[rule] = Status.INCONCLUSIVE
    return sample(
        statuses,
        {},
        witnesses=(Witness.EC2, Witness.INSTANCE, Witness.TWIN, Witness.PROBE),
        notes=("The disk at rest was not inspected.",),
        console={"A": "[    4.1] cloud-init[412]: failed to read the data source\nlogin: \\x1b[31m"},
    )


def crowded(number: int = 500) -> Report:
    """Return the report of an image with so many findings of one rule, beside others."""
    many = [
        Finding(
            path=f"/home/user{each:03}/.ssh/id_ed25519",
            line=1,
            detail="a private key (OPENSSH, ssh-ed25519) without a passphrase",
            fingerprint=f"SHA256:{each:043}",
            seen="disk, A, B",
        )
        for each in range(number)
    ]
    return sample(NOT_APPLICABLE, {**LEAKS, "key-no-user-private-keys": many})


SAMPLES = {"failing": failing, "passing": passing, "undecided": undecided, "crowded": crowded}

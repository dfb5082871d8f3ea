"""Each rule, judged as the judge does: an image that passes, ones that fail, ones that cannot answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from amigate.evidence.model import Answer, Launch, Outcome
from amigate.facts import packages, provisioning, sshd
from amigate.facts.host_keys import CLOCK
from amigate.facts.sshd_sessions import Criterion, command
from amigate.judge import catalogue
from amigate.judge.places import places
from amigate.judge.process import Judge
from amigate.judge.results import results
from amigate.plan import plan
from amigate.profile import load
from amigate.result import Result, Status, Witness

from .judging import decisions
from .trees import named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WITNESSES = (Witness.EC2, Witness.INSTANCE, Witness.TWIN, Witness.PROBE)
RULES = tuple(load("first-gate").rules)
SESSION = command("/usr/sbin/sshd", [], Criterion())


def judge(image: Any) -> dict[str, Result]:
    """Return the result of every rule of the first gate."""
    profile = load("first-gate")
    checks = {rule: catalogue.checks()[rule] for rule in profile.rules}
    planned = plan(list(checks.values()), WITNESSES)
    where = {rule: places(check, WITNESSES, planned) for rule, check in checks.items()}
    found = decisions(where, image.evidence())
    return {result.id: result for result in results(profile, checks, WITNESSES, planned, found)}


@dataclass
class Case:
    """How to spoil an image, and what has to come of it; rules that are not named keep their sound answer."""

    spoil: Callable[[Any, Any], object]
    expected: Mapping[str, Status]
    findings: Mapping[str, tuple[str, int | None]] = field(default_factory=dict)
    """Rule to path (or subject) and line of one of its findings."""


FAIL, UNSURE, NONE, PASS = Status.FAIL, Status.INCONCLUSIVE, Status.NOT_APPLICABLE, Status.PASS


def _set(**values: Any) -> Callable[[Any, Any], object]:
    def spoil(image: Any, kit: Any) -> None:
        for name, value in values.items():
            before = getattr(image, name)
            setattr(image, name, before | value if isinstance(value, dict) else value)

    return spoil


ROOT = "ssh-no-root-password-login"
PASSWORD = "ssh-no-password-login"
PUBKEY = "ssh-public-key-login-enabled"
DNS = "ssh-no-dns-checks"
INTERACTIVE = "ssh-no-keyboard-interactive-login"
NO_EMPTY = "ssh-no-empty-passwords"
MATCH = "ssh-match-blocks-evaluated"
PARSES = "ssh-config-parses"
OFFERS = "ssh-offers-no-password-method"
SSHD_RULES = (ROOT, PASSWORD, PUBKEY, DNS, INTERACTIVE, NO_EMPTY, MATCH)
ONLY = "key-live-only-launch-key"
EARLIER = "boot-earlier-launch-key-absent"
HOST = "boot-host-keys-unique-per-launch"
FRESH = "boot-fresh-key-logs-in"
ROOT_PASSWORD = "account-root-has-no-usable-password"
EMPTY = "account-no-empty-passwords"
AMI = "ami-owned-and-available"
TOOLS = "package-ami-tools-current"
EBS = "ami-root-device-is-ebs"
UNENCRYPTED = "ami-unencrypted-when-public"
CODES = "ami-no-product-codes-when-public"
UNSHARED = "ami-not-shared-before-gate"
STATUS = "boot-passes-status-checks"
IMDS = "boot-works-with-imdsv2-only"
PROVISIONED = "boot-provisioning-finishes-without-error"
REBOOT = "boot-survives-reboot"
KEYLESS = "boot-without-key-no-password-path"
HASHES = "account-no-usable-password-hash"
UID_ZERO = "account-only-root-has-uid-zero"
OUTSIDE = {AMI, FRESH, EBS, UNENCRYPTED, CODES, UNSHARED, STATUS, IMDS, OFFERS, KEYLESS}
"""What is seen without looking inside."""
TESTED = f"test of sshd: {'/usr/sbin/sshd'} -t"
SNAPSHOT = "snap-0123456789abcdef0"
MAPPED = [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": SNAPSHOT}}]
GONE = {"state": "terminated", "system": "not-applicable", "instance": "not-applicable"}


def _erring(kit: Any, text: str) -> Answer:
    """Return what sshd says of a configuration that it does not take."""
    answer: Answer = replace(kit.said("", 255), stderr=text.encode())
    return answer


def _json(kit: Any, **status: object) -> dict[str, Answer]:
    """Return what cloud-init says of itself."""
    answers = {provisioning.WAIT.key: kit.said(""), provisioning.CLOUD_INIT.key: kit.said(json.dumps(status) + "\n")}
    return answers | {provisioning.RESULT.key: kit.said("{}")}


HASH = "$6$saltsalt$2fMKQTLCTBFHWkMgHsSxv6JPA4o1dzYNxwWtbMS2PL.8AcEX5hYm3OwqjNqgVKGCJBBXEMJbkXKuuEGh0r1bC0"
USERS = "root:x:0:0::/root:/bin/bash\nadmin:x:1000:1000::/home/admin:/bin/bash\n"

SOUND = dict.fromkeys(RULES, PASS) | {TOOLS: NONE, UNENCRYPTED: NONE, CODES: NONE}

CASES = {
    "a sound image": Case(_set(), {}),
    "what sshd, accounts, keys and EC2 can get wrong at once": Case(
        lambda image, kit: _set(
            effective={
                "permitrootlogin": "yes",
                "passwordauthentication": "yes",
                "pubkeyauthentication": "no",
                "usedns": "yes",
                "kbdinteractiveauthentication": "yes",
                "permitemptypasswords": "yes",
            },
            config="Port 22\nPasswordAuthentication yes\nPermitRootLogin yes\nUseDNS yes\nPubkeyAuthentication no\n",
            shadow=f"root:{HASH}:19000:0:99999:7:::\nadmin::19000:0:99999:7:::\n",
            keys={"/root/.ssh/authorized_keys": f"# left\n{kit.key('builder')} packer_1\n"},
            host_key="the same on every launch",
            ec2={
                "State": "disabled",
                "OwnerId": "999999999999",
                "RootDeviceType": "instance-store",
                "ProductCodes": [{"ProductCodeId": "abc", "ProductCodeType": "marketplace"}],
            },
            snapshots=[{"SnapshotId": SNAPSHOT, "Encrypted": True}],
            permissions=[{"Group": "all"}],
            audience="public",
            dpkg="installed ec2-ami-tools 1.5.7+dfsg-1\n",
            passwd=f"{USERS}toor:x:0:0::/root:/bin/sh\n",
            standing={"instance": "impaired"},
            offers={"methods": ("publickey", "password")},
            host_key_after="another",
            answers={
                TESTED: _erring(kit, "/etc/ssh/sshd_config: line 3: Bad configuration option: Permit\n"),
                provisioning.FAILED_UNITS.key: kit.said("degraded\ngolden.service loaded failed failed Golden\n"),
            },
        )(image, kit),
        dict.fromkeys(RULES, FAIL) | {FRESH: PASS, IMDS: PASS, MATCH: PASS, ROOT_PASSWORD: FAIL},
        {
            ROOT: ("/etc/ssh/sshd_config", 3),
            PASSWORD: ("/etc/ssh/sshd_config", 2),
            PUBKEY: ("/etc/ssh/sshd_config", 5),
            DNS: ("/etc/ssh/sshd_config", 4),
            ROOT_PASSWORD: ("/etc/shadow", 1),
            EMPTY: ("/etc/shadow", 2),
            ONLY: ("/root/.ssh/authorized_keys", 2),
            EARLIER: ("/root/.ssh/authorized_keys", 2),
            HOST: ("/etc/ssh/ssh_host_ed25519_key", None),
            AMI: ("ami-0123456789abcdef0", None),
            TOOLS: ("ec2-ami-tools", None),
            UNENCRYPTED: (SNAPSHOT, None),
            UNSHARED: ("ami-0123456789abcdef0", None),
            STATUS: ("instance status check", None),
            PROVISIONED: ("golden.service", None),
            PARSES: ("/etc/ssh/sshd_config", 3),
            OFFERS: ("user root", None),
            KEYLESS: ("user admin", None),
            REBOOT: ("/etc/ssh/ssh_host_ed25519_key", None),
            HASHES: ("/etc/shadow", 1),
            UID_ZERO: ("/etc/passwd", 3),
        },
    ),
    "nothing can be seen of one launch": Case(
        _set(broken={Launch.B: "the collector ended before it had answered"}),
        {rule: UNSURE for rule in RULES if rule not in OUTSIDE},
    ),
    "nothing that was asked was answered": Case(
        _set(
            unseen={
                path: f"{path}: its folder cannot be searched"
                for path in ("/etc/passwd", "/etc/shadow", "/etc/ssh/sshd_config")
            },
            answers={packages.DPKG.key: None, SESSION: None},
        ),
        {rule: UNSURE for rule in RULES if rule not in OUTSIDE | {PROVISIONED}},
    ),
    "the machine answers and lets nobody in": Case(
        _set(contact={"outcome": Outcome.DENIED, "detail": "refused the key"}),
        {FRESH: FAIL, IMDS: FAIL, REBOOT: UNSURE},
        {FRESH: ("port 22", None)},
    ),
    "nothing serves SSH": Case(
        _set(contact={"outcome": Outcome.CLOSED, "detail": "closed"}), {FRESH: FAIL, IMDS: UNSURE, REBOOT: UNSURE}
    ),
    "nothing answers at all": Case(
        _set(contact={"outcome": Outcome.SILENT, "detail": "silence"}), {FRESH: UNSURE, IMDS: UNSURE, REBOOT: UNSURE}
    ),
    "the server turns everybody away for now": Case(
        _set(contact={"outcome": Outcome.BARRED, "detail": "barred"}), {FRESH: UNSURE, IMDS: UNSURE, REBOOT: UNSURE}
    ),
    "nobody is known to have logged in": Case(_set(contact={"user": ""}), {}),
    "somebody who has no account logged in": Case(
        _set(
            contact={"user": "ghost"},
            config="PasswordAuthentication no\nMatch User admin\nX11Forwarding no\n",
            sessions={Criterion(user="root"): {}, Criterion(user="admin"): {}},
        ),
        {PUBKEY: UNSURE},
    ),
    "a second root has a password, and the first does not": Case(
        _set(
            passwd=f"{USERS}toor:x:0:0::/root:/bin/sh\n",
            shadow=f"root:*:1::::::\nadmin:*:1::::::\ntoor:{HASH}:1::::::\n",
        ),
        {ROOT_PASSWORD: FAIL, HASHES: FAIL, UID_ZERO: FAIL},
        {ROOT_PASSWORD: ("/etc/shadow", 3), UID_ZERO: ("/etc/passwd", 3)},
    ),
    "a second root may log in with a password": Case(
        _set(
            passwd=f"{USERS}toor:x:0:0::/root:/bin/sh\n",
            shadow="root:*:1::::::\nadmin:*:1::::::\ntoor:*:1::::::\n",
            config="PasswordAuthentication no\nMatch User toor\nPermitRootLogin yes\nPasswordAuthentication yes\n",
            sessions={
                Criterion(user="root"): {},
                Criterion(user="toor"): {"permitrootlogin": "yes", "passwordauthentication": "yes"},
                Criterion(user="admin"): {},
            },
        ),
        {ROOT: FAIL, PASSWORD: FAIL, MATCH: FAIL, UID_ZERO: FAIL},
        {ROOT: ("/etc/ssh/sshd_config", 3), PASSWORD: ("/etc/ssh/sshd_config", 4), MATCH: ("/etc/ssh/sshd_config", 4)},
    ),
    "root has no login shell, and a Match block for it": Case(
        _set(
            passwd=USERS.replace("/root:/bin/bash", "/root:/sbin/nologin"),
            config="PasswordAuthentication no\nMatch User root\nPermitRootLogin yes\nPasswordAuthentication yes\n",
            sessions={
                Criterion(user="root"): {"permitrootlogin": "yes", "passwordauthentication": "yes"},
                Criterion(user="admin"): {},
            },
        ),
        {ROOT: FAIL, PASSWORD: FAIL, MATCH: FAIL},
    ),
    "root may log in, and no method takes a password": Case(
        _set(effective={"permitrootlogin": "yes"}, config="PermitRootLogin yes\n"), {}
    ),
    "keyboard-interactive alone takes root's password": Case(
        _set(effective={"permitrootlogin": "yes", "kbdinteractiveauthentication": "yes"}),
        {ROOT: FAIL, INTERACTIVE: FAIL},
    ),
    "a Match block gives what no session shows": Case(
        _set(
            config="Match Group nobody-is-in-it\nPasswordAuthentication yes\nUseDNS yes\n",
            sessions={Criterion(user="root"): {}, Criterion(user="admin"): {}},
        ),
        {PASSWORD: UNSURE, DNS: UNSURE, MATCH: UNSURE},
    ),
    "sshd -T breaks": Case(
        lambda image, kit: _set(answers={SESSION: kit.said("", 255)})(image, kit),
        dict.fromkeys([*SSHD_RULES, ONLY, EARLIER, HOST, REBOOT], UNSURE),
    ),
    "sshd -T says nothing": Case(
        lambda image, kit: _set(answers={SESSION: kit.said("")})(image, kit),
        dict.fromkeys([*SSHD_RULES, ONLY, EARLIER, HOST, REBOOT], UNSURE),
    ),
    "an sshd answers that is nowhere to be found": Case(
        lambda image, kit: _set(answers={sshd.PROGRAM.key: kit.said(""), sshd.PROCESSES.key: kit.said("")})(image, kit),
        dict.fromkeys([*SSHD_RULES, ONLY, EARLIER, HOST, REBOOT, PARSES], UNSURE),
    ),
    "a key alone is not enough": Case(_set(effective={"authenticationmethods": "publickey,password"}), {PUBKEY: FAIL}),
    "the launch key is nowhere": Case(_set(contact={"launch_key": "SHA256:other"}), {ONLY: UNSURE, EARLIER: UNSURE}),
    "both launches had the same key": Case(_set(launch_key="one for both"), {EARLIER: UNSURE}),
    "a line in a key file is in no known form": Case(
        _set(keys={"/root/.ssh/authorized_keys": "ssh-future@example.com AAAA someone\n"}),
        {ONLY: FAIL, EARLIER: UNSURE},
        {ONLY: ("/root/.ssh/authorized_keys", 1)},
    ),
    "cloud-init's forced command for root": Case(
        _set(
            keys={
                "/root/.ssh/authorized_keys": "no-port-forwarding,command=\"echo 'Please login as the "
                'user \\"admin\\" rather than the user \\"root\\".\';echo;sleep 10;exit 142" {own} launch\n'
            }
        ),
        {},
    ),
    "another key behind a decoy of the launch key": Case(
        lambda image, kit: _set(
            keys={"/root/.ssh/authorized_keys": f'environment="A= {{own}} " {kit.key("builder")}\n'}
        )(image, kit),
        {ONLY: FAIL, EARLIER: FAIL},
    ),
    "host keys are older than the boot": Case(_set(host_key_age_s=3600), {HOST: FAIL}),
    "the clock cannot be told": Case(
        lambda image, kit: _set(answers={CLOCK.key: kit.said("nonsense")})(image, kit), {HOST: UNSURE, REBOOT: UNSURE}
    ),
    "no shadow file, and passwd refers to it": Case(
        _set(shadow=None), {ROOT_PASSWORD: UNSURE, EMPTY: UNSURE, HASHES: UNSURE}
    ),
    "NIS": Case(
        _set(passwd=f"{USERS}+::::::\n"),
        dict.fromkeys([*SSHD_RULES, ONLY, EARLIER, HOST, ROOT_PASSWORD, EMPTY, HASHES, UID_ZERO, REBOOT], UNSURE),
    ),
    "instance store, and no package of the tools is known": Case(
        _set(ec2={"RootDeviceType": "instance-store"}), {TOOLS: UNSURE, EBS: FAIL}
    ),
    "current tools": Case(_set(dpkg="installed ec2-ami-tools 1.5.19-1\n"), {TOOLS: PASS}),
    "old tools, half configured": Case(_set(dpkg="half-configured ec2-ami-tools 1.4-1\n"), {TOOLS: FAIL}),
    "no package manager answers": Case(
        lambda image, kit: _set(answers={packages.DPKG.key: kit.said("", 99)})(image, kit), {TOOLS: UNSURE}
    ),
    "an image that is disabled": Case(
        _set(ec2={"State": "disabled"}), {AMI: FAIL}, {AMI: ("ami-0123456789abcdef0", None)}
    ),
    "an image that is still pending": Case(_set(ec2={"State": "pending"}), {AMI: FAIL}),
    "a public image that is fit for it": Case(_set(audience="public"), {UNENCRYPTED: PASS, CODES: PASS}),
    "the mapping says nothing, the snapshot is encrypted": Case(
        _set(audience="public", snapshots=[{"SnapshotId": SNAPSHOT, "Encrypted": True}]),
        {UNENCRYPTED: FAIL, CODES: PASS},
        {UNENCRYPTED: (SNAPSHOT, None)},
    ),
    "one snapshot of two could not be looked at": Case(
        _set(
            audience="public",
            ec2={"BlockDeviceMappings": [*MAPPED, {"DeviceName": "/dev/sdb", "Ebs": {"SnapshotId": "snap-1"}}]},
            ec2_unseen={"snap-1": "could not describe snap-1: denied"},
        ),
        {UNENCRYPTED: UNSURE, CODES: PASS},
    ),
    "a snapshot does not say whether it is encrypted": Case(
        _set(audience="public", snapshots=[{"SnapshotId": SNAPSHOT}]), {UNENCRYPTED: UNSURE, CODES: PASS}
    ),
    "EC2 does not say what the root device is": Case(_set(ec2={"RootDeviceType": ""}), {EBS: UNSURE, TOOLS: UNSURE}),
    "shared with those it is for": Case(_set(permissions=[{"UserId": "111122223333"}], receivers=["111122223333"]), {}),
    "shared with an account, an organization and a unit that nobody planned": Case(
        _set(
            permissions=[
                {"UserId": "111122223333"},
                {"OrganizationArn": "arn:aws:organizations::1:organization/o-1"},
                {"OrganizationalUnitArn": "arn:aws:organizations::1:ou/o-1/ou-1"},
            ],
            receivers=["111122223333"],
        ),
        {UNSHARED: FAIL},
    ),
    "the launch permissions could not be seen": Case(
        _set(permissions=None, ec2_unseen={"launchPermission": "denied"}), {UNSHARED: UNSURE}
    ),
    "the status checks never pass": Case(
        _set(standing={"instance": "initializing", "waited_s": 600.0}), {STATUS: UNSURE, KEYLESS: UNSURE}
    ),
    "EC2 does not say how the launches stand": Case(
        _set(standing={"system": "", "instance": "", "tokens": "", "state": ""}),
        {STATUS: UNSURE, IMDS: UNSURE, KEYLESS: UNSURE},
    ),
    "AWS's own host is impaired": Case(_set(standing={"system": "impaired"}), {STATUS: UNSURE, KEYLESS: UNSURE}),
    "tokens were optional": Case(_set(standing={"tokens": "optional"}), {IMDS: UNSURE}),
    "somebody terminates the launches": Case(_set(standing=GONE), {STATUS: UNSURE, KEYLESS: UNSURE}),
    "cloud-init is done": Case(lambda image, kit: _set(answers=_json(kit, status="done", errors=[]))(image, kit), {}),
    "cloud-init ended with an error": Case(
        lambda image, kit: _set(answers=_json(kit, status="error", errors=["('scripts-user', RuntimeError())"]))(
            image, kit
        ),
        {PROVISIONED: FAIL},
        {PROVISIONED: ("cloud-init", None)},
    ),
    "cloud-init has errors and says done": Case(
        lambda image, kit: _set(answers=_json(kit, status="done", errors=["x"]))(image, kit), {PROVISIONED: FAIL}
    ),
    "cloud-init is still running": Case(
        lambda image, kit: _set(answers=_json(kit, status="running", errors=[]))(image, kit), {PROVISIONED: FAIL}
    ),
    "cloud-init never ends": Case(
        lambda image, kit: _set(answers={provisioning.WAIT.key: kit.said("", 124)})(image, kit), {PROVISIONED: FAIL}
    ),
    "cloud-init recovered from errors": Case(
        lambda image, kit: _set(
            answers=_json(
                kit,
                status="done",
                extended_status="degraded done",
                errors=[],
                recoverable_errors={"WARNING": ["deprecated"]},
            )
        )(image, kit),
        {PROVISIONED: Status.WARN},
    ),
    "cloud-init is disabled, and no unit has failed": Case(
        lambda image, kit: _set(
            answers=_json(kit, status="disabled", errors=[]) | {provisioning.FAILED_UNITS.key: kit.said("running\n")}
        )(image, kit),
        {},
    ),
    "systemd is still starting units": Case(
        lambda image, kit: _set(answers={provisioning.FAILED_UNITS.key: kit.said("starting\n")})(image, kit),
        {PROVISIONED: UNSURE},
    ),
    "a password is offered while EC2 does not say how the launch stands": Case(
        _set(offers={"methods": ("password",)}, standing={"system": "", "instance": "", "state": ""}),
        {OFFERS: FAIL, KEYLESS: FAIL, STATUS: UNSURE},
    ),
    "a Match block that cannot be asked about opens root": Case(
        _set(
            config="PasswordAuthentication no\nMatch version *\nPermitRootLogin yes\nPasswordAuthentication yes\n",
            sessions={Criterion(): {}},
        ),
        {ROOT: UNSURE, PASSWORD: UNSURE, MATCH: UNSURE},
    ),
    "an account of nss-extrausers has a hash and a key": Case(
        lambda image, kit: _set(
            keys={
                "/var/lib/extrausers/passwd": "evil:x:1500:1500::/home/evil:/bin/bash\n",
                "/var/lib/extrausers/shadow": f"evil:{HASH}:1::::::\n",
                "/home/evil/.ssh/authorized_keys": f"{kit.key('evil')}\n",
                "/home/evil/.ssh/authorized_keys2": "",
            }
        )(image, kit),
        {HASHES: FAIL, ONLY: FAIL, EARLIER: FAIL},
        {HASHES: ("/var/lib/extrausers/shadow", 1), ONLY: ("/home/evil/.ssh/authorized_keys", 1)},
    ),
    "further accounts could not be looked at": Case(
        _set(unseen={"/var/lib/extrausers/passwd": "its folder cannot be searched"}),
        dict.fromkeys([HASHES, EMPTY, UID_ZERO, ONLY, EARLIER], UNSURE),
    ),
    "an old cloud-init that knows no JSON": Case(
        lambda image, kit: _set(
            answers=_json(kit)
            | {
                provisioning.CLOUD_INIT.key: kit.said("usage: cloud-init status", 2),
                provisioning.RESULT.key: kit.said('{"v1": {"datasource": "Ec2", "errors": ["bad"]}}'),
            }
        )(image, kit),
        {PROVISIONED: FAIL},
    ),
    "cloud-init says nothing that can be read": Case(
        lambda image, kit: _set(answers=_json(kit) | {provisioning.CLOUD_INIT.key: kit.said("broken", 1)})(image, kit),
        {PROVISIONED: UNSURE},
    ),
    "nobody can log in after the reboot": Case(
        _set(rebooted={"outcome": Outcome.CLOSED, "detail": "nothing serves the port"}),
        {REBOOT: FAIL},
        {REBOOT: ("port 22", None)},
    ),
    "nothing answers after the reboot": Case(
        _set(rebooted={"outcome": Outcome.SILENT, "detail": "silence"}), {REBOOT: FAIL}
    ),
    "the server turns everybody away after the reboot": Case(
        _set(rebooted={"outcome": Outcome.BARRED, "detail": "barred"}), {REBOOT: UNSURE}
    ),
    "somebody terminates the machine during the reboot": Case(
        _set(rebooted={"outcome": Outcome.SILENT, "detail": "terminated"}, standing_after=GONE), {REBOOT: UNSURE}
    ),
    "AWS's host fails during the reboot": Case(
        _set(rebooted={"outcome": Outcome.SILENT, "detail": "silence"}, standing_after={"system": "impaired"}),
        {REBOOT: UNSURE},
    ),
    "the status checks fail after the reboot": Case(_set(standing_after={"instance": "impaired"}), {REBOOT: FAIL}),
    "the machine ignores the reboot": Case(_set(boot_after="1"), {REBOOT: UNSURE}),
    "the machine does not tell which boot it is": Case(_set(boot_after=" nonsense"), {REBOOT: UNSURE}),
    "a stranger is let in": Case(_set(offers={"admitted": True, "methods": ()}), {OFFERS: FAIL, KEYLESS: FAIL}),
    "strangers may type a password through PAM": Case(
        _set(offers={"methods": ("publickey", "keyboard-interactive")}), {OFFERS: FAIL, KEYLESS: FAIL}
    ),
    "strangers are banned": Case(_set(offers={"methods": (), "unseen": "banned"}), {OFFERS: UNSURE, KEYLESS: UNSURE}),
    "a Match block runs a command": Case(
        _set(
            config='PasswordAuthentication no\nMatch exec "test -e /x"\nX11Forwarding no\n', sessions={Criterion(): {}}
        ),
        {MATCH: UNSURE},
    ),
    "an Include names a file that is not there": Case(
        _set(config="Include /etc/ssh/hardened.conf\n", globbed=["/etc/ssh/hardened.conf"]),
        {PARSES: FAIL},
        {PARSES: ("/etc/ssh/sshd_config", 1)},
    ),
    "sshd has no host keys to test with": Case(
        lambda image, kit: _set(answers={TESTED: _erring(kit, "sshd: no hostkeys available -- exiting.\n")})(
            image, kit
        ),
        {PARSES: UNSURE},
    ),
    "sshd's empty folder is missing, and /run is no tmpfs on which to make it": Case(
        lambda image, kit: _set(answers={TESTED: _erring(kit, "Missing privilege separation directory: /run/sshd\n")})(
            image, kit
        ),
        {PARSES: UNSURE},
    ),
    "an old sshd that speaks of challenge-response": Case(
        _set(effective={"kbdinteractiveauthentication": "", "challengeresponseauthentication": "yes"}),
        {INTERACTIVE: FAIL},
    ),
    "another account has user id zero in disguise": Case(
        _set(passwd=f"{USERS}backup:x:+00:0::/:/bin/false\n"),
        {UID_ZERO: FAIL, ROOT_PASSWORD: UNSURE},
        {UID_ZERO: ("/etc/passwd", 3)},
    ),
    "the hash of an account that nobody can log in to": Case(
        _set(shadow=f"root:*:1::::::\nadmin:!:1::::::\nbin:{HASH}:1::::::\n"),
        {HASHES: FAIL},
        {HASHES: ("/etc/shadow", 3)},
    ),
    "a hash behind a lock is another rule's": Case(_set(shadow=f"root:!{HASH}:1::::::\nadmin:*LOCK*:1::::::\n"), {}),
}
TRAPS = {
    "the machine answers and lets nobody in": (55,),
    "nothing serves SSH": (9,),
    "nobody can log in after the reboot": (51,),
    "nothing answers after the reboot": (51,),
    "cloud-init's forced command for root": (14,),
    "root may log in, and no method takes a password": (35,),
    "a Match block runs a command": (30,),
    "sshd has no host keys to test with": (32,),
    "sshd -T breaks": (31, 36),
    "sshd's empty folder is missing, and /run is no tmpfs on which to make it": (33,),
    "the mapping says nothing, the snapshot is encrypted": (68,),
    "shared with an account, an organization and a unit that nobody planned": (66,),
    "what sshd, accounts, keys and EC2 can get wrong at once": (70, 75),
    "cloud-init is still running": (56,),
    "the hash of an account that nobody can log in to": (72,),
    "an image that is disabled": (67,),
    "current tools": (3,),
}
"""Cases that are traps, by number (docs/corpus.md)."""


@pytest.mark.parametrize("name", named(CASES, TRAPS))
def test_each_rule_answers_as_the_image_is(name: str, kit: Any) -> None:
    case, image = CASES[name], kit.Image()
    case.spoil(image, kit)
    found = judge(image)
    assert {rule: str(result.status) for rule, result in found.items()} == {
        rule: str(status) for rule, status in {**SOUND, **case.expected}.items()
    }
    for rule, (where, line) in case.findings.items():
        assert any((f.path or f.subject, f.line) == (where, line) for f in found[rule].findings), found[rule].findings
    for result in found.values():
        assert (result.status in {FAIL, Status.WARN}) == bool(result.findings), result
        assert result.message or result.status is PASS
        assert HASH not in repr(result)


@pytest.mark.parametrize("name", ["a sound image", "what sshd, accounts, keys and EC2 can get wrong at once"])
def test_the_judges_own_process_answers_alike(name: str, kit: Any) -> None:
    image = kit.Image()
    CASES[name].spoil(image, kit)
    planned = plan([catalogue.checks()[rule] for rule in RULES], WITNESSES)
    where = {rule: places(catalogue.checks()[rule], WITNESSES, planned) for rule in RULES}
    with Judge(where) as child:
        answers = child.judge(image.evidence())
    assert {at: decision for at, (decision, _) in answers.items()} == {
        at: decision for at, (decision, _) in decisions(where, image.evidence()).items()
    }

"""Each rule, judged by the real judge: an image that passes, ones that fail, ones that cannot answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from amigate.check import Check
from amigate.evidence.model import Launch, Outcome
from amigate.facts import packages, sshd
from amigate.facts.host_keys import CLOCK
from amigate.facts.sshd_sessions import Criterion, command
from amigate.judge import catalogue
from amigate.judge.places import places
from amigate.judge.process import Judge
from amigate.judge.results import results
from amigate.plan import plan
from amigate.profile import load
from amigate.result import Result, Status, Witness

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
    with Judge(where) as child:
        decisions = child.judge(image.evidence())
    return {result.id: result for result in results(profile, checks, WITNESSES, planned, decisions)}


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
SSHD_RULES = (ROOT, PASSWORD, PUBKEY, DNS)
ONLY = "key-live-only-launch-key"
EARLIER = "boot-earlier-launch-key-absent"
HOST = "boot-host-keys-unique-per-launch"
FRESH = "boot-fresh-key-logs-in"
ROOT_PASSWORD = "account-root-has-no-usable-password"
EMPTY = "account-no-empty-passwords"
AMI = "ami-owned-and-available"
TOOLS = "package-ami-tools-current"
HASH = "$6$saltsalt$2fMKQTLCTBFHWkMgHsSxv6JPA4o1dzYNxwWtbMS2PL.8AcEX5hYm3OwqjNqgVKGCJBBXEMJbkXKuuEGh0r1bC0"
USERS = "root:x:0:0::/root:/bin/bash\nadmin:x:1000:1000::/home/admin:/bin/bash\n"

SOUND = dict.fromkeys(RULES, PASS) | {TOOLS: NONE}

CASES = {
    "a sound image": Case(_set(), {}),
    "what sshd, accounts, keys and EC2 can get wrong at once": Case(
        lambda image, kit: _set(
            effective={
                "permitrootlogin": "yes",
                "passwordauthentication": "yes",
                "pubkeyauthentication": "no",
                "usedns": "yes",
            },
            config="Port 22\nPasswordAuthentication yes\nPermitRootLogin yes\nUseDNS yes\nPubkeyAuthentication no\n",
            shadow=f"root:{HASH}:19000:0:99999:7:::\nadmin::19000:0:99999:7:::\n",
            keys={"/root/.ssh/authorized_keys": f"# left\n{kit.key('builder')} packer_1\n"},
            host_key="the same on every launch",
            ec2={"State": "disabled", "OwnerId": "999999999999"},
            dpkg="installed ec2-ami-tools 1.5.7+dfsg-1\n",
        )(image, kit),
        dict.fromkeys(RULES, FAIL) | {FRESH: PASS},
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
        },
    ),
    "nothing can be seen of one launch": Case(
        _set(broken={Launch.B: "the collector ended before it had answered"}),
        {rule: UNSURE for rule in RULES if rule not in (AMI, FRESH)},
    ),
    "nothing that was asked was answered": Case(
        _set(
            unseen={
                path: f"{path}: its folder cannot be searched"
                for path in ("/etc/passwd", "/etc/shadow", "/etc/ssh/sshd_config")
            },
            answers={packages.DPKG.key: None, SESSION: None},
        ),
        {rule: UNSURE for rule in RULES if rule not in (AMI, FRESH)},
    ),
    "the machine answers and lets nobody in": Case(
        _set(contact={"outcome": Outcome.DENIED, "detail": "refused the key"}),
        {FRESH: FAIL},
        {FRESH: ("port 22", None)},
    ),
    "nothing serves SSH": Case(_set(contact={"outcome": Outcome.CLOSED, "detail": "closed"}), {FRESH: FAIL}),
    "nothing answers at all": Case(_set(contact={"outcome": Outcome.SILENT, "detail": "silence"}), {FRESH: UNSURE}),
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
        {ROOT_PASSWORD: FAIL},
        {ROOT_PASSWORD: ("/etc/shadow", 3)},
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
        {ROOT: FAIL, PASSWORD: FAIL},
        {ROOT: ("/etc/ssh/sshd_config", 3), PASSWORD: ("/etc/ssh/sshd_config", 4)},
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
        {ROOT: FAIL, PASSWORD: FAIL},
    ),
    "root may log in, and no method takes a password": Case(
        _set(effective={"permitrootlogin": "yes"}, config="PermitRootLogin yes\n"), {}
    ),
    "keyboard-interactive alone takes root's password": Case(
        _set(effective={"permitrootlogin": "yes", "kbdinteractiveauthentication": "yes"}), {ROOT: FAIL}
    ),
    "a Match block gives what no session shows": Case(
        _set(
            config="Match Group nobody-is-in-it\nPasswordAuthentication yes\nUseDNS yes\n",
            sessions={Criterion(user="root"): {}, Criterion(user="admin"): {}},
        ),
        {PASSWORD: UNSURE, DNS: UNSURE},
    ),
    "sshd -T breaks": Case(
        lambda image, kit: _set(answers={SESSION: kit.said("", 255)})(image, kit),
        dict.fromkeys([*SSHD_RULES, ONLY, EARLIER, HOST], UNSURE),
    ),
    "sshd -T says nothing": Case(
        lambda image, kit: _set(answers={SESSION: kit.said("")})(image, kit),
        dict.fromkeys([*SSHD_RULES, ONLY, EARLIER, HOST], UNSURE),
    ),
    "an sshd answers that is nowhere to be found": Case(
        lambda image, kit: _set(answers={sshd.PROGRAM.key: kit.said(""), sshd.PROCESSES.key: kit.said("")})(image, kit),
        dict.fromkeys([*SSHD_RULES, ONLY, EARLIER, HOST], UNSURE),
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
        lambda image, kit: _set(answers={CLOCK.key: kit.said("nonsense")})(image, kit), {HOST: UNSURE}
    ),
    "no shadow file, and passwd refers to it": Case(_set(shadow=None), {ROOT_PASSWORD: UNSURE, EMPTY: UNSURE}),
    "NIS": Case(
        _set(passwd=f"{USERS}+::::::\n"),
        dict.fromkeys([*SSHD_RULES, ONLY, EARLIER, HOST, ROOT_PASSWORD, EMPTY], UNSURE),
    ),
    "instance store, and no package of the tools is known": Case(
        _set(ec2={"RootDeviceType": "instance-store"}), {TOOLS: UNSURE}
    ),
    "current tools": Case(_set(dpkg="installed ec2-ami-tools 1.5.19-1\n"), {TOOLS: PASS}),
    "old tools, half configured": Case(_set(dpkg="half-configured ec2-ami-tools 1.4-1\n"), {TOOLS: FAIL}),
    "no package manager answers": Case(
        lambda image, kit: _set(answers={packages.DPKG.key: kit.said("", 99)})(image, kit), {TOOLS: UNSURE}
    ),
    "an image that is still pending": Case(_set(ec2={"State": "pending"}), {AMI: FAIL}),
}


@pytest.mark.parametrize("name", CASES)
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
        assert (result.status is FAIL) == bool(result.findings), result
        assert result.message or result.status is PASS
        assert HASH not in repr(result)


def test_every_shipped_rule_says_what_the_catalogue_says() -> None:
    entries = yaml.safe_load((Path(__file__).parent / "catalogue.yaml").read_text())
    known = {entry["id"]: entry for entry in entries}
    assert len(known) == len(entries) == 149
    assert set(RULES) <= set(catalogue.checks()) <= set(known)
    for rule, declared in catalogue.checks().items():
        entry = known[rule]
        said = {
            "severity": str(declared.severity),
            "guideline": declared.guideline,
            "source": declared.source,
            "evidence": [str(witness) for witness in declared.evidence],
            "fix": declared.remedy,
        }
        assert said == {name: entry[name] for name in said}, rule
        assert entry["stage"] == "image"


def test_every_shipped_rule_has_a_title_and_a_reason() -> None:
    for declared in catalogue.checks().values():
        assert isinstance(declared, Check)
        assert declared.title
        assert declared.rationale

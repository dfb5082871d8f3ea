"""The rules about sshd and accounts that a running machine answers, judged on a launch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from amigate.evidence.model import Evidence, Launch, Outcome, Vantage, Viewpoint
from amigate.facts import host_trust, key_sources, listeners, remote_identities, root_grants
from amigate.judge.places import Place
from amigate.result import Status, Witness

from .judging import decisions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.judge.decide import Decision

USERS = "account-no-unexpected-login-users"
SUDO = "account-sudo-rules-expected"
ACCEPTS = "account-default-user-accepts-keys"
SOURCES = "ssh-no-unknown-key-sources"
TRUST = "ssh-no-host-based-trust"
PORT = "ssh-port-matches-declaration"
STRICT = "ssh-strict-modes-no-user-environment"
ALGORITHMS = "ssh-no-weak-algorithms"
FORWARDING = "ssh-forwarding-disabled"
LIMITS = "ssh-login-limits-set"
OF_SSHD = (SOURCES, TRUST, STRICT, ALGORITHMS, FORWARDING, LIMITS, ACCEPTS)
RULES = (*OF_SSHD, USERS, SUDO, PORT)
PASS, FAIL, UNSURE, NONE = Status.PASS, Status.FAIL, Status.INCONCLUSIVE, Status.NOT_APPLICABLE
TRUSTED = (
    *("/etc/hosts.equiv", "/etc/ssh/shosts.equiv"),
    *(f"{home}/{name}" for home in ("/root", "/home/admin", "") for name in (".rhosts", ".shosts")),
)
CONNECT = "/opt/aws/bin/eic_run_authorized_keys"
EFFECTIVE = {
    "usepam": "yes",
    "hostbasedauthentication": "no",
    "ignorerhosts": "yes",
    "strictmodes": "yes",
    "permituserenvironment": "no",
    "trustedusercakeys": "none",
    "authorizedprincipalsfile": "none",
    "authorizedprincipalscommand": "none",
    "authorizedkeyscommand": "none",
    "disableforwarding": "yes",
    "maxauthtries": "3",
    "logingracetime": "30",
    "maxsessions": "10",
    "maxstartups": "10:30:60",
    "clientaliveinterval": "300",
    "clientalivecountmax": "3",
    "ciphers": "chacha20-poly1305@openssh.com,aes256-ctr",
    "kexalgorithms": "sntrup761x25519-sha512@openssh.com,curve25519-sha256",
    "macs": "hmac-sha2-256-etm@openssh.com,umac-128@openssh.com",
    "hostkeyalgorithms": "ssh-ed25519,rsa-sha2-512",
}
_HEADER = "{}:  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
_SOCKET = "/proc/net/tcp:   0: {}:{:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 {} 1 x"


def sockets(kit: Any, *ports: tuple[str, int, str]) -> dict[str, Any]:
    """Return what the kernel says of sockets: address, port, and who holds each."""
    lines = [_HEADER.format(f"/proc/net/{name}") for name in ("tcp", "udp")]
    lines += [_SOCKET.format(address, port, 900 + at) for at, (address, port, _) in enumerate(ports)]
    held = "".join(f"/proc/{at + 1}\n{900 + at}\n" for at in range(len(ports)))
    names = "".join(f"/proc/{at + 1}/comm:{name}\n" for at, (_, _, name) in enumerate(ports))
    return {
        listeners.SOCKETS.key: kit.said("\n".join(lines) + "\n"),
        listeners.OWNERS.key: kit.said(held),
        listeners.NAMES.key: kit.said(names),
    }


def launch(kit: Any, *, files: Mapping[str, str] | None = None, **image: Any) -> dict[str, Decision]:
    """Return how each rule is decided on the launch of an image, sound but for what is said."""
    made = kit.Image(**{"effective": {**kit.EFFECTIVE, **EFFECTIVE}, **image})
    made.answers = {**sockets(kit, ("00000000", 22, "sshd"), ("0100007F", 25, "master")), **made.answers}
    evidence: Evidence = made.evidence()
    inside = Viewpoint(Launch.A, 1, Vantage.INSIDE)
    view = evidence.views[inside]
    written = {path: kit.file(path, text.encode()) for path, text in (files or {}).items()}
    needs = (root_grants.NEEDS, remote_identities.NEEDS, key_sources.NEEDS, host_trust.NEEDS)
    asked = {question.key for need in needs for question in need.first}
    asked |= {"/etc/cloud/cloud.cfg", *key_sources.COMMANDS, *TRUSTED}
    more = {"/etc/cloud/cloud.cfg.d/*.cfg", "/etc/cloud/cloud.cfg.d/.*.cfg"}
    absent = {path for path in asked - written.keys() if path.startswith("/") and "*" not in path}
    entries = {**view.entries, **written}
    view = replace(
        view,
        entries=entries,
        absent=view.absent | (absent - entries.keys()),
        globbed=view.globbed | {key for key in asked if "*" in key or key.startswith("/etc/sssd/")} | more,
    )
    place = Place(Witness.INSTANCE, Launch.A)
    found = decisions(dict.fromkeys(RULES, (place,)), replace(evidence, views={**evidence.views, inside: view}))
    return {rule: decision for (rule, _), (decision, _) in found.items()}


def decided(found: Mapping[str, Decision]) -> dict[str, Status]:
    """Return the rules that are not met."""
    return {rule: each.status for rule, each in found.items() if each.status is not PASS}


def test_a_sound_machine_meets_every_rule(kit: Any) -> None:
    found = launch(kit, files={"/etc/sudoers": "root ALL=(ALL) ALL\nadmin ALL=(ALL) NOPASSWD: ALL\n"})
    assert not decided(found), found


SPOILT = {
    "authority": ({"trustedusercakeys": "/etc/ca"}, SOURCES),
    "principals": ({"authorizedprincipalscommand": "/usr/bin/x"}, SOURCES),
    "command": ({"authorizedkeyscommand": "/usr/bin/x %u"}, SOURCES),
    "hosts": ({"hostbasedauthentication": "yes"}, TRUST),
    "rhosts": ({"ignorerhosts": "no"}, TRUST),
    "modes": ({"strictmodes": "no"}, STRICT),
    "environment": ({"permituserenvironment": "LANG"}, STRICT),
    "3des": ({"ciphers": "aes256-ctr,3des-cbc"}, ALGORITHMS),
    "sha1": ({"kexalgorithms": "diffie-hellman-group14-sha1"}, ALGORITHMS),
    "md5": ({"macs": "hmac-md5"}, ALGORITHMS),
    "96": ({"macs": "hmac-sha1-96"}, ALGORITHMS),
    "dss": ({"hostkeyalgorithms": "ssh-rsa,ssh-dss-cert-v01@openssh.com"}, ALGORITHMS),
    "forwarding": ({"disableforwarding": "no", "allowtcpforwarding": "yes"}, FORWARDING),
    "tries": ({"maxauthtries": "6"}, LIMITS),
    "startups": ({"maxstartups": "10:30:100"}, LIMITS),
    "lock": ({"usepam": "no"}, ACCEPTS),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_sshd_answers_counts(name: str, kit: Any) -> None:
    values, rule = SPOILT[name]
    found = launch(kit, effective={**kit.EFFECTIVE, **EFFECTIVE, **values})
    assert decided(found) == {rule: FAIL}


def test_ec2_instance_connect_is_known_where_its_package_is(kit: Any) -> None:
    effective = {**kit.EFFECTIVE, **EFFECTIVE, "authorizedkeyscommand": f"{CONNECT} %u %f"}
    files = {CONNECT: "#!/bin/sh\n"}
    assert not decided(launch(kit, files=files, effective=effective, dpkg="installed ec2-instance-connect 1.1-18\n"))
    assert decided(launch(kit, files=files, effective=effective)) == {SOURCES: FAIL}


def test_sshd_that_does_not_say_its_algorithms_decides_nothing(kit: Any) -> None:
    effective = {**kit.EFFECTIVE, **EFFECTIVE, "ciphers": ""}
    assert decided(launch(kit, effective=effective)) == {ALGORITHMS: UNSURE}


def test_who_logged_in_is_expected_and_nobody_else(kit: Any) -> None:
    passwd = "root:x:0:0:root:/root:/bin/bash\nadmin:x:1000:1000::/home/admin:/bin/bash\neve:x:1001:1001::/:/bin/sh\n"
    found = launch(kit, passwd=passwd, files={"/etc/sudoers": "eve ALL=(ALL) NOPASSWD: ALL\n"})
    assert decided(found) == {USERS: FAIL, SUDO: FAIL}
    assert [(each.path, each.line) for each in found[USERS].findings] == [("/etc/passwd", 3)]


def test_files_that_trust_other_machines_are_found(kit: Any) -> None:
    found = launch(kit, files={"/home/admin/.shosts": "x\n", "/etc/hosts.equiv": "+\n"})
    assert [each.path for each in found[TRUST].findings] == ["/etc/hosts.equiv", "/home/admin/.shosts"]


PORTS = {
    "sshd elsewhere as well": ((("00000000", 22, "sshd"), ("00000000", 2222, "sshd")), {}, FAIL, "tcp port 2222"),
    "systemd has the port": ((("00000000", 22, "systemd"),), {}, PASS, ""),
    "systemd has another": ((("00000000", 2222, "systemd"),), {"port": 2222}, FAIL, "tcp port 2222"),
    "nothing is declared so": ((("00000000", 2222, "sshd"),), {"port": 2222}, FAIL, "tcp port 22"),
    "only the machine itself reaches it": ((("0100007F", 22, "sshd"),), {}, FAIL, "tcp port 22"),
    "nobody reached it": (
        (("00000000", 22, "sshd"),),
        {"outcome": Outcome.SILENT, "detail": "no answer"},
        UNSURE,
        "",
    ),
}


@pytest.mark.trap(37)
@pytest.mark.parametrize("name", PORTS)
def test_the_port_is_the_kernels_and_the_probes(name: str, kit: Any) -> None:
    listening, contact, status, subject = PORTS[name]
    found = launch(kit, answers=sockets(kit, *listening), contact=contact)[PORT]
    assert found.status is status, found
    assert not subject or subject in {each.subject for each in found.findings}


def test_a_machine_that_does_not_answer_decides_nothing(kit: Any) -> None:
    found = launch(kit, unseen={"/etc/passwd": "/etc/passwd: its folder cannot be searched"})
    assert {rule for rule, status in decided(found).items() if status is UNSURE} == set(RULES) - {PORT}

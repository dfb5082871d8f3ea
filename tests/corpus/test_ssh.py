"""What sshd trusts, forwards and limits, and whose its files are, judged over trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.result import Status

from .trees import PUBLIC, Case, Tree, all_of, judge, look, named, owned_by_root, sound, writes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOURCES = "ssh-no-unknown-key-sources"
TRUST = "ssh-no-host-based-trust"
STRICT = "ssh-strict-modes-no-user-environment"
FORWARDING = "ssh-forwarding-disabled"
LIMITS = "ssh-login-limits-set"
MODES = "ssh-file-modes-tight"
OF_SSHD = (SOURCES, TRUST, STRICT, FORWARDING, LIMITS)
PASS, FAIL, UNSURE, NONE = Status.PASS, Status.FAIL, Status.INCONCLUSIVE, Status.NOT_APPLICABLE
SOUND = dict.fromkeys(OF_SSHD, PASS)

CONFIG = "/etc/ssh/sshd_config"
HARDENED = """\
PasswordAuthentication no
MaxAuthTries 4
LoginGraceTime 1m
MaxStartups 10:30:60
ClientAliveInterval 5m
DisableForwarding yes
"""
COMMAND = "/usr/share/ec2-instance-connect/eic_run_authorized_keys"
CONNECT = f"{HARDENED}AuthorizedKeysCommand {COMMAND} %u %f\nAuthorizedKeysCommandUser ec2-instance-connect\n"
STATUS = "/var/lib/dpkg/status"
PACKAGES = (
    "Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.2p1-2\n\n"
    "Package: ec2-instance-connect\nStatus: install ok installed\nVersion: 1.1.14\n\n"
)


def hardened(tree: Tree) -> None:
    tree.write(CONFIG, HARDENED)


def case(
    *spoilers: Callable[[Tree], object], fails: tuple[str, str, int | None] | None = None, traps: tuple[int, ...] = ()
) -> Case:
    return Case(all_of(hardened, *spoilers), {fails[0]: FAIL} if fails else {}, [fails] if fails else [], traps)


def adds(line: str, *, rule: str = "", traps: tuple[int, ...] = ()) -> Case:
    """Return the case of one more line, which is what a rule finds."""
    number = HARDENED.count("\n") + line.count("\n")
    return case(writes(CONFIG, HARDENED + line), fails=(rule, CONFIG, number) if rule else None, traps=traps)


def instead(old: str, new: str, rule: str = "", line: int | None = None) -> Case:
    """Return the case of another line in the place of one."""
    return case(
        writes(CONFIG, HARDENED.replace(f"{old}\n", new)), fails=(rule, CONFIG if line else "", line) if rule else None
    )


def unsure(*rules: str, config: str) -> Case:
    return Case(writes(CONFIG, config), dict.fromkeys(rules, UNSURE))


CASES = {
    "a hardened server": case(),
    "no server": Case(lambda tree: tree.remove("/usr/sbin/sshd"), dict.fromkeys(OF_SSHD, NONE)),
    "a keyword that no sshd knows": unsure(*OF_SSHD, config=f"{HARDENED}Permit all\n"),
    "files that include each other": unsure(*OF_SSHD, config=f"{HARDENED}Include {CONFIG}\n"),
    # Sources of keys.
    "an authority": adds("TrustedUserCAKeys /etc/ssh/ca.pub\n", rule=SOURCES, traps=(22,)),
    "principals": adds("AuthorizedPrincipalsFile /etc/ssh/principals\n", rule=SOURCES, traps=(22,)),
    "a command for principals": adds("AuthorizedPrincipalsCommand /usr/bin/x %u\n", rule=SOURCES),
    "an authority for some": adds("Match Address 10.0.0.0/8\n  TrustedUserCAKeys /etc/ca\n", rule=SOURCES),
    "an authority for those that nobody can tell": unsure(
        *OF_SSHD, config=f"{HARDENED}Match exec /bin/true\nTrustedUserCAKeys /etc/ca\n"
    ),
    "a command that is not known": adds("AuthorizedKeysCommand /usr/local/bin/keys %u\n", rule=SOURCES),
    "EC2 Instance Connect": case(
        writes(CONFIG, CONNECT), writes(STATUS, PACKAGES), writes(COMMAND, "#!/bin/sh\n", 0o755), traps=(21,)
    ),
    "a command of no package": case(
        writes(CONFIG, CONNECT), writes(COMMAND, "#!/bin/sh\n", 0o755), fails=(SOURCES, CONFIG, 7)
    ),
    "a command that others may change": case(
        writes(CONFIG, CONNECT),
        writes(STATUS, PACKAGES),
        writes(COMMAND, "#!/bin/sh\n", 0o775),
        fails=(SOURCES, CONFIG, 7),
    ),
    "keys in a file of no home's": case(
        writes(CONFIG, f"{HARDENED}AuthorizedKeysFile /etc/keys/%u\n"),
        writes("/etc/keys/bob", f"{PUBLIC}\n"),
        fails=(SOURCES, "/etc/keys/bob", 1),
        traps=(20,),
    ),
    "keys in homes are another rule's": case(writes("/srv/bob/.ssh/authorized_keys2", f"{PUBLIC}\n"), traps=(20,)),
    "a file of keys that cannot be told": unsure(SOURCES, config=f"{HARDENED}AuthorizedKeysFile ../%u\n"),
    # Trust.
    "machines are trusted": adds("HostbasedAuthentication yes\n", rule=TRUST, traps=(23,)),
    "files of homes are read": adds("IgnoreRhosts shosts-only\n", rule=TRUST),
    "files that trust": case(
        writes("/etc/hosts.equiv", "+\n"),
        writes("/srv/bob/.shosts", "x bob\n"),
        fails=(TRUST, "/srv/bob/.shosts", None),
        traps=(23,),
    ),
    "files that trust nobody": case(
        writes("/etc/hosts.equiv", ""), lambda tree: tree.link("/root/.rhosts", "/dev/null")
    ),
    # Strict modes.
    "modes do not matter": adds("StrictModes no\n", rule=STRICT),
    "users set environments": adds("PermitUserEnvironment yes\n", rule=STRICT),
    "users set some of it": adds("PermitUserEnvironment LANG,LC_*\n", rule=STRICT),
    # Forwarding.
    "nothing forbids forwarding": Case(
        writes(CONFIG, HARDENED.replace("DisableForwarding yes\n", "")), {FORWARDING: FAIL}
    ),
    "each is forbidden": instead(
        "DisableForwarding yes",
        "AllowTcpForwarding no\nAllowAgentForwarding no\nAllowStreamLocalForwarding no\n",
    ),
    "tunnels are not": instead(
        "DisableForwarding yes",
        "AllowTcpForwarding no\nAllowAgentForwarding no\nAllowStreamLocalForwarding no\nPermitTunnel yes\n",
        FORWARDING,
        9,
    ),
    "X11 is not": instead(
        "DisableForwarding yes",
        "AllowTcpForwarding no\nAllowAgentForwarding no\nAllowStreamLocalForwarding no\nX11Forwarding yes\n",
        FORWARDING,
        9,
    ),
    "ports are not, for some": adds("Match User bob\n  DisableForwarding no\n  GatewayPorts yes\n", rule=FORWARDING),
    # Limits.
    "tries": instead("MaxAuthTries 4", "MaxAuthTries 6\n", LIMITS, 2),
    "time to log in": instead("LoginGraceTime 1m", "LoginGraceTime 2m\n", LIMITS, 3),
    "endless time to log in": instead("LoginGraceTime 1m", "LoginGraceTime 0\n", LIMITS, 3),
    "sessions": adds("MaxSessions 11\n", rule=LIMITS),
    "connections": instead("MaxStartups 10:30:60", "MaxStartups 10:30:100\n", LIMITS, 4),
    "connections, as a number": instead("MaxStartups 10:30:60", "MaxStartups 10\n"),
    "connections, few of them refused": instead("MaxStartups 10:30:60", "MaxStartups 10:20:60\n", LIMITS, 4),
    "idle sessions": instead("ClientAliveInterval 5m", "", LIMITS),
    "idle sessions for ever": adds("ClientAliveCountMax 0\n", rule=LIMITS),
    "more tries for some": adds("Match Address 10.0.0.0/8\n  MaxAuthTries 9\n", rule=LIMITS),
}


@pytest.mark.parametrize("name", named(CASES))
def test_each_rule_answers_as_the_tree_is(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    case.spoil(sound(tmp_path))
    view = owned_by_root(look(tmp_path))
    found, wanted = judge(view, OF_SSHD), {**SOUND, **case.expected}
    assert {rule: str(each.status) for rule, each in found.items()} == {r: str(status) for r, status in wanted.items()}
    for rule, path, line in case.findings:
        assert any((each.path, each.line) == (path, line) for each in found[rule].findings), found[rule].findings


FILES: dict[str, tuple[Callable[[Tree], object], Status, str]] = {
    "as packages make them": (
        all_of(
            writes("/etc/ssh/ssh_host_ed25519_key", "x", 0o600),
            writes("/etc/ssh/ssh_host_ed25519_key.pub", "x", 0o644),
            writes("/etc/ssh/sshd_config.d/1.conf", "Port 22\n", 0o600),
        ),
        PASS,
        "",
    ),
    "a configuration that others may change": (writes(CONFIG, HARDENED, 0o664), FAIL, CONFIG),
    "a folder that others may change": (lambda tree: (tree.root / "etc/ssh").chmod(0o777), FAIL, "/etc/ssh"),
    "a drop-in that others may change": (
        writes("/etc/ssh/sshd_config.d/1.conf", "Port 22\n", 0o666),
        FAIL,
        "/etc/ssh/sshd_config.d/1.conf",
    ),
    "a key that others may read": (
        writes("/etc/ssh/ssh_host_rsa_key", "x", 0o644),
        FAIL,
        "/etc/ssh/ssh_host_rsa_key",
    ),
    "a key that a group may read": (
        writes("/etc/ssh/ssh_host_rsa_key", "x", 0o640),
        FAIL,
        "/etc/ssh/ssh_host_rsa_key",
    ),
    "what is included from elsewhere": (
        all_of(writes(CONFIG, "Include /srv/x.conf\n"), writes("/srv/x.conf", "Port 22\n", 0o646)),
        FAIL,
        "/srv/x.conf",
    ),
    "what a link leads to": (
        all_of(
            writes("/srv/x.conf", "Port 22\n", 0o622),
            writes("/etc/ssh/sshd_config.d/0.conf", ""),
            lambda tree: tree.link("/etc/ssh/sshd_config.d/1.conf", "../../../srv/x.conf"),
        ),
        FAIL,
        "/etc/ssh/sshd_config.d/1.conf",
    ),
    "a link without end": (lambda tree: tree.link("/etc/ssh/loop", "loop"), UNSURE, ""),
    "no server": (lambda tree: tree.remove("/usr/sbin/sshd"), NONE, ""),
}


@pytest.mark.parametrize("name", FILES)
def test_files_of_sshd_are_roots_alone(name: str, tmp_path: Path) -> None:
    spoil, status, path = FILES[name]
    spoil(sound(tmp_path))
    decision = judge(owned_by_root(look(tmp_path)), [MODES])[MODES]
    assert (decision.status, [finding.path for finding in decision.findings]) == (status, [path] if path else [])


def test_a_file_of_sshd_that_is_somebody_elses_is_found(tmp_path: Path) -> None:
    sound(tmp_path)
    (finding,) = judge(owned_by_root(look(tmp_path), CONFIG), [MODES])[MODES].findings
    assert (finding.path, finding.detail) == (CONFIG, "it belongs to the user with number 1000")


def test_red_hats_group_may_read_host_keys(tmp_path: Path) -> None:
    tree = sound(tmp_path)
    key = tree.write("/etc/ssh/ssh_host_rsa_key", "x", 0o640)
    tree.write("/etc/group", f"root:x:4294:\nssh_keys:x:{key.stat().st_gid}:\n")
    assert judge(owned_by_root(look(tmp_path)), [MODES])[MODES].status is PASS


@pytest.mark.parametrize("name,place", [("a keyword that no sshd knows", 7), ("files that include each other", 7)])
def test_what_cannot_be_read_is_named_with_its_line(name: str, place: int, tmp_path: Path) -> None:
    CASES[name].spoil(sound(tmp_path))
    found = judge(look(tmp_path), OF_SSHD)
    assert all(f"{CONFIG}:{place}" in decision.message for decision in found.values()), found

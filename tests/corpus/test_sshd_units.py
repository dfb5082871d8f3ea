"""How units start sshd: options of its command line come before its files, and drop-ins take back what stood before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.result import Status

from .trees import Tree, all_of, judge, look, sound, writes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PASSWORD = "ssh-no-password-login"
SOURCES = "ssh-no-unknown-key-sources"
HOST_KEYS = "key-no-host-keys-at-rest"
OTHER_SERVERS = "ssh-no-other-servers"
OF_SSHD = (PASSWORD, SOURCES, HOST_KEYS)
RULES = (*OF_SSHD, OTHER_SERVERS)
PASS, FAIL, UNSURE = Status.PASS, Status.FAIL, Status.INCONCLUSIVE
UNIT = "/usr/lib/systemd/system/ssh.service"
STOCK = "[Service]\nEnvironmentFile=-/etc/default/ssh\nExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n"
COMMAND = "/usr/share/ec2-instance-connect/eic_run_authorized_keys"
CONNECT = (
    f'[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -o "AuthorizedKeysCommand {COMMAND} %%u %%f" '
    '-o "AuthorizedKeysCommandUser ec2-instance-connect" $SSHD_OPTS\n'
)
PACKAGED = writes(
    "/var/lib/dpkg/status",
    "Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.6p1-3ubuntu13.13\n\n"
    "Package: ec2-instance-connect\nStatus: install ok installed\nVersion: 1.1.14\n\n",
)
OWN_UNIT, OWN_DROP_IN = "/etc/systemd/system/ssh.service", "/etc/systemd/system/ssh.service.d/ec2-instance-connect.conf"
OTHERS = CONNECT.replace(COMMAND, "/opt/keys")
CONNECTED = all_of(
    writes(UNIT, STOCK),
    writes(f"{UNIT}.d/ec2-instance-connect.conf", CONNECT),
    writes(COMMAND, "#!/bin/sh\n", 0o755),
    PACKAGED,
)


def starts(options: str) -> Callable[[Tree], object]:
    return writes(UNIT, STOCK.replace("$SSHD_OPTS", options))


CASES: dict[str, tuple[Callable[[Tree], object], dict[str, Status]]] = {
    "a unit without options": (writes(UNIT, STOCK), {}),
    "EC2 Instance Connect's drop-in of Ubuntu": (CONNECTED, {}),
    "its command without its package": (
        all_of(
            CONNECTED, writes("/var/lib/dpkg/status", "Package: bash\nStatus: install ok installed\nVersion: 5.2\n")
        ),
        {SOURCES: FAIL},
    ),
    "another command": (
        all_of(CONNECTED, writes(f"{UNIT}.d/ec2-instance-connect.conf", OTHERS)),
        {SOURCES: FAIL},
    ),
    "passwords by an option, whatever the file says": (starts("-o PasswordAuthentication=yes"), {PASSWORD: FAIL}),
    "no passwords by an option, whatever the file says": (
        all_of(starts("-oPasswordAuthentication=no"), writes("/etc/ssh/sshd_config", "PasswordAuthentication yes\n")),
        {},
    ),
    "options in the file beside the unit": (
        all_of(writes(UNIT, STOCK), writes("/etc/default/ssh", 'SSHD_OPTS="-o PasswordAuthentication=yes"\n')),
        dict.fromkeys(OF_SSHD, UNSURE),  # whether the unit takes them is not told
    ),
    "a host key by an option": (
        all_of(starts("-o HostKey=/opt/hostkey"), writes("/opt/hostkey", "what it is shows in its place")),
        {HOST_KEYS: FAIL},
    ),
    "a drop-in takes the options back": (
        all_of(
            starts("-o PasswordAuthentication=yes"),
            writes("/etc/systemd/system/ssh.service.d/x.conf", "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D\n"),
        ),
        {},
    ),
    "a later drop-in gives others": (
        all_of(
            CONNECTED,
            writes(
                "/etc/systemd/system/ssh.service.d/zz.conf",
                "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -o PasswordAuthentication=yes\n",
            ),
        ),
        {PASSWORD: FAIL},
    ),
    "the administrator's drop-in takes the place of the package's": (
        all_of(
            CONNECTED,
            writes(OWN_DROP_IN, OTHERS),
        ),
        {SOURCES: FAIL},
    ),
    "the administrator's unit takes the place of the package's": (
        all_of(writes(UNIT, STOCK), writes(OWN_UNIT, STOCK.replace("-D", "-oPasswordAuthentication=yes"))),
        {PASSWORD: FAIL},
    ),
    "another name of the same unit": (
        all_of(CONNECTED, lambda tree: tree.link("/etc/systemd/system/sshd.service", UNIT)),
        {},
    ),
    "a drop-in of its other name": (
        all_of(
            writes(UNIT, STOCK),
            lambda tree: tree.link("/etc/systemd/system/sshd.service", UNIT),
            writes(
                "/etc/systemd/system/sshd.service.d/x.conf",
                "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -oPasswordAuthentication=yes\n",
            ),
        ),
        {PASSWORD: FAIL},
    ),
    "two units with different options": (
        all_of(writes(UNIT, STOCK), writes("/etc/systemd/system/sshd.service", STOCK.replace("-D", "-oUsePAM=no"))),
        dict.fromkeys(OF_SSHD, UNSURE),
    ),
    "a template for each connection, with options of its own": (
        all_of(
            writes(UNIT, STOCK),
            writes(
                UNIT.replace("ssh.", "ssh@."), "[Service]\nExecStart=-/usr/sbin/sshd -i -oPasswordAuthentication=yes\n"
            ),
        ),
        {OTHER_SERVERS: FAIL},
    ),
    "another unit with options of its own": (
        all_of(
            writes(UNIT, STOCK), writes("/etc/systemd/system/own.service", STOCK.replace("-D", "-oUsePAM=yes -p 2222"))
        ),
        {OTHER_SERVERS: FAIL},
    ),
    "an option that includes more": (starts('-o "Include /opt/x"'), dict.fromkeys(RULES, UNSURE)),
    "a port by an option": (starts("-p 2222"), dict.fromkeys(OF_SSHD, UNSURE)),
}


@pytest.mark.parametrize("name", CASES)
def test_sshd_is_judged_as_its_unit_starts_it(name: str, tmp_path: Path) -> None:
    spoil, expected = CASES[name]
    tree = sound(tmp_path)
    PACKAGED(tree)
    spoil(tree)
    found = judge(look(tmp_path), RULES)
    assert {rule: str(each.status) for rule, each in found.items()} == {
        rule: str(expected.get(rule, PASS)) for rule in RULES
    }, found

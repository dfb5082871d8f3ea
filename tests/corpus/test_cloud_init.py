"""What first boot is told to do, and what first boots on the builder left, judged over trees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from amigate.facts.boot_commands import BootCommands
from amigate.facts.cloud_left import CloudLeft
from amigate.result import Status

from .trees import Case, Tree, all_of, check, judge, look, named, sound, writes

if TYPE_CHECKING:
    from pathlib import Path

DATA = "cloud-init-no-instance-data-left"
HOST_KEYS = "cloud-init-regenerates-host-keys"
PASSWORDS = "cloud-init-password-login-not-enabled"
CREDENTIALS = "cloud-init-config-without-credentials"
ROOT = "cloud-init-root-login-disabled"
LOCKED = "cloud-init-default-user-password-locked"
CACHE = "cloud-init-cache-not-kept"
LOGS = "cloud-init-logs-removed"
COMMANDS = "cloud-init-boot-commands-reviewed"
CARDS = "cloud-init-no-builder-network-config"
OF_CONFIG = (HOST_KEYS, PASSWORDS, CREDENTIALS, ROOT, LOCKED, CACHE, COMMANDS)
RULES = (*OF_CONFIG, DATA, LOGS, CARDS)
PASS, FAIL, UNSURE, NONE, WARN = (
    Status.PASS,
    Status.FAIL,
    Status.INCONCLUSIVE,
    Status.NOT_APPLICABLE,
    Status.WARN,
)
SOUND = dict.fromkeys(RULES, PASS)
HASH = "$6$saltsalt$2fMKQTLCTBFHWkMgHsSxv6JPA4o1dzYNxwWtbMS2PL.8AcEX5hYm3OwqjNqgVKGCJBBXEMJbkXKuuEGh0r1bC0"
MAIN = "/etc/cloud/cloud.cfg"
PART = "/etc/cloud/cloud.cfg.d/99.cfg"
DROP_IN = "/etc/ssh/sshd_config.d/50-cloud-init.conf"
REFUSAL = (
    "no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command=\"echo 'Please login as the user "
    '\\"$USER\\" rather than the user \\"$DISABLE_USER\\".\';echo;sleep 10;exit 142"'
)
DEBIAN = f"""\
# The top level settings are used as module
users:
 - default
disable_root: true
disable_root_opts: {REFUSAL}
preserve_hostname: false
apt_preserve_sources_list: true
cloud_init_modules:
 - migrator
 - write-files
 - [set_hostname, always]
 - ssh
cloud_config_modules:
 - set-passwords
 - runcmd
cloud_final_modules:
 - scripts-user
system_info:
   distro: debian
   default_user:
     name: debian
     lock_passwd: True
     gecos: Debian
     groups: [adm, sudo]
     sudo: ["ALL=(ALL) NOPASSWD:ALL"]
     shell: /bin/bash
   paths:
      cloud_dir: /var/lib/cloud/
      templates_dir: /etc/cloud/templates/
   ssh_svcname: ssh
"""
"""As Debian ships it, in short."""


def no_cloud_init(tree: Tree) -> None:
    for path in ("/usr/bin/cloud-init", "/etc/cloud"):
        tree.remove(path)


def config(text: str) -> Case:
    return Case(writes(PART, text))


def refused(rule: str, text: str, line: int | None = 1) -> Case:
    return Case(writes(PART, text), {rule: FAIL}, [(rule, PART, line)])


CASES = {
    "a sound tree": Case(lambda tree: None),
    "Debian's own configuration": Case(
        all_of(writes(MAIN, DEBIAN), *(writes(f"/var/lib/cloud/{name}/README/x", "") for name in ("handlers",)))
    ),
    "no cloud-init": Case(no_cloud_init, dict.fromkeys(OF_CONFIG, NONE)),
    "a configuration that is no YAML": Case(writes(PART, "a: [\n"), dict.fromkeys((*OF_CONFIG, DATA, CACHE), UNSURE)),
    "a template": Case(
        writes(MAIN, "## template:jinja\nssh_pwauth: {{ x }}\n"), dict.fromkeys((*OF_CONFIG, DATA, CACHE), UNSURE)
    ),
    # What an instance left.
    "what an instance left": Case(
        all_of(
            lambda tree: tree.link("/var/lib/cloud/instance", "/var/lib/cloud/instances/i-0"),
            writes("/var/lib/cloud/instances/i-0/user-data.txt", "#!/bin/sh\n"),
            writes("/var/lib/cloud/data/instance-id", "i-0\n"),
            writes("/var/lib/cloud/sem/config_scripts_per_once.once", ""),
            writes("/run/cloud-init/result.json", "{}"),
        ),
        {DATA: FAIL},
        [
            (DATA, "/var/lib/cloud/instance", None),
            (DATA, "/var/lib/cloud/instances/i-0", None),
            (DATA, "/var/lib/cloud/data/instance-id", None),
            (DATA, "/var/lib/cloud/sem/config_scripts_per_once.once", None),
            (DATA, "/run/cloud-init/result.json", None),
        ],
        [2],
    ),
    "a seed": Case(
        all_of(
            writes("/var/lib/cloud/seed/nocloud-net/meta-data", "instance-id: i\n"),
            writes("/var/lib/cloud/seed/nocloud-net/user-data", "#cloud-config\npassword: hunter2\nchpasswd: {}\n"),
        ),
        {DATA: FAIL, CREDENTIALS: FAIL},
        [
            (DATA, "/var/lib/cloud/seed/nocloud-net/user-data", None),
            (CREDENTIALS, "/var/lib/cloud/seed/nocloud-net/user-data", 2),
        ],
    ),
    "a seed of a script": Case(
        writes("/var/lib/cloud/seed/nocloud/user-data", "#!/bin/sh\necho root:hunter2 | chpasswd\n"),
        {DATA: FAIL, CREDENTIALS: UNSURE},
    ),
    "folders and files of a seed without anything in them": Case(
        all_of(
            writes("/var/lib/cloud/seed/nocloud/user-data", ""),
            lambda tree: tree.link("/var/lib/cloud/seed/nocloud/vendor-data", "/dev/null"),
        )
    ),
    "an instance elsewhere": Case(
        all_of(
            writes(PART, "system_info: {paths: {cloud_dir: /srv/cloud/}}\n"),
            writes("/srv/cloud/data/instance-id", "i-0\n"),
        ),
        {DATA: FAIL},
        [(DATA, "/srv/cloud/data/instance-id", None)],
    ),
    "an instance that nobody can tell where": Case(
        writes(PART, "system_info: {paths: {cloud_dir: '/srv/my cloud'}}\n"),
        dict.fromkeys((DATA, CREDENTIALS, CACHE, COMMANDS), UNSURE),
    ),
    # Host keys.
    "host keys are kept": Case(
        writes(PART, "# x\nssh_deletekeys: 0\n"), {HOST_KEYS: FAIL}, [(HOST_KEYS, PART, 2)], [8]
    ),
    "host keys are kept, in words": refused(HOST_KEYS, "ssh_deletekeys: false\n"),
    "host keys are kept, as null is no yes": refused(HOST_KEYS, "ssh_deletekeys: ~\n"),
    "host keys are kept, in a word that is not known": Case(
        writes(PART, "ssh_deletekeys: never\n"), {HOST_KEYS: UNSURE}
    ),
    "host keys are deleted": config("ssh_deletekeys: 1\nssh_genkeytypes: [rsa, ed25519]\n"),
    "no host key is made": refused(HOST_KEYS, "ssh_genkeytypes: []\n"),
    "no host key is made, as Red Hat had it": refused(HOST_KEYS, "ssh_genkeytypes: ~\n"),
    "host keys of a type that is not known": Case(writes(PART, "ssh_genkeytypes: [foo]\n"), {HOST_KEYS: UNSURE}),
    "host keys are given": Case(
        writes(PART, "ssh_keys: {rsa_private: x}\n"), {HOST_KEYS: FAIL, CREDENTIALS: FAIL}, [(CREDENTIALS, PART, 1)]
    ),
    "the module for host keys does not run": refused(
        HOST_KEYS, "cloud_init_modules: [migrator, [users-groups, always]]\n"
    ),
    "no module runs": Case(writes(MAIN, ""), {HOST_KEYS: FAIL}),
    # Passwords.
    "passwords are switched on": Case(
        writes(PART, "ssh_pwauth: true\n"), {PASSWORDS: FAIL}, [(PASSWORDS, PART, 1)], [52]
    ),
    "passwords are switched on, as a number": refused(PASSWORDS, "ssh_pwauth: 1\n"),
    "passwords are switched on, as a text": refused(PASSWORDS, "ssh_pwauth: 'Yes'\n"),
    "passwords stay as they are": config("ssh_pwauth: unchanged\n"),
    "passwords are switched off last": Case(
        all_of(writes(PART, "ssh_pwauth: 0\n"), writes("/etc/cloud/cloud.cfg.d/05.cfg", "ssh_pwauth: 1\n"))
    ),
    "passwords, in a word that is not known": Case(writes(PART, "ssh_pwauth: hunter2\n"), {PASSWORDS: UNSURE}),
    "the builder's drop-in": Case(
        all_of(
            writes("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication no\n"),
            writes(DROP_IN, "# cloud-init\nPasswordAuthentication yes\n"),
        ),
        {PASSWORDS: FAIL},
        [(PASSWORDS, DROP_IN, 2)],
        [27],
    ),
    "a drop-in that forbids": Case(writes(DROP_IN, "PasswordAuthentication no\n")),
    # Credentials.
    "credentials in every form": Case(
        writes(
            PART,
            "password: hunter2\nchpasswd:\n  list: |\n    root:hunter2\nusers:\n  - default\n"
            f"  - name: eve\n    passwd: {HASH}\n    ssh_authorized_keys:\n      - ssh-rsa AAAA\n"
            "  - name: mallory\n    hashed_passwd: '!$y$j9T$a$b'\n    plain_text_passwd: x\n    ssh_import_id: [gh:m]\n"
            "system_info:\n  default_user:\n    passwd: hunter2\n",
        ),
        {CREDENTIALS: FAIL},
        [(CREDENTIALS, PART, line) for line in (1, 3, 8, 10, 12, 13, 14, 17)],
        [52],
    ),
    "passwords for users of chpasswd": refused(CREDENTIALS, "chpasswd: {users: [{name: a, password: b}]}\n"),
    "credentials that a later file takes the place of": Case(
        all_of(
            writes("/etc/cloud/cloud.cfg.d/05.cfg", f"users: [{{name: eve, passwd: {HASH}}}]\n"),
            writes(PART, "users: [default]\n"),
        ),
        {CREDENTIALS: FAIL},
        [(CREDENTIALS, "/etc/cloud/cloud.cfg.d/05.cfg", 1)],
    ),
    "no credentials": config(
        "chpasswd: {expire: false}\npassword: ~\nssh_authorized_keys: []\n"
        "users: [{name: a, passwd: '*', ssh_import_id: []}, {name: b, hashed_passwd: '!!'}]\n"
    ),
    # Root and locks.
    "root is let in": Case(writes(PART, "disable_root: false\n"), {ROOT: FAIL}, [(ROOT, PART, 1)], [53]),
    "root is let in by options": refused(ROOT, "disable_root_opts: no-port-forwarding\n"),
    "root's key runs something else": Case(
        writes(PART, "disable_root_opts: 'command=\"/bin/bash\"'\n"), {ROOT: UNSURE}
    ),
    "a password is not locked": refused(LOCKED, "system_info: {default_user: {lock_passwd: false}}\n"),
    "a password of another user is not locked": refused(LOCKED, "users: [default, {name: a, lock-passwd: 0}]\n"),
    "the instance is remembered": refused(CACHE, "manual_cache_clean: true\n"),
    "an instance to be remembered": Case(
        all_of(
            writes("/var/lib/cloud/instances/i-0/obj.pkl", "x"), writes("/var/lib/cloud/instances/i-0/manual-clean", "")
        ),
        {CACHE: FAIL, DATA: FAIL},
        [(CACHE, f"/var/lib/cloud/instances/i-0/{name}", None) for name in ("obj.pkl", "manual-clean")],
    ),
    # Logs.
    "logs": Case(
        all_of(writes("/var/log/cloud-init.log", "x"), writes("/var/log/cloud-init-output.log.1.gz", "x")),
        {LOGS: FAIL},
        [(LOGS, "/var/log/cloud-init.log", None), (LOGS, "/var/log/cloud-init-output.log.1.gz", None)],
    ),
    "logs without anything in them": Case(
        all_of(
            writes("/var/log/cloud-init.log", ""), lambda tree: tree.link("/var/log/cloud-init-output.log", "/dev/null")
        )
    ),
    "a log elsewhere": Case(
        all_of(writes("/srv/log", "x"), lambda tree: tree.link("/var/log/cloud-init.log", "../../srv/log")),
        {LOGS: FAIL},
    ),
    "a log behind links without end": Case(
        lambda tree: tree.link("/var/log/cloud-init.log", "cloud-init.log"), {LOGS: UNSURE}
    ),
    # Network cards.
    "cards of the builder": Case(
        all_of(
            writes(
                "/etc/netplan/50-cloud-init.yaml",
                "network:\n  version: 2\n  ethernets:\n    ens5:\n      match:\n        macaddress: 02:de:AD:be:ef:01\n"
                "      dhcp4: true\n      addresses:\n      - 10.0.0.5/24\n",
            ),
            writes("/etc/sysconfig/network-scripts/ifcfg-eth0", "DEVICE=eth0\nHWADDR=02:de:ad:be:ef:01\n"),
            writes("/etc/NetworkManager/system-connections/cloud-init-ens5", "[ipv4]\naddress1=10.0.0.5/24,10.0.0.1\n"),
            writes("/etc/systemd/network/10.link", "[Match]\nMACAddress=02:de:ad:be:ef:01\n"),
            writes(
                "/etc/udev/rules.d/70-persistent-net.rules", 'SUBSYSTEM=="net", ATTR{address}=="02:de:ad:be:ef:01"\n'
            ),
            writes("/etc/network/interfaces", "iface eth0 inet static\n  address 10.0.0.5/24\n"),
        ),
        {CARDS: FAIL},
        [
            (CARDS, "/etc/netplan/50-cloud-init.yaml", 6),
            (CARDS, "/etc/netplan/50-cloud-init.yaml", 9),
            (CARDS, "/etc/sysconfig/network-scripts/ifcfg-eth0", 2),
            (CARDS, "/etc/NetworkManager/system-connections/cloud-init-ens5", 2),
            (CARDS, "/etc/systemd/network/10.link", 2),
            (CARDS, "/etc/udev/rules.d/70-persistent-net.rules", 1),
            (CARDS, "/etc/network/interfaces", 2),
        ],
    ),
    "cards of any machine": Case(
        all_of(
            writes(
                "/etc/netplan/90-default.yaml",
                "network:\n  ethernets:\n    all-en:\n      match: {name: en*}\n      dhcp4: true\n"
                "      nameservers: {addresses: [10.0.0.2]}\n",
            ),
            writes("/etc/sysconfig/network/ifcfg-lo", "IPADDR='127.0.0.1/8'\n# HWADDR=02:de:ad:be:ef:01\n"),
            writes("/etc/systemd/network/20.network", "[Network]\nDHCP=yes\nDNS=10.0.0.2\nAddress=169.254.1.1/32\n"),
            writes("/etc/network/interfaces", "auto lo\niface lo inet loopback\n"),
        )
    ),
    "a card, in what is no YAML": Case(
        writes("/etc/netplan/1.yaml", "network: [\n macaddress: 02:de:ad:be:ef:01\n"),
        {CARDS: FAIL},
        [(CARDS, "/etc/netplan/1.yaml", 2)],
    ),
    "settings of cards that are larger than is read": Case(
        writes("/etc/network/interfaces", "# x\n" * 70_000), {CARDS: UNSURE}
    ),
    # What runs.
    "commands": Case(
        all_of(
            writes(PART, "runcmd: [[curl, http://x]]\nbootcmd: [a]\n"),
            writes("/var/lib/cloud/scripts/per-boot/go", "#!/bin/sh\n"),
        ),
        {COMMANDS: WARN},
        [(COMMANDS, PART, 1), (COMMANDS, PART, 2), (COMMANDS, "/var/lib/cloud/scripts/per-boot/go", None)],
    ),
    "a call home": Case(
        writes(PART, "runcmd: [a]\nphone_home: {url: 'http://x'}\n"), {COMMANDS: FAIL}, [(COMMANDS, PART, 2)]
    ),
    "sections without a command": config("runcmd: []\nphone_home: ~\n"),
}
TRAPS = {
    "host keys are kept": (8,),
    "host keys are kept, in words": (8,),
    "passwords are switched on": (52,),
    "credentials in every form": (52,),
    "a password is not locked": (52,),
    "the builder's drop-in": (27,),
}
"""Cases that are traps, by number (docs/corpus.md)."""


@pytest.mark.parametrize("name", named(CASES, TRAPS))
def test_each_rule_answers_as_the_tree_is(name: str, tmp_path: Path) -> None:
    check(CASES[name], tmp_path, RULES, SOUND)


def test_what_was_reviewed_is_no_remark_until_it_changes(tmp_path: Path) -> None:
    tree = sound(tmp_path)
    tree.write(PART, "runcmd: [[login, -p, hunter2]]\n")
    tree.write("/var/lib/cloud/scripts/per-boot/go", "#!/bin/sh\n")
    before, again = (BootCommands.read(look(tmp_path)) for _ in range(2))
    reviewed = [each.digest for each in before.all]
    assert before == again
    assert all(re.fullmatch("[0-9a-f]{32}", digest) for digest in reviewed)
    assert not before.others(reviewed)
    tree.write(PART, "\nruncmd: [[login, -p, hunter3]]\n")
    (changed,) = BootCommands.read(look(tmp_path)).others(reviewed)
    assert (changed.path, changed.line) == (PART, 2)
    assert "hunter" not in changed.detail


def test_a_script_that_is_too_large_cannot_be_reviewed(tmp_path: Path) -> None:
    sound(tmp_path).write("/var/lib/cloud/scripts/per-boot/go", "x" * 300_000)
    (command,) = BootCommands.read(look(tmp_path)).others([""])
    assert "larger than" in command.detail


def test_nothing_of_a_credential_is_shown(tmp_path: Path) -> None:
    tree = sound(tmp_path)
    tree.write(PART, f"password: hunter2\nusers: [{{name: a, passwd: '{HASH}'}}]\n")
    tree.write("/var/lib/cloud/seed/nocloud/user-data", "password: hunter2\n")
    text = repr(judge(look(tmp_path), RULES)) + repr(CloudLeft.read(look(tmp_path)))
    assert "hunter2" not in text
    assert "saltsalt" not in text

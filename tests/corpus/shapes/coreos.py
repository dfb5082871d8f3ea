"""Fedora CoreOS and Flatcar: Ignition in the initramfs makes the user, Afterburn brings the key; /usr is read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.corpus.shapes import amazon
from tests.corpus.shapes.parts import (
    ALWAYS,
    ELF,
    NO_CLOUD_INIT,
    NO_RPM,
    NULLOK,
    ONLY_LIVE,
    SHA512,
    Shape,
    accounts,
    folders,
    merged_usr,
    replaces,
    rpm_database,
    shadow_of,
    systemd,
    units,
)
from tests.corpus.trees import PUBLIC, all_of, writes

if TYPE_CHECKING:
    from tests.corpus.shapes.parts import Defects
    from tests.corpus.trees import Tree

FEDORA_OWN = "root:x:0:0:Super User:/root:/bin/bash\n"
FEDORA_CORE = "core:x:1000:1000:CoreOS Admin:/var/home/core:/bin/bash\n"
FEDORA_USR = """\
root:x:0:0:root:/root:/bin/bash
bin:x:1:1:bin:/bin:/usr/sbin/nologin
daemon:x:2:2:daemon:/sbin:/usr/sbin/nologin
sync:x:5:0:sync:/sbin:/bin/sync
shutdown:x:6:0:shutdown:/sbin:/sbin/shutdown
halt:x:7:0:halt:/sbin:/sbin/halt
nobody:x:65534:65534:Kernel Overflow User:/:/usr/sbin/nologin
dbus:x:81:81:System Message Bus:/:/usr/sbin/nologin
sshd:x:74:74:Privilege-separated SSH:/usr/share/empty.sshd:/usr/sbin/nologin
chrony:x:994:992:chrony system user:/var/lib/chrony:/usr/sbin/nologin
zincati:x:988:987:Zincati user for auto-updates:/:/usr/sbin/nologin
"""
FEDORA_SSHD = "Include /etc/ssh/sshd_config.d/*.conf\nAuthorizedKeysFile\t.ssh/authorized_keys\nSubsystem\tsftp\t/usr/libexec/openssh/sftp-server\n"
FEDORA_PARTS = {
    "10-insecure-rsa-keysig.conf": "# Disabled by default\n",
    "20-systemd-userdb.conf": "# Allow sshd to get authorized keys of users that userdbctl knows\n",
    "40-disable-passwords.conf": "# Disable password logins by default.\nPasswordAuthentication no\n",
    "40-ssh-key-dir.conf": "# Read authorized_keys fragments written by Ignition and Afterburn\nAuthorizedKeysCommand /usr/libexec/ssh-key-dir %u\nAuthorizedKeysCommandUser root\n",
    "50-redhat.conf": amazon.REDHAT_CONF,
}
FEDORA_OS = 'NAME="Fedora Linux"\nVERSION="43.20260610.3.0 (CoreOS)"\nID=fedora\nVERSION_ID=43\nVARIANT_ID=coreos\nPRETTY_NAME="Fedora CoreOS 43.20260610.3.0"\nOSTREE_VERSION=\'43.20260610.3.0\'\n'
FLATCAR_PASSWD = """\
root:x:0:0:root:/root:/bin/bash
bin:x:1:1:bin:/bin:/bin/false
daemon:x:2:2:daemon:/sbin:/bin/false
nobody:x:65534:65534:nobody:/var/empty:/sbin/nologin
sshd:x:204:204:sshd:/dev/null:/sbin/nologin
core:x:500:500:CoreOS Admin:/home/core:/bin/bash
"""
FLATCAR_SSHD = """\
# Use most defaults for sshd configuration.
Subsystem sftp internal-sftp
ClientAliveInterval 180
UseDNS no
UsePAM yes
PrintLastLog no # handled by PAM
PrintMotd no # handled by PAM
AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys.d/ignition
PasswordAuthentication no
KbdInteractiveAuthentication no
"""
FLATCAR_OS = 'NAME="Flatcar Container Linux by Kinvolk"\nID=flatcar\nID_LIKE=coreos\nVERSION=4230.2.3\nVERSION_ID=4230.2.3\nPRETTY_NAME="Flatcar Container Linux 4230.2.3"\n'
SUDOERS = "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n"
SUDO_GROUP = "%sudo ALL=(ALL) NOPASSWD: ALL\n"
PAM = "auth\trequired\tpam_env.so\nauth\tsufficient\tpam_unix.so try_first_pass likeauth nullok\nauth\trequired\tpam_deny.so\naccount\trequired\tpam_unix.so\nsession\trequired\tpam_unix.so\n"


def build_fedora(tree: Tree) -> None:
    """Write what a deployment of Fedora CoreOS holds, as it is mounted."""
    _common(tree)
    accounts(tree, FEDORA_OWN, "root:*:20000:0:99999:7:::\n", "root:x:0:\nwheel:x:10:\nsudo:x:16:\n")
    tree.write("/usr/lib/passwd", FEDORA_USR)
    tree.write("/usr/lib/group", "root:x:0:\nssh_keys:x:101:\n")
    tree.write("/usr/lib/os-release", FEDORA_OS)
    tree.write(
        "/etc/nsswitch.conf",
        "passwd: files altfiles systemd\ngroup: files altfiles systemd\nshadow: files\nhosts: files dns myhostname\n",
    )
    tree.write("/etc/ssh/sshd_config", FEDORA_SSHD, 0o600)
    for name, text in FEDORA_PARTS.items():
        tree.write(f"/etc/ssh/sshd_config.d/{name}", text, 0o600)
    tree.write("/usr/libexec/ssh-key-dir", ELF, 0o755)
    tree.write("/usr/share/crypto-policies/DEFAULT/opensshserver.txt", amazon.CRYPTO)
    tree.link(
        "/etc/crypto-policies/back-ends/opensshserver.config", "/usr/share/crypto-policies/DEFAULT/opensshserver.txt"
    )
    tree.write(
        "/etc/yum.repos.d/fedora.repo",
        "[fedora]\nname=Fedora\nmetalink=https://mirrors.fedoraproject.org/metalink?repo=fedora\nenabled=1\ngpgcheck=1\n",
    )
    for name, text in (
        ("system-auth", amazon.SYSTEM_AUTH),
        ("password-auth", amazon.SYSTEM_AUTH),
        ("sshd", amazon.PAM_SSHD),
    ):
        tree.write(f"/etc/pam.d/{name}", text)
    tree.write("/etc/sudoers", "root\tALL=(ALL) \tALL\n%wheel\tALL=(ALL)\tALL\n#includedir /etc/sudoers.d\n", 0o440)
    tree.write("/etc/sudoers.d/coreos-sudo-group", SUDO_GROUP, 0o440)
    rpm_database(tree, {"openssh-server": "10.0p1-5.fc43", "ignition": "2.24.0-1.fc43"}, folder="/usr/share/rpm")
    tree.link("/usr/lib/sysimage/rpm", "../../share/rpm")
    tree.link("/var/lib/rpm", "../../usr/share/rpm")
    units(tree, "sshd.service", "zincati.service", "afterburn-sshkeys@core.service", "NetworkManager.service")


def build_flatcar(tree: Tree) -> None:
    """Write what Flatcar holds, with /usr mounted."""
    _common(tree)
    locks = {"core": "*", "root": "*"}
    accounts(
        tree,
        FLATCAR_PASSWD,
        shadow_of(FLATCAR_PASSWD, locks),
        "root:x:0:root\nwheel:x:10:root,core\nsudo:x:150:core\ncore:x:500:\n",
    )
    tree.write("/usr/lib/os-release", FLATCAR_OS)
    tree.write("/usr/share/ssh/sshd_config", FLATCAR_SSHD)
    tree.link("/etc/ssh/sshd_config", "../../usr/share/ssh/sshd_config")
    tree.write("/usr/lib/systemd/system/sshd.socket", "[Socket]\nListenStream=22\nAccept=yes\n")
    tree.write(
        "/usr/lib/systemd/system/sshd@.service", "[Service]\nExecStart=-/usr/sbin/sshd -i -e\nStandardInput=socket\n"
    )
    tree.write("/etc/sudoers", SUDOERS, 0o440)
    tree.write("/etc/sudoers.d/core", SUDO_GROUP, 0o440)
    tree.write("/etc/pam.d/system-auth", PAM)
    tree.write(
        "/etc/pam.d/sshd", "auth include system-auth\naccount include system-auth\nsession include system-auth\n"
    )
    tree.write("/usr/lib/sysusers.d/core.conf", 'u core 500 "CoreOS Admin" /home/core /bin/bash\n')
    units(tree, "sshd.socket", target="sockets.target")
    units(tree, "coreos-metadata-sshkeys@core.service", "update-engine.service", "locksmithd.service")
    folders(tree, "/home/core")


def build_physical(tree: Tree) -> None:
    """Write what lies in Fedora CoreOS's root partition before ostree puts a deployment in its place."""
    deployed = type(tree)(tree.root / "ostree/deploy/fedora-coreos/deploy/0123abcd.0")
    deployed.root.mkdir(parents=True)
    build_fedora(deployed)
    folders(tree, "/boot", "/ostree/repo/objects", "/ostree/deploy/fedora-coreos/var", "/sysroot", "/proc", "/sys")


def _common(tree: Tree) -> None:
    merged_usr(tree)
    systemd(tree)
    tree.link("/etc/os-release", "../usr/lib/os-release")
    tree.write("/usr/sbin/sshd", ELF, 0o755)
    tree.write("/usr/lib/systemd/system/sshd.service", amazon.UNIT)
    tree.write("/usr/bin/ignition", ELF, 0o755)
    tree.write("/usr/bin/afterburn", ELF, 0o755)
    tree.write("/etc/hostname", "localhost\n")
    tree.write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
    tree.write("/etc/login.defs", "PASS_MAX_DAYS\t99999\nUID_MIN 1000\nENCRYPT_METHOD SHA512\n")
    for name in ("sudo", "su", "passwd", "mount"):
        tree.write(f"/usr/bin/{name}", ELF, 0o4755)
    folders(tree, "/root/.ssh", "/home", "/tmp", "/var/tmp", "/var/home", "/var/log/journal", "/boot/ignition")


GROUP = {
    "account-sudo-rules-expected": ("fail", "`%sudo` may do all without a password: name it in the rule's `groups`")
}
FLATCAR = {
    **ALWAYS,
    **NULLOK,
    **NO_CLOUD_INIT,
    **GROUP,
    "account-no-unexpected-login-users": (
        "fail",
        "`core` is in the image; a launch tells that it gets the key, or `users` does",
    ),
    "account-system-accounts-cannot-login": (
        "fail",
        "`core` has the number 500, which is a system account's elsewhere",
    ),
    "package-os-still-supported": ("inconclusive", "the table has no Flatcar, whose releases end without a date"),
    "network-no-tampered-binaries": (
        "inconclusive",
        "there is no package manager whose lists say what packages brought",
    ),
    **dict.fromkeys(
        ("ssh-no-root-password-login", "ssh-no-keyboard-interactive-login", "ssh-match-blocks-evaluated"),
        (ONLY_LIVE, "which OpenSSH it is, no list of packages says"),
    ),
}


def without_afterburn(tree: Tree) -> None:
    """Take the unit away that brings the key."""
    for link in tree.root.glob("etc/systemd/system/*.wants/*sshkeys@*"):
        link.unlink()


DEFECTS: Defects = {
    "Ignition's configuration of the build, with a hash": (
        writes(
            "/usr/lib/ignition/user.ign", '{"passwd": {"users": [{"name": "core", "passwordHash": "' + SHA512 + '"}]}}'
        ),
        ["secret-no-application-config-secrets"],
    ),
    "Ignition's configuration of the build, with a key": (
        writes(
            "/boot/ignition/config.ign", f'{{"passwd": {{"users": [{{"sshAuthorizedKeys": ["{PUBLIC} builder"]}}]}}}}'
        ),
        ["secret-no-application-config-secrets"],
    ),
    "a key in the folder that Afterburn fills": (
        writes("/home/core/.ssh/authorized_keys.d/afterburn", f"{PUBLIC} builder\n", 0o600),
        ["key-no-authorized-keys-at-rest"],
    ),
    "root has a password": (
        replaces("/etc/shadow", "root:*:", f"root:{SHA512}:"),
        ["account-root-has-no-usable-password", "account-no-usable-password-hash"],
    ),
    "nothing brings the key": (
        without_afterburn,
        ["package-cloud-init-enabled"],
    ),
}
OF_ACCOUNTS: Defects = {
    "the user that Ignition made on the builder": (
        replaces("/etc/passwd", "root:x:0:0:", FEDORA_CORE + "root:x:0:0:"),
        ["account-no-unexpected-login-users"],
    ),
    "a key in the folder that Afterburn fills": (
        all_of(
            replaces("/etc/passwd", "root:x:0:0:", FEDORA_CORE + "root:x:0:0:"),
            writes("/var/home/core/.ssh/authorized_keys.d/afterburn", f"{PUBLIC} builder\n", 0o600),
        ),
        ["key-no-authorized-keys-at-rest"],
    ),
    "an account of /usr that may log in": (
        replaces("/usr/lib/passwd", "dbus:", "builder:x:1001:1001::/home/builder:/bin/bash\ndbus:"),
        ["account-no-unexpected-login-users"],
    ),
}
SHAPES = (
    Shape(
        name="Fedora CoreOS 43",
        modelled_on="fedora-coreos-43, its deployment as it is mounted",
        build=build_fedora,
        explained={**ALWAYS, **NULLOK, **NO_RPM, **NO_CLOUD_INIT, **GROUP},
        defects={**DEFECTS, **OF_ACCOUNTS},
    ),
    Shape(
        name="Flatcar",
        modelled_on="flatcar-stable, with /usr mounted",
        build=build_flatcar,
        explained=FLATCAR,
        defects=DEFECTS,
    ),
)

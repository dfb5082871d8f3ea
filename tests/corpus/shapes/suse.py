"""SUSE Linux Enterprise Server 15: configuration below /usr/etc, sudo by root's password, packages in an ndb file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.corpus.shapes.parts import (
    ALWAYS,
    ELF,
    NO_RPM,
    ONLY_LIVE,
    SHA512,
    Shape,
    accounts,
    cloud_init_units,
    folders,
    merged_usr,
    replaces,
    shadow_of,
    systemd,
    units,
)
from tests.corpus.trees import writes

if TYPE_CHECKING:
    from tests.corpus.shapes.parts import Defects
    from tests.corpus.trees import Tree

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:Daemon:/sbin:/sbin/nologin
mail:x:8:12:Mailer daemon:/var/spool/clientmqueue:/sbin/nologin
lp:x:493:487:Printing daemon:/var/spool/lpd:/sbin/nologin
man:x:13:62:Manual pages viewer:/var/lib/empty:/sbin/nologin
nobody:x:65534:65534:nobody:/var/lib/nobody:/bin/bash
messagebus:x:499:499:User for D-Bus:/run/dbus:/usr/sbin/nologin
systemd-network:x:497:497:systemd Network Management:/:/usr/sbin/nologin
polkitd:x:495:495:User for polkitd:/var/lib/polkit:/usr/sbin/nologin
chrony:x:494:494:Chrony Daemon:/var/lib/chrony:/usr/sbin/nologin
sshd:x:492:486:SSH daemon:/var/lib/sshd:/usr/sbin/nologin
"""
LOCKS = {
    "root": "*",
    **dict.fromkeys(
        ("messagebus", "systemd-network", "polkitd", "chrony", "sshd", "bin", "daemon", "mail", "lp", "man", "nobody"),
        "!",
    ),
}
SSHD = """\
Include /etc/ssh/sshd_config.d/*.conf
AuthorizedKeysFile\t.ssh/authorized_keys
PasswordAuthentication no
ChallengeResponseAuthentication no
UsePAM yes
X11Forwarding yes
Subsystem\tsftp\t/usr/lib/ssh/sftp-server
AcceptEnv LANG LC_CTYPE LC_NUMERIC LC_TIME LC_COLLATE LC_MONETARY LC_MESSAGES
"""
UNIT = """\
[Unit]
Description=OpenSSH Daemon
After=network.target

[Service]
Type=notify
EnvironmentFile=-/etc/sysconfig/ssh
ExecStartPre=/usr/sbin/sshd-gen-keys-start
ExecStartPre=/usr/sbin/sshd -t $SSHD_OPTS
ExecStart=/usr/sbin/sshd -D $SSHD_OPTS
ExecReload=/bin/kill -HUP $MAINPID
KillMode=process

[Install]
WantedBy=multi-user.target
"""
SUDOERS = """\
Defaults always_set_home
Defaults secure_path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin:/usr/local/sbin"
Defaults env_reset
Defaults env_keep = "LANG LC_ADDRESS LC_CTYPE LC_COLLATE LC_IDENTIFICATION"
Defaults !insults
Defaults targetpw   # ask for the password of the target user i.e. root
ALL   ALL=(ALL) ALL   # WARNING! Only use this together with 'Defaults targetpw'!
root ALL=(ALL) ALL
@includedir /etc/sudoers.d
"""
COMMON_AUTH = "auth\trequired\tpam_env.so\t\nauth\trequired\tpam_unix.so\ttry_first_pass \n"
PAM_SSHD = """\
#%PAM-1.0
auth        requisite   pam_nologin.so
auth        include     common-auth
account     requisite   pam_nologin.so
account     include     common-account
password    include     common-password
session     required    pam_loginuid.so
session     include     common-session
session     optional    pam_lastlog.so   silent noupdate showfailed
session     optional    pam_keyinit.so   force revoke
"""
CLOUD_CFG = """\
users:
   - default
disable_root: true
preserve_hostname: false
syslog_fix_perms: root:root
datasource_list: [ NoCloud, ConfigDrive, OVF, MAAS, Ec2, None ]
cloud_init_modules: [migrator, bootcmd, write-files, growpart, resizefs, set_hostname, update_hostname, update_etc_hosts, ca-certs, rsyslog, users-groups, ssh]
cloud_config_modules: [mounts, ssh-import-id, locale, set-passwords, package-update-upgrade-install, timezone, disable-ec2-metadata, runcmd, byobu]
cloud_final_modules: [rightscale_userdata, scripts-vendor, scripts-per-once, scripts-per-boot, scripts-per-instance, scripts-user, ssh-authkey-fingerprints, keys-to-console, phone-home, final-message, power-state-change]
system_info:
   distro: sles
   default_user:
     name: ec2-user
     lock_passwd: True
     gecos: Cloud User
     groups: [cdrom, users]
     sudo: ["ALL=(ALL) NOPASSWD:ALL"]
     shell: /bin/bash
   paths:
      cloud_dir: /var/lib/cloud/
      templates_dir: /etc/cloud/templates/
   ssh_svcname: sshd
"""
ZYPP = "[main]\n# gpgcheck = on\nsolver.onlyRequires = false\nmultiversion = provides:multiversion(kernel)\n"
OS_RELEASE = 'NAME="SLES"\nVERSION="15-SP7"\nVERSION_ID="15.7"\nPRETTY_NAME="SUSE Linux Enterprise Server 15 SP7"\nID="sles"\nID_LIKE="suse"\n'


def build(tree: Tree) -> None:
    """Write what the image holds."""
    merged_usr(tree)
    systemd(tree)
    accounts(tree, PASSWD, shadow_of(PASSWD, LOCKS), "root:x:0:\nshadow:x:15:\nusers:x:100:\n")
    tree.write("/usr/lib/os-release", OS_RELEASE)
    tree.link("/etc/os-release", "../usr/lib/os-release")
    tree.write("/usr/sbin/sshd", ELF, 0o755)
    tree.write("/etc/ssh/sshd_config", SSHD, 0o640)
    tree.write("/usr/lib/systemd/system/sshd.service", UNIT)
    tree.write("/etc/sysconfig/ssh", 'SSHD_OPTS=""\n')
    for name in ("auth", "auth-pc"):
        tree.write(f"/etc/pam.d/common-{name}", COMMON_AUTH)
    for name, text in (
        ("account", "account\trequired\tpam_unix.so\ttry_first_pass\n"),
        ("password", "password\trequisite\tpam_cracklib.so\npassword\trequired\tpam_unix.so\tuse_authtok shadow\n"),
        (
            "session",
            "session\trequired\tpam_limits.so\nsession\trequired\tpam_unix.so\tnullok\nsession optional\tpam_systemd.so\n",
        ),
    ):
        tree.write(f"/etc/pam.d/common-{name}", text)
    tree.write("/etc/pam.d/sshd", PAM_SSHD)
    tree.write("/usr/etc/sudoers", SUDOERS, 0o440)
    tree.write(
        "/etc/nsswitch.conf", "passwd: compat systemd\ngroup: compat systemd\nshadow: compat\nhosts: files dns\n"
    )
    tree.write(
        "/usr/etc/login.defs",
        "PASS_MAX_DAYS\t99999\nUID_MIN\t\t\t 1000\nSYS_UID_MIN\t\t  100\nENCRYPT_METHOD YESCRYPT\n",
    )
    tree.write(
        "/etc/hosts",
        "127.0.0.1       localhost\n::1             localhost ipv6-localhost ipv6-loopback\nfe00::0         ipv6-localnet\nff00::0         ipv6-mcastprefix\nff02::1         ipv6-allnodes\nff02::2         ipv6-allrouters\nff02::3         ipv6-allhosts\n",
    )
    tree.write("/etc/hostname", "")
    tree.write("/etc/zypp/zypp.conf", ZYPP)
    tree.write("/etc/chrony.conf", "include /etc/chrony.d/*.conf\ndriftfile /var/lib/chrony/drift\n")
    tree.write("/etc/chrony.d/ec2.conf", "server 169.254.169.123 prefer iburst\n")
    tree.write(
        "/etc/sysconfig/network/ifcfg-eth0",
        "BOOTPROTO='dhcp'\nMTU=''\nSTARTMODE='auto'\nCLOUD_NETCONFIG_MANAGE='yes'\n",
    )
    tree.write(
        "/boot/grub2/grub.cfg",
        "linux /boot/vmlinuz root=UUID=1 console=ttyS0,115200n8 nvme_core.io_timeout=4294967295 net.ifnames=0\n",
    )
    # Debian's rpm makes no ndb: its head is the mark by which the file is told.
    tree.write("/usr/lib/sysimage/rpm/Packages.db", b"RpmP" + bytes(4092))
    tree.link("/var/lib/rpm", "../../usr/lib/sysimage/rpm")
    for name in ("sudo", "su", "passwd", "mount", "chage"):
        tree.write(f"/usr/bin/{name}", ELF, 0o4755)
    units(tree, "sshd.service", "chronyd.service", "wicked.service", "guestregister.service")
    cloud_init_units(tree)
    tree.write("/usr/bin/cloud-init", "#!/usr/bin/python3\n", 0o755)
    tree.write("/etc/cloud/cloud.cfg", CLOUD_CFG)
    folders(
        tree,
        "/root/.ssh",
        "/home",
        "/tmp",
        "/var/tmp",
        "/var/lib/cloud",
        "/var/lib/cloudregister",
        "/etc/zypp/credentials.d",
        "/etc/zypp/repos.d",
        "/var/log/zypp",
        "/etc/sudoers.d",
        "/var/spool/cron/tabs",
    )


NO_VERSION = dict.fromkeys(
    ("ssh-no-root-password-login", "ssh-match-blocks-evaluated", "ssh-no-dns-checks"),
    (ONLY_LIVE, "which OpenSSH it is, rpm's database says; SUSE has had defaults of its own, so none are supposed"),
)
DEFECTS: Defects = {
    "root has a password": (
        replaces("/etc/shadow", "root:*:", f"root:{SHA512}:"),
        ["account-root-has-no-usable-password", "account-no-usable-password-hash"],
    ),
    "sudo asks for the password of whoever calls it": (
        replaces("/usr/etc/sudoers", "Defaults targetpw", "# targetpw"),
        ["account-sudo-rules-expected"],
    ),
    "a policy of the image's own takes the place of the vendor's": (
        writes("/etc/sudoers", "ALL ALL=(ALL) NOPASSWD: ALL\n", 0o440),
        ["account-sudo-rules-expected"],
    ),
    "the builder's registration": (
        writes("/etc/zypp/credentials.d/SCCcredentials", "username=SCC_1\npassword=x\n", 0o600),
        ["residue-no-subscriptions"],
    ),
    "an ifcfg of the builder's": (
        writes("/etc/sysconfig/network/ifcfg-eth0", "BOOTPROTO='static'\nIPADDR='10.1.2.3/24'\n"),
        ["cloud-init-no-builder-network-config"],
    ),
    "a repository that is not checked": (
        writes("/etc/zypp/repos.d/own.repo", "[own]\nenabled=1\nbaseurl=https://repo.example.com\ngpgcheck=0\n"),
        ["network-package-repos-signed"],
    ),
}
SHAPES = (
    Shape(
        name="SLES 15",
        modelled_on="suse-sles-15-sp7; its ndb of packages is a file with a head alone",
        build=build,
        explained={**ALWAYS, **NO_RPM, **NO_VERSION},
        defects=DEFECTS,
    ),
)

"""Ubuntu 24.04 for EC2: sshd by a socket, EC2 Instance Connect in a drop-in of its unit, passwords off by a drop-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.corpus.shapes.parts import (
    ALWAYS,
    ELF,
    NULLOK,
    YESCRYPT,
    Shape,
    accounts,
    cloud_init_units,
    folders,
    merged_usr,
    privileged,
    quiet_logs,
    replaces,
    shadow_of,
    systemd,
    units,
)
from tests.corpus.trees import all_of, writes

if TYPE_CHECKING:
    from tests.corpus.shapes.parts import Defects
    from tests.corpus.trees import Tree

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sync:x:4:65534:sync:/bin:/bin/sync
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
_apt:x:42:65534::/nonexistent:/usr/sbin/nologin
systemd-network:x:998:998:systemd Network Management:/:/usr/sbin/nologin
dhcpcd:x:100:65534:DHCP Client Daemon,,,:/usr/lib/dhcpcd:/bin/false
messagebus:x:101:101::/nonexistent:/usr/sbin/nologin
syslog:x:103:104::/nonexistent:/usr/sbin/nologin
pollinate:x:102:1::/var/cache/pollinate:/bin/false
tss:x:106:112:TPM software stack,,,:/var/lib/tpm:/bin/false
landscape:x:108:114::/var/lib/landscape:/usr/sbin/nologin
sshd:x:109:65534::/run/sshd:/usr/sbin/nologin
ec2-instance-connect:x:110:65534::/nonexistent:/usr/sbin/nologin
_chrony:x:111:116:Chrony daemon,,,:/var/lib/chrony:/usr/sbin/nologin
"""
SHADOW = shadow_of(PASSWD, dict.fromkeys(("sshd", "pollinate", "landscape"), "!"))
GROUP = "root:x:0:\nadm:x:4:syslog\nsudo:x:27:\nshadow:x:42:\nnogroup:x:65534:\nadmin:x:115:\n"
SSHD_CONFIG = """\
Include /etc/ssh/sshd_config.d/*.conf

#Port 22
KbdInteractiveAuthentication no
UsePAM yes
X11Forwarding yes
PrintMotd no
AcceptEnv LANG LC_*
Subsystem\tsftp\t/usr/lib/openssh/sftp-server
"""
SSH_SOCKET = """\
[Unit]
Description=OpenBSD Secure Shell server socket
Before=sockets.target ssh.service
ConditionPathExists=!/etc/ssh/sshd_not_to_be_run

[Socket]
ListenStream=0.0.0.0:22
ListenStream=[::]:22
BindIPv6Only=ipv6-only
Accept=no
FreeBind=yes

[Install]
WantedBy=sockets.target
RequiredBy=ssh.service
"""
SSH_SERVICE = """\
[Unit]
Description=OpenBSD Secure Shell server
After=network.target nss-user-lookup.target auditd.service
ConditionPathExists=!/etc/ssh/sshd_not_to_be_run

[Service]
EnvironmentFile=-/etc/default/ssh
ExecStartPre=/usr/sbin/sshd -t
ExecStart=/usr/sbin/sshd -D $SSHD_OPTS
ExecReload=/usr/sbin/sshd -t
ExecReload=/bin/kill -HUP $MAINPID
KillMode=process
Restart=on-failure
RestartPreventExitStatus=255
Type=notify
RuntimeDirectory=sshd

[Install]
WantedBy=multi-user.target
Alias=sshd.service
"""
INSTANCE_CONNECT = """\
[Service]
ExecStart=
ExecStart=/usr/sbin/sshd -D -o "AuthorizedKeysCommand /usr/share/ec2-instance-connect/eic_run_authorized_keys %%u %%f" -o "AuthorizedKeysCommandUser ec2-instance-connect" $SSHD_OPTS
"""
CLOUD_CFG = """\
users:
  - default
disable_root: true
preserve_hostname: false
cloud_init_modules:
  - seed_random
  - bootcmd
  - write_files
  - growpart
  - resizefs
  - disk_setup
  - mounts
  - set_hostname
  - update_hostname
  - update_etc_hosts
  - ca_certs
  - rsyslog
  - users_groups
  - ssh
  - set_passwords
cloud_config_modules:
  - wireguard
  - snap
  - ubuntu_autoinstall
  - ssh_import_id
  - keyboard
  - locale
  - grub_dpkg
  - apt_pipelining
  - apt_configure
  - ubuntu_pro
  - ntp
  - timezone
  - disable_ec2_metadata
  - runcmd
  - byobu
cloud_final_modules:
  - package_update_upgrade_install
  - fan
  - landscape
  - lxd
  - ubuntu_drivers
  - write_files_deferred
  - puppet
  - chef
  - ansible
  - mcollective
  - salt_minion
  - reset_rmc
  - scripts_vendor
  - scripts_per_once
  - scripts_per_boot
  - scripts_per_instance
  - scripts_user
  - ssh_authkey_fingerprints
  - keys_to_console
  - install_hotplug
  - phone_home
  - final_message
  - power_state_change
system_info:
  distro: ubuntu
  default_user:
    name: ubuntu
    lock_passwd: True
    gecos: Ubuntu
    groups: [adm, cdrom, dip, lxd, sudo]
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
    shell: /bin/bash
  network:
    dhcp_client_priority: [dhclient, dhcpcd, udhcpc]
    renderers: ['netplan', 'eni', 'sysconfig']
    activators: ['netplan', 'eni', 'network-manager', 'networkd']
  ntp_client: auto
  paths:
    cloud_dir: /var/lib/cloud/
    templates_dir: /etc/cloud/templates/
  package_mirrors:
    - arches: [i386, amd64]
      failsafe:
        primary: http://archive.ubuntu.com/ubuntu
        security: http://security.ubuntu.com/ubuntu
      search:
        primary:
          - http://%(ec2_region)s.ec2.archive.ubuntu.com/ubuntu/
        security: []
  ssh_svcname: ssh
"""
PAM_AUTH = """\
auth\t[success=1 default=ignore]\tpam_unix.so nullok
auth\trequisite\t\t\tpam_deny.so
auth\trequired\t\t\tpam_permit.so
auth\toptional\t\t\tpam_cap.so
"""
PAM_ACCOUNT = """\
account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so
account\trequisite\t\t\tpam_deny.so
account\trequired\t\t\tpam_permit.so
"""
PAM_SESSION = """\
session\t[default=1]\t\t\tpam_permit.so
session\trequisite\t\t\tpam_deny.so
session\trequired\t\t\tpam_permit.so
session optional\t\t\tpam_umask.so
session\trequired\tpam_unix.so
session\toptional\tpam_systemd.so
"""
PAM_PASSWORD = """\
password\t[success=1 default=ignore]\tpam_unix.so obscure yescrypt
password\trequisite\t\t\tpam_deny.so
password\trequired\t\t\tpam_permit.so
"""
PAM_SSHD = """\
@include common-auth
account    required     pam_nologin.so
@include common-account
session [success=ok ignore=ignore module_unknown=ignore default=bad]        pam_selinux.so close
session    required     pam_loginuid.so
session    optional     pam_keyinit.so force revoke
@include common-session
session    optional     pam_motd.so  motd=/run/motd.dynamic
session    optional     pam_motd.so noupdate
session    optional     pam_mail.so standard noenv # [1]
session    required     pam_limits.so
session    required     pam_env.so # [1]
session    required     pam_env.so user_readenv=1 envfile=/etc/default/locale
session [success=ok ignore=ignore module_unknown=ignore default=bad]        pam_selinux.so open
@include common-password
"""
SUDOERS = """\
Defaults\tenv_reset
Defaults\tmail_badpass
Defaults\tsecure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin"
Defaults\tuse_pty
root\tALL=(ALL:ALL) ALL
%admin ALL=(ALL) ALL
%sudo\tALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
"""
CRONTAB = """\
SHELL=/bin/sh
# *  *  *  *  * user-name command to be executed
17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly
25 6\t* * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
"""
CHRONY = """\
confdir /etc/chrony/conf.d
pool ntp.ubuntu.com        iburst maxsources 4
pool 0.ubuntu.pool.ntp.org iburst maxsources 1
sourcedir /run/chrony-dhcp
sourcedir /etc/chrony/sources.d
keyfile /etc/chrony/chrony.keys
driftfile /var/lib/chrony/chrony.drift
"""
SOURCES = """\
Types: deb
URIs: http://archive.ubuntu.com/ubuntu
Suites: noble noble-updates noble-backports
Components: main universe restricted multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg

Types: deb
URIs: http://security.ubuntu.com/ubuntu
Suites: noble-security
Components: main universe restricted multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg
"""
OS_RELEASE = """\
PRETTY_NAME="Ubuntu 24.04.3 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION="24.04.3 LTS (Noble Numbat)"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
UBUNTU_CODENAME=noble
"""
PACKAGES = {
    "cloud-init": "25.1.4-0ubuntu0~24.04.1",
    "ec2-instance-connect": "1.1.14+dfsg-0ubuntu1",
    "openssh-server": "1:9.6p1-3ubuntu13.13",
    "sudo": "1.9.15p5-3ubuntu5.24.04.1",
}


def build(tree: Tree) -> None:
    """Write what the image holds."""
    merged_usr(tree)
    accounts(tree, PASSWD, SHADOW, GROUP)
    packages = (f"Package: {name}\nStatus: install ok installed\nVersion: {has}\n" for name, has in PACKAGES.items())
    tree.write("/var/lib/dpkg/status", "\n".join(packages))
    _system(tree)
    _ssh(tree)
    _first_boot(tree)
    _jobs(tree)
    folders(tree, "/root/.ssh", "/home", "/tmp", "/var/tmp", "/var/spool/cron/crontabs", "/var/mail", "/var/lib/cloud")
    tree.write("/root/.bashrc", "HISTCONTROL=ignoredups:ignorespace\n")
    quiet_logs(tree, "lastlog", "wtmp", "btmp", "faillog", "README")


def _system(tree: Tree) -> None:
    tree.packaged("/usr/lib/os-release", OS_RELEASE, "base-files")
    tree.link("/etc/os-release", "../usr/lib/os-release")
    systemd(tree, machine_id="uninitialized\n")
    tree.link("/var/lib/dbus/machine-id", "/etc/machine-id")
    tree.write("/etc/hostname", "ubuntu\n")
    tree.write(
        "/etc/hosts",
        "127.0.0.1 localhost\n::1 ip6-localhost ip6-loopback\nfe00::0 ip6-localnet\nff02::1 ip6-allnodes\n",
    )
    tree.link("/etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf")
    tree.write(
        "/etc/nsswitch.conf", "passwd: files systemd\ngroup: files systemd\nshadow: files systemd\nhosts: files dns\n"
    )
    tree.write("/etc/login.defs", "PASS_MAX_DAYS\t99999\nUID_MIN\t\t 1000\nUID_MAX\t\t60000\nENCRYPT_METHOD SHA512\n")
    tree.write("/etc/sudoers", SUDOERS, 0o440)
    tree.write("/etc/sudoers.d/README", "# please note that using the visudo command is recommended\n", 0o440)
    for name, text in (
        ("auth", PAM_AUTH),
        ("account", PAM_ACCOUNT),
        ("session", PAM_SESSION),
        ("password", PAM_PASSWORD),
    ):
        tree.write(f"/etc/pam.d/common-{name}", text)
    tree.write("/etc/pam.d/sshd", PAM_SSHD)
    tree.write(
        "/etc/pam.d/sudo",
        "session    required   pam_env.so readenv=1 user_readenv=0\n@include common-auth\n@include common-account\n",
    )
    tree.write("/etc/pam.d/su", "auth       sufficient pam_rootok.so\n@include common-auth\n@include common-account\n")
    tree.write(
        "/etc/rsyslog.conf",
        'module(load="imuxsock")\nmodule(load="imklog" permitnonkernelfacility="on")\n$IncludeConfig /etc/rsyslog.d/*.conf\n',
    )
    tree.write(
        "/etc/rsyslog.d/21-cloudinit.conf", ':syslogtag, isequal, "[CLOUDINIT]" /var/log/cloud-init.log\n& stop\n'
    )
    tree.write("/etc/rsyslog.d/50-default.conf", "auth,authpriv.*\t\t\t/var/log/auth.log\n*.emerg\t\t\t\t:omusrmsg:*\n")
    tree.write("/etc/chrony/chrony.conf", CHRONY)
    tree.write("/etc/apt/sources.list", "# See /etc/apt/sources.list.d/ubuntu.sources\n")
    tree.write("/etc/apt/sources.list.d/ubuntu.sources", SOURCES)
    tree.write("/etc/apt/apt.conf.d/01autoremove", 'APT\n{\n  NeverAutoRemove\n  {\n\t"^firmware-linux.*";\n  };\n};\n')
    tree.write(
        "/boot/grub/grub.cfg",
        "linux /vmlinuz-6.14.0-1011-aws root=PARTUUID=1 ro console=tty1 console=ttyS0 nvme_core.io_timeout=4294967295 panic=-1\n",
    )
    tree.write(
        "/etc/default/grub.d/50-cloudimg-settings.cfg", 'GRUB_CMDLINE_LINUX_DEFAULT="console=tty1 console=ttyS0"\n'
    )
    privileged(
        tree,
        lambda path, content, mode: _program(tree, path, content, mode),
        "sudo",
        "su",
        "passwd",
        "mount",
        "fusermount3",
    )


def _program(tree: Tree, path: str, content: bytes, mode: int = 0o755) -> None:
    tree.packaged(path, content.decode("latin-1"), "base")
    (tree.root / path.lstrip("/")).chmod(mode)


def _ssh(tree: Tree) -> None:
    tree.write("/etc/ssh/sshd_config", SSHD_CONFIG)
    tree.write("/etc/ssh/sshd_config.d/60-cloudimg-settings.conf", "PasswordAuthentication no\n")
    tree.write(
        "/etc/ssh/ssh_config",
        "Include /etc/ssh/ssh_config.d/*.conf\nHost *\n    SendEnv LANG LC_*\n    HashKnownHosts yes\n",
    )
    tree.write("/etc/default/ssh", "SSHD_OPTS=\n")
    _program(tree, "/usr/sbin/sshd", ELF + b"sshd")
    tree.packaged("/usr/lib/systemd/system/ssh.service", SSH_SERVICE, "openssh-server")
    tree.packaged("/usr/lib/systemd/system/ssh.socket", SSH_SOCKET, "openssh-server")
    tree.link("/etc/systemd/system/sockets.target.wants/ssh.socket", "/usr/lib/systemd/system/ssh.socket")
    tree.link("/etc/systemd/system/ssh.service.requires/ssh.socket", "/usr/lib/systemd/system/ssh.socket")
    tree.packaged(
        "/usr/lib/systemd/system/ssh.service.d/ec2-instance-connect.conf", INSTANCE_CONNECT, "ec2-instance-connect"
    )
    tree.packaged(
        "/usr/share/ec2-instance-connect/eic_run_authorized_keys", "#!/bin/sh\nset -e\n", "ec2-instance-connect"
    )
    (tree.root / "usr/share/ec2-instance-connect/eic_run_authorized_keys").chmod(0o755)
    units(tree, "ec2-instance-connect.service")


def _first_boot(tree: Tree) -> None:
    tree.packaged("/usr/bin/cloud-init", "#!/usr/bin/python3\n", "cloud-init")
    tree.write("/etc/cloud/cloud.cfg", CLOUD_CFG)
    tree.write(
        "/etc/cloud/cloud.cfg.d/05_logging.cfg",
        "_log:\n - &log_base |\n   [loggers]\nlog_cfgs:\n - [ *log_base ]\noutput: {all: '| tee -a /var/log/cloud-init-output.log'}\n",
    )
    tree.write(
        "/etc/cloud/cloud.cfg.d/90_dpkg.cfg",
        "# to update this file, run dpkg-reconfigure cloud-init\ndatasource_list: [ Ec2, None ]\n",
    )
    tree.write("/etc/cloud/cloud.cfg.d/README", "# All files in this directory will be read by cloud-init\n")
    cloud_init_units(tree)


def _jobs(tree: Tree) -> None:
    tree.packaged("/etc/crontab", CRONTAB, "cron")
    tree.packaged(
        "/etc/cron.d/e2scrub_all",
        "30 3 * * 0 root test -e /run/systemd/system || /sbin/e2scrub_all_cron\n",
        "e2fsprogs",
    )
    tree.packaged("/etc/cron.daily/apt-compat", "#!/bin/sh\nset -e\n", "apt")
    for name in ("apt-daily.timer", "apt-daily-upgrade.timer", "fstrim.timer", "logrotate.timer", "motd-news.timer"):
        tree.packaged(f"/usr/lib/systemd/system/{name}", "[Timer]\nOnCalendar=daily\n", "timers")
        tree.link(f"/etc/systemd/system/timers.target.wants/{name}", f"/usr/lib/systemd/system/{name}")
    units(
        tree,
        "cron.service",
        "rsyslog.service",
        "chrony.service",
        "systemd-networkd.service",
        "unattended-upgrades.service",
        "ufw.service",
    )


DEFECTS: Defects = {
    "a hash behind the lock of passwd -l": (
        replaces("/etc/shadow", "root:*:", f"root:!{YESCRYPT}:"),
        ["account-no-hash-behind-lock"],
    ),
    "the hash is gone, its copy is not": (
        replaces("/etc/shadow-", "root:*:", f"root:{YESCRYPT}:"),
        ["account-shadow-backups-without-hashes"],
    ),
    "cloud-init's drop-in lets passwords in, before the image's own": (
        writes("/etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication yes\n"),
        ["ssh-no-password-login", "cloud-init-password-login-not-enabled"],
    ),
    "another command gives sshd keys, beside EC2 Instance Connect": (
        writes(
            "/etc/systemd/system/ssh.service.d/zz.conf",
            '[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -o "AuthorizedKeysCommand /opt/keys %u" '
            '-o "AuthorizedKeysCommandUser root"\n',
        ),
        ["ssh-no-unknown-key-sources"],
    ),
    "cloud-init ran on the builder": (
        all_of(
            writes("/var/lib/cloud/instances/i-0123456789abcdef0/user-data.txt", "#cloud-config\npassword: x\n", 0o600),
            writes("/var/lib/cloud/data/instance-id", "i-0123456789abcdef0\n"),
            writes("/var/log/cloud-init.log", "ran\n"),
            writes("/etc/sudoers.d/90-cloud-init-users", "ubuntu ALL=(ALL) NOPASSWD:ALL\n", 0o440),
        ),
        ["cloud-init-no-instance-data-left", "cloud-init-logs-removed"],
    ),
    "the builder's Ubuntu Pro": (
        writes("/var/lib/ubuntu-advantage/private/machine-token.json", "{}"),
        ["residue-no-subscriptions"],
    ),
    "a program that its package did not bring": (
        writes("/usr/bin/sudo", ELF + b"changed", 0o4755),
        ["network-no-tampered-binaries"],
    ),
}
SHAPES = (
    Shape(
        name="Ubuntu 24.04",
        modelled_on="Canonical's images for EC2",
        build=build,
        explained={**ALWAYS, **NULLOK},
        defects=DEFECTS,
    ),
)

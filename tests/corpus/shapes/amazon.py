"""Amazon Linux 2 and 2023: root's field says *LOCK*, EC2 Instance Connect in sshd_config, journald alone in 2023."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.corpus.shapes.parts import (
    ALWAYS,
    ELF,
    NO_RPM,
    NULLOK,
    RPM_JOBS,
    SHA512,
    Shape,
    accounts,
    cloud_init_units,
    folders,
    merged_usr,
    privileged,
    quiet_logs,
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

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
adm:x:3:4:adm:/var/adm:/sbin/nologin
lp:x:4:7:lp:/var/spool/lpd:/sbin/nologin
sync:x:5:0:sync:/sbin:/bin/sync
shutdown:x:6:0:shutdown:/sbin:/sbin/shutdown
halt:x:7:0:halt:/sbin:/sbin/halt
mail:x:8:12:mail:/var/spool/mail:/sbin/nologin
operator:x:11:0:operator:/root:/sbin/nologin
games:x:12:100:games:/usr/games:/sbin/nologin
ftp:x:14:50:FTP User:/var/ftp:/sbin/nologin
nobody:x:65534:65534:Kernel Overflow User:/:/sbin/nologin
dbus:x:81:81:System message bus:/:/sbin/nologin
systemd-network:x:192:192:systemd Network Management:/:/usr/sbin/nologin
sshd:x:74:74:Privilege-separated SSH:/usr/share/empty.sshd:/sbin/nologin
ec2-instance-connect:x:996:996::/home/ec2-instance-connect:/sbin/nologin
chrony:x:995:995:chrony system user:/var/lib/chrony:/sbin/nologin
tcpdump:x:72:72::/:/sbin/nologin
"""
LOCKS = {
    "root": "*LOCK*",
    **dict.fromkeys(("dbus", "systemd-network", "sshd", "ec2-instance-connect", "chrony", "tcpdump"), "!!"),
}
GROUP = "root:x:0:\nwheel:x:10:\nadm:x:4:\nssh_keys:x:101:\nnobody:x:65534:\n"
CONNECT = """\
AuthorizedKeysCommand /opt/aws/bin/eic_run_authorized_keys %u %f
AuthorizedKeysCommandUser ec2-instance-connect
"""
SSHD_2 = """\
HostKey /etc/ssh/ssh_host_rsa_key
HostKey /etc/ssh/ssh_host_ecdsa_key
HostKey /etc/ssh/ssh_host_ed25519_key
SyslogFacility AUTHPRIV
AuthorizedKeysFile .ssh/authorized_keys
PasswordAuthentication no
ChallengeResponseAuthentication no
GSSAPIAuthentication yes
GSSAPICleanupCredentials no
UsePAM yes
X11Forwarding yes
AcceptEnv LANG LC_CTYPE LC_NUMERIC LC_TIME LC_COLLATE LC_MONETARY LC_MESSAGES
Subsystem sftp /usr/libexec/openssh/sftp-server
"""
SSHD_2023 = """\
Include /etc/ssh/sshd_config.d/*.conf
AuthorizedKeysFile .ssh/authorized_keys
PasswordAuthentication no
ClientAliveInterval 0
UsePAM yes
Subsystem sftp /usr/libexec/openssh/sftp-server
"""
REDHAT_CONF = """\
Include /etc/crypto-policies/back-ends/opensshserver.config
SyslogFacility AUTHPRIV
ChallengeResponseAuthentication no
GSSAPIAuthentication yes
GSSAPICleanupCredentials no
UsePAM yes
X11Forwarding yes
PrintMotd no
"""
CRYPTO = """\
Ciphers aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes128-gcm@openssh.com,aes128-ctr
MACs hmac-sha2-256-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-512-etm@openssh.com
GSSAPIKexAlgorithms gss-curve25519-sha256-,gss-nistp256-sha256-,gss-group14-sha256-,gss-group16-sha512-
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384
HostKeyAlgorithms ecdsa-sha2-nistp256,ssh-ed25519,rsa-sha2-256,rsa-sha2-512
PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256,ssh-ed25519,rsa-sha2-256,rsa-sha2-512
CASignatureAlgorithms ecdsa-sha2-nistp256,ssh-ed25519,rsa-sha2-256,rsa-sha2-512
"""
UNIT = """\
[Unit]
Description=OpenSSH server daemon
Wants=sshd-keygen.target

[Service]
Type=notify
EnvironmentFile=-/etc/sysconfig/sshd
ExecStart=/usr/sbin/sshd -D $OPTIONS
ExecReload=/bin/kill -HUP $MAINPID
KillMode=process
Restart=on-failure
RestartSec=42s

[Install]
WantedBy=multi-user.target
"""
CLOUD_CFG = """\
# WARNING: Modifications to this file may be overridden by files in /etc/cloud/cloud.cfg.d
users:
  - default
disable_root: true
ssh_pwauth: false
mount_default_fields: [~, ~, 'auto', 'defaults,nofail', '0', '2']
resize_rootfs: noblock
resize_rootfs_tmp: /dev
preserve_hostname: false
datasource_list: [ Ec2, None ]
repo_upgrade: security
repo_upgrade_exclude:
 - kernel
 - nvidia*
cloud_init_modules:
 - migrator
 - bootcmd
 - write-files
 - write-metadata
 - growpart
 - resizefs
 - set-hostname
 - update-hostname
 - update-etc-hosts
 - rsyslog
 - users-groups
 - ssh
cloud_config_modules:
 - mounts
 - locale
 - set-passwords
 - yum-configure
 - yum-add-repo
 - package-update-upgrade-install
 - timezone
 - disable-ec2-metadata
 - runcmd
cloud_final_modules:
 - scripts-per-once
 - scripts-per-boot
 - scripts-per-instance
 - scripts-user
 - ssh-authkey-fingerprints
 - keys-to-console
 - phone-home
 - final-message
 - power-state-change
system_info:
  distro: amazon
  default_user:
    name: ec2-user
    lock_passwd: true
    gecos: EC2 Default User
    groups: [wheel, adm, systemd-journal]
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
    shell: /bin/bash
  paths:
    cloud_dir: /var/lib/cloud
    templates_dir: /etc/cloud/templates
  ssh_svcname: sshd
"""
SYSTEM_AUTH = """\
auth        required      pam_env.so
auth        sufficient    pam_unix.so try_first_pass nullok
auth        required      pam_deny.so
account     required      pam_unix.so
password    requisite     pam_pwquality.so try_first_pass local_users_only retry=3 authtok_type=
password    sufficient    pam_unix.so try_first_pass use_authtok nullok sha512 shadow
password    required      pam_deny.so
session     optional      pam_keyinit.so revoke
session     required      pam_limits.so
-session     optional      pam_systemd.so
session     [success=1 default=ignore] pam_succeed_if.so service in crond quiet use_uid
session     required      pam_unix.so
"""
PAM_SSHD = """\
auth       substack     password-auth
auth       include      postlogin
account    required     pam_sepermit.so
account    required     pam_nologin.so
account    include      password-auth
password   include      password-auth
session    required     pam_selinux.so close
session    required     pam_loginuid.so
session    required     pam_selinux.so open env_params
session    required     pam_namespace.so
session    optional     pam_keyinit.so force revoke
session    optional     pam_motd.so
session    include      password-auth
session    include      postlogin
"""
SUDOERS = """\
Defaults   !visiblepw
Defaults    always_set_home
Defaults    match_group_by_gid
Defaults    env_reset
Defaults    env_keep =  "COLORS DISPLAY HOSTNAME HISTSIZE KDEDIR LS_COLORS"
Defaults    env_keep += "MAIL QTDIR USERNAME LANG LC_ADDRESS LC_CTYPE"
Defaults    secure_path = /sbin:/bin:/usr/sbin:/usr/bin
root\tALL=(ALL) \tALL
%wheel\tALL=(ALL)\tALL
#includedir /etc/sudoers.d
"""
RSYSLOG = """\
$ModLoad imuxsock # provides support for local system logging (e.g. via logger command)
$ModLoad imjournal # provides access to the systemd journal
$WorkDirectory /var/lib/rsyslog
$ActionFileDefaultTemplate RSYSLOG_TraditionalFileFormat
$IncludeConfig /etc/rsyslog.d/*.conf
$OmitLocalLogging on
$IMJournalStateFile imjournal.state
*.info;mail.none;authpriv.none;cron.none                /var/log/messages
authpriv.*                                              /var/log/secure
*.emerg                                                 :omusrmsg:*
#*.* @@remote-host:514
"""
CHRONY = """\
server 169.254.169.123 prefer iburst minpoll 4 maxpoll 4
pool 2.amazon.pool.ntp.org iburst
sourcedir /run/chrony.d
driftfile /var/lib/chrony/drift
makestep 1.0 3
rtcsync
keyfile /etc/chrony.keys
"""
YUM_2 = """\
[amzn2-core]
name=Amazon Linux 2 core repository
mirrorlist=$awsproto://$amazonlinux.$awsregion.$awsdomain/$releasever/$product/$target/$basearch/mirror.list
priority=10
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-amazon-linux-2
enabled=1
metadata_expire=300
"""
DNF_2023 = """\
[amazonlinux]
name=Amazon Linux 2023 repository
mirrorlist=https://al2023-repos-$awsregion-de612dc2.s3.dualstack.$awsregion.$awsdomain/core/mirrors/$releasever/$basearch/mirror.list
#baseurl=https://al2023-repos-$awsregion-de612dc2.s3.dualstack.$awsregion.$awsdomain/core/guids/x/$basearch/
enabled=1
repo_gpgcheck=0
type=rpm
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-amazon-linux-2023
"""
IFCFG = "DEVICE=eth0\nBOOTPROTO=dhcp\nONBOOT=yes\nTYPE=Ethernet\nUSERCTL=yes\nPEERDNS=yes\nDHCPV6C=yes\nPERSISTENT_DHCLIENT=yes\n"
OS_RELEASE_2 = 'NAME="Amazon Linux"\nVERSION="2"\nID="amzn"\nID_LIKE="centos rhel fedora"\nVERSION_ID="2"\nPRETTY_NAME="Amazon Linux 2"\n'
OS_RELEASE_2023 = (
    'NAME="Amazon Linux"\nVERSION="2023"\nID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"\n'
    'PLATFORM_ID="platform:al2023"\nPRETTY_NAME="Amazon Linux 2023.8.20250915"\n'
)
PACKAGES = {
    "openssh-server": "8.7p1-8.amzn2023.0.17",
    "cloud-init": "22.2.2-1.amzn2023.1.14",
    "sudo": "1.9.15-1.p5.amzn2023.0.3",
}


def build_2(tree: Tree) -> None:
    """Write what an image of Amazon Linux 2 holds."""
    _common(tree)
    tree.write("/etc/os-release", OS_RELEASE_2)
    tree.write("/etc/ssh/sshd_config", SSHD_2 + "\n" + CONNECT)
    tree.write(
        "/etc/yum.conf", "[main]\ncachedir=/var/cache/yum/$basearch/$releasever\nkeepcache=0\ngpgcheck=1\nplugins=1\n"
    )
    tree.write("/etc/yum.repos.d/amzn2-core.repo", YUM_2)
    tree.write("/etc/sysconfig/network-scripts/ifcfg-eth0", IFCFG)
    tree.write("/etc/rsyslog.conf", RSYSLOG)
    tree.write("/etc/cron.d/0hourly", "SHELL=/bin/bash\n01 * * * * root run-parts /etc/cron.hourly\n")
    tree.write("/etc/cron.daily/logrotate", "#!/bin/sh\n/usr/sbin/logrotate -s /var/lib/logrotate/logrotate.status\n")
    tree.write("/etc/anacrontab", "SHELL=/bin/sh\n1\t5\tcron.daily\t\tnice run-parts /etc/cron.daily\n")
    tree.write(
        "/usr/lib/systemd/system/sshd-keygen.service", "[Service]\nExecStart=/usr/sbin/sshd-keygen\nType=oneshot\n"
    )
    # rpm of today makes no Berkeley DB: its head is the mark by which the file is told.
    tree.write("/var/lib/rpm/Packages", bytes(12) + b"\x61\x15\x06\x00" + bytes(4080))
    units(tree, "rsyslog.service", "crond.service", "postfix.service")
    quiet_logs(
        tree, "messages", "secure", "cron", "maillog", "spooler", "wtmp", "btmp", "lastlog", "boot.log", "yum.log"
    )
    folders(tree, "/var/spool/postfix/maildrop", "/var/spool/mail")


def build_2023(tree: Tree) -> None:
    """Write what an image of Amazon Linux 2023 holds: neither rsyslog nor cron nor lsb_release."""
    _common(tree)
    tree.write("/usr/lib/os-release", OS_RELEASE_2023)
    tree.link("/etc/os-release", "../usr/lib/os-release")
    tree.write("/etc/ssh/sshd_config", SSHD_2023 + "\n" + CONNECT, 0o600)
    tree.write("/etc/ssh/sshd_config.d/50-redhat.conf", REDHAT_CONF, 0o600)
    tree.write("/usr/share/crypto-policies/DEFAULT/opensshserver.txt", CRYPTO)
    tree.link(
        "/etc/crypto-policies/back-ends/opensshserver.config", "/usr/share/crypto-policies/DEFAULT/opensshserver.txt"
    )
    tree.write(
        "/etc/dnf/dnf.conf", "[main]\ngpgcheck=1\ninstallonly_limit=3\nclean_requirements_on_remove=True\nbest=False\n"
    )
    tree.write("/etc/yum.repos.d/amazonlinux.repo", DNF_2023)
    tree.write(
        "/usr/lib/systemd/system/sshd-keygen@.service",
        "[Service]\nType=oneshot\nExecStart=/usr/libexec/openssh/sshd-keygen %i\n",
    )
    tree.write("/usr/lib/systemd/network/80-ec2.network", "[Match]\nDriver=ena ixgbevf vif\n[Network]\nDHCP=yes\n")
    tree.link("/etc/resolv.conf", "../run/systemd/resolve/resolv.conf")
    rpm_database(tree, PACKAGES)
    units(tree, "systemd-networkd.service", "amazon-ssm-agent.service", "update-motd.timer", target="multi-user.target")
    folders(tree, "/var/log/journal", "/var/lib/amazon/ssm")
    quiet_logs(tree, "wtmp", "btmp", "lastlog")


def _common(tree: Tree) -> None:
    merged_usr(tree)
    systemd(tree)
    accounts(tree, PASSWD, shadow_of(PASSWD, LOCKS), GROUP)
    for name, text in (("system-auth", SYSTEM_AUTH), ("password-auth", SYSTEM_AUTH), ("sshd", PAM_SSHD)):
        tree.write(f"/etc/pam.d/{name}", text)
    tree.write("/etc/pam.d/postlogin", "session     optional      pam_umask.so silent\n")
    tree.write("/etc/sudoers", SUDOERS, 0o440)
    folders(tree, "/etc/sudoers.d", "/root/.ssh", "/home", "/tmp", "/var/tmp", "/var/spool/cron", "/var/lib/cloud")
    tree.write(
        "/etc/login.defs",
        "PASS_MAX_DAYS\t99999\nUID_MIN                  1000\nSYS_UID_MIN               201\nENCRYPT_METHOD SHA512\n",
    )
    tree.write(
        "/etc/nsswitch.conf",
        "passwd:     sss files systemd\nshadow:     files sss\ngroup:      sss files systemd\nhosts:      files dns myhostname\n",
    )
    tree.write("/etc/hostname", "localhost.localdomain\n")
    tree.write(
        "/etc/hosts",
        "127.0.0.1   localhost localhost.localdomain localhost4 localhost4.localdomain4\n::1         localhost6 localhost6.localdomain6\n",
    )
    tree.write("/etc/chrony.conf", CHRONY)
    tree.write("/usr/sbin/sshd", ELF, 0o755)
    tree.write("/usr/lib/systemd/system/sshd.service", UNIT)
    tree.write(
        "/usr/lib/systemd/system/sshd@.service",
        "[Service]\nEnvironmentFile=-/etc/sysconfig/sshd\nExecStart=-/usr/sbin/sshd -i $OPTIONS\nStandardInput=socket\n",
    )
    tree.write("/opt/aws/bin/eic_run_authorized_keys", "#!/bin/sh\nset -e\n", 0o755)
    tree.write("/usr/bin/cloud-init", "#!/usr/bin/python3 -s\n", 0o755)
    tree.write("/etc/cloud/cloud.cfg", CLOUD_CFG)
    tree.write("/etc/cloud/cloud.cfg.d/05_logging.cfg", "output: {all: '| tee -a /var/log/cloud-init-output.log'}\n")
    tree.write(
        "/boot/grub2/grub.cfg",
        "linux /boot/vmlinuz root=UUID=1 ro console=tty0 console=ttyS0,115200n8 nvme_core.io_timeout=4294967295 rd.shell=0\n",
    )
    privileged(tree, partial(_program, tree), "sudo", "su", "passwd", "mount", "chage", "gpasswd")
    units(tree, "sshd.service", "chronyd.service")
    cloud_init_units(tree)


def _program(tree: Tree, path: str, content: bytes, mode: int) -> None:
    tree.write(path, content, mode)


EXPLAINED = {**ALWAYS, **NULLOK, **NO_RPM, **RPM_JOBS}
SUPPORT = {"package-os-still-supported": ("fail", "Amazon Linux 2 gets no updates since 2026-06-30")}
DEFECTS: Defects = {
    "root has a password": (
        replaces("/etc/shadow", "root:*LOCK*:", f"root:{SHA512}:"),
        ["account-root-has-no-usable-password", "account-no-usable-password-hash"],
    ),
    "a hash behind root's word": (
        replaces("/etc/shadow", "root:*LOCK*:", f"root:*LOCK*{SHA512}:"),
        ["account-no-hash-behind-lock"],
    ),
    "EC2 Instance Connect's program is another's to change": (
        lambda tree: (tree.root / "opt/aws/bin/eic_run_authorized_keys").chmod(0o777),
        ["ssh-no-unknown-key-sources"],
    ),
    "passwords let in, and the default user's not locked": (
        all_of(
            replaces("/etc/cloud/cloud.cfg", "ssh_pwauth: false", "ssh_pwauth: true"),
            replaces("/etc/cloud/cloud.cfg", "lock_passwd: true", "lock_passwd: false"),
        ),
        ["cloud-init-password-login-not-enabled", "cloud-init-default-user-password-locked"],
    ),
    "the launch key of the builder": (
        all_of(
            writes(
                "/root/.ssh/authorized_keys",
                'no-port-forwarding,command="echo \'Please login as the user \\"ec2-user\\" rather than the user '
                f'\\"root\\".\';echo;sleep 10;exit 142" {PUBLIC} builder\n',
                0o600,
            ),
        ),
        ["key-no-authorized-keys-at-rest"],
    ),
    "the agent of Systems Manager is registered": (
        writes("/var/lib/amazon/ssm/Vault/Store/RegistrationKey", "x", 0o600),
        ["secret-no-agent-registrations", "residue-no-agent-state"],
    ),
    "a repository that is not checked": (
        writes(
            "/etc/yum.repos.d/own.repo", "[own]\nname=own\nbaseurl=https://repo.example.com\nenabled=1\ngpgcheck=0\n"
        ),
        ["network-package-repos-signed"],
    ),
}
JOURNAL: Defects = {
    "the builder's journal, the only log there is": (
        writes("/var/log/journal/0123456789abcdef0123456789abcdef/system.journal", b"LPKSHHRH" + bytes(256), 0o640),
        ["residue-logs-cleared"],
    ),
    "the main file's mode hides what the drop-in says": (
        replaces("/etc/ssh/sshd_config.d/50-redhat.conf", "X11Forwarding", "PasswordAuthentication yes\nX11Forwarding"),
        ["ssh-no-password-login"],
    ),
}
SHAPES = (
    Shape(
        name="Amazon Linux 2",
        modelled_on="amzn2-ami-hvm; its Berkeley DB of packages is a file with a head alone",
        build=build_2,
        explained={**EXPLAINED, **SUPPORT},
        defects=DEFECTS,
    ),
    Shape(
        name="Amazon Linux 2023",
        modelled_on="al2023-ami",
        build=build_2023,
        explained=EXPLAINED,
        defects={**DEFECTS, **JOURNAL},
    ),
)

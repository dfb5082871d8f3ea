"""Rocky Linux 9, as RHEL 9 without its subscription: fields of !!, crypto-policies, rhsm's folders, a drop-in of Red Hat's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.corpus.shapes import amazon
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
    quiet_logs,
    replaces,
    rpm_database,
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
daemon:x:2:2:daemon:/sbin:/sbin/nologin
sync:x:5:0:sync:/sbin:/bin/sync
shutdown:x:6:0:shutdown:/sbin:/sbin/shutdown
halt:x:7:0:halt:/sbin:/sbin/halt
nobody:x:65534:65534:Kernel Overflow User:/:/sbin/nologin
systemd-coredump:x:999:997:systemd Core Dumper:/:/sbin/nologin
dbus:x:81:81:System message bus:/:/sbin/nologin
polkitd:x:998:996:User for polkitd:/:/sbin/nologin
sssd:x:996:993:User for sssd:/:/sbin/nologin
chrony:x:997:994:chrony system user:/var/lib/chrony:/sbin/nologin
sshd:x:74:74:Privilege-separated SSH:/usr/share/empty.sshd:/usr/sbin/nologin
"""
LOCKS = {
    "root": "!!",
    **dict.fromkeys(("systemd-coredump", "dbus", "polkitd", "sssd", "chrony", "sshd"), "!!"),
}
SSHD = """\
Include /etc/ssh/sshd_config.d/*.conf
AuthorizedKeysFile\t.ssh/authorized_keys
Subsystem\tsftp\t/usr/libexec/openssh/sftp-server
"""
CLOUD_CFG = """\
users:
 - default
disable_root: true
ssh_pwauth: false
mount_default_fields: [~, ~, 'auto', 'defaults,nofail,x-systemd.requires=cloud-init.service,_netdev', '0', '2']
resize_rootfs_tmp: /dev
ssh_deletekeys: true
ssh_genkeytypes: ['rsa', 'ecdsa', 'ed25519']
syslog_fix_perms: ~
disable_vmware_customization: false
cloud_init_modules: [migrator, seed_random, bootcmd, write_files, growpart, resizefs, disk_setup, mounts, set_hostname, update_hostname, update_etc_hosts, ca_certs, rsyslog, users_groups, ssh]
cloud_config_modules: [ssh_import_id, locale, set_passwords, rh_subscription, spacewalk, yum_add_repo, ntp, timezone, runcmd]
cloud_final_modules: [package_update_upgrade_install, write_files_deferred, puppet, chef, ansible, mcollective, salt_minion, reset_rmc, scripts_vendor, scripts_per_once, scripts_per_boot, scripts_per_instance, scripts_user, ssh_authkey_fingerprints, keys_to_console, install_hotplug, phone_home, final_message, power_state_change]
system_info:
  distro: rocky
  default_user:
    name: rocky
    lock_passwd: true
    gecos: Cloud User
    groups: [adm, systemd-journal]
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
    shell: /bin/bash
  network:
    renderers: ['sysconfig', 'eni', 'netplan', 'network-manager', 'networkd']
  paths:
    cloud_dir: /var/lib/cloud/
    templates_dir: /etc/cloud/templates/
  ssh_svcname: sshd
"""
REPO = """\
[baseos]
name=Rocky Linux $releasever - BaseOS
mirrorlist=https://mirrors.rockylinux.org/mirrorlist?arch=$basearch&repo=BaseOS-$releasever$rltype
gpgcheck=1
enabled=1
countme=1
metadata_expire=6h
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-Rocky-9
"""
RHSM = """\
[server]
hostname = subscription.rhsm.redhat.com
prefix = /subscription
port = 443
insecure = 0
proxy_password =
[rhsm]
baseurl = https://cdn.redhat.com
repo_ca_cert = %(ca_cert_dir)sredhat-uep.pem
consumerCertDir = /etc/pki/consumer
entitlementCertDir = /etc/pki/entitlement
manage_repos = 1
[rhsmcertd]
certCheckInterval = 240
"""
RSYSLOG = """\
global(workDirectory="/var/lib/rsyslog")
module(load="builtin:omfile" Template="RSYSLOG_TraditionalFileFormat")
include(file="/etc/rsyslog.d/*.conf" mode="optional")
module(load="imuxsock" SysSock.Use="off")
module(load="imjournal" UsePid="system" FileCreateMode="0644" StateFile="imjournal.state")
*.info;mail.none;authpriv.none;cron.none                /var/log/messages
*.emerg                                                 :omusrmsg:*
# action(type="omfwd" Target="remote_host" Port="XXX" Protocol="tcp")
"""
SYSTEM_AUTH = """\
auth        required      pam_env.so
auth        required      pam_faildelay.so delay=2000000
auth        sufficient    pam_unix.so nullok
auth        sufficient    pam_sss.so forward_pass
auth        required      pam_deny.so
account     required      pam_unix.so
account     sufficient    pam_localuser.so
account     sufficient    pam_usertype.so issystem
account     [default=bad success=ok user_unknown=ignore] pam_sss.so
account     required      pam_permit.so
password    requisite     pam_pwquality.so
password    sufficient    pam_unix.so sha512 shadow nullok use_authtok
password    sufficient    pam_sss.so use_authtok
password    required      pam_deny.so
session     optional      pam_keyinit.so revoke
session     required      pam_limits.so
-session    optional      pam_systemd.so
session     [success=1 default=ignore] pam_succeed_if.so service in crond quiet use_uid
session     required      pam_unix.so
session     optional      pam_sss.so
"""
SSSD = "[sssd]\nservices = nss, pam\n"
OS_RELEASE = (
    'NAME="Rocky Linux"\nVERSION="9.6 (Blue Onyx)"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.6"\n'
    'PLATFORM_ID="platform:el9"\nPRETTY_NAME="Rocky Linux 9.6 (Blue Onyx)"\n'
)
PACKAGES = {"openssh-server": "8.7p1-45.el9.rocky.0.1", "cloud-init": "24.4-4.el9.0.1", "sudo": "1.9.5p2-10.el9_6.1"}


def build(tree: Tree) -> None:
    """Write what the image holds."""
    merged_usr(tree)
    systemd(tree, machine_id="uninitialized\n")
    accounts(tree, PASSWD, shadow_of(PASSWD, LOCKS), "root:x:0:\nwheel:x:10:\nssh_keys:x:101:\n")
    tree.write("/usr/lib/os-release", OS_RELEASE)
    tree.link("/etc/os-release", "../usr/lib/os-release")
    _ssh(tree)
    for name, text in (("system-auth", SYSTEM_AUTH), ("password-auth", SYSTEM_AUTH), ("sshd", amazon.PAM_SSHD)):
        tree.write(f"/etc/pam.d/{name}", text)
    tree.write(
        "/etc/pam.d/postlogin",
        "session     optional      pam_umask.so silent\nsession     [default=1]   pam_lastlog.so nowtmp showfailed\n",
    )
    tree.write("/etc/sudoers", amazon.SUDOERS, 0o440)
    tree.write("/etc/sssd/sssd.conf", SSSD, 0o600)
    tree.write(
        "/etc/nsswitch.conf",
        "passwd:     files sss systemd\nshadow:     files\ngroup:      files [SUCCESS=merge] sss [SUCCESS=merge] systemd\nhosts:      files dns myhostname\n",
    )
    tree.write(
        "/etc/login.defs",
        "PASS_MAX_DAYS\t99999\nUID_MIN                  1000\nSYS_UID_MIN               201\nENCRYPT_METHOD SHA512\n",
    )
    tree.write("/etc/hostname", "localhost.localdomain\n")
    tree.write(
        "/etc/hosts",
        "127.0.0.1   localhost localhost.localdomain localhost4 localhost4.localdomain4\n::1         localhost localhost.localdomain localhost6 localhost6.localdomain6\n",
    )
    tree.write("/etc/rsyslog.conf", RSYSLOG)
    tree.write(
        "/etc/chrony.conf",
        "pool 2.rocky.pool.ntp.org iburst\nsourcedir /run/chrony-dhcp\ndriftfile /var/lib/chrony/drift\nkeyfile /etc/chrony.keys\n",
    )
    tree.write(
        "/etc/dnf/dnf.conf",
        "[main]\ngpgcheck=1\ninstallonly_limit=3\nclean_requirements_on_remove=True\nbest=True\nskip_if_unavailable=False\n",
    )
    tree.write("/etc/yum.repos.d/rocky.repo", REPO)
    tree.write("/etc/rhsm/rhsm.conf", RHSM)
    tree.write("/etc/crontab", "SHELL=/bin/bash\nPATH=/sbin:/bin:/usr/sbin:/usr/bin\nMAILTO=root\n")
    tree.write("/etc/cron.d/0hourly", "01 * * * * root run-parts /etc/cron.hourly\n")
    tree.write(
        "/boot/grub2/grub.cfg",
        'set kernelopts="root=UUID=1 ro console=ttyS0,115200n8 no_timestamp_check net.ifnames=0"\n',
    )
    tree.write(
        "/boot/loader/entries/x.conf",
        "title Rocky Linux\nlinux /vmlinuz\noptions root=UUID=1 ro console=ttyS0,115200n8 crashkernel=1G-4G:192M\n",
    )
    rpm_database(tree, PACKAGES)
    for name in ("sudo", "su", "passwd", "mount", "chage", "crontab", "pkexec"):
        tree.write(f"/usr/bin/{name}", ELF, 0o4755)
    units(tree, "sshd.service", "chronyd.service", "rsyslog.service", "crond.service", "NetworkManager.service")
    cloud_init_units(tree)
    tree.write("/usr/bin/cloud-init", "#!/usr/bin/python3\n", 0o755)
    tree.write("/etc/cloud/cloud.cfg", CLOUD_CFG)
    folders(
        tree,
        "/etc/pki/consumer",
        "/etc/pki/entitlement",
        "/var/lib/rhsm/facts",
        "/root/.ssh",
        "/home",
        "/tmp",
        "/var/tmp",
        "/var/spool/cron",
        "/var/spool/mail",
        "/var/lib/cloud",
        "/etc/sudoers.d",
        "/var/log/audit",
    )
    quiet_logs(tree, "messages", "secure", "cron", "maillog", "wtmp", "btmp", "lastlog", "audit/audit.log")


def _ssh(tree: Tree) -> None:
    tree.write("/usr/sbin/sshd", ELF, 0o755)
    tree.write("/usr/lib/systemd/system/sshd.service", amazon.UNIT)
    tree.write("/etc/sysconfig/sshd", "# SSH_USE_STRONG_RNG=1\n")
    tree.write("/etc/ssh/sshd_config", SSHD, 0o600)
    tree.write("/etc/ssh/sshd_config.d/50-redhat.conf", amazon.REDHAT_CONF, 0o600)
    # What cloud-init has kept there since the image was configured; `50` sorts it before Red Hat's.
    tree.write("/etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication no\n", 0o600)
    tree.write("/usr/share/crypto-policies/DEFAULT/opensshserver.txt", amazon.CRYPTO)
    tree.link(
        "/etc/crypto-policies/back-ends/opensshserver.config", "/usr/share/crypto-policies/DEFAULT/opensshserver.txt"
    )
    tree.write("/etc/crypto-policies/config", "DEFAULT\n")


DEFECTS: Defects = {
    "a hash behind !!": (replaces("/etc/shadow", "root:!!:", f"root:!!{SHA512}:"), ["account-no-hash-behind-lock"]),
    "cloud-init's drop-in lets passwords in": (
        writes("/etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication yes\n", 0o600),
        ["ssh-no-password-login", "cloud-init-password-login-not-enabled"],
    ),
    "Red Hat's drop-in lets challenges in": (
        replaces("/etc/ssh/sshd_config.d/50-redhat.conf", "ChallengeResponseAuthentication no\n", ""),
        ["ssh-no-keyboard-interactive-login"],
    ),
    "old host keys are kept": (
        replaces("/etc/cloud/cloud.cfg", "ssh_deletekeys: true", "ssh_deletekeys: 0"),
        ["cloud-init-regenerates-host-keys"],
    ),
    "the builder's subscription": (
        writes("/etc/pki/consumer/cert.pem", "-----BEGIN CERTIFICATE-----\n"),
        ["residue-no-subscriptions"],
    ),
    "the installer's answers": (
        writes("/root/anaconda-ks.cfg", "rootpw --iscrypted x\n", 0o600),
        ["residue-no-installer-files"],
    ),
    "logs are sent elsewhere": (
        writes("/etc/rsyslog.d/forward.conf", "*.* @@logs.example.com:514\n"),
        ["network-no-remote-logging"],
    ),
}
SHAPES = (
    Shape(
        name="Rocky Linux 9",
        modelled_on="Rocky-9-EC2; RHEL 9 is the same but for its subscription",
        build=build,
        explained={**ALWAYS, **NULLOK, **NO_RPM, **RPM_JOBS},
        defects=DEFECTS,
    ),
)

"""Who has an account, who becomes root, and who is asked for nothing, judged over trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.facts.login_ends import LoginEnds, made_day
from amigate.result import Status

from .trees import WANTS, Case, Tree, all_of, check, judge, look, named, sound, writes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

HIDDEN = "account-no-hash-behind-lock"
USERS = "account-no-unexpected-login-users"
SUDO = "account-sudo-rules-expected"
COPIES = "account-shadow-backups-without-hashes"
PAM = "account-pam-not-weakened"
AUTOLOGIN = "account-no-autologin"
AGING = "account-aging-keeps-key-login"
REMOTE = "account-remote-identity-backends-clean"
ACCEPTS = "account-default-user-accepts-keys"
SYSTEM = "account-system-accounts-cannot-login"
EMPTY = "account-no-empty-passwords"
USABLE = "account-no-usable-password-hash"
ROOT = "account-root-has-no-usable-password"
UID_ZERO = "account-only-root-has-uid-zero"
OF_FILES = (EMPTY, USABLE, UID_ZERO)
RULES = (HIDDEN, USERS, SUDO, COPIES, PAM, AUTOLOGIN, AGING, REMOTE, ACCEPTS, SYSTEM, *OF_FILES, ROOT)
PASS, FAIL, UNSURE, NONE, WARN = (
    Status.PASS,
    Status.FAIL,
    Status.INCONCLUSIVE,
    Status.NOT_APPLICABLE,
    Status.WARN,
)
SOUND = dict.fromkeys(RULES, PASS) | {PAM: NONE}
HASH = "$6$saltsalt$2fMKQTLCTBFHWkMgHsSxv6JPA4o1dzYNxwWtbMS2PL.8AcEX5hYm3OwqjNqgVKGCJBBXEMJbkXKuuEGh0r1bC0"
YESCRYPT = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"
PASSWD, SHADOW = "/etc/passwd", "/etc/shadow"
SUDOERS, DROP_IN = "/etc/sudoers", "/etc/sudoers.d/90-cloud-init-users"
DEBIAN_SUDOERS = (
    'Defaults env_reset\nDefaults secure_path="/usr/sbin:/usr/bin"\n\nroot ALL=(ALL:ALL) ALL\n'
    "%sudo ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n"
)
COMMON_AUTH = (
    "# /etc/pam.d/common-auth\nauth\t[success=1 default=ignore]\tpam_unix.so nullok\n"
    "auth\trequisite\t\t\tpam_deny.so\nauth\trequired\t\t\tpam_permit.so\nauth optional pam_cap.so\n"
)
SYSTEM_AUTH = """\
auth        required                                     pam_env.so
auth        required                                     pam_faildelay.so delay=2000000
auth        [default=1 ignore=ignore success=ok]         pam_usertype.so isregular
auth        [default=1 ignore=ignore success=ok]         pam_localuser.so
auth        sufficient                                   pam_unix.so
auth        [default=1 ignore=ignore success=ok]         pam_usertype.so isregular
auth        sufficient                                   pam_sss.so forward_pass
auth        required                                     pam_deny.so
account     sufficient                                   pam_usertype.so issystem
account     [default=bad success=ok user_unknown=ignore] pam_sss.so
account     required                                     pam_permit.so
"""
"""As authselect writes it on Red Hat."""
GETTY = "[Service]\nExecStart=\nExecStart=-/sbin/agetty {} %I $TERM\n"


def debian(tree: Tree) -> None:
    """Make the tree one of Debian's, with a default user that gets keys."""
    tree.write(
        PASSWD,
        "root:x:0:0::/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\nsync:x:4:65534::/bin:/bin/sync\n"
        "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"
        "bob:x:1000:1000::/srv/bob:/bin/bash\n",
    )
    tree.write(
        SHADOW,
        "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nsync:*:19000:0:99999:7:::\nsshd:!:19000::::::\n"
        "nobody:*:19000:0:99999:7:::\nbob:!:19000:0:99999:7:::\n",
    )
    tree.write("/etc/ssh/sshd_config", "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM yes\n")
    tree.write(
        "/etc/cloud/cloud.cfg",
        "users: [default]\ncloud_init_modules: [ssh]\nsystem_info: {default_user: {name: bob, lock_passwd: true}}\n",
    )
    tree.write("/etc/login.defs", "# UID_MIN 5\nPASS_MAX_DAYS\t99999\nUID_MIN\t\t\t 1000\n")
    tree.write("/etc/nsswitch.conf", "passwd:         files systemd\nshadow: files\nhosts: files dns\n")
    tree.write("/etc/gshadow", "root:*::\nbob:!::\n", 0o640)
    tree.write(SUDOERS, DEBIAN_SUDOERS, 0o440)
    tree.write(DROP_IN, "# User rules for bob\nbob ALL=(ALL) NOPASSWD:ALL\n")
    tree.write("/etc/security/opasswd", "")
    tree.write("/usr/lib/systemd/system/getty@.service", GETTY.format("-o '-p -- \\\\u' --noclear"))
    tree.write("/boot/grub/grub.cfg", "linux /vmlinuz root=UUID=1 ro console=ttyS0 rd.shell=0 init=/sbin/init\n")


def without(path: str) -> Callable[[Tree], object]:
    return lambda tree: tree.remove(path)


def adds(path: str, line: str) -> Callable[[Tree], object]:
    def spoil(tree: Tree) -> None:
        file = tree.root / path.lstrip("/")
        file.write_text(file.read_text() + line)

    return spoil


def case(
    *spoilers: Callable[[Tree], object],
    expected: Mapping[str, Status] | None = None,
    findings: Sequence[tuple[str, str, int | None]] = (),
    traps: Sequence[int] = (),
) -> Case:
    """Return a case on top of a sound Debian; a rule with a finding fails unless something else is expected."""
    found = {rule: FAIL for rule, _, _ in findings} | dict(expected or {})
    return Case(all_of(debian, *spoilers), found, findings, traps)


def field(text: str) -> Callable[[Tree], object]:
    """Give bob's password field."""
    return lambda tree: tree.write(SHADOW, f"root:*:1::::::\nbob:{text}:1::::::\n")


CASES = {
    "a sound Debian": case(),
    # Hashes.
    "a hash behind Ubuntu's lock": case(field(f"!{YESCRYPT}"), findings=[(HIDDEN, SHADOW, 2)], traps=[43]),
    "a hash behind Red Hat's lock": case(field(f"!!{HASH}"), findings=[(HIDDEN, SHADOW, 2)], traps=[43, 44]),
    "an old hash behind a star": case(field("*abJnggxhB/yWI"), findings=[(HIDDEN, SHADOW, 2)]),
    "a hash behind a word": case(field(f"*LK*{HASH}"), findings=[(HIDDEN, SHADOW, 2)]),
    "a hash behind a lock in passwd": case(
        adds(PASSWD, f"x:!{HASH}:1001:1001::/:/bin/false\n"), findings=[(HIDDEN, PASSWD, 7)]
    ),
    "no hash behind Amazon's lock": case(field("*LOCK*"), traps=[41, 74]),
    "a hash that works is other rules'": case(field(HASH), findings=[(USABLE, SHADOW, 2)]),
    "a shadow with ten fields": case(
        adds(SHADOW, "daemon2:*:1:::::::x\n"),
        expected=dict.fromkeys((HIDDEN, ROOT, USERS, AGING, SYSTEM, *OF_FILES), UNSURE),
    ),
    "an account that is named twice": case(
        adds(PASSWD, "bob:x:1000:1000::/srv/bob:/bin/bash\n"),
        expected=dict.fromkeys((HIDDEN, ROOT, USERS, AGING, SYSTEM, *OF_FILES), UNSURE),
    ),
    "a line of passwd that cannot be told": case(
        adds(PASSWD, "eve:x:many:1:::\n"),
        expected=dict.fromkeys((HIDDEN, ROOT, USERS, SUDO, AGING, ACCEPTS, SYSTEM, *OF_FILES), UNSURE),
    ),
    # Who may log in.
    "somebody else": case(
        adds(PASSWD, "eve:x:1001:1001::/home/eve:/bin/zsh\nsvc:x:200:200::/:\n"),
        findings=[(USERS, PASSWD, 7), (USERS, PASSWD, 8), (SYSTEM, PASSWD, 8)],
    ),
    "somebody else in another passwd": case(
        writes("/var/lib/extrausers/passwd", "eve:x:1001:1001::/home/eve:/bin/sh\n"),
        findings=[(USERS, "/var/lib/extrausers/passwd", 1)],
    ),
    "nobody has a shell, as on SUSE": case(
        lambda tree: tree.write(
            PASSWD, "root:x:0:0::/root:/bin/bash\nnobody:x:65534:65534::/:/bin/bash\nbob:x:1000:1000::/:/bin/sh\n"
        )
    ),
    "somebody else is made at first boot": case(
        writes("/etc/cloud/cloud.cfg.d/9.cfg", "users:\n  - default\n  - {name: eve}\n"),
        findings=[(USERS, "/etc/cloud/cloud.cfg.d/9.cfg", 3)],
    ),
    "somebody else is made at first boot, by name": case(
        writes("/etc/cloud/cloud.cfg.d/9.cfg", "users: {default: ~, name: {lock_passwd: true}}\n"),
        findings=[(USERS, "/etc/cloud/cloud.cfg.d/9.cfg", 1)],
    ),
    "the default user is another, and the old one is still there": case(
        writes("/etc/cloud/cloud.cfg.d/9.cfg", "user: admin\n"), findings=[(USERS, PASSWD, 6), (SUDO, DROP_IN, 2)]
    ),
    "the default user is not there yet": case(
        lambda tree: tree.write(PASSWD, "root:x:0:0::/root:/bin/bash\n"),
        lambda tree: tree.write(SHADOW, "root:*:1::::::\n"),
        traps=[49],
    ),
    # Accounts from elsewhere.
    "accounts of LDAP": case(
        writes("/etc/nsswitch.conf", "# x\npasswd: files [NOTFOUND=continue] ldap\n"),
        expected={USERS: UNSURE},
        findings=[(REMOTE, "/etc/nsswitch.conf", 2)],
        traps=[48],
    ),
    "sss without a domain, as Red Hat ships it": case(
        writes("/etc/nsswitch.conf", "passwd: sss files systemd\nshadow: files sss\n"),
        writes("/var/lib/sss/db/config.ldb", "x"),
        writes("/var/lib/sss/db/cache_implicit_files.ldb", "x"),
    ),
    "a domain of sssd's": case(
        writes(
            "/etc/sssd/sssd.conf",
            "[sssd]\ndomains = x\n[domain/x]\nid_provider = ldap\nldap_default_authtok = hunter2\n",
            0o600,
        ),
        writes("/var/lib/sss/db/cache_x.ldb", "x"),
        expected={USERS: UNSURE},
        findings=[
            (REMOTE, "/etc/sssd/sssd.conf", 4),
            (REMOTE, "/etc/sssd/sssd.conf", 5),
            (REMOTE, "/var/lib/sss/db/cache_x.ldb", None),
        ],
        traps=[48],
    ),
    "what members of a directory have": case(
        writes("/etc/krb5.keytab", "x"),
        writes("/etc/nslcd.conf", "uri ldap://x\nbindpw hunter2\n"),
        writes("/etc/pam_ldap.secret", "hunter2\n"),
        writes("/var/lib/samba/private/secrets.tdb", "x"),
        writes("/var/lib/systemd/home/eve.identity", "{}"),
        writes("/var/lib/ipa-client/sysrestore/sysrestore.index", "x"),
        findings=[
            (REMOTE, "/etc/krb5.keytab", None),
            (REMOTE, "/etc/nslcd.conf", 2),
            (REMOTE, "/etc/pam_ldap.secret", None),
            (REMOTE, "/var/lib/samba/private/secrets.tdb", None),
            (REMOTE, "/var/lib/systemd/home/eve.identity", None),
            (REMOTE, "/var/lib/ipa-client/sysrestore/sysrestore.index", None),
        ],
    ),
    # Who becomes root.
    "sudo without a password for somebody else": case(
        writes("/etc/sudoers.d/eve", "eve ALL=(ALL) NOPASSWD: ALL\n"), findings=[(SUDO, "/etc/sudoers.d/eve", 1)]
    ),
    "sudo without a password for a group": case(
        writes("/etc/sudoers.d/wheel", "\n%wheel ALL=(ALL) NOPASSWD: ALL\n"),
        findings=[(SUDO, "/etc/sudoers.d/wheel", 2)],
    ),
    "sudo with a password for somebody else": case(
        adds(PASSWD, "svc:x:200:200::/:/bin/false\n"),
        writes("/etc/sudoers.d/svc", "svc ALL=(root) /bin/sh\n"),
        findings=[(SUDO, "/etc/sudoers.d/svc", 1)],
    ),
    "sudo for somebody else, as nobody of note": case(
        adds(PASSWD, "svc:x:200:200::/:/bin/false\n"), writes("/etc/sudoers.d/svc", "svc ALL=(daemon) /bin/id\n")
    ),
    "sudo asks nobody": case(
        writes("/etc/sudoers.d/all", "Defaults !authenticate\n"), findings=[(SUDO, "/etc/sudoers.d/all", 1)]
    ),
    "sudo for a builder that is gone": case(
        writes(DROP_IN, "packer ALL=(ALL) NOPASSWD:ALL\n"), findings=[(SUDO, DROP_IN, 1)]
    ),
    "files that sudo passes over": case(writes("/etc/sudoers.d/eve.bak", "eve ALL=(ALL) NOPASSWD: ALL\n")),
    "SUSE asks for root's password": case(
        writes(SUDOERS, "Defaults targetpw\nALL ALL=(ALL) ALL\nroot ALL=(ALL) ALL\n@includedir /etc/sudoers.d\n")
    ),
    "anybody for their own password": case(adds(SUDOERS, "ALL ALL=(ALL) ALL\n"), findings=[(SUDO, SUDOERS, 7)]),
    "sudoers in no known form": case(adds(SUDOERS, "eve is root\n"), expected={SUDO: UNSURE}),
    "sudoers that include each other": case(adds(SUDOERS, "@include /etc/sudoers\n"), expected={SUDO: UNSURE}),
    "doas": case(
        writes(
            "/etc/doas.conf", "# x\npermit nopass bob\npermit persist :wheel\npermit nopass keepenv eve cmd /bin/sh\n"
        ),
        findings=[(SUDO, "/etc/doas.conf", 4)],
    ),
    "doas for a group without a password": case(
        writes("/etc/doas.d/x.conf", "permit setenv { A=b } nopass :wheel as root\ndeny eve\npermit :x as daemon\n"),
        findings=[(SUDO, "/etc/doas.d/x.conf", 1)],
    ),
    "doas in no known form": case(writes("/etc/doas.conf", "permit\n"), expected={SUDO: UNSURE}),
    "neither sudo nor doas": case(without(SUDOERS), without(DROP_IN)),
    # Copies.
    "hashes in copies": case(
        writes("/etc/shadow-", f"root:{HASH}:1::::::\n", 0o600),
        writes("/etc/gshadow-", f"x:y\nwheel:!{HASH}::\n"),
        writes("/etc/passwd.rpmsave", f"eve:{HASH}:1:1::/:/bin/sh\n"),
        writes("/var/backups/shadow.bak", f"root:*:1::::::\nbob:!!{YESCRYPT}:1::::::\n"),
        writes("/etc/security/opasswd", f"bob:1000:1:{HASH}\n"),
        findings=[
            (COPIES, "/etc/shadow-", 1),
            (COPIES, "/etc/gshadow-", 2),
            (COPIES, "/etc/passwd.rpmsave", 1),
            (COPIES, "/var/backups/shadow.bak", 2),
            (COPIES, "/etc/security/opasswd", None),
        ],
        traps=[45],
    ),
    "copies without a hash": case(
        writes("/etc/shadow-", "root:*:1::::::\nbob:!!:1::::::\n"),
        writes("/etc/group-", "root:x:0:\n"),
        writes("/etc/passwd.lock", "1234"),
        lambda tree: tree.link("/etc/shadow.old", "/dev/null"),
    ),
    "a copy in no known form": case(writes("/var/backups/shadow.1.gz", b"\x1f\x8b\x08\0\0"), expected={COPIES: UNSURE}),
    # PAM.
    "PAM of Debian": case(
        writes("/etc/pam.d/common-auth", COMMON_AUTH),
        writes("/etc/pam.d/sshd", "@include common-auth\naccount required pam_nologin.so\n@include common-account\n"),
        writes("/etc/pam.d/su", "auth sufficient pam_rootok.so\n@include common-auth\n"),
        expected={PAM: WARN},
        findings=[(PAM, "/etc/pam.d/common-auth", 2)],
        traps=[46],
    ),
    "PAM of Debian, and an empty field": case(
        writes("/etc/pam.d/common-auth", COMMON_AUTH),
        field(""),
        findings=[(PAM, SHADOW, 2), (EMPTY, SHADOW, 2)],
        traps=[40, 46],
    ),
    "PAM of Red Hat": case(
        writes("/etc/pam.d/system-auth", SYSTEM_AUTH),
        writes(
            "/etc/pam.d/sshd", "#%PAM-1.0\nauth       substack     password-auth\nauth       include      postlogin\n"
        ),
        expected={PAM: PASS},
    ),
    "PAM is weakened": case(
        writes("/etc/pam.d/sshd", "auth sufficient pam_permit.so\n"),
        writes("/etc/pam.d/su", "auth \\\n  [success=done default=ignore] pam_succeed_if.so user = eve\n"),
        writes("/etc/pam.d/sudo", "auth required pam_exec.so expose_authtok /tmp/x\nauth required pam_unix.so\n"),
        writes("/etc/pam.d/login", "auth required /opt/pam_x.so\n"),
        writes("/etc/pam.d/other", "auth required pam_permit.so\n"),
        writes("/usr/lib/pam.d/cron", "auth [success=2 default=ignore] pam_permit.so\nauth required pam_unix.so\n"),
        findings=[
            (PAM, "/etc/pam.d/sshd", 1),
            (PAM, "/etc/pam.d/su", 1),
            (PAM, "/etc/pam.d/sudo", 1),
            (PAM, "/etc/pam.d/login", 1),
            (PAM, "/etc/pam.d/other", None),
            (PAM, "/usr/lib/pam.d/cron", 1),
        ],
    ),
    "a module that is not known": case(
        writes("/etc/pam.d/login", "auth required pam_backdoor.so\n"), expected={PAM: WARN}
    ),
    "files that PAM does not read": case(
        writes("/etc/pam.d/sshd", "auth required pam_unix.so\n"),
        writes("/usr/lib/pam.d/sshd", "auth sufficient pam_permit.so\n"),
        writes("/etc/pam.d/sshd.rpmnew", "auth sufficient pam_permit.so\n"),
        expected={PAM: PASS},
    ),
    "PAM in no known form": case(writes("/etc/pam.d/sshd", "auth pam_unix.so\n"), expected={PAM: UNSURE}),
    # Consoles.
    "a console logs in": case(
        writes("/etc/systemd/system/getty@tty1.service.d/x.conf", GETTY.format("--autologin root")),
        writes("/etc/systemd/system/serial-getty@ttyS0.service", GETTY.format("-oa -a bob")),
        writes("/etc/systemd/system/mine.service", "[Service]\nExecStart=/bin/login -f root\n"),
        writes("/etc/inittab", "# x\ntty1::respawn:/bin/sh\n"),
        writes("/etc/conf.d/agetty.tty1", 'agetty_options="--autologin root --noclear"\n'),
        findings=[
            (AUTOLOGIN, "/etc/systemd/system/getty@tty1.service.d/x.conf", 3),
            (AUTOLOGIN, "/etc/systemd/system/mine.service", 2),
            (AUTOLOGIN, "/etc/inittab", 2),
            (AUTOLOGIN, "/etc/conf.d/agetty.tty1", 1),
        ],
        traps=[50],
    ),
    "a shell in the place of a login": case(
        writes("/etc/systemd/system/getty@.service", GETTY.format("-n -l /bin/sh")),
        findings=[(AUTOLOGIN, "/etc/systemd/system/getty@.service", 3)],
    ),
    "login is told who it is": case(
        writes("/etc/systemd/system/getty@.service", GETTY.format("-n -o '-p -f root'")),
        findings=[(AUTOLOGIN, "/etc/systemd/system/getty@.service", 3)],
    ),
    "consoles that ask": case(
        writes(
            "/etc/inittab",
            "tty1::respawn:/sbin/getty 38400 tty1\ntty2::askfirst:/sbin/getty\n::sysinit:/sbin/openrc sysinit\n"
            "1:2345:respawn:/sbin/agetty -J 115200 hvc0\n",
        ),
        writes(
            "/etc/systemd/system/x.service",
            "[Service]\n# agetty --autologin\nExecStart=/usr/sbin/agetty -l /bin/login ttyS0\n",
        ),
    ),
    "the rescue shell asks nobody": case(
        writes("/etc/systemd/system/rescue.service.d/x.conf", "[Service]\nEnvironment=SYSTEMD_SULOGIN_FORCE=1\n"),
        findings=[(AUTOLOGIN, "/etc/systemd/system/rescue.service.d/x.conf", 2)],
    ),
    "a debug shell": case(
        lambda tree: tree.link(
            f"{WANTS.replace('cloud-init', 'sysinit')}/debug-shell.service",
            "/usr/lib/systemd/system/debug-shell.service",
        ),
        findings=[(AUTOLOGIN, "/etc/systemd/system/sysinit.target.wants/debug-shell.service", None)],
    ),
    "the kernel is told to open a shell": case(
        writes("/boot/grub/grub.cfg", "# init=/bin/sh\nlinux /vmlinuz ro init=/bin/sh\nlinux /v rd.break\n"),
        writes("/etc/default/grub", 'GRUB_CMDLINE_LINUX="rd.shell systemd.debug-shell=1"\n'),
        findings=[
            (AUTOLOGIN, "/boot/grub/grub.cfg", 2),
            (AUTOLOGIN, "/boot/grub/grub.cfg", 3),
            (AUTOLOGIN, "/etc/default/grub", 1),
        ],
    ),
    # Dates.
    "a password has to be changed": case(
        lambda tree: tree.write(SHADOW, "root:*:1::::::\nbob:!!:20000:0:60:7:::\n"),
        findings=[(AGING, SHADOW, 2)],
        traps=[47],
    ),
    "a password has to be changed at once": case(
        lambda tree: tree.write(SHADOW, "root:*:1::::::\nbob:*:0::::::\n"), findings=[(AGING, SHADOW, 2)]
    ),
    "an account expires": case(
        lambda tree: tree.write(SHADOW, "root:*:1::::::\nbob:*:20000:::::20100:\n"), findings=[(AGING, SHADOW, 2)]
    ),
    "an account that nobody logs in to expires": case(adds(SHADOW, "daemon9:*:1::::1:\n")),
    "new accounts have to change their password": case(
        writes("/etc/login.defs", "PASS_MAX_DAYS 60\n"),
        writes("/etc/default/useradd", "GROUP=100\nEXPIRE=2030-01-01\nINACTIVE=-1\n"),
        findings=[(AGING, "/etc/login.defs", 1), (AGING, "/etc/default/useradd", 2)],
        traps=[47],
    ),
    "a date in no known form": case(
        lambda tree: tree.write(SHADOW, "root:*:1::::::\nbob:*:soon::::::\n"), expected={AGING: UNSURE}
    ),
    # Locks and keys.
    "a lock without PAM": case(
        writes("/etc/ssh/sshd_config", "UsePAM no\n"), findings=[(ACCEPTS, SHADOW, 6)], traps=[42]
    ),
    "a star without PAM": case(writes("/etc/ssh/sshd_config", ""), field("*"), traps=[41]),
    "a lock at first boot without PAM": case(
        writes("/etc/ssh/sshd_config", ""),
        lambda tree: tree.write(PASSWD, "root:x:0:0::/root:/bin/bash\n"),
        lambda tree: tree.write(SHADOW, "root:*:1::::::\n"),
        findings=[(ACCEPTS, "/etc/cloud/cloud.cfg", 3)],
    ),
    "no lock at first boot without PAM": case(
        writes("/etc/ssh/sshd_config", ""),
        lambda tree: tree.write(PASSWD, "root:x:0:0::/root:/bin/bash\n"),
        lambda tree: tree.write(SHADOW, "root:*:1::::::\n"),
        writes("/etc/cloud/cloud.cfg.d/9.cfg", "system_info: {default_user: {lock_passwd: false}}\n"),
    ),
    "no default user without PAM": case(
        writes("/etc/ssh/sshd_config", ""),
        writes("/etc/cloud/cloud.cfg", ""),
        expected={ACCEPTS: UNSURE, USERS: FAIL, SUDO: FAIL},
    ),
    "no sshd": case(without("/usr/sbin/sshd"), expected={ACCEPTS: NONE}),
    # System accounts.
    "a system account with a shell": case(
        adds(PASSWD, "svc:x:200:200::/:/bin/bash\n"), findings=[(SYSTEM, PASSWD, 7), (USERS, PASSWD, 7)]
    ),
    "people begin at 500": case(
        writes("/etc/login.defs", "UID_MIN 500\n"),
        adds(PASSWD, "svc:x:600:600::/:/bin/bash\n"),
        findings=[(USERS, PASSWD, 7)],
    ),
    "a group with a password": case(
        writes("/etc/gshadow", f"root:*::\nwheel:{HASH}::\n"), findings=[(SYSTEM, "/etc/gshadow", 2)]
    ),
}


@pytest.mark.parametrize("name", named(CASES))
def test_each_rule_answers_as_the_tree_is(name: str, tmp_path: Path) -> None:
    check(CASES[name], tmp_path, RULES, SOUND)


@pytest.mark.parametrize(
    "name,place",
    [
        ("a shadow with ten fields", f"{SHADOW}:7"),
        ("an account that is named twice", f"{PASSWD}:7"),
        ("a line of passwd that cannot be told", f"{PASSWD}:7"),
        ("sudoers in no known form", f"{SUDOERS}:7"),
        ("sudoers that include each other", f"{SUDOERS}:"),
        ("doas in no known form", "/etc/doas.conf:1"),
        ("PAM in no known form", "/etc/pam.d/sshd:1"),
        ("a date in no known form", f"{SHADOW}:2"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(name: str, place: str, tmp_path: Path) -> None:
    CASES[name].spoil(sound(tmp_path))
    unsure = [rule for rule, status in CASES[name].expected.items() if status is UNSURE]
    found = judge(look(tmp_path), unsure)
    assert all(place in decision.message for decision in found.values()), found


def test_no_secret_of_a_directory_service_is_shown(tmp_path: Path) -> None:
    CASES["a domain of sssd's"].spoil(sound(tmp_path))
    CASES["what members of a directory have"].spoil(Tree(tmp_path))
    view = look(tmp_path)
    assert b"hunter2" not in b"".join(entry.content or b"" for entry in view.entries.values())
    assert "hunter2" not in repr(judge(view, [REMOTE]))


def test_ends_of_logins_count_from_the_day_that_the_image_was_made(tmp_path: Path, kit: type) -> None:
    tree = sound(tmp_path)
    debian(tree)
    tree.write(SHADOW, "bob:*:20000:::::20300:\n")
    ends = LoginEnds.read(look(tmp_path))
    assert [finding.detail for finding in ends.within(730, 20_000)] == ["it expires on 2025-07-31"]
    assert not ends.within(300, 20_000)
    assert ends.within(300, 20_001)
    evidence = kit.Image(ec2={"CreationDate": "2024-10-05T10:00:00.000Z"}).evidence()  # type: ignore[attr-defined]
    assert made_day(evidence) == 20_001
    assert made_day(kit.Image().evidence()) == 20_454  # type: ignore[attr-defined] # the day of its collection

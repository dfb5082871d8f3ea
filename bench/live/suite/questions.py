"""The eighty questions that both sides answer, as data; what is expected is true of the bed's Debian."""

from __future__ import annotations

import os

ADDRESS, PORT = os.environ.get("BENCH_ADDRESS", ""), os.environ.get("BENCH_PORT", "22")

FILES = [
    ("/etc/passwd", "root", "root", 0o644),
    ("/etc/group", "root", "root", 0o644),
    ("/etc/shadow", "root", "shadow", 0o640),
    ("/etc/gshadow", "root", "shadow", 0o640),
    ("/etc/ssh/sshd_config", "root", "root", 0o644),
    ("/etc/sudoers", "root", "root", 0o440),
    ("/etc/sudoers.d", "root", "root", 0o755),
    ("/etc/sudoers.d/90-admin", "root", "root", 0o440),
    ("/root", "root", "root", 0o700),
    ("/tmp", "root", "root", 0o1777),
    ("/var/tmp", "root", "root", 0o1777),
    ("/var/log", "root", "root", 0o755),
    ("/etc/pam.d", "root", "root", 0o755),
    ("/etc/pam.d/sshd", "root", "root", 0o644),
    ("/etc/login.defs", "root", "root", 0o644),
    ("/boot", "root", "root", 0o755),
    ("/home/admin", "admin", "admin", 0o700),
    ("/home/admin/.ssh", "admin", "admin", 0o700),
    ("/home/admin/.ssh/authorized_keys", "admin", "admin", 0o600),
    ("/usr/bin/sudo", "root", "root", 0o4755),
]
"""Path, owner, group, mode."""

ABSENT = [
    "/root/.bash_history",
    "/root/.aws/credentials",
    "/root/.netrc",
    "/root/.ssh/authorized_keys",
    "/root/.ssh/id_rsa",
    "/home/admin/.bash_history",
    "/home/admin/.aws/credentials",
    "/home/admin/.netrc",
    "/home/admin/.ssh/id_ed25519",
    "/etc/hosts.equiv",
    "/etc/ssh/ssh_host_dsa_key",
    "/var/lib/cloud/instance/user-data.txt",
]
"""Paths where nothing is, not even a link that leads nowhere."""

SSHD = [
    ("permitrootlogin", "without-password"),
    ("permitemptypasswords", "no"),
    ("pubkeyauthentication", "yes"),
    ("passwordauthentication", "no"),
    ("kbdinteractiveauthentication", "no"),
    ("usepam", "yes"),
    ("hostbasedauthentication", "no"),
    ("ignorerhosts", "yes"),
    ("strictmodes", "yes"),
    ("gatewayports", "no"),
]
"""Option and effective value, as `sshd -T` prints them."""

HOST_KEYS = ["rsa", "ecdsa", "ed25519"]
"""Types: the private half is 0600, the public one 0644, both root's."""

INSTALLED = ["openssh-server", "sudo", "openssl", "bash", "coreutils"]
NOT_INSTALLED = ["telnetd", "rsh-server", "nis", "xinetd", "tftpd"]
"""Packages."""

USERS = [
    ("root", 0, "root", "/root", "/bin/bash"),
    ("daemon", 1, "daemon", "/usr/sbin", "/usr/sbin/nologin"),
    ("bin", 2, "bin", "/bin", "/usr/sbin/nologin"),
    ("www-data", 33, "www-data", "/var/www", "/usr/sbin/nologin"),
    ("nobody", 65534, "nogroup", "/nonexistent", "/usr/sbin/nologin"),
]
"""Name, id, group, home, shell."""

LOCKED = ["root", "daemon", "admin"]
"""Users whose field in shadow is no hash."""

SYSCTLS = ["kernel.randomize_va_space", "kernel.pid_max", "kernel.threads-max", "fs.file-max"]
"""Each is above zero."""

CONTAINS = [
    ("/etc/ssh/sshd_config", "PasswordAuthentication no"),
    ("/etc/sudoers.d/90-admin", "NOPASSWD"),
    ("/etc/os-release", "ID=debian"),
    ("/etc/login.defs", "ENCRYPT_METHOD"),
]
"""Path and a text in it."""

SINGLE = [
    "sshd listens",
    "root alone has id 0",
    "nobody has an empty password",
    "authorized keys are private",
    "sudo has the setuid bit",
    "nothing in /etc is writable for everybody",
    "the machine has an id",
    "sshd runs",
    "sshd's configuration is valid",
]

COUNT = (
    len(FILES) + len(ABSENT) + len(SSHD) + len(HOST_KEYS) + len(INSTALLED) + len(NOT_INSTALLED)
    + len(USERS) + len(LOCKED) + len(SYSCTLS) + len(CONTAINS) + len(SINGLE)
)  # fmt: skip
assert COUNT == 80, COUNT  # noqa: PLR2004 - the suite's size

"""Situations in which a naive check errs, and what is true of each; cases are marked with their numbers.

`@pytest.mark.trap(27)`; docs/corpus.md has them with the tests that hold them."""

from __future__ import annotations

TRAPS: dict[int, tuple[str, str]] = {
    1: (
        "host keys baked into the snapshot, cloud-init replaced them at first boot",
        "fail at rest; AWS audits public AMIs for exactly this",
    ),
    2: (
        "running instance: machine-id filled, user data cached, one key in authorized_keys",
        "normal for an instance; the same at rest is a fail",
    ),
    3: (
        "EBS-backed image without the AMI tools package",
        "n/a: the step concerned instance store and left the current page",
    ),
    4: (
        "instance-store image",
        "nothing was readable: n/a for disk rules, gate refuses public",
    ),
    5: (
        "apt or dnf fails (lock, no network, no repo)",
        "inconclusive, and it blocks",
    ),
    6: (
        "check run in the build session, before its key is removed",
        "only the finished image can be judged",
    ),
    7: (
        "test instance snapshotted after checking",
        "launch key, shell lines, sudo stamps, test tools are now in the image",
    ),
    8: (
        "ssh_deletekeys: 0 or false (older Fedora, RHEL), CVE-2018-10896",
        "keys survive into every launch",
    ),
    9: (
        "keys deleted, sshd-keygen lost the race, none regenerated",
        "sshd dead after boot: fail",
    ),
    10: (
        "FIPS image without ed25519 key",
        "pass: compare only the types present",
    ),
    11: (
        "HostKey points outside /etc/ssh, or HostCertificate set",
        "shared key: fail",
    ),
    12: (
        "dsa key or plain ssh_host_key left, other types removed",
        "fail",
    ),
    13: (
        "host keys change again at reboot",
        "fail: receivers see a changed host each time",
    ),
    14: (
        "live: root's file holds the launch key behind cloud-init's command=\"echo 'Please login as…\"",
        "pass live; the same line at rest is a leftover",
    ),
    15: (
        "Packer: key comment packer_<uuid> in default user's and root's file, clear option handled only one",
        "fail",
    ),
    16: (
        "late cloud-init run writes the build key into a newly made default user",
        "fail (Marketplace rejected it)",
    ),
    17: (
        "user with a home outside /home",
        "homes come from passwd: fail",
    ),
    18: (
        'test written as a quoted glob "$home/.ssh/*"',
        "never looked",
    ),
    19: (
        "authorized_keys empty or only comments",
        "pass",
    ),
    20: (
        "AuthorizedKeysFile /etc/ssh/keys/%u, authorized_keys2",
        "fail",
    ),
    21: (
        "AuthorizedKeysCommand of EC2 Instance Connect",
        "legitimate, allow-listed by package",
    ),
    22: (
        "TrustedUserCAKeys or AuthorizedPrincipals set",
        "whoever holds the CA logs in: fail",
    ),
    23: (
        "hosts.equiv or .shosts with HostbasedAuthentication yes",
        "fail",
    ),
    24: (
        "dropbear in system or initramfs, second sshd unit with its own -f",
        "fail",
    ),
    25: (
        "SSM, Teleport, Tailscale agent registered to the builder",
        "back channel",
    ),
    26: (
        "PasswordAuthentication no, UsePAM yes, KbdInteractive unset",
        "PAM still takes passwords: fail",
    ),
    27: (
        "no in main file, yes in sshd_config.d/50-cloud-init.conf, Include on top",
        "first value wins: fail",
    ),
    28: (
        "reverse: yes in main file, no in a 00- drop-in",
        "pass",
    ),
    29: (
        "Match Address 10.0.0.0/8 with PasswordAuthentication yes",
        "Match beats globals wherever it stands: fail",
    ),
    30: (
        "Match exec",
        "inconclusive",
    ),
    31: (
        "OpenSSH 7.7 with Match Group, -T without -C",
        "run with -C",
    ),
    32: (
        "offline image without host keys",
        "compliant: give -h a temporary key (or -G from 9.3)",
    ),
    33: (
        "socket activation, /run/sshd missing",
        "make the folder on tmpfs, retry",
    ),
    34: (
        "PermitRootLogin prohibit-password",
        "pass",
    ),
    35: (
        "PermitRootLogin yes with both password methods off",
        "no password login: pass (guideline's effect is met)",
    ),
    36: (
        "sshd -T run as non-root, drop-in 0600",
        "needs root; else inconclusive",
    ),
    37: (
        "ssh.socket ListenStream=2222, Port unset",
        "2222; ss shows systemd as owner",
    ),
    38: (
        "UseDNS not set on modern OpenSSH",
        "default is no: pass",
    ),
    39: (
        "no sshd (Bottlerocket)",
        "n/a with reason",
    ),
    40: (
        "empty field",
        "login without password under nullok or PermitEmptyPasswords: fail",
    ),
    41: (
        "* or *LOCK* (Amazon Linux root)",
        "no password, keys still work: pass",
    ),
    42: (
        "! or !! with UsePAM no",
        "key login refused too: lock-out of the default user",
    ),
    43: (
        "!$y$… (Ubuntu) or !!$6$… (EL) after passwd -l",
        "hash leaks, passwd -u reopens",
    ),
    44: (
        "passwd -S prints L",
        "same L for ! and *; read the file",
    ),
    45: (
        "hash gone from shadow, still in shadow-",
        "fail",
    ),
    46: (
        "stock nullok in PAM (Debian, Ubuntu, EL), no empty field",
        "warn only; fail once a field is empty",
    ),
    47: (
        "max age 60 days, password !!",
        "key users locked out after 60 days",
    ),
    48: (
        "sssd, winbind or homed users",
        "read files and nsswitch and their stores",
    ),
    49: (
        "default user taken from a distro table (admin, debian, cloud-user, rocky…)",
        "read system_info.default_user.name, let the profile override",
    ),
    50: (
        "password user added for the serial console, or autologin",
        "fail",
    ),
    51: (
        "locked root, emergency mode at reboot",
        "image never comes back; sulogin refusal is by design",
    ),
    52: (
        "cloud.cfg: ssh_pwauth true, lock_passwd false, chpasswd list user:password",
        "each launch gets the password: fail",
    ),
    53: (
        "Photon or FreeBSD template: disable_root false",
        "root reachable by launch key: fail",
    ),
    54: (
        "tiny-cloud, Ignition with Afterburn, ucd",
        "judge by behaviour",
    ),
    55: (
        "derived Clear Linux image does not inject the key",
        "fail",
    ),
    56: (
        "SSH answers before the key is written, customisation takes minutes",
        "wait for provisioning, then judge",
    ),
    57: (
        '/etc/machine-id missing, empty, "uninitialized", or filled; D-Bus copy filled',
        "empty or uninitialized pass, missing warns, filled fails, D-Bus copy counts",
    ),
    58: (
        "AL2023: no rsyslog, no cron, no lsb_release",
        "journal of old machine-ids holds the logs",
    ),
    59: (
        "key shredded on ext4 or XFS",
        "copies in journal, earlier blocks; snapshot lists every written block",
    ),
    60: (
        "XFS with the scanner's own root UUID, unclean log",
        "ro,norecovery,nouuid; ext4 ro,noload; failure is inconclusive",
    ),
    61: (
        "LVM with the scanner's own VG name, btrfs subvolumes, several partitions",
        "import under another name, walk all",
    ),
    62: (
        "image without ENA, or PV, on a Nitro type",
        "wrong instance type; pick from metadata",
    ),
    63: (
        "millions of entropy hits",
        "validator-backed patterns block, entropy never; values redacted",
    ),
    64: (
        'name test "_history" without wildcard',
        ".bash_history is there",
    ),
    65: (
        "bash history removed, then logout",
        "rewritten at logout",
    ),
    66: (
        "Public false, shared with accounts, an organization or an OU",
        "read launchPermission, four kinds",
    ),
    67: (
        "disabled or deprecated AMI",
        "hidden unless IncludeDisabled / IncludeDeprecated",
    ),
    68: (
        "mapping without Encrypted, snapshot encrypted",
        "ask DescribeSnapshots: fail for public",
    ),
    69: (
        "report of us-east-1 used for a copy in another region",
        "other AMI id, other snapshots",
    ),
    70: (
        "Packer ami_groups=all, gate as post-processor",
        "already public before the gate runs",
    ),
    71: (
        "quota or block public access hit in region 3 of 5",
        "preflight all, roll back own changes",
    ),
    72: (
        "status set inside awk-pipe-while loop",
        "subshell lost the failure",
    ),
    73: (
        "[[ $(cmd && echo 1 or echo 0) ]] around firewalld",
        "any text is true",
    ),
    74: (
        "password field compared with ! , !! and * only",
        "classify as in the accounts table",
    ),
    75: (
        "checker prints the key it found",
        "secret now in the CI log: redact",
    ),
}
"""Number, to the situation and the truth."""

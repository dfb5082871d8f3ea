"""How what a machine answers is kept: every question says it, and nothing is kept in any other form."""

from __future__ import annotations

from enum import StrEnum


class Keep(StrEnum):
    """What is kept of a file's content or of a command's standard output; docs/evidence.md has the reasons.

    Redaction happens before anything gets into a view, so facts see the same on live and on saved evidence. What is
    not of the form that was declared is not kept: an image may put anything anywhere, by a link or an Include."""

    WHOLE = "whole"
    """All of it. For whoever changes a machine and collects unredacted; a redactor keeps nothing of it."""
    NOTHING = "nothing"
    """Of a file its metadata, of a command its exit code."""
    SIZE = "size"
    """The number of lines; a file's size is metadata. For histories."""
    DIGEST = "digest"
    """A digest under the key of the run, which tells like from unlike within the run. For user data."""
    PRIVATE_KEY = "private-key"
    """Header, type, whether it has a passphrase, and the public half's fingerprint where that needs none."""
    PASSWD = "passwd"  # noqa: S105 - a file
    """passwd(5) without comments and real names; a hash becomes scheme, length and digest."""
    SHADOW = "shadow"
    """shadow(5); a hash becomes scheme, length and digest, locks stay in front of it."""
    GROUPS = "groups"
    """group(5) and gshadow(5), likewise."""
    AUTHORIZED_KEYS = "authorized-keys"
    """Keys with their options; no comment lines, no values of `command=` and `environment=`."""
    PUBLIC_KEY = "public-key"
    """One public key, as `ssh-keygen -y` prints it."""
    SSHD_CONFIG = "sshd-config"
    """sshd_config(5): settings that are known, without comments, commands' arguments and values of SetEnv."""
    SSHD_EFFECTIVE = "sshd-effective"
    """What `sshd -T` prints, likewise."""
    SSHD_TEST = "sshd-test"
    """Of what `sshd -t` prints on either stream: places of errors, and that there is no host key."""
    SSHD_PROCESSES = "sshd-processes"
    """Executables and command lines of processes that are sshd."""
    PATHS = "paths"
    """Absolute paths, one a line."""
    NUMBERS = "numbers"
    """Digits, dots and blanks."""
    UUID = "uuid"
    """One UUID."""
    PACKAGES = "packages"
    """Lines of status, name and version."""
    UNITS = "units"
    """systemd's state, then units with their states; no descriptions."""
    ANSWER = "answer"
    """All of it, in memory only, for what a user's own tests ask: no saved evidence has it."""
    CLOUD_INIT_STATUS = "cloud-init-status"
    """JSON of cloud-init: states, and the number of errors."""

"""What a detector says of bytes: what lies where, and nothing of the secret itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DETECTORS_VERSION: Final = 4
"""Goes up whenever a detector finds what it did not find before: what an older one did not find is not known."""


class Sort(StrEnum):
    """What was found."""

    PRIVATE_KEY = "private-key"
    AWS_KEY = "aws-key"
    """An access key id of AWS with a secret beside it, or a secret beside its name."""
    AWS_FILE = "aws-file"
    """A file in which a tool keeps credentials of AWS, with something in it."""
    AWS_CONFIG = "aws-config"
    """A file in which a tool may keep them, and what was found in it is none."""
    HOST_KEY = "host-key"
    """Named as sshd's or dropbear's host keys are."""
    LEFTOVER = "leftover"
    """Named as what AWS's own bundling leaves out, and its content does not say that it is harmless."""
    EDITOR_BACKUP = "editor-backup"
    """Named as what editors leave beside a file that was changed, in folders that people edit in."""
    VCS = "vcs"
    """A credential for repositories."""
    CHECKOUT = "checkout"
    """A working copy of a repository; its detail ends with the remote."""
    REGISTRY = "registry"
    """A credential for registries and package repositories."""
    CLOUD = "cloud"
    """A credential of another cloud than AWS."""
    AGENT = "agent"
    """What registers a runner or an agent."""
    CONFIG_MANAGEMENT = "config-management"
    DATABASE = "database"
    APP_CONFIG = "app-config"
    """A secret in the configuration of an application."""
    VPN = "vpn"
    CLUSTER = "cluster"
    """A secret of a cluster, of DNS or of OpenPGP."""
    STARTED = "started"
    """A secret among what is started at boot, at login or by the clock."""
    LOGGED = "logged"
    """A secret that only a log has."""
    UNREAD_LOG = "unread-log"
    """A log that could not be unpacked."""
    ENTROPY = "entropy"
    """A value that looks random."""
    MEMORY = "memory"
    """What was in the memory of a machine: a dump, swap."""
    KEY_FETCH = "key-fetch"
    """A script that fetches the launch key from the metadata of EC2."""
    KEY_FETCH_FAULT = "key-fetch-fault"
    KEY_FETCH_REMARK = "key-fetch-remark"
    TUNNEL = "tunnel"
    """Something that runs by itself and opens a way in by calling out."""
    ENDPOINT = "endpoint"
    """A setting that names a proxy, or a host that only the builder of the image reaches."""
    CHANGED_PROGRAM = "changed-program"
    """A program or a library that is not as its package brought it."""
    PRIVILEGED_PROGRAM = "privileged-program"
    """A program that runs as its owner or group (setuid, setgid), and is no package's that is known to be so."""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """Something secret, at `offset` of the bytes that were looked at."""

    sort: Sort
    offset: int
    """-1 where it is the file as a whole."""
    detail: str
    """In words; never the secret."""
    fingerprint: str = ""
    """SHA256 of the public half of a key, as `ssh-keygen -l` prints it, where it can be told."""

"""What can be wrong with an image: by topic, each a change to the clean one, for the images where it makes sense."""

from amigate.sandbox.images.defects import accounts, first_boot, identities, keys_left, reboot, sshd, updates
from amigate.sandbox.images.defects.registry import DEFECTS, Defect

__all__ = [
    "DEFECTS",
    "LEAKY",
    "Defect",
    "accounts",
    "first_boot",
    "identities",
    "keys_left",
    "reboot",
    "sshd",
    "updates",
]

LEAKY = (
    "root-password-login",
    "password-login",
    "dns-checks",
    "root-password",
    "empty-password",
    "builder-key",
    "root-builder-key",
    "baked-host-keys",
)
"""The leaky images: much is wrong, and a launch key still logs in."""

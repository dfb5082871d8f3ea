"""Whom to log in as, before anybody has looked inside: the usual users, those that the image hints at first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

USUAL = ("ec2-user", "ubuntu", "admin", "debian", "rocky", "almalinux", "fedora", "centos")
"""Tried in this order where nothing hints at another; one attempt for each connection, so that no sshd's MaxAuthTries
is used up, with pauses that keep clear of OpenSSH's penalties."""

HINTS = (
    (re.compile(r"ubuntu", re.IGNORECASE), ("ubuntu",)),
    (re.compile(r"debian", re.IGNORECASE), ("admin", "debian")),
    (re.compile(r"rocky", re.IGNORECASE), ("rocky",)),
    (re.compile(r"alma", re.IGNORECASE), ("almalinux", "ec2-user")),
    (re.compile(r"fedora[ -]?coreos|fcos|flatcar|coreos", re.IGNORECASE), ("core",)),
    (re.compile(r"fedora", re.IGNORECASE), ("fedora",)),
    (re.compile(r"centos", re.IGNORECASE), ("centos", "ec2-user", "cloud-user")),
    (re.compile(r"alpine", re.IGNORECASE), ("alpine",)),
    (re.compile(r"kali", re.IGNORECASE), ("kali",)),
    (re.compile(r"arch[ -]?linux", re.IGNORECASE), ("arch",)),
    (re.compile(r"bitnami", re.IGNORECASE), ("bitnami",)),
    (
        re.compile(r"amzn|al20\d\d|amazon[ -]linux|rhel|red ?hat|suse|sles|oracle|\bol\d|bsd", re.IGNORECASE),
        ("ec2-user",),
    ),
)
"""What a distribution's own images call their user; https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/managing-users.html"""

OWNERS = {
    "099720109477": ("ubuntu",),
    "136693071363": ("admin", "debian"),
    "137112412989": ("ec2-user",),
    "125523088429": ("centos", "fedora"),
    "792107900819": ("rocky",),
    "764336703387": ("ec2-user", "almalinux"),
    "309956199498": ("ec2-user",),
    "013907871322": ("ec2-user",),
    "538276064493": ("alpine",),
    "075585003325": ("core",),
}
"""Accounts from which distributions publish."""

FIELDS = ("Name", "Description", "ImageLocation", "PlatformDetails")
"""Of an Image, the most telling first; the owner's words, which only put names of ours in order."""
MOST_USERS = 9
_SCANNED_CHARS = 500


def login_users(image: Mapping[str, Any], configured: Sequence[str] | None) -> tuple[str, ...]:
    """Return the users to try on `image` (an Image of DescribeImages), the likeliest first.

    `configured`, by the profile or the caller, is all that counts where it is given."""
    if configured:
        return tuple(configured)
    return tuple(dict.fromkeys([*_hinted(image), *USUAL]))[:MOST_USERS]


def _hinted(image: Mapping[str, Any]) -> Iterator[str]:
    for field in FIELDS:
        text = str(image.get(field) or "")[:_SCANNED_CHARS]
        for pattern, users in HINTS:
            if pattern.search(text):
                yield from users
    yield from OWNERS.get(str(image.get("OwnerId", "")), ())
    if image.get("ImageOwnerAlias") == "amazon":
        yield "ec2-user"

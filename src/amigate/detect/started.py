"""What is started at boot, at login or by the clock: secrets in its environment and its arguments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.detect.credentials.kind import any_of
from amigate.detect.hits import Hit, Sort
from amigate.detect.values import assigned, options, plain, urls

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_BYTES = 512 * 1024
_MOST_HITS = 10
_PLACES = re.compile(
    r"(?:/etc/(?:systemd(?!/network/)|environment\.d|profile\.d|default|sysconfig|conf\.d|init\.d|rc\.d|cron\.[a-z]+|init|runit|sv)/"
    r"|/(?:usr/)?lib/systemd/|/usr/lib/environment\.d/|/usr/local/lib/systemd/|/var/spool/cron/|/etc/crontabs/"
    r"|/etc/kernel/|/(?:boot|efi)/(?:.*/)?loader/entries/|/boot/grub2?/|/boot/efi/EFI/|(?:/root|/home/[^/]+)/\.config/systemd/).*"
    r"|/etc/(?:environment|profile|crontab|anacrontab|rc\.local|bash\.bashrc|bashrc|inittab)|/boot/cmdline\.txt"
    r"|(?:/root|/home/[^/]+)/\.(?:bash_?profile|bashrc|profile|zshrc|zshenv|bash_login|pam_environment)",
    re.DOTALL,
)
"""Where what is started at boot, at login or by the clock gets its environment and its arguments."""
_ENVIRONMENT_FILE = re.compile(rb"(?m)^[ \t]*EnvironmentFile[ \t]*=[ \t]*-?(/[^\s%*?\[\"']{1,1000})")


def is_started(path: str) -> bool:
    """Whether the environment or the arguments of something that is started stand in a file."""
    return _PLACES.fullmatch(path) is not None


def started(content: bytes) -> Iterator[Hit]:
    """Yield the secrets among what something is started with."""
    text = plain(content[:_MOST_BYTES])
    found = any_of(assigned, options, urls)(text)
    for at in sorted(set(found))[:_MOST_HITS]:
        yield Hit(
            sort=Sort.STARTED, offset=at, detail="a secret among what is started at boot, at login or by the clock"
        )


def environment_files(content: bytes) -> list[str]:
    """Return the files from which a unit takes its environment."""
    return [match[1].decode("utf-8", "surrogateescape") for match in _ENVIRONMENT_FILE.finditer(content)]

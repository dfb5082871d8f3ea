"""What keeps a child apart from everything else, as far as its kernel lets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_GAPS = {
    "system_calls": "its system calls are not filtered (seccomp was refused)",
    "files": "files are not out of its reach by Landlock (which the kernel does not have, or refuses)",
    "network": "it has the network of the machine (a network namespace was refused)",
    "unprivileged": "it runs as root (whose user id could not be given up, or whose capabilities)",
    "no_new_privileges": "it may gain privileges (PR_SET_NO_NEW_PRIVS was refused)",
}
_COVERED = frozenset({"files", "network"})


@dataclass(frozen=True, kw_only=True)
class Isolation:
    """What was enforced before the image was looked at; resource limits and the end with the parent always are."""

    system_calls: bool
    """A seccomp filter lets it compute and talk to its parent, and nothing else."""
    files: bool
    """Landlock: no file can be opened."""
    network: bool
    """A network namespace of its own, with nothing in it."""
    unprivileged: bool
    """It runs as nobody where the parent is root, else as the parent's user; without capabilities."""
    no_new_privileges: bool

    @property
    def gaps(self) -> Sequence[str]:
        """What nothing enforces here, a clause each; the filter of system calls covers files and the network."""
        covered = _COVERED if self.system_calls else frozenset()
        return [text for name, text in _GAPS.items() if not getattr(self, name) and name not in covered]

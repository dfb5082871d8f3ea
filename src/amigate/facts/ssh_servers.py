"""SSH servers beside the system's own sshd.

They are other programs, units that start an sshd with a configuration of its own, and what puts a server into the
initramfs, which is told by its hooks and settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, Question
from amigate.evidence.sshd_start import exec_starts
from amigate.facts.host_keys import CLOCK
from amigate.facts.sshd_at_rest import NAMES
from amigate.facts.sshd_config import MAIN
from amigate.facts.sshd_sessions import configuring
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import Entry, View

_FOLDERS = ("/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/opt/*/sbin", "/opt/*/bin")
_OLD_FOLDERS = ("/sbin", "/bin")
"""The same as /usr's, where /usr is merged."""
_PROGRAMS = ("dropbear", "tinysshd")
_INITRAMFS = (
    "/etc/dropbear/initramfs/*",
    "/etc/dropbear-initramfs/*",
    "/usr/share/initramfs-tools/hooks/dropbear*",
    "/usr/share/initramfs-tools/hooks/tinyssh*",
    "/etc/initramfs-tools/hooks/*ssh*",
    "/etc/initramfs-tools/hooks/dropbear*",
    "/usr/lib/dracut/modules.d/*sshd*",
    "/usr/lib/dracut/modules.d/*dropbear*",
    "/usr/lib/initcpio/hooks/dropbear",
    "/usr/lib/initcpio/hooks/tinyssh",
)
_UNIT_FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_BESIDE = (*(Glob(f"{folder}/{name}", Keep.NOTHING) for folder in _FOLDERS for name in _PROGRAMS),)
_OLD = (*(Glob(f"{folder}/{name}", Keep.NOTHING) for folder in _OLD_FOLDERS for name in _PROGRAMS),)
_EARLY = (*(Glob(pattern, Keep.NOTHING) for pattern in _INITRAMFS),)
_SSH_UNITS = (*(Glob(f"{folder}/*ssh*.service", Keep.SSHD_START) for folder in _UNIT_FOLDERS),)
"""What a running machine is asked for."""
_ALL_UNITS = (
    *(Glob(f"{folder}/*.service", Keep.SSHD_START) for folder in _UNIT_FOLDERS),
    *(Glob(f"{folder}/*.service.d/*.conf", Keep.SSHD_START) for folder in _UNIT_FOLDERS),
)
"""At rest a unit may have any name."""


@dataclass(frozen=True, kw_only=True)
class SshServers:
    """What would serve SSH beside the system's own sshd."""

    others: tuple[Finding, ...]

    @classmethod
    def read(cls, view: View) -> SshServers:
        """Look at programs, hooks and units; raises InconclusiveError when one could not be looked at."""
        found = dict(_programs(view))
        early = {entry.path: _early(entry) for glob in _EARLY for entry in view.glob(glob.key)}
        units = [*_units(view)]
        return cls(others=(*found.values(), *early.values(), *units))


def _programs(view: View) -> Iterator[tuple[str, Finding]]:
    """Yield programs by name, each once: where /usr is merged, a path has two names."""
    found = [entry for glob in (*_BESIDE, *_OLD) for entry in view.glob(glob.key)]
    merged = {entry.path for entry in found}
    for entry in found:
        if entry.kind in (Kind.FILE, Kind.LINK) and f"/usr{entry.path}" not in merged:
            name = entry.path.rpartition("/")[2]
            yield entry.path, Finding(path=entry.path, detail=f"another SSH server is installed: {name}")


def _early(entry: Entry) -> Finding:
    return Finding(path=entry.path, detail="it puts an SSH server into the initramfs")


def _units(view: View) -> Iterator[Finding]:
    seen = set()
    for glob in _ALL_UNITS if view.is_at_rest(CLOCK.key) else _SSH_UNITS:
        for entry in view.glob(glob.key):
            name = "/".join(entry.path.split("/")[4 if entry.path.startswith("/usr") else 3 :])
            if entry.kind is Kind.DIRECTORY or entry.target == "/dev/null" or name in seen:
                continue
            if detail := _own_settings(view.text(entry.path) or "", name.split("/")[1].removesuffix(".d")):
                seen.add(name)
                yield Finding(path=entry.path, detail=detail)


def _own_settings(text: str, unit: str) -> str:
    """Say what another sshd than the system's is told to go by; of the system's, options are settings like others."""
    found = ""
    for _, words in exec_starts(text):
        options = configuring(words or [])
        if any(flag == "-f" and value != MAIN for flag, value in zip(options[::2], options[1::2], strict=True)):
            return "it starts an sshd with a configuration file of its own"
        if unit not in NAMES and any(flag != "-f" for flag in options[::2]):
            found = "it starts an sshd with options of its own"
    return found


def _then(view: View) -> Iterator[Question]:
    if view.is_at_rest(CLOCK.key):
        yield from _ALL_UNITS


NEEDS = Needs(first=(CLOCK, *_BESIDE, *_OLD, *_EARLY, *_SSH_UNITS), then=_then)

"""Whether the package repositories of an image are checked to be signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, ReadFile
from amigate.facts.asked import only_at_rest
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View

_MAIN = ("/etc/dnf/dnf.conf", "/etc/yum.conf")
"""The first that is there counts."""
_ZYPP_MAIN = "/etc/zypp/zypp.conf"
_REPOS = ("/etc/yum.repos.d/*.repo", "/etc/yum/repos.d/*.repo", "/etc/distro.repos.d/*.repo")
_ZYPP_REPOS = "/etc/zypp/repos.d/*.repo"
_SOURCES = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources")
_CONF = ("/etc/apt/apt.conf", "/etc/apt/apt.conf.d/*")
NEEDS = only_at_rest(
    *(ReadFile(path, Keep.RPM_REPOSITORIES) for path in (*_MAIN, _ZYPP_MAIN)),
    *(Glob(pattern, Keep.RPM_REPOSITORIES) for pattern in (*_REPOS, _ZYPP_REPOS)),
    *(Glob(pattern, Keep.APT_SOURCES) for pattern in _SOURCES),
    *(Glob(pattern, Keep.APT_CONF) for pattern in _CONF),
)
_APT_DETAILS = {
    "trusted": "its packages are trusted without a signature (trusted=yes)",
    "allow-insecure": "it may be unsigned (allow-insecure=yes)",
    "allow-weak": "its signature may be weak (allow-weak=yes)",
}


@dataclass(frozen=True, kw_only=True)
class Repositories:
    """What is not checked."""

    unsigned: tuple[Finding, ...]

    @classmethod
    def read(cls, view: View) -> Repositories:
        """Read the settings of apt, dnf, yum and zypper; raises InconclusiveError where some were not seen."""
        return cls(unsigned=(*_of_apt(view), *_of_dnf(view), *_of_zypper(view)))


def _of_apt(view: View) -> Iterator[Finding]:
    for pattern in _SOURCES:
        for path, number, word in _words(view, pattern):
            yield Finding(path=path, line=number, detail=_APT_DETAILS[word])
    for pattern in _CONF:
        for path, number, word in _words(view, pattern):
            yield Finding(path=path, line=number, detail=f"apt takes what is not signed ({word})")


def _words(view: View, pattern: str) -> Iterator[tuple[str, int, str]]:
    for entry in view.glob(pattern):
        if entry.kind is not Kind.DIRECTORY:
            for number, line in enumerate((view.text(entry.path) or "").split("\n"), 1):
                if line:
                    yield entry.path, number, line


def _of_dnf(view: View) -> Iterator[Finding]:
    """Find what is enabled and not checked; without a word for it, dnf and yum check nothing."""
    main = next((path for path in _MAIN if view.entry(path) is not None), None)
    default, _ = _sections(view, main).get("main", {}).get("gpgcheck", ("0", 0)) if main else ("0", 0)
    for pattern in _REPOS:
        for entry in view.glob(pattern):
            yield from _unchecked(view, entry.path, default)


def _of_zypper(view: View) -> Iterator[Finding]:
    """Find what is enabled and not checked; without a word for it, zypper checks everything."""
    value, line = _sections(view, _ZYPP_MAIN).get("main", {}).get("gpgcheck", ("1", 0))
    if value == "0":
        yield Finding(path=_ZYPP_MAIN, line=line, detail="zypper takes what is not signed (gpgcheck)")
    for entry in view.glob(_ZYPP_REPOS):
        yield from _unchecked(view, entry.path, "1")


def _unchecked(view: View, path: str, default: str) -> Iterator[Finding]:
    for name, settings in _sections(view, path).items():
        is_enabled, _ = settings.get("enabled", ("1", 0))
        checked, line = settings.get("gpgcheck", (default, 0))
        if "?" in {is_enabled, checked, name}:
            raise InconclusiveError(f"{path}: a section or a switch is in no known form")
        if is_enabled == "1" and checked == "0":
            yield Finding(subject=name, path=path, line=line or None, detail="its packages are not checked (gpgcheck)")


def _sections(view: View, path: str) -> dict[str, dict[str, tuple[str, int]]]:
    """Return each section's settings with their lines; of a setting that is there twice, the last."""
    found: dict[str, dict[str, tuple[str, int]]] = {}
    here: dict[str, tuple[str, int]] = {}
    for number, line in enumerate((view.text(path) or "").split("\n"), 1):
        if line.startswith("["):
            here = found.setdefault(line.strip("[]"), {})
        elif line:
            name, _, value = line.partition("=")
            here[name] = (value, number)
    return found

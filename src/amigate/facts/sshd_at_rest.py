"""What is known of an SSH server that does not run: its program, its version, its options, and the users' groups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Question, ReadFile
from amigate.evidence.sshd_start import assigned, exec_starts
from amigate.facts import os_release, packages
from amigate.facts.accounts import Accounts
from amigate.facts.os_release import OsRelease
from amigate.facts.packages import Packages
from amigate.facts.sshd_sessions import Server, configuring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View
    from amigate.facts.sshd_effective import Version

PROGRAMS = tuple(
    Glob(pattern, Keep.NOTHING)
    for pattern in (
        "/usr/sbin/sshd",
        "/usr/bin/sshd",
        "/sbin/sshd",
        "/usr/local/sbin/sshd",
        "/usr/lib/ssh/sshd",
        "/usr/libexec/sshd",
        "/opt/*/sbin/sshd",
    )
)
NAMES = ("ssh.service", "sshd.service")
"""What Debian and others call the unit of sshd."""
_FOLDERS = ("/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
"""Of units; a file of one takes the place of a file of the same name in those behind it."""
_UNITS = tuple(
    Glob(f"{folder}/{name}{more}", Keep.SSHD_START)
    for folder in _FOLDERS
    for name in NAMES
    for more in ("", ".d/*.conf")
)
_DEFAULTS = {"/etc/default/ssh": "SSHD_OPTS", "/etc/sysconfig/sshd": "OPTIONS", "/etc/conf.d/sshd": "SSHD_OPTS"}
"""Files that hold options for the units of Debian, Red Hat and OpenRC, and the variable in each."""
_GROUP = "/etc/group"
QUESTIONS: tuple[Question, ...] = (
    *PROGRAMS,
    *_UNITS,
    *(ReadFile(path, Keep.SSHD_START) for path in _DEFAULTS),
    ReadFile(_GROUP, Keep.GROUPS),
    *os_release.NEEDS.first,
    *packages.NEEDS.first,
    *packages.DATABASES,
)
"""What is asked of a file system at rest."""

_PACKAGES = ("openssh-server", "openssh")
_RPM_RELEASES: dict[str, Version] = {
    "amzn 2": (7, 4),
    **{f"fedora {number}": (9, 3) for number in (40, 41, 42, 43)},
    "amzn 2023": (8, 7),
    **{f"{name} 8": (8, 0) for name in ("rhel", "centos", "rocky", "almalinux", "ol")},
    **{f"{name} 9": (8, 7) for name in ("rhel", "centos", "rocky", "almalinux", "ol")},
    **{f"{name} 10": (9, 9) for name in ("rhel", "centos", "rocky", "almalinux", "ol")},
}
"""The oldest OpenSSH of releases whose package database is not read at rest; none of them got one across a change of
defaults."""


def program(view: View) -> str | None:
    """Return the sshd that is installed."""
    found = [entry.path for glob in PROGRAMS for entry in view.glob(glob.key)]
    return found[0] if found else None


def server(view: View) -> Server:
    """Return the server as its units and their files would start it.

    Raises InconclusiveError where the options cannot be told, or change more than which file is read and settings."""
    options = {tuple(configuring(words)) for words in _command_lines(view)} or {()}
    if len(options) > 1:
        raise InconclusiveError("sshd is started in several ways with different options")
    found = next(iter(options))
    if not {*found[::2]} <= {"-f", "-o"}:
        raise InconclusiveError("sshd is started with options that change its configuration")
    return Server(program=program(view) or "", options=found)


def version(view: View) -> Version | None:
    """Return the version of OpenSSH by its package, else by the release; None where neither tells."""
    try:
        found = Packages.read(view).named(_PACKAGES)
    except InconclusiveError:
        found = {}
    for versions in found.values():
        if (match := re.match(r"(?:\d+:)?(\d+)\.(\d+)", versions[0])) is not None:
            return int(match[1]), int(match[2])
    try:
        release = OsRelease.read(view)
    except InconclusiveError:
        return None
    return _RPM_RELEASES.get(f"{release.id} {release.version_id.partition('.')[0]}")


def groups(view: View) -> dict[str, tuple[str, ...]]:
    """Return the names of each account's groups, the first its own."""
    lines = [line.split(":") for line in (view.text(_GROUP) or "").split("\n")]
    known = [(fields[0], fields[2], fields[3].split(",")) for fields in lines if len(fields) > 3]  # noqa: PLR2004 - group(5)
    found = {}
    for account in Accounts.read(view).everybody:
        own = [name for name, number, _ in known if number == str(account.gid)][:1]
        more = [name for name, _, members in known if account.name in members]
        found[account.name] = tuple(dict.fromkeys([*own, *more]))
    return found


def _command_lines(view: View) -> Iterator[list[str]]:
    """Yield the options of every way to start sshd; of a unit, with and without those of the files that it may read."""
    more = [
        _readable(words) for path, variable in _DEFAULTS.items() for words in assigned(view.text(path) or "", variable)
    ]
    starts = list(_starts(view))
    yield from starts
    yield from ([*start, *words] for start in starts or [[]] for words in more)


def _starts(view: View) -> Iterator[list[str]]:
    """Yield the options of every ExecStart that starts sshd."""
    for unit in _units(view):
        started: list[list[str] | None] = []
        for path in unit:
            for program, words in exec_starts(view.text(path) or ""):
                started = [*started, words] if program else []
        yield from map(_readable, started)


def _units(view: View) -> Iterator[list[str]]:
    """Yield the files of each unit, its drop-ins last, as systemd reads them: by name, whichever folder has them.

    https://www.freedesktop.org/software/systemd/man/systemd.unit.html#Description"""
    for name in NAMES:
        found = [entry for folder in _FOLDERS for entry in view.glob(f"{folder}/{name}")]
        others = [_base(found[0].target)] if found and found[0].kind is Kind.LINK else []
        if found and not {*others} & {*NAMES} - {name}:  # another name of the other unit, which is looked at itself
            aliases = [each for each in NAMES if each != name and _is_alias(view, each, name)]
            yield [found[0].path, *_drop_ins(view, [name, *aliases])]


def _is_alias(view: View, name: str, of: str) -> bool:
    found = [entry for folder in _FOLDERS for entry in view.glob(f"{folder}/{name}")]
    return not found or (found[0].kind is Kind.LINK and _base(found[0].target) == of)


def _drop_ins(view: View, names: list[str]) -> list[str]:
    folders = [f"{folder}/{name}.d/*.conf" for folder in reversed(_FOLDERS) for name in reversed(names)]
    found = {_base(entry.path): entry.path for pattern in folders for entry in view.glob(pattern)}
    return [found[each] for each in sorted(found)]


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _readable(words: list[str] | None) -> list[str]:
    if words is None:
        raise InconclusiveError("the options that sshd is started with cannot be read")
    return words

"""What an image starts at boot, by the links that enable it: systemd's units, OpenRC's runlevels, SysV's scripts.

The same links are read live and at rest; systemctl is not asked. What generators add at boot is no part of it.
https://www.freedesktop.org/software/systemd/man/systemd.unit.html#Unit%20File%20Load%20Path"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from amigate.evidence.model import Entry, View

OWN, VENDOR = "/etc/systemd/system", "/usr/lib/systemd/system"
"""The administrator's folder of units, which wins, and the distribution's."""
_LIB = "/lib"
_OLD_VENDOR = f"{_LIB}/systemd/system"
"""Where they are as long as /lib is no link to /usr/lib."""
_KINDS = ("wants", "requires", "upholds")
_MASKS = Glob(f"{OWN}/*", Keep.NOTHING)
_RUNLEVELS = Glob("/etc/runlevels/*/*", Keep.NOTHING)
_SYSV = Glob("/etc/rc3.d/S*", Keep.NOTHING)
_PRESETS = (
    Glob("/etc/systemd/system-preset/*.preset", Keep.PRESETS),
    Glob("/usr/lib/systemd/system-preset/*.preset", Keep.PRESETS),
)
MACHINE_ID = "/etc/machine-id"
MACHINE_ID_CAP_BYTES = 256

_UNIT = re.compile(
    r"[A-Za-z0-9:_.\\@-]+\.(?:service|socket|timer|path|mount|automount|swap|target|device|slice|scope)", re.ASCII
)
_SYSV_NAME = re.compile(r"S\d\d(.+)")


@dataclass(frozen=True, kw_only=True)
class Service:
    """Something that is started at boot."""

    name: str
    """A unit's with its suffix (`ssh.service`, `getty@tty1.service`); a script's as it is."""
    by: tuple[str, ...]
    """The links that enable it, sorted."""

    def finding(self, detail: str) -> Finding:
        """Return the finding that it is enabled where it is."""
        return Finding(subject=self.name, path=self.by[0], detail=detail)


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A line of a preset file: what first boot, and the installation of a package, enables or disables."""

    path: str
    line: int
    enable: bool
    pattern: str
    instances: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Services:
    """What is enabled, what is masked, and under which other names units are known."""

    enabled: tuple[Service, ...]
    """Sorted by name; masked units are not among them."""
    masked: Mapping[str, str]
    """Unit to the path that masks it: a link to /dev/null, or an empty file."""
    aliases: Mapping[str, str]
    """Other name to unit, of the links in the administrator's folder."""
    presets: tuple[Preset, ...]
    """In the order in which they count: the first that fits a unit decides."""
    presets_at_boot: bool
    """Whether the next boot is a first one, at which systemd applies them: there is no machine-id(5) yet."""

    @classmethod
    def read(cls, view: View) -> Services:
        """Read the links; raises InconclusiveError when a folder of them was not seen."""
        own = view.glob(_MASKS.key)
        masked = dict(_masked(own))
        aliases = dict(_aliases(own))
        links: dict[str, set[str]] = {}
        for name, path in _links(view):
            unit = aliases.get(name, name)
            if unit not in masked and _template(unit) not in masked and name not in masked:
                links.setdefault(unit, set()).add(path)
        enabled = [Service(name=name, by=tuple(sorted(paths))) for name, paths in sorted(links.items())]
        return cls(
            enabled=tuple(enabled),
            masked=masked,
            aliases=aliases,
            presets=tuple(_presets(view)),
            presets_at_boot=_is_first_boot(view),
        )

    def named(self, *names: str) -> list[Service]:
        """Return what is enabled under one of `names`; a name without suffix is any unit or script of that name.

        A template (`getty@.service`) stands for all of its instances."""
        wanted = {self.aliases.get(name, name) for name in names}
        return [each for each in self.enabled if wanted & {*_names(each.name)}]

    def preset(self, unit: str) -> bool | None:
        """Whether systemd would enable `unit` where it applies presets; None where none names it: it would."""
        for preset in self.presets:
            if fnmatchcase(unit, preset.pattern):
                return preset.enable
            if _template(unit) == preset.pattern and _instance(unit) in preset.instances:
                return preset.enable
        return None


def _names(name: str) -> Iterator[str]:
    yield name
    yield _template(name)
    if _UNIT.fullmatch(name):
        yield name.rpartition(".")[0]


def _template(name: str) -> str:
    """Return the template that a unit is an instance of; the name itself for another."""
    return re.sub(r"@.+(\.\w+)$", r"@\1", name)


def _instance(name: str) -> str:
    match = re.search(r"@(.+)\.\w+$", name)
    return match[1] if match else ""


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _masked(entries: Iterable[Entry]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        null = entry.kind is Kind.LINK and entry.target == "/dev/null"
        if _UNIT.fullmatch(_base(entry.path)) and (null or (entry.kind is Kind.FILE and entry.size == 0)):
            yield _base(entry.path), entry.path


def _aliases(entries: Iterable[Entry]) -> Iterator[tuple[str, str]]:
    """Yield a unit's other names: links whose name is not that of the unit they lead to."""
    for entry in entries:
        name, unit = _base(entry.path), _base(entry.target)
        if entry.kind is Kind.LINK and _UNIT.fullmatch(unit) and name != unit and _UNIT.fullmatch(name):
            yield name, unit


def _links(view: View) -> Iterator[tuple[str, str]]:
    """Yield what each link enables; by its own name, as systemd does, and not by that of what it leads to."""
    found: dict[str, Entry] = {}
    for folder in _folders(view):  # /dev/null in the administrator's folder takes a vendor's link away
        found |= {each.path.removeprefix(folder): each for glob in _wants(folder) for each in view.glob(glob.key)}
    for entry in found.values():
        if _UNIT.fullmatch(_base(entry.path)) and entry.target != "/dev/null":
            yield _base(entry.path), entry.path
    for entry in view.glob(_RUNLEVELS.key):
        if entry.kind is not Kind.DIRECTORY:
            yield _base(entry.path), entry.path
    for entry in view.glob(_SYSV.key):
        if (match := _SYSV_NAME.fullmatch(_base(entry.path))) is not None:
            yield match[1], entry.path


def _folders(view: View) -> list[str]:
    """Return the folders of units, the one that wins last."""
    lib = view.entry(_LIB)
    return [*([_OLD_VENDOR] if lib and lib.kind is Kind.DIRECTORY else []), VENDOR, OWN]


def _wants(folder: str) -> list[Glob]:
    return [Glob(f"{folder}/*.{kind}/*", Keep.NOTHING) for kind in _KINDS]


def _presets(view: View) -> Iterator[Preset]:
    """Yield the lines of preset files, https://www.freedesktop.org/software/systemd/man/systemd.preset.html."""
    files = {_base(entry.path): entry for glob in reversed(_PRESETS) for entry in view.glob(glob.key)}
    for name in sorted(files):
        path = files[name].path
        for number, line in enumerate((view.text(path) or "").split("\n"), 1):
            words = line.split()
            if words and words[0] in ("enable", "disable") and len(words) > 1:
                yield Preset(
                    path=path, line=number, enable=words[0] == "enable", pattern=words[1], instances=tuple(words[2:])
                )


def _is_first_boot(view: View) -> bool:
    """Say whether there is no machine-id yet; an empty file is not a first boot, a missing one is."""
    text = view.text(MACHINE_ID)
    return text is None or text.strip() == "uninitialized"


def _then(view: View) -> list[Glob]:
    return [glob for folder in _folders(view) for glob in _wants(folder)]


NEEDS = Needs(
    first=(
        _MASKS,
        *_wants(OWN),
        *_wants(VENDOR),
        _RUNLEVELS,
        _SYSV,
        *_PRESETS,
        ReadFile(MACHINE_ID, Keep.MACHINE_ID, cap_bytes=MACHINE_ID_CAP_BYTES),
        ReadFile(_LIB, Keep.NOTHING),
    ),
    then=_then,
)

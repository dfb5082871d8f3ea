"""What lets somebody at a console in without asking: gettys, emergency shells, the kernel's command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.evidence import autologin
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs
from amigate.evidence.redaction.cloud_switches import CONSOLE
from amigate.facts import services
from amigate.facts.boot_loaders import BOOT
from amigate.facts.host_keys import CLOCK
from amigate.facts.services import Services
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View
    from amigate.evidence.questions import Question

_UNITS = (
    *(
        Glob(f"{folder}/*.service{more}", Keep.SSHD_START)
        for folder in ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
        for more in ("", ".d/*.conf")
    ),
)
_ELSEWHERE = (*(Glob(path, Keep.AUTOLOGIN) for path in ("/etc/inittab", "/etc/conf.d/*getty*", "/etc/init/*.conf")),)
"""Of busybox and SysV, OpenRC, Upstart."""
_DEBUG_SHELL = "debug-shell.service"
_SAYS = {
    autologin.LOGIN: "a console is logged in without a password",
    autologin.RESCUE: "the rescue shell asks for no password",
}
_OFF = {"0", "no", "off", "false"}


@dataclass(frozen=True, kw_only=True)
class Consoles:
    """Where nobody is asked."""

    open: tuple[Finding, ...]

    @classmethod
    def read(cls, view: View) -> Consoles:
        """Read units, boot loaders and links; raises InconclusiveError for what was not seen."""
        shells = [
            each.finding("it opens a root shell on a console") for each in Services.read(view).named(_DEBUG_SHELL)
        ]
        return cls(open=(*_started(view), *shells, *_booted(view)))


def _started(view: View) -> Iterator[Finding]:
    """Yield lines of units; where /lib is /usr/lib, a file has two names and counts once."""
    seen = set()
    for glob in (*_UNITS, *_ELSEWHERE):
        for entry in view.glob(glob.key):
            if entry.kind is Kind.DIRECTORY or entry.target == "/dev/null":
                continue
            name = entry.path.removeprefix("/usr") if entry.path.startswith("/usr/lib/") else entry.path
            for number, what in autologin.read(view.text(entry.path) or ""):
                if (name, number, what) not in seen:
                    seen.add((name, number, what))
                    yield Finding(path=entry.path, line=number, detail=_SAYS[what])


def _booted(view: View) -> Iterator[Finding]:
    for glob in BOOT:
        for entry in view.glob(glob.key):
            if entry.kind is not Kind.FILE and entry.content is None and not entry.withheld:
                continue  # a folder, or a link that leads to a partition of its own
            for number, line in enumerate((view.text(entry.path) or "").split("\n"), 1):
                for word in CONSOLE.finditer(line):
                    if _opens(word["name"], word["value"] or ""):
                        detail = f"the kernel is told {word['name']}, which opens a shell on the console"
                        yield Finding(path=entry.path, line=number, detail=detail)


def _opens(name: str, value: str) -> bool:
    if name in ("init", "rdinit"):
        return value.rpartition("/")[2] in autologin.SHELLS
    return value.lower() not in _OFF


def _then(view: View) -> Iterator[Question]:
    if view.is_at_rest(CLOCK.key):
        yield from (*_UNITS, *_ELSEWHERE, *BOOT)
    if services.NEEDS.then is not None:
        yield from services.NEEDS.then(view)


NEEDS = Needs(first=(CLOCK, *services.NEEDS.first), then=_then)
"""A running machine is asked none of its own."""

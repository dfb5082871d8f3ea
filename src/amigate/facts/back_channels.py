"""Programs that open a way into a machine by calling out, past security groups: tunnels and remote control."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.detect.hits import Sort
from amigate.detect.tunnels import PATTERN
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs, Question, ReadFile, Run
from amigate.facts import services
from amigate.facts.asked import is_at_rest
from amigate.facts.host_keys import CLOCK
from amigate.facts.secrets import SEARCH
from amigate.facts.services import Services
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View

_PRODUCTS = {
    "ngrok": ("ngrok",),
    "frp": ("frpc", "frps"),
    "chisel": ("chisel",),
    "Tailscale": ("tailscaled", "tailscale"),
    "Cloudflare Tunnel": ("cloudflared",),
    "Teleport": ("teleport", "tbot"),
    "autossh": ("autossh",),
    "TeamViewer": ("teamviewerd", "teamviewer"),
    "AnyDesk": ("anydesk",),
    "RustDesk": ("rustdesk",),
    "ZeroTier": ("zerotier-one",),
    "NetBird": ("netbird",),
    "Twingate": ("twingate", "twingate-connector"),
    "MeshCentral": ("meshagent",),
    "ConnectWise ScreenConnect": ("connectwisecontrol", "screenconnect"),
    "Splashtop": ("splashtop-streamer", "SRStreamer"),
    "remote.it": ("remoteit", "connectd"),
    "inlets": ("inlets", "inlets-pro"),
    "bore": ("bore",),
    "gsocket": ("gs-netcat",),
}
"""Product to the names of its programs and units."""
_FOLDERS = (
    *("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin", "/root", "/root/bin"),
    *("/opt", "/opt/bin"),
)
_NESTED = ("/opt/teamviewer/tv_bin/teamviewerd", "/opt/teleport/system/bin/teleport", "/opt/meshagent/meshagent")
_PATHS = {
    **{f"{folder}/{name}": product for product, names in _PRODUCTS.items() for name in names for folder in _FOLDERS},
    **{path: product for path in _NESTED for product, names in _PRODUCTS.items() if posixpath.basename(path) in names},
}
_ABSENT = 99
PROGRAMS = Run(
    "programs that open a way in",
    f"for d in {' '.join(_FOLDERS)}; do for n in {' '.join(name for each in _PRODUCTS.values() for name in each)}; do "
    'if [ -f "$d/$n" ]; then echo "$d/$n"; fi; done; done; '
    f"for f in {' '.join(_NESTED)}; do if [ -f $f ]; then echo $f; fi; done",
    Keep.PATHS,
)
TUNNELS = Run(
    "what starts tunnels",
    f"command -v grep >/dev/null || exit {_ABSENT}; "
    "for f in /etc/systemd/system/*.service /etc/systemd/user/*.service /usr/lib/systemd/system/*.service "
    "/lib/systemd/system/*.service /usr/local/lib/systemd/system/*.service /etc/systemd/system/*.service.d/*.conf "
    "/etc/init.d/* /etc/rc.local /etc/rc.d/rc.local /etc/local.d/* /etc/crontab /etc/cron.d/* /etc/cron.*/* "
    "/var/spool/cron/* /var/spool/cron/crontabs/* /etc/crontabs/* /etc/inittab; do "
    f'if [ -f "$f" ] && grep -v \'^[[:space:]]*[#;]\' "$f" | grep -qE \'{PATTERN}\'; then echo "$f"; fi; done',
    Keep.PATHS,
)


@dataclass(frozen=True, kw_only=True)
class BackChannels:
    """What is there of them."""

    active: tuple[Finding, ...]
    """What starts with the machine."""
    idle: tuple[Finding, ...]
    """What is there, and is not seen to be started."""
    gap: str = ""
    """What was not looked at; empty where everything was."""

    @classmethod
    def read(cls, view: View) -> BackChannels:
        """Look for programs, units and tunnels; raises InconclusiveError where that was not seen."""
        enabled = Services.read(view)
        units = {
            unit.name: unit.finding(f"{product} is started at boot")
            for product, names in _PRODUCTS.items()
            for unit in enabled.named(*names)
        }
        started = [_PATHS[path] for path in _programs(view) if enabled.named(*_PRODUCTS[_PATHS[path]])]
        idle = [
            Finding(path=path, detail=f"{_PATHS[path]} is installed")
            for path in _programs(view)
            if _PATHS[path] not in started
        ]
        tunnels = dict(_tunnels(view))
        active = [path for path in tunnels if _is_started(path, enabled)]
        return cls(
            active=(*units.values(), *(_tunnel(path, tunnels[path]) for path in active)),
            idle=(*idle, *(_tunnel(path, line) for path, line in tunnels.items() if path not in active)),
            gap=next(iter(view.search(SEARCH.key).gaps), "") if is_at_rest(view) else "",
        )

    def require_whole(self) -> None:
        """Raise InconclusiveError where something was not looked at."""
        if self.gap:
            raise InconclusiveError(self.gap)


def _tunnel(path: str, line: int | None) -> Finding:
    return Finding(path=path, line=line, detail="it opens a way in through SSH (ssh -R, autossh)")


def _is_started(path: str, enabled: Services) -> bool:
    """Whether what lies at `path` runs by itself: a unit that is enabled, and everything that is no unit."""
    unit = next((part.removesuffix(".d") for part in path.split("/") if part.endswith((".service", ".service.d"))), "")
    return not unit or bool(enabled.named(unit))


def _programs(view: View) -> list[str]:
    if not is_at_rest(view):
        answer = view.answer(PROGRAMS.key)
        if answer.exit_code != 0:
            raise InconclusiveError("the machine did not say which programs are there")
        return [path for path in answer.text.split("\n") if path in _PATHS]
    there = [path for path in _PATHS if view.entry(path) is not None]
    return [path for path in there if f"/usr{path}" not in there]


def _tunnels(view: View) -> Iterator[tuple[str, int | None]]:
    if is_at_rest(view):
        for each in view.search(SEARCH.key).found:
            if each.sort is Sort.TUNNEL and not each.package:
                yield each.path, each.line
        return
    answer = view.answer(TUNNELS.key)
    if answer.exit_code == _ABSENT:
        raise InconclusiveError("the machine has no `grep` to look for tunnels with")
    yield from ((path, None) for path in answer.text.split("\n") if path)


def _then(view: View) -> Iterator[Question]:
    if is_at_rest(view):
        yield from (ReadFile(path, Keep.NOTHING) for path in _PATHS)
        yield SEARCH
    if services.NEEDS.then is not None:
        yield from services.NEEDS.then(view)


NEEDS = Needs(first=(CLOCK, *services.NEEDS.first, PROGRAMS, TUNNELS), then=_then)

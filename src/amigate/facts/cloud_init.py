"""cloud-init as it lies in an image: whether it is there, whether its units start, and what switches it off.

https://docs.cloud-init.io/en/latest/howto/disable_cloud_init.html"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.evidence.redaction.cloud_switches import POLICY, WORD
from amigate.facts import services
from amigate.facts.boot_loaders import BOOT
from amigate.facts.host_keys import CLOCK
from amigate.facts.services import Services
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View
    from amigate.evidence.questions import Question
    from amigate.facts.cloud_config import CloudConfig

_PROGRAMS = (
    *(
        Glob(path, Keep.NOTHING)
        for path in ("/usr/bin/cloud-init", "/usr/local/bin/cloud-init", "/opt/*/bin/cloud-init")
    ),
)
_MARKER = ReadFile("/etc/cloud/cloud-init.disabled", Keep.NOTHING)
_IDENTIFY = ReadFile("/etc/cloud/ds-identify.cfg", Keep.CLOUD_SWITCHES)
_MODULES = ("cloud_init_modules", "cloud_config_modules", "cloud_final_modules")
_SOURCES = {"ec2", "ec2local"}
_NO = {"false", "no", "off", "0"}
_STAGES = (
    ("cloud-init-local", "cloud-init-local.service"),
    ("cloud-init-network", "cloud-init-network.service", "cloud-init", "cloud-init.service"),
    ("cloud-config", "cloud-config.service"),
    ("cloud-final", "cloud-final.service"),
)
"""Its four stages, each with the names that it has had; 24.3 renamed the second."""
_EQUALS = (
    "afterburn-sshkeys@.service",
    "coreos-metadata-sshkeys@.service",
    "tiny-cloud",
    "tiny-cloud-main",
    "ucd.service",
    "amazon-cloudinit.service",
)
"""What installs the launch key elsewhere: Afterburn (after Ignition), tiny-cloud, micro-config-drive."""


@dataclass(frozen=True, kw_only=True)
class CloudInit:
    """cloud-init, as far as files tell."""

    is_installed: bool
    switched_off: tuple[Finding, ...]
    """What keeps it from running, or from the datasource of EC2."""
    not_enabled: tuple[Finding, ...]
    """Its stages that nothing starts."""
    equals: tuple[str, ...]
    """What is enabled that does as much."""

    @classmethod
    def read(cls, view: View) -> CloudInit:
        """Read files and links; raises InconclusiveError for what was not seen."""
        installed = any(entry for glob in _PROGRAMS for entry in view.glob(glob.key))
        started = Services.read(view)
        return cls(
            is_installed=installed,
            switched_off=tuple(_switched_off(view)),
            not_enabled=tuple(_not_enabled(started)),
            equals=tuple(each.name for each in started.named(*_EQUALS)),
        )


def key_faults(config: CloudConfig) -> list[Finding]:
    """Find what in cloud-init's configuration keeps the launch key out."""
    found = []
    if str(config.value("allow_public_ssh_keys")).lower() in _NO:
        found.append(config.finding(("allow_public_ssh_keys",), "cloud-init is told not to install the launch key"))
    sources = config.value("datasource_list")
    names = [str(each).lower() for each in sources] if isinstance(sources, list) else []
    if names and not _SOURCES.intersection(names):
        found.append(config.finding(("datasource_list",), "Ec2 is not among the datasources"))
    lists = [config.value(name) for name in _MODULES]
    if any(lists) and "ssh" not in {_module(each) for modules in lists for each in modules or ()}:
        found.append(config.finding((_MODULES[0],), "the module `ssh`, which installs the launch key, does not run"))
    return found


def _module(entry: Any) -> str:
    """Return the name of a module, which may stand with how often it runs."""
    return str(entry[0] if isinstance(entry, list) and entry else entry)


def _switched_off(view: View) -> Iterator[Finding]:
    if view.entry(_MARKER.path) is not None:
        yield Finding(path=_MARKER.path, detail="this file keeps cloud-init from running")
    for glob in BOOT:
        for entry in view.glob(glob.key):
            if entry.kind is not Kind.FILE and entry.content is None and not entry.withheld:
                continue  # a folder, or a link that leads to a partition of its own
            for number, line in enumerate((view.text(entry.path) or "").split("\n"), 1):
                if any(match["value"] == "disabled" for match in WORD.finditer(line)):
                    yield Finding(
                        path=entry.path, line=number, detail="cloud-init=disabled is for the kernel's command line"
                    )
    for number, line in enumerate((view.text(_IDENTIFY.path) or "").split("\n"), 1):
        match = POLICY.fullmatch(line)
        if match is not None and match["name"] == "policy" and "disabled" in match["value"].split(","):
            yield Finding(path=_IDENTIFY.path, line=number, detail="the policy of ds-identify is disabled")


def _not_enabled(started: Services) -> Iterator[Finding]:
    for names in _STAGES:
        masked = [started.masked[name] for name in names if name in started.masked]
        if not started.named(*names):
            path = masked[0] if masked else ""
            yield Finding(subject=names[1], path=path, detail="it is masked" if masked else "nothing starts it at boot")


def _then(view: View) -> Iterator[Question]:
    if view.is_at_rest(CLOCK.key):
        yield from _PROGRAMS
        yield from (_MARKER, _IDENTIFY)
        yield from BOOT
    if services.NEEDS.then is not None:
        yield from services.NEEDS.then(view)


NEEDS = Needs(first=(CLOCK, *services.NEEDS.first), then=_then)
"""A running machine is asked none of its own: what cloud-init did there shows in other facts."""

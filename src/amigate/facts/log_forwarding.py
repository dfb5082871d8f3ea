"""Whom an image sends its logs and measurements to: rsyslog, syslog-ng, systemd, auditd, and the usual agents."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.log_grammar import UNTOLD, is_local
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, Question
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View

_SYSLOG = (
    "/etc/rsyslog.conf",
    "/etc/rsyslog.d/*.conf",
    "/etc/syslog-ng/syslog-ng.conf",
    "/etc/syslog-ng/conf.d/*.conf",
    "/etc/conf.d/syslog",
)
_CLOUDWATCH = "/opt/aws/amazon-cloudwatch-agent/etc"
_AGENTS = (
    "/etc/systemd/journal-upload.conf",
    "/etc/systemd/journal-upload.conf.d/*.conf",
    "/etc/systemd/journald.conf",
    "/etc/systemd/journald.conf.d/*.conf",
    "/etc/audit/audisp-remote.conf",
    "/etc/audisp/audisp-remote.conf",
    "/etc/awslogs/*.conf",
    f"{_CLOUDWATCH}/*.json",
    f"{_CLOUDWATCH}/*.toml",
    f"{_CLOUDWATCH}/amazon-cloudwatch-agent.d/*",
    "/etc/fluent-bit/*.conf",
    "/etc/fluent-bit/*.y*ml",
    "/etc/td-agent*/*.conf",
    "/etc/fluent*/*.conf",
    "/etc/vector/*.*ml",
    "/etc/vector/*.json",
    "/etc/*beat/*.yml",
    "/etc/elastic-agent/*.yml",
    "/etc/datadog-agent/datadog.yaml",
    "/etc/newrelic-infra.yml",
    "/etc/telegraf/telegraf.conf",
    "/etc/telegraf/telegraf.d/*.conf",
    "/etc/promtail/*.y*ml",
    "/etc/alloy/*.alloy",
    "/etc/otelcol*/*.yaml",
    "/opt/splunkforwarder/etc/system/local/*.conf",
)
_ASKED = (
    *(Glob(pattern, Keep.LOG_FORWARDING) for pattern in _SYSLOG),
    *(Glob(pattern, Keep.AGENT_TARGETS) for pattern in _AGENTS),
)
_MOST_FILES = 500


@dataclass(frozen=True, kw_only=True)
class LogForwarding:
    """What is sent to others than the machine itself."""

    found: tuple[Finding, ...]

    @classmethod
    def read(cls, view: View) -> LogForwarding:
        """Read the settings and what they include; raises InconclusiveError where some were not seen."""
        return cls(found=tuple(dict.fromkeys(finding for path in _paths(view) for finding in _of_file(view, path))))

    def other_than(self, allowed: object) -> list[Finding]:
        """Find what is sent to hosts that are not `allowed`."""
        hosts = allowed if isinstance(allowed, list | tuple) else ()
        return [each for each in self.found if each.subject not in hosts]


def _paths(view: View) -> list[str]:
    found = [entry.path for question in _ASKED for entry in view.glob(question.key) if entry.kind is not Kind.DIRECTORY]
    for path in found:
        for pattern in _included(view, path):
            if pattern == UNTOLD:
                raise InconclusiveError(f"{path} includes a file whose name is in no known form")
            found += [
                each.path for each in view.glob(pattern) if each.path not in found and each.kind is not Kind.DIRECTORY
            ]
        if len(found) > _MOST_FILES:
            raise InconclusiveError(f"{path}: its includes never come to an end")
    return found


def _included(view: View, path: str) -> Iterator[str]:
    """Yield the patterns that a file includes; a relative one stands beside it, a folder for all in it."""
    entry = view.entries.get(path)
    if entry is None or entry.kept is not Keep.LOG_FORWARDING:
        return
    for line in (view.text(path) or "").split("\n"):
        for each in line.split(";"):
            verb, _, name = each.partition(" ")
            if verb == "include":
                pattern = name if name == UNTOLD else posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
                yield f"{pattern}/*" if name.endswith("/") else pattern


def _of_file(view: View, path: str) -> Iterator[Finding]:
    for number, line in enumerate((view.text(path) or "").split("\n"), 1):
        for each in filter(None, line.split(";")):
            verb, _, host = each.partition(" ")
            if verb == "account":
                yield Finding(path=path, line=number, detail=f"it sends as another account ({host})")
            elif verb == "sends" and not is_local(host):
                where = "a host that cannot be told" if host == UNTOLD else host
                yield Finding(path=path, line=number, subject=host, detail=f"it sends to {where}")


def _then(view: View) -> list[Question]:
    known = [path for path, entry in view.entries.items() if entry.kept is Keep.LOG_FORWARDING]
    return [
        Glob(pattern, Keep.LOG_FORWARDING)
        for path in known[:_MOST_FILES]
        for pattern in _included(view, path)
        if pattern != UNTOLD
    ]


NEEDS = Needs(first=_ASKED, then=_then)

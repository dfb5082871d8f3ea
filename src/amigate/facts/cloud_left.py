"""What cloud-init and its runs on the builder have left in an image at rest.

https://docs.cloud-init.io/en/latest/reference/cli.html#clean, and where it all lies:
https://docs.cloud-init.io/en/latest/explanation/vendordata.html, cloudinit/helpers.py (Paths)."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, Question, ReadFile
from amigate.evidence.sshd_grammar import settings
from amigate.facts import cloud_config, links
from amigate.facts.cloud_config import CloudConfig, load_file
from amigate.facts.cloud_settings import CREDENTIAL, credentials_in
from amigate.facts.host_keys import CLOCK
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View

_DROP_IN = ReadFile("/etc/ssh/sshd_config.d/50-cloud-init.conf", Keep.SSHD_CONFIG)
"""What `ssh_pwauth` is written to; its name sorts behind hardly any other."""
_LOGS = Glob("/var/log/cloud-init*", Keep.NOTHING)
_RUN = Glob("/run/cloud-init/*", Keep.NOTHING)
_FOLDER = "/var/lib/cloud"
_DATA = ("instances/*", "data/*", "sem/*")
_SEEDS = ("seed/*", "seed/*/*", "seed/*/*/*", "seed/*/*/*/*")
_CACHED = ("instance/manual-clean", "instance/obj.pkl", "instances/*/manual-clean", "instances/*/obj.pkl")
_USER_DATA = ("seed/*/user-data", "seed/*/vendor-data", "seed/*/vendor-data2")


@dataclass(frozen=True, kw_only=True)
class CloudLeft:
    """What lies there. Where cloud-init's configuration cannot be read, only its usual folder was looked at."""

    instance_data: tuple[Finding, ...]
    cached: tuple[Finding, ...]
    """What makes cloud-init take the next boot for one of the builder's."""
    logs: tuple[Finding, ...]
    drop_in: tuple[Finding, ...]
    """What the builder's cloud-init told sshd of passwords."""
    seeded: tuple[Finding, ...]
    """Credentials in user data that lies in the image."""
    gaps: tuple[str, ...]
    """Which folder could not be told."""
    log_gaps: tuple[str, ...]
    """Logs that could not be looked at."""
    unread: tuple[str, ...]
    """User data that could not be read."""

    @classmethod
    def read(cls, view: View) -> CloudLeft:
        """Look; raises InconclusiveError for what was not seen."""
        folder, gaps = folder_of(view)
        seeded, unread = _seeded(view, folder)
        logs, log_gaps = _logs(view)
        return cls(
            instance_data=tuple(_instance_data(view, folder)),
            cached=tuple(
                Finding(path=entry.path, detail="cloud-init goes by what the builder's instance was")
                for name in _CACHED
                for entry in view.glob(f"{folder}/{name}")
            ),
            logs=tuple(logs),
            drop_in=tuple(_drop_in(view)),
            seeded=tuple(seeded),
            gaps=gaps,
            log_gaps=tuple(log_gaps),
            unread=tuple(unread),
        )

    def require_whole(self) -> None:
        """Raise InconclusiveError where cloud-init's own folder may be another than was looked at."""
        if self.gaps:
            raise InconclusiveError(self.gaps[0])

    def require_logs_seen(self) -> None:
        """Raise InconclusiveError where a log could not be looked at."""
        if self.log_gaps:
            raise InconclusiveError(self.log_gaps[0])

    def require_user_data_read(self) -> None:
        """Raise InconclusiveError where user data lies in the image that could not be read."""
        self.require_whole()
        if self.unread:
            raise InconclusiveError(self.unread[0])


def folder_of(view: View) -> tuple[str, tuple[str, ...]]:
    """Return the folder of cloud-init's state, and why it may be another."""
    try:
        named = CloudConfig.read(view).value("system_info", "paths", "cloud_dir")
    except InconclusiveError as error:
        return _FOLDER, (str(error),)
    return (posixpath.normpath(str(named)) if named else _FOLDER), ()


def _instance_data(view: View, folder: str) -> Iterator[Finding]:
    if view.entry(f"{folder}/instance") is not None:
        yield Finding(path=f"{folder}/instance", detail="it leads to the data of the builder's instance")
    for name in _DATA:
        for entry in view.glob(f"{folder}/{name}"):
            yield Finding(path=entry.path, detail="what cloud-init noted of the builder's instance")
    for name in _SEEDS:
        for entry in view.glob(f"{folder}/{name}"):
            if entry.kind is not Kind.DIRECTORY and links.is_filled(view, entry.path):
                yield Finding(path=entry.path, detail="a seed: every launch takes it for its own data")
    for entry in view.glob(_RUN.key):
        yield Finding(path=entry.path, detail="what cloud-init noted of the builder's instance")


def _logs(view: View) -> tuple[list[Finding], list[str]]:
    found: list[Finding] = []
    gaps: list[str] = []
    for entry in view.glob(_LOGS.key):
        try:
            if entry.kind is not Kind.DIRECTORY and links.is_filled(view, entry.path):
                found.append(Finding(path=entry.path, detail="a log of cloud-init's, which may hold user data"))
        except InconclusiveError as error:
            gaps.append(str(error))
    return found, gaps


def _drop_in(view: View) -> Iterator[Finding]:
    for number, keyword, words in settings(view.text(_DROP_IN.path) or ""):
        if keyword == "passwordauthentication" and [word.lower() for word in words] == ["yes"]:
            yield Finding(path=_DROP_IN.path, line=number, detail="cloud-init has told sshd to take passwords")


def _seeded(view: View, folder: str) -> tuple[list[Finding], list[str]]:
    found: list[Finding] = []
    unread: list[str] = []
    for name in _USER_DATA:
        for entry in view.glob(f"{folder}/{name}"):
            if entry.kind is Kind.DIRECTORY or not links.is_filled(view, entry.path):
                continue
            try:
                document, lines = load_file(view.text(entry.path) or "", entry.path)
            except InconclusiveError as error:
                unread.append(str(error))
                continue
            for keys in credentials_in(document):
                where = ".".join(map(str, keys))
                found.append(Finding(subject=where, path=entry.path, line=lines.get(keys), detail=CREDENTIAL))
    return found, unread


def _then(view: View) -> Iterator[Question]:
    if not view.is_at_rest(CLOCK.key):
        return
    yield from (_DROP_IN, _LOGS, _RUN)
    folder, _ = folder_of(view)
    yield ReadFile(f"{folder}/instance", Keep.NOTHING)
    yield from (Glob(f"{folder}/{name}", Keep.NOTHING) for name in (*_DATA, *_SEEDS, *_CACHED))
    yield from (Glob(f"{folder}/{name}", Keep.CLOUD_CONFIG) for name in _USER_DATA)
    for path, entry in view.entries.items():
        if entry.kind is Kind.LINK and path.startswith((f"{folder}/", "/var/log/cloud-init")):
            yield from links.chain(view, path)


NEEDS = Needs(first=(CLOCK, *cloud_config.NEEDS.first), then=_then)
"""A running machine is asked none of its own: there all of this is as it should be."""

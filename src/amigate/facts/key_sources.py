"""Where sshd takes keys from beside the files in homes: certificates of an authority, commands, files elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.questions import Needs
from amigate.facts import authorized_keys, links, packages, sshd
from amigate.facts.authorized_keys import KEY_FOLDER_COMMAND, USUAL, AuthorizedKeys
from amigate.facts.host_keys import CLOCK
from amigate.facts.packages import Packages
from amigate.facts.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from amigate.evidence.model import View
    from amigate.evidence.questions import Question
    from amigate.facts.sshd_answers import Session
    from amigate.result import Finding

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "/usr/share/ec2-instance-connect/eic_run_authorized_keys": ("ec2-instance-connect",),
    "/opt/aws/bin/eic_run_authorized_keys": ("ec2-instance-connect",),
    "/usr/bin/sss_ssh_authorizedkeys": ("sssd-common", "sssd"),
    KEY_FOLDER_COMMAND: ("ssh-key-dir",),
    "/usr/bin/google_authorized_keys": ("google-guest-agent", "google-compute-engine-oslogin"),
}
"""Programs that are known to give sshd keys, and the packages that they come with."""
_AUTHORITIES = ("trustedusercakeys", "authorizedprincipalsfile", "authorizedprincipalscommand")
_COMMAND = "authorizedkeyscommand"
_NONE = {"none", ""}
"""The second of an sshd that has not heard of the keyword."""
_WRITABLE_FOR_OTHERS = 0o022


@dataclass(frozen=True, kw_only=True)
class KeySources:
    """The sources that are not known ones."""

    unknown: tuple[Finding, ...]
    gaps: tuple[str, ...]
    """Why there may be more."""

    @classmethod
    def read(cls, view: View) -> KeySources:
        """Read what sshd goes by, and look at the commands.

        Raises NotApplicableError where there is no SSH server, InconclusiveError where one cannot be asked."""
        server = Sshd.read(view)
        gaps: list[str] = []
        unknown = [*_authorities(server), *_commands(view, server, gaps), *_files(view, gaps)]
        try:
            for keyword in _AUTHORITIES:
                server.require_seen(keyword, _NONE.__contains__)
            server.require_seen(_COMMAND, lambda value: value in _NONE or value.split()[0] in COMMANDS)
        except InconclusiveError as error:
            gaps.append(str(error))
        return cls(unknown=tuple(unknown), gaps=tuple(gaps))

    def require_whole(self) -> None:
        """Raise InconclusiveError where there may be more sources than were seen."""
        if self.gaps:
            raise InconclusiveError(self.gaps[0])


def _authorities(server: Sshd) -> Iterator[Finding]:
    for keyword in _AUTHORITIES:
        for session in server.sessions:
            if session.value(keyword) not in _NONE:
                yield server.finding(session, keyword, f"{keyword} is set: whoever signs a key lets it in")


def _commands(view: View, server: Sshd, gaps: list[str]) -> Iterator[Finding]:
    for session in server.sessions:
        program = _program(session)
        if program in _NONE:
            continue
        try:
            fault = _fault(view, program)
        except InconclusiveError as error:
            gaps.append(str(error))
        else:
            if fault:
                yield server.finding(session, _COMMAND, f"sshd asks a command for keys, {fault}")


def _program(session: Session) -> str:
    return (session.value(_COMMAND).split() or [""])[0]


def _fault(view: View, program: str) -> str:
    """Return what speaks against a command; empty for a known one that is a package's and root's alone.

    Packages of rpm are not listed at rest; then place, owner and mode are what there is to see."""
    if program not in COMMANDS:
        return "which is none that is known"
    entry = links.resolved(view, program)
    if entry is not None and (entry.uid != 0 or entry.mode & _WRITABLE_FOR_OTHERS):
        return "which others than root may change"
    try:
        owners = Packages.read(view).named(COMMANDS[program])
    except InconclusiveError:
        if view.is_at_rest(CLOCK.key):
            return ""
        raise
    return "" if owners else "which comes with no package that is known for it"


def _files(view: View, gaps: list[str]) -> Iterator[Finding]:
    """Yield the keys at rest in files that are not in homes; on a running machine the launch key may be there."""
    if not view.is_at_rest(CLOCK.key):
        return
    usual = tuple(f"/{path}" for path in USUAL)
    try:
        keys = AuthorizedKeys.read(view).all
    except InconclusiveError as error:
        gaps.append(str(error))
    else:
        yield from (key.finding("a key in a file of no home's") for key in keys if not key.path.endswith(usual))


def _then(view: View) -> Iterator[Question]:
    for program in COMMANDS:
        yield from links.chain(view, program)
    for needs in (sshd.NEEDS, authorized_keys.NEEDS):
        if needs.then is not None:
            yield from needs.then(view)


NEEDS = Needs(first=(*sshd.NEEDS.first, *packages.NEEDS.first), then=_then)

"""Accounts that come from elsewhere than the account files: what names such a source, and what one has left behind.

https://man7.org/linux/man-pages/man5/nsswitch.conf.5.html,
https://sssd.io/docs/troubleshooting/basics.html, https://systemd.io/HOME_DIRECTORY/"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Kind
from amigate.evidence.questions import Glob, Needs, Question, ReadFile
from amigate.evidence.redaction.name_services import DATABASE, PROVIDER, SECRET
from amigate.facts import links
from amigate.facts.host_keys import CLOCK
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View

_SWITCHES = (ReadFile("/etc/nsswitch.conf", Keep.NAME_SERVICES), ReadFile("/usr/etc/nsswitch.conf", Keep.NAME_SERVICES))
"""The first that is there counts; the second is SUSE's."""
_SSSD = (Glob("/etc/sssd/sssd.conf", Keep.NAME_SERVICES), Glob("/etc/sssd/conf.d/*.conf", Keep.NAME_SERVICES))
_CLIENTS = (
    *(
        Glob(path, Keep.NAME_SERVICES)
        for path in ("/etc/nslcd.conf", "/etc/*ldap.conf", "/etc/ldap/ldap.conf", "/etc/openldap/ldap.conf")
    ),
)
_LEFT = (
    *(
        Glob(pattern, Keep.NOTHING)
        for pattern in (
            "/etc/krb5.keytab",
            "/etc/*ldap.secret",
            "/var/lib/sss/db/*",
            "/var/lib/sss/secrets/*",
            "/var/lib/samba/secrets.tdb",
            "/var/lib/samba/private/secrets.*",
            "/etc/samba/secrets.tdb",
            "/etc/samba/private/secrets.tdb",
            "/var/cache/samba/winbindd_cache.tdb",
            "/var/lib/samba/winbindd_cache.tdb",
            "/etc/ipa/default.conf",
            "/var/lib/ipa-client/sysrestore/*",
            "/var/lib/systemd/home/*",
            "/var/cache/systemd/home/*",
            "/home/*.home",
            "/home/*.homedir",
        )
    ),
)
_LOCAL = {"files", "compat", "db", "systemd", "altfiles", "usrfiles", "extrausers", "mymachines", "myhostname", "sss"}
"""Sources of this machine alone; sss is one as long as no domain of it is another's."""
_LOCAL_PROVIDERS = {"files", "local", "none"}
_OWN_OF_SSSD = {
    "/var/lib/sss/db/" + name
    for name in ("cache_implicit_files.ldb", "config.ldb", "sssd.ldb", "timestamps_implicit_files.ldb")
}
"""What sssd makes on a machine that has no domain."""


@dataclass(frozen=True, kw_only=True)
class RemoteIdentities:
    """What was found."""

    sources: tuple[Finding, ...]
    """Settings by which accounts come from elsewhere."""
    left: tuple[Finding, ...]
    """Secrets and stores of such accounts; of a running machine nobody asked."""

    @classmethod
    def read(cls, view: View) -> RemoteIdentities:
        """Read settings and stores; raises InconclusiveError for what was not seen."""
        left = [*_secrets(view), *_stores(view)] if view.is_at_rest(CLOCK.key) else []
        return cls(sources=(*_switched(view), *_domains(view)), left=tuple(left))

    def require_none(self) -> None:
        """Raise InconclusiveError where the account files are not all that there is."""
        if self.sources:
            raise InconclusiveError(f"{self.sources[0].where}: {self.sources[0].detail}")


def _switched(view: View) -> Iterator[Finding]:
    path = next((each.path for each in _SWITCHES if view.entry(each.path) is not None), None)
    for number, line in enumerate((view.text(path) or "").split("\n") if path else (), 1):
        database = DATABASE.fullmatch(line)
        words = [word for word in (database["sources"] if database else "").split() if word[0].isalpha()]
        for word in words:
            if word not in _LOCAL and "=" not in word and not word.endswith("]"):
                detail = f"accounts may come from {word}, which no account file shows"
                yield Finding(path=path or "", line=number, detail=detail)


def _lines(view: View, globs: tuple[Glob, ...]) -> Iterator[tuple[str, int, str]]:
    for glob in globs:
        for entry in view.glob(glob.key):
            if entry.kind is not Kind.DIRECTORY:
                for number, line in enumerate((view.text(entry.path) or "").split("\n"), 1):
                    yield entry.path, number, line


def _domains(view: View) -> Iterator[Finding]:
    for path, number, line in _lines(view, _SSSD):
        provider = PROVIDER.fullmatch(line)
        if provider and provider["name"] == "id_provider" and provider["value"] not in _LOCAL_PROVIDERS:
            detail = f"accounts come from a domain of sssd's ({provider['value']})"
            yield Finding(path=path, line=number, detail=detail)


def _secrets(view: View) -> Iterator[Finding]:
    for path, number, line in _lines(view, (*_SSSD, *_CLIENTS)):
        if (secret := SECRET.fullmatch(line)) is not None:
            yield Finding(path=path, line=number, detail=f"{secret['name']} is set: a password of a directory service")


def _stores(view: View) -> Iterator[Finding]:
    for glob in _LEFT:
        for entry in view.glob(glob.key):
            if entry.path in _OWN_OF_SSSD:
                continue
            if entry.kind is Kind.DIRECTORY or links.is_filled(view, entry.path):
                yield Finding(path=entry.path, detail="what a directory service, or a home of its own, left behind")


def _then(view: View) -> Iterator[Question]:
    if view.is_at_rest(CLOCK.key):
        yield from (*_CLIENTS, *_LEFT)
        for glob in _LEFT:
            for entry in view.glob(glob.key) if glob.key in view.globbed else ():
                yield from links.chain(view, entry.path)


NEEDS = Needs(first=(CLOCK, *_SWITCHES, *_SSSD), then=_then)

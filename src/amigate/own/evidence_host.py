"""testinfra's `host` where there is no machine to ask: what evidence can tell, under testinfra's own names.

`host.file`, `host.user`, `host.group`, `host.package`, `host.service` and `host.system_info` answer what their
namesakes answer on the machine (https://testinfra.readthedocs.io/en/latest/modules.html). Whatever else is asked is
inconclusive: only a running machine can answer, or it was not collected. So is a file's own text where it was kept as
its meaning only."""

from __future__ import annotations

import datetime
import functools
import hashlib
import posixpath
import re
from typing import TYPE_CHECKING, Any, TypeVar

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import AT_REST, Kind
from amigate.facts.accounts import Accounts
from amigate.facts.os_release import OsRelease
from amigate.facts.packages import DPKG, Packages
from amigate.facts.services import Services
from amigate.own.backend import Asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.evidence.model import Entry, View
    from amigate.facts.accounts import Account

_LINKS = 40
_GROUP = "/etc/group"
_AS_IT_IS = (None, Keep.WHOLE, Keep.ANSWER)
"""How a file is kept whose content is its own text."""

Told = TypeVar("Told")


class _Module:
    """Something to be asked about; what it has no answer for, only a machine has."""

    def __init__(self, view: View, asked: Asked, name: str) -> None:
        self._view, self._asked = view, asked
        self.name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        raise self._asked.noted(InconclusiveError(f"`{self!r}.{attribute}`: {AT_REST}"))

    def __repr__(self) -> str:
        return f"host.{type(self).__name__.lower()}({self.name!r})"


def _tells(method: Callable[[Any], Told]) -> Callable[[Any], Told]:
    """Note what a method cannot tell, so that a test that passes over it has shown nothing."""

    @functools.wraps(method)
    def told(self: Any) -> Told:
        try:
            return method(self)
        except InconclusiveError as error:
            raise self._asked.noted(error) from None

    return told


class File(_Module):
    """A path of the image, as `stat -L` and `test` see it: what is told of a link is told of what it leads to."""

    @property
    def path(self) -> str:
        """The path."""
        return self.name

    @property
    @_tells
    def exists(self) -> bool:
        """Whether something is there, over links."""
        return self._end()[1] is not None

    @property
    @_tells
    def is_file(self) -> bool:
        """Whether it is, or leads to, a regular file."""
        return self._is(Kind.FILE)

    @property
    @_tells
    def is_directory(self) -> bool:
        """Whether it is, or leads to, a directory."""
        return self._is(Kind.DIRECTORY)

    @property
    @_tells
    def is_symlink(self) -> bool:
        """Whether it is a symbolic link."""
        entry = self._view.entry(self.name)
        return entry is not None and entry.kind is Kind.LINK

    @property
    @_tells
    def linked_to(self) -> str:
        """Where it leads, over all links."""
        return self._end()[0]

    @property
    @_tells
    def uid(self) -> int:
        """The owner's id."""
        return self._entry().uid

    @property
    @_tells
    def gid(self) -> int:
        """The group's id."""
        return self._entry().gid

    @property
    @_tells
    def user(self) -> str:
        """The owner's name; its number where nobody has it."""
        uid = self._entry().uid
        return next((each.name for each in Accounts.read(self._view).everybody if each.uid == uid), "UNKNOWN")

    @property
    @_tells
    def group(self) -> str:
        """The group's name."""
        gid = self._entry().gid
        return next((name for name, number, _ in _groups(self._view) if number == gid), "UNKNOWN")

    @property
    @_tells
    def mode(self) -> int:
        """The permission bits, setuid, setgid and sticky among them."""
        return self._entry().mode

    @property
    @_tells
    def size(self) -> int:
        """Bytes."""
        return self._entry().size

    @property
    @_tells
    def mtime(self) -> datetime.datetime:
        """Time of the last change, in local time as testinfra gives it."""
        return datetime.datetime.fromtimestamp(float(self._entry().mtime_s))  # noqa: DTZ006 - as testinfra does

    @property
    @_tells
    def content(self) -> bytes:
        """The bytes, where they were kept."""
        followed = self._entry()
        if followed.kind is Kind.DIRECTORY:
            raise IsADirectoryError(self.name)
        for entry in (self._view.entry(self.name), followed):
            if entry is not None and entry.content is not None and entry.kept in _AS_IT_IS:
                return self._view.content(entry.path) or b""
        raise InconclusiveError(f"{self.name}: its text is not in the evidence, its meaning at most")

    @property
    @_tells
    def content_string(self) -> str:
        """The content as text."""
        return self.content.decode("utf-8")

    @property
    @_tells
    def md5sum(self) -> str:
        """MD5 of the content, in hexadecimal."""
        return hashlib.md5(self.content, usedforsecurity=False).hexdigest()

    @property
    @_tells
    def sha256sum(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def _entry(self) -> Entry:
        entry = self._end()[1]
        if entry is None:
            raise FileNotFoundError(self.name)
        return entry

    def _is(self, kind: Kind) -> bool:
        entry = self._end()[1]
        return entry is not None and entry.kind is kind

    def _end(self) -> tuple[str, Entry | None]:
        """Return where the path leads, and what is there; nothing where links lead in a circle."""
        path = posixpath.normpath(self.name)
        for _ in range(_LINKS):
            entry = self._view.entry(path)
            if entry is None or entry.kind is not Kind.LINK:
                return path, entry
            if not entry.target.startswith("/") and ".." in entry.target.split("/"):
                raise InconclusiveError(f"{path} leads upwards, and what is above it was not collected")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry.target))
        return path, None


class User(_Module):
    """A local account."""

    @property
    @_tells
    def exists(self) -> bool:
        """Whether there is such an account."""
        return self._account() is not None

    @property
    @_tells
    def uid(self) -> int:
        """Its id."""
        return self._known().uid

    @property
    @_tells
    def gid(self) -> int:
        """The id of its own group."""
        return self._known().gid

    @property
    @_tells
    def group(self) -> str:
        """The name of its own group."""
        gid = self._known().gid
        return next((name for name, number, _ in _groups(self._view) if number == gid), str(gid))

    @property
    @_tells
    def groups(self) -> list[str]:
        """The names of its groups, its own first."""
        own = self._known().gid
        named = [(name, number) for name, number, members in _groups(self._view) if self.name in members]
        return [self.group, *(name for name, number in named if number != own)]

    @property
    @_tells
    def home(self) -> str:
        """Its home directory."""
        return self._known().home

    @property
    @_tells
    def shell(self) -> str:
        """Its login shell."""
        return self._known().shell

    def _account(self) -> Account | None:
        accounts = Accounts.read(self._view)
        found = next((each for each in accounts.everybody if each.name == self.name), None)
        if found is None:
            accounts.require_all_seen()
        return found

    def _known(self) -> Account:
        account = self._account()
        if account is None:
            raise LookupError(f"there is no account {self.name}")
        return account


class Group(_Module):
    """A local group."""

    @property
    @_tells
    def exists(self) -> bool:
        """Whether there is such a group."""
        return any(name == self.name for name, *_ in _groups(self._view))

    @property
    @_tells
    def gid(self) -> int:
        """Its id."""
        return self._known()[0]

    @property
    @_tells
    def members(self) -> list[str]:
        """The accounts that its line names."""
        return self._known()[1]

    def _known(self) -> tuple[int, list[str]]:
        found = next(((gid, members) for name, gid, members in _groups(self._view) if name == self.name), None)
        if found is None:
            raise LookupError(f"there is no group {self.name}")
        return found


class Package(_Module):
    """A package of the image's manager."""

    @property
    @_tells
    def is_installed(self) -> bool:
        """Whether it is on the disk."""
        return bool(Packages.read(self._view).named([self.name]))

    @property
    @_tells
    def version(self) -> str:
        """Its version; without the release where the manager is rpm."""
        return self._parts()[0]

    @property
    @_tells
    def release(self) -> str:
        """Its release, where the manager is rpm."""
        _, release = self._parts()
        if not release:
            raise NotImplementedError
        return release

    def _parts(self) -> tuple[str, str]:
        versions = Packages.read(self._view).named([self.name]).get(self.name, ())
        if not versions:
            raise LookupError(f"{self.name} is not installed")
        if len(versions) > 1:
            raise InconclusiveError(f"{self.name} is installed in {len(versions)} versions")
        is_debian = self._view.is_at_rest(DPKG.key) or self._view.exit_code(DPKG.key) == 0
        version, _, release = (versions[0], "", "") if is_debian else versions[0].partition("-")
        return version, release


class Service(_Module):
    """A unit or script that is started at boot."""

    @property
    @_tells
    def is_enabled(self) -> bool:
        """Whether a link enables it. Without one it may still be static, which only systemctl tells."""
        services = Services.read(self._view)
        if services.named(self.name):
            return True
        if self._unit() in services.masked:
            return False
        raise InconclusiveError(f"{self.name}: no link enables it; whether it is static {AT_REST}")

    @property
    @_tells
    def is_masked(self) -> bool:
        """Whether it is masked."""
        return self._unit() in Services.read(self._view).masked

    def _unit(self) -> str:
        return (
            self.name
            if re.search(r"\.(service|socket|timer|path|mount|target)$", self.name)
            else f"{self.name}.service"
        )


class SystemInfo(_Module):
    """The operating system, as os-release names it."""

    type = "linux"

    @property
    @_tells
    def distribution(self) -> str:
        """Its name, such as `debian`."""
        return OsRelease.read(self._view).id

    @property
    @_tells
    def release(self) -> str:
        """Its version, such as `12`."""
        return OsRelease.read(self._view).version_id

    @property
    @_tells
    def codename(self) -> str:
        """The version's name, such as `bookworm`."""
        return OsRelease.read(self._view).values.get("VERSION_CODENAME", "")

    def __repr__(self) -> str:
        return "host.system_info"


class EvidenceHost(_Module):
    """A view of an image as a testinfra host."""

    def __init__(self, view: View) -> None:
        self.backend = Asked()
        super().__init__(view, self.backend, "")
        self.system_info = SystemInfo(view, self.backend, "")

    def __repr__(self) -> str:
        return "host"

    def file(self, path: str) -> File:
        """Return a path."""
        return File(self._view, self.backend, path)

    def user(self, name: str = "root") -> User:
        """Return an account; root is who looked."""
        return User(self._view, self.backend, name)

    def group(self, name: str) -> Group:
        """Return a group."""
        return Group(self._view, self.backend, name)

    def package(self, name: str) -> Package:
        """Return a package."""
        return Package(self._view, self.backend, name)

    def service(self, name: str) -> Service:
        """Return a service."""
        return Service(self._view, self.backend, name)


def _groups(view: View) -> list[tuple[str, int, list[str]]]:
    """Return name, id and members of each group of /etc/group."""
    found = []
    for line in (view.text(_GROUP) or "").splitlines():
        name, _, gid, members = [*line.split(":"), "", "", "", ""][:4]
        if gid.isdigit():
            found.append((name, int(gid), [member for member in members.split(",") if member]))
    if not found:
        raise InconclusiveError(f"{_GROUP} is missing or holds no group that can be read")
    return found

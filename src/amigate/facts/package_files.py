"""The databases of package managers at rest: dpkg's and apk's are text. rpm's is not read.

An rpm database is a binary (SQLite, Berkeley DB or ndb) of up to hundreds of megabytes, made by a hostile image:
it would have to be carried in the evidence whole and opened by a C library, so an image that has one is inconclusive
here, and its packages are listed by the running machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.shipped import APK_DATABASES
from amigate.evidence.stanzas import APK, DPKG, stanzas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View

CAP_BYTES = 16 * 1024 * 1024
DPKG_STATUS = "/var/lib/dpkg/status"
"""deb822(5) stanzas, https://man7.org/linux/man-pages/man1/dpkg.1.html#FILES."""
DPKG_UPDATES = "/var/lib/dpkg/updates/*"
"""Changes that dpkg had not yet put into the status file."""
APK_INSTALLED = APK_DATABASES
"""https://wiki.alpinelinux.org/wiki/Apk_spec#Installed_Database_V2; apk-tools 3 has the second, often behind a link."""
RPM_DATABASES = ("/var/lib/rpm/*", "/usr/lib/sysimage/rpm/*")
RPM_FILES = {"Packages", "Packages.db", "rpmdb.sqlite"}


def listed(view: View) -> Iterator[tuple[str, str, str, str]]:
    """Yield manager, status (of dpkg's words), name and version of each package in the databases.

    Raises InconclusiveError where one was not seen or cannot be read at rest."""
    for pattern in RPM_DATABASES:
        for entry in view.glob(pattern):
            if entry.path.rpartition("/")[2] in RPM_FILES:
                raise InconclusiveError(f"{entry.path}: rpm's database is not read at rest")
    status = view.text(DPKG_STATUS)
    if status is not None:
        if any(entry.path.rpartition("/")[2].isdecimal() for entry in view.glob(DPKG_UPDATES)):
            raise InconclusiveError("dpkg was interrupted: its list is not up to date")
        yield from _of_dpkg(status)
    databases = dict.fromkeys(text for path in APK_INSTALLED if (text := view.text(path)) is not None)
    for text in databases:
        yield from _of_apk(text)


def _of_dpkg(text: str) -> Iterator[tuple[str, str, str, str]]:
    for fields in stanzas(text, DPKG):
        status = fields.get("Status", "").split(" ")
        yield "dpkg", status[-1], fields.get("Package", ""), fields.get("Version", "")


def _of_apk(text: str) -> Iterator[tuple[str, str, str, str]]:
    for fields in stanzas(text, APK):
        yield "apk", "installed", fields.get("P", ""), fields.get("V", "")

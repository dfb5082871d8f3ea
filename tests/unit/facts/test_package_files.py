"""Package databases at rest."""

from __future__ import annotations

from typing import Any

import pytest

from amigate.check import InconclusiveError
from amigate.facts.packages import NEEDS, Packages

DPKG = """Package: bash
Status: install ok installed
Priority: required
Version: 5.2.15-2+b2
Description: a shell
 that continues
 .
 Version: 9

Package: gone
Status: deinstall ok config-files
Version: 1.0

Package: libc6
Architecture: i386
Status: install ok installed
Version: 2.36-9

Package: libc6
Architecture: amd64
Status: install ok half-configured
Version: 2.36-10
"""
APK = "C:Q1x=\nP:musl\nV:1.2.4-r2\nF:lib\n\nP:busybox\nV:1.36.1-r5\n\n"


def test_dpkgs_list_is_read(at_rest: Any) -> None:
    view = at_rest({"/var/lib/dpkg/status": DPKG}, NEEDS)
    assert Packages.read(view).installed == {"bash": ("5.2.15-2+b2",), "libc6": ("2.36-10", "2.36-9")}


@pytest.mark.parametrize("path", ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"])
def test_apks_list_is_read(at_rest: Any, path: str) -> None:
    assert Packages.read(at_rest({path: APK}, NEEDS)).installed == {"musl": ("1.2.4-r2",), "busybox": ("1.36.1-r5",)}


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"/var/lib/dpkg/status": ""},
        {"/var/lib/dpkg/status": DPKG, "/var/lib/dpkg/updates/0001": "Package: x\n"},
        {"/var/lib/dpkg/status": DPKG, "/var/lib/rpm/rpmdb.sqlite": b"SQLite format 3\0"},
        {"/usr/lib/sysimage/rpm/Packages.db": b"RpmP"},
        {"/var/lib/dpkg/status": "Package: bash\nVersion: 1\n"},
        {"/var/lib/dpkg/status": "Status: install ok installed\nVersion: 1\n"},
        {"/var/lib/dpkg/status": "Package: bash\nStatus: install ok strange\n"},
    ],
)
def test_what_cannot_be_told_at_rest_is_no_answer(at_rest: Any, files: dict[str, str | bytes]) -> None:
    with pytest.raises(InconclusiveError):
        Packages.read(at_rest(files, NEEDS))

"""The lists that dpkg and apk keep: name, version and state of each package."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.evidence.brought import same
from amigate.evidence.redaction.kept import Kept, Mac, UnknownFormError, decoded, encoded
from amigate.evidence.stanzas import APK, DPKG, stanzas

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGE = re.compile(r"[\w.+-]{1,200}", re.ASCII)
_VERSION = re.compile(r"[\w.+~:^-]{0,200}", re.ASCII)
_STATUS = re.compile(r"[a-z-]{1,30}(?: [a-z-]{1,30}){2}")
_OF_DPKG = {"Package": _PACKAGE, "Status": _STATUS, "Version": _VERSION}
_OF_APK = {"P": _PACKAGE, "V": _VERSION}


def dpkg_status(content: bytes, mac: Mac) -> Kept:
    """Keep name, state and version of each package in dpkg's status file."""
    del mac
    return _stanzas(content, DPKG, _OF_DPKG)


def apk_installed(content: bytes, mac: Mac) -> Kept:
    """Keep name and version of each package in apk's database."""
    del mac
    return _stanzas(content, APK, _OF_APK)


def brought(content: bytes, mac: Mac) -> Kept:
    """Keep the paths of files that are as a package brought them."""
    del mac
    return Kept(content=encoded("".join(f"{path}\n" for path in same(decoded(content)))))


def _stanzas(content: bytes, separator: str, forms: Mapping[str, re.Pattern[str]]) -> Kept:
    """Keep the fields of `forms`; raises UnknownFormError where one is of another form, or a package has no name."""
    kept = []
    for fields in stanzas(decoded(content), separator):
        found = {name: fields[name] for name in forms if name in fields}
        if next(iter(forms)) not in found or not all(forms[name].fullmatch(value) for name, value in found.items()):
            raise UnknownFormError
        kept.append("".join(f"{name}{separator}{value}\n" for name, value in found.items()))
    return Kept(content=encoded("\n".join(kept)))

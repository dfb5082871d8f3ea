"""Certificate authorities that an image trusts and no package brought; looked for in a file system at rest alone.

update-ca-certificates (Debian, Ubuntu, Alpine) and update-ca-trust (Fedora, Red Hat, Amazon, SUSE) put anchors of the
administrator beside those of the distribution into one bundle: so a certificate of the bundle has to be in a file of
the distribution's, and an anchor has to be a package's."""

from __future__ import annotations

import base64
import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from amigate.evidence.file_system import matches, resolve
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Run
from amigate.evidence.shipped import shipped
from amigate.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amigate.evidence.file_system import FileSystem

ADDED_ANCHORS = Run("added trust anchors", "exit 99", Keep.TRUST_ANCHORS)
"""Lines of `added LINE FINGERPRINT PATH`, a tab and a name, and `untold PATH`, a tab and why; LINE is 0 for none."""

_ANCHORS = (
    "/usr/local/share/ca-certificates/*",
    "/usr/local/share/ca-certificates/*/*",
    "/etc/pki/ca-trust/source/anchors/*",
    "/etc/pki/ca-trust/source/*.p11-kit",
    "/etc/pki/ca-trust/source/*.pem",
    "/etc/pki/ca-trust/source/*.crt",
    "/etc/pki/trust/anchors/*",
    "/etc/pki/trust/*.p11-kit",
    "/etc/ca-certificates/trust-source/anchors/*",
)
"""Of the administrator."""
_SOURCES = (
    "/usr/share/ca-certificates/*",
    "/usr/share/ca-certificates/*/*",
    "/usr/share/pki/ca-trust-source/*",
    "/usr/share/pki/ca-trust-source/anchors/*",
    "/usr/share/pki/trust/*",
    "/usr/share/pki/trust/anchors/*",
)
"""Of the distribution."""
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_KEYSTORES = (
    "/etc/ssl/certs/java/cacerts",
    "/etc/pki/ca-trust/extracted/java/cacerts",
    "/usr/lib/jvm/*/lib/security/cacerts",
)
_NSS = ("/etc/pki/nssdb/cert9.db", "/root/.pki/nssdb/cert9.db", "/home/*/.pki/nssdb/cert9.db")
_CAP_BYTES = 8 * 1024 * 1024
_MOST_FILES = 2000
_MOST_ADDED = 200
_PEM = re.compile(
    rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----\s+([A-Za-z0-9+/=\s]{64,65536}?)"
    rb"-----END (?:TRUSTED |X509 )?CERTIFICATE-----"
)
_COMMON_NAME = re.compile(rb"\x06\x03\x55\x04\x03[\x0c\x13\x14\x16\x1e](.)", re.DOTALL)
_ORGANIZATION = re.compile(rb"\x06\x03\x55\x04\x0a[\x0c\x13\x14\x16\x1e](.)", re.DOTALL)
_SEQUENCE = 0x30
_JKS = b"\xfe\xed\xfe\xed\x00\x00\x00\x02"
_TRUSTED_ENTRY = 2


@dataclass(frozen=True, kw_only=True)
class _Certificate:
    line: int
    """0 where the file has no lines."""
    fingerprint: str
    name: str


@dataclass
class _Survey:
    files: FileSystem
    lines: list[str] = field(default_factory=list)

    def run(self) -> None:
        sources = self._found(_SOURCES)
        anchors = self._found(_ANCHORS)
        owners = shipped(self.files, [*sources, *anchors])
        for path in anchors:
            if path not in owners:
                self._all(path)
        known = {each.fingerprint for path in sources for each in self._certificates(path)}
        strange = [path for path in sources if path not in owners and any(self._certificates(path))]
        for path in strange:
            self._untold(path, "whether a package brought it cannot be told")
        added = {each.fingerprint for path in anchors for each in self._certificates(path)}
        for path in self._found((*_BUNDLES, *_KEYSTORES)):
            if path not in owners:
                self._beyond(path, known | added)
        for path in self._found(_NSS):
            self._untold(path, "a store of NSS is not read")

    def _found(self, patterns: Sequence[str]) -> list[str]:
        found: dict[str, None] = {}
        for pattern in patterns:
            try:
                paths = matches(self.files, pattern)
            except OSError:
                self._untold(pattern, "it cannot be looked at in this file system")
                continue
            found |= dict.fromkeys(path for path in paths if not path.endswith("/README"))
        return list(islice(found, _MOST_FILES))

    def _all(self, path: str) -> None:
        for each in self._certificates(path):
            self._added(path, each)

    def _beyond(self, path: str, known: set[str]) -> None:
        for each in self._certificates(path):
            if each.fingerprint not in known:
                self._added(path, each)

    def _certificates(self, path: str) -> list[_Certificate]:
        try:
            content = self.files.read(resolve(self.files, path), _CAP_BYTES + 1)
        except IsADirectoryError:
            return []
        except OSError:
            if not self._is_folder(path):
                self._untold(path, "it cannot be read")
            return []
        if len(content) > _CAP_BYTES:
            self._untold(path, "it is larger than is looked at")
            return []
        return list(certificates(content))

    def _is_folder(self, path: str) -> bool:
        with suppress(OSError):
            next(self.files.listdir(resolve(self.files, path)), None)
            return True
        return False

    def _added(self, path: str, each: _Certificate) -> None:
        if len(self.lines) < _MOST_ADDED:
            self.lines.append(f"added {each.line} {each.fingerprint} {printable(path)}\t{each.name}")

    def _untold(self, path: str, why: str) -> None:
        line = f"untold {printable(path)}\t{why}"
        if line not in self.lines and len(self.lines) < _MOST_ADDED:
            self.lines.append(line)


def added_anchors(files: FileSystem) -> str:
    """Return the answer to ADDED_ANCHORS."""
    survey = _Survey(files)
    survey.run()
    return "".join(f"{line}\n" for line in survey.lines)


def certificates(content: bytes) -> Iterator[_Certificate]:
    """Yield the certificates in PEM, in a key store of Java, or in DER."""
    if content.startswith(_JKS):
        yield from (_told(der, 0) for der in _of_keystore(content))
        return
    for match in _PEM.finditer(content):
        with suppress(ValueError):
            der = base64.b64decode(match[1])
            yield _told(_first(der), content.count(b"\n", 0, match.start()) + 1)
    if content[:1] == bytes([_SEQUENCE]) and (der := _first(content)) and len(der) > 64:  # noqa: PLR2004 - no certificate is shorter
        yield _told(der, 0)


def _first(der: bytes) -> bytes:
    """Return the first ASN.1 value, without what OpenSSL's trusted certificates have behind it."""
    if len(der) < 4 or der[0] != _SEQUENCE:  # noqa: PLR2004 - tag, length of the length, length
        return b""
    count = der[1] & 0x7F if der[1] & 0x80 else 0
    length = int.from_bytes(der[2 : 2 + count], "big") if count else der[1]
    return der[: 2 + count + length]


def _told(der: bytes, line: int) -> _Certificate:
    digest = hashlib.sha256(der).hexdigest()
    return _Certificate(line=line, fingerprint=f"SHA256:{digest}", name=_subject(der))


def _subject(der: bytes) -> str:
    """Return the common name of whom it is for, else the organization; the issuer's stands before it."""
    for form in (_COMMON_NAME, _ORGANIZATION):
        names = [der[match.end() : match.end() + match[1][0]] for match in islice(form.finditer(der[:2048]), 2)]
        if names:
            return printable(names[-1].decode("utf-8", "replace"))[:100].replace("\t", " ")
    return "a certificate"


def _of_keystore(content: bytes) -> Iterator[bytes]:
    """Yield the trusted certificates of a store in Java's own format, until one is in no known form."""
    count, at = int.from_bytes(content[8:12], "big"), 12
    for _ in range(min(count, _MOST_FILES)):
        kind = int.from_bytes(content[at : at + 4], "big")
        at += 4
        at += 2 + int.from_bytes(content[at : at + 2], "big") + 8
        if kind != _TRUSTED_ENTRY:
            return
        at += 2 + int.from_bytes(content[at : at + 2], "big")
        length = int.from_bytes(content[at : at + 4], "big")
        yield content[at + 4 : at + 4 + length]
        at += 4 + length

"""Saved evidence: one file that holds what a run collected, to be carried, kept and judged again.

`amigate/evidence/5`, described in docs/evidence.md: a gzip file (RFC 1952) of one JSON document with `schema`,
`digest` and `evidence`. It holds what was seen, and neither a profile nor anything that a profile decides. The digest
tells a changed file from the one that a report names; it is no signature."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from amigate.errors import UsageError
from amigate.evidence import codec, strict
from amigate.evidence.keep import Keep
from amigate.evidence.strict import MalformedError
from amigate.report.escape import printable

if TYPE_CHECKING:
    from amigate.evidence.model import Evidence, View

SCHEMA: Final = "amigate/evidence/5"
FILE_CAP_BYTES = 16 * 1024 * 1024
TEXT_CAP_BYTES = 32 * 1024 * 1024
"""Of the JSON text; more is a bomb. A stock image has less than one."""

_PURPOSE = {"audience": "", "receivers": []}
"""What is decided when evidence is judged, and not saved."""
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
"""Of gzip: no name, no time, no system; so a file holds nothing that is not covered by its digest."""
_AGAIN = "Take the file from where it was made, or collect again: amigate validate ami-… --save-evidence FILE"


def digest(evidence: Evidence) -> str:
    """Return the SHA-256 of what is saved of `evidence`, as `sha256:…`; the same whoever it is judged for."""
    return _hash(_collected(evidence))


def save(evidence: Evidence, path: Path) -> None:
    """Write `evidence` to `path`, readable by its owner alone, whole or not at all; raises UsageError if it cannot."""
    text = codec.written({"schema": SCHEMA, "digest": digest(evidence), "evidence": _collected(evidence)}) + "\n"
    data = _packed(text.encode("ascii"))
    if len(text) > TEXT_CAP_BYTES or len(data) > FILE_CAP_BYTES:
        raise UsageError(
            f"{printable(str(path))}: there is more evidence than a file may hold",
            hint="Judge without --save-evidence.",
        )
    try:
        _replace(path, data)
    except OSError as error:
        raise UsageError(
            f"{printable(str(path))}: {error.strerror}; the evidence was not saved", hint="Name another file."
        ) from None


def load(path: Path) -> Evidence:
    """Return the evidence in the file at `path`, whole and unchanged; raises UsageError for anything else."""
    try:
        data = strict.parse(_unpacked(_read(path)).decode("ascii"))
        return _evidence(data)
    except OSError as error:
        raise UsageError(f"{printable(str(path))}: {error.strerror}", hint="Name a file of saved evidence.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{printable(str(path))}: it is no saved evidence: it is no JSON", hint=_AGAIN) from None
    except MalformedError as error:
        raise UsageError(
            f"{printable(str(path))}: it is no saved evidence: {printable(str(error))}", hint=_AGAIN
        ) from None


def _hash(data: object) -> str:
    return "sha256:" + hashlib.sha256(codec.written(data).encode("ascii")).hexdigest()


def _collected(evidence: Evidence) -> dict[str, Any]:
    """Return the plain form of what was collected, without the answers that are for memory alone."""
    views = {viewpoint: _savable(view) for viewpoint, view in evidence.views.items()}
    plain: dict[str, Any] = codec.plain(replace(evidence, views=views))
    return {name: value for name, value in plain.items() if name not in _PURPOSE}


def _savable(view: View) -> View:
    return replace(view, answers={key: each for key, each in view.answers.items() if each.kept is not Keep.ANSWER})


def _evidence(data: object) -> Evidence:
    """Check version, fields and digest; raises MalformedError."""
    schema = data.get("schema") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(schema, str) or not schema.startswith("amigate/evidence/"):
        raise MalformedError(f"it does not say that it is {SCHEMA}")
    if schema != SCHEMA:
        raise MalformedError(f"it is of another version than {SCHEMA}, which is the one that is known here")
    if data.keys() != {"schema", "digest", "evidence"} or not isinstance(data["evidence"], dict):
        raise MalformedError("it has not the fields of its schema")
    if _PURPOSE.keys() & data["evidence"].keys():
        raise MalformedError("evidence has not the fields of Evidence")
    if _hash(data["evidence"]) != data["digest"]:
        raise MalformedError("it was changed: its digest is another one")
    evidence = codec.decoded({**data["evidence"], **_PURPOSE})
    if evidence.target is None:
        raise MalformedError("it does not say what was looked at")
    if digest(evidence) != data["digest"]:
        raise MalformedError("it was not written by amigate: the order in it is another one")
    return evidence


def _packed(text: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    size = (len(text) & 0xFFFFFFFF).to_bytes(4, "little")
    return _HEADER + deflate.compress(text) + deflate.flush() + zlib.crc32(text).to_bytes(4, "little") + size


def _unpacked(data: bytes) -> bytes:
    """Return the text, at most TEXT_CAP_BYTES of it in memory; raises MalformedError."""
    if not data.startswith(_HEADER):
        raise MalformedError("it does not begin as one")
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        text = inflate.decompress(data, TEXT_CAP_BYTES + 1)
    except zlib.error:
        raise MalformedError("it is damaged") from None
    if len(text) > TEXT_CAP_BYTES:
        raise MalformedError("it holds more than evidence may")
    if not inflate.eof:
        raise MalformedError("it is cut off")
    if inflate.unused_data:
        raise MalformedError("something follows its end")
    return text


def _read(path: Path) -> bytes:
    if not path.is_file():  # a pipe would never end
        raise UsageError(f"{printable(str(path))}: there is no such file", hint="Name a file of saved evidence.")
    with path.open("rb") as file:
        data = file.read(FILE_CAP_BYTES + 1)
    if len(data) > FILE_CAP_BYTES:
        raise MalformedError("it is larger than evidence may be")
    return data


def _replace(path: Path, data: bytes) -> None:
    """Put a file of that content in the place of `path`; made with mode 0600, which it keeps."""
    descriptor, name = tempfile.mkstemp(prefix=".amigate-", dir=path.absolute().parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise

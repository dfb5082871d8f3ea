"""Private keys: header, type and the fingerprint of the public half; nothing of the key itself."""

from __future__ import annotations

import re

from amigate.detect.private_keys import FramedKey, framed_key, private_keys
from amigate.evidence.redaction.kept import Kept, Mac, UnknownFormError

_BLOCK = re.compile(
    rb"-----BEGIN (?P<label>(?:[A-Z0-9]{1,12} ){0,2}PRIVATE KEY)-----(?P<body>.*?-----END (?P=label)-----)", re.DOTALL
)
_LABELS = ("OPENSSH", "RSA", "EC", "DSA", "ENCRYPTED", "")
_MOST_BYTES = 32 * 1024
_WITHHELD = "only what kind of key it is, is kept"


def private_key(content: bytes, mac: Mac) -> Kept:
    """Say what the first private key in `content` is; raises UnknownFormError where there is none in a known form."""
    del mac
    block = _BLOCK.search(content[:_MOST_BYTES])
    if block is None:
        return _other_form(content)
    label = block["label"].decode("ascii")
    if label.removesuffix("PRIVATE KEY").strip() not in _LABELS:
        raise UnknownFormError
    found = framed_key(label, block["body"])
    if found is None or not found.is_whole or not (found.is_encrypted or found.fingerprint):
        raise UnknownFormError
    return Kept(summary=_summary(label, found), withheld=_WITHHELD)


def _other_form(content: bytes) -> Kept:
    """Say what other key there is, of PuTTY or OpenPGP, or what is left of one; raises UnknownFormError for none."""
    hit = next(private_keys(content, 0, len(content)), None)
    if hit is None:
        raise UnknownFormError
    public = {"fingerprint": hit.fingerprint} if hit.fingerprint else {}
    return Kept(summary={"header": hit.detail, **public}, withheld=_WITHHELD)


def _summary(label: str, found: FramedKey) -> dict[str, str]:
    public = {"type": found.type, "fingerprint": found.fingerprint} if found.fingerprint else {}
    return {"header": label, "encrypted": "yes" if found.is_encrypted else "no", **public}

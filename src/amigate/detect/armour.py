"""What stands between a BEGIN and an END, as PEM, OpenPGP and people write it: headers, and Base64."""

from __future__ import annotations

import base64
import binascii
import re

_ESCAPED = re.compile(rb"\\[rnt]")
"""Line ends as JSON, YAML and .env files write them."""
_HEADER = re.compile(rb"[\s\"'#>|*(]{0,64}[A-Za-z][A-Za-z0-9-]{1,40}: ")
_LINE = re.compile(rb"""[\s"'#>|*(]{0,64}(?P<data>[A-Za-z0-9+/]{1,4096}={0,2})[\s"',;.\\)]{0,8}(?:\+\s{0,8})?""")
"""A line of Base64, indented, commented or quoted as it may be in a script or a program."""

_AROUND = b" \t\r\"'#>|*\\+,;.()"


def decoded_body(body: bytes) -> tuple[list[bytes], bytes]:
    """Return the headers and the bytes that the Base64 in `body` means, up to where it ends or breaks off."""
    headers: list[bytes] = []
    data: list[bytes] = []
    for line in _ESCAPED.sub(b"\n", body).split(b"\n"):
        if not data and (not line.strip() or _HEADER.match(line)):
            headers += [line.strip()] if line.strip() else []
            continue
        if not line.strip(_AROUND):
            continue
        match = _LINE.match(line)
        if match is not None:
            data.append(match["data"])
        if match is None or match.end() < len(line) or match["data"].endswith(b"="):
            break
    text = b"".join(data)
    try:
        return headers, base64.b64decode(text[: len(text) // 4 * 4], validate=True)
    except binascii.Error:
        return headers, b""


def passphrase_headers(headers: list[bytes]) -> bool:
    """Whether the headers say that a passphrase protects the key, RFC 1421."""
    return any(b"Proc-Type:" in header and b"ENCRYPTED" in header for header in headers)

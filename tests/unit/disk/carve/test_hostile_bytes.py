"""Bytes that lie end in a hit or in none, never in an error."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amigate.disk.carve import der, openssh
from amigate.disk.carve.fingerprints import of_der

from .conftest import mac, search

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.disk.blocks import Blocks

    from .conftest import Planted

    Memory = Callable[[bytes], Blocks]

SHARED = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
CHANGES = st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=6)), min_size=1, max_size=6)


def changed(data: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    text = bytearray(data)
    for at, what in changes:
        text[at % len(text) : at % len(text) + len(what)] = what
    return bytes(text)


@SHARED
@given(data=st.data())
def test_secrets_that_were_changed_are_hits_or_none(
    memory: Memory, planted: dict[str, Planted], data: st.DataObject
) -> None:
    secret = planted[data.draw(st.sampled_from(sorted(planted)))]
    for hit in search(memory(changed(secret.text, data.draw(CHANGES)))).hits:
        assert 0 <= hit.offset < hit.offset + hit.length <= len(secret.text) + 12


@SHARED
@given(data=st.data())
def test_structures_that_were_changed_are_keys_or_none(planted: dict[str, Planted], data: st.DataObject) -> None:
    names = [name for name in sorted(planted) if name.startswith(("pkcs8", "traditional", "OpenSSH"))]
    lines = planted[data.draw(st.sampled_from(names))].text.split(b"\n")
    body = changed(
        base64.b64decode(b"".join(line for line in lines if b"-" not in line and b":" not in line)), data.draw(CHANGES)
    )
    if key := der.private_key(body):
        assert of_der(body, key, mac)
    if ssh := openssh.parse(body):
        assert ssh.length <= len(body)


@SHARED
@given(st.binary(max_size=200))
def test_bytes_are_keys_or_none(body: bytes) -> None:
    der.private_key(b"\x30\x81" + body)
    openssh.parse(b"openssh-key-v1\0" + body)


def test_keys_within_keys_are_not_followed() -> None:
    body = b""
    for _ in range(3000):
        inner = b"\x02\x01\x00\x30\x03\x06\x01\x2a\x04\x83" + len(body).to_bytes(3, "big") + body
        body = b"\x30\x83" + len(inner).to_bytes(3, "big") + inner
    assert der.private_key(body) is None

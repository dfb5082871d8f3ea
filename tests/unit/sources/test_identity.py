"""Whether what was seen was seen on the machine that was launched."""

from __future__ import annotations

import base64
import hashlib
from types import SimpleNamespace
from typing import Any

import pytest

from amigate.evidence.model import Contact, Outcome, View
from amigate.sources.identity import against_console, believed

BLOB = (11).to_bytes(4, "big") + b"ssh-ed25519" + (32).to_bytes(4, "big") + bytes(32)
SHOWN = "SHA256:" + base64.b64encode(hashlib.sha256(BLOB).digest()).decode().rstrip("=")
CONSOLE = (
    "-----BEGIN SSH HOST KEY KEYS-----\n"
    f"ssh-ed25519 {base64.b64encode(BLOB).decode()} root@host\n"
    "-----END SSH HOST KEY KEYS-----\n"
)


def contact(host_key: str, console: str) -> Contact:
    machine: Any = SimpleNamespace(console=lambda: console)
    seen = Contact(address="192.0.2.1", port=22, outcome=Outcome.ACCEPTED, host_key=host_key)
    return against_console(seen, machine)


@pytest.mark.parametrize("host_key,console", [(SHOWN, CONSOLE), ("SHA256:other", "")])
def test_a_view_is_believed_when_the_console_shows_its_host_key_or_none(host_key: str, console: str) -> None:
    assert believed(View(), contact(host_key, console)).broken == ""


def test_a_view_of_a_machine_whose_host_key_is_not_on_the_console_is_notbelieved() -> None:
    view = believed(View(), contact("SHA256:other", CONSOLE))
    assert "another machine may have answered" in view.broken

"""What is kept of keys: public ones with their options, of private ones their public half."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amigate.evidence.keep import Keep
from amigate.facts.authorized_keys import AuthorizedKey, parse

from .conftest import KEYS, private_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amigate.evidence.model import View
    from amigate.evidence.redaction.redactor import Redactor

    Ask = Callable[..., View]


ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE5vYm9keUtub3dzVGhlUHJpdmF0ZUhhbGZPZlRoaXM="
CLOUD_INIT = (
    'no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command="echo \'Please login as the user \\"admin\\" '
    'rather than the user \\"root\\".\';echo;sleep 10;exit 142"'
)


@pytest.mark.parametrize(
    "line,expected",
    [
        (ED25519, ED25519),
        (f"{ED25519} me@home", f"{ED25519} me@home"),
        (f"  restrict,pty\t{ED25519}", f"restrict,pty {ED25519}"),
        (f'from="10.0.0.0/8,!10.1.*",no-pty {ED25519}', f'from="10.0.0.0/8,!10.1.*",no-pty {ED25519}'),
        (f"{CLOUD_INIT} {ED25519} k", f"{CLOUD_INIT} {ED25519} k"),
        ("# hunter2", "#"),
        ("", ""),
    ],
)
def test_a_key_is_kept_with_its_options(line: str, expected: str, kept: Callable[..., str]) -> None:
    assert kept(line, Keep.AUTHORIZED_KEYS) == expected


def lines(text: str) -> list[AuthorizedKey]:
    """Return the lines of a key file without their comments, of which one word is kept."""
    return [replace(key, comment="") for key in parse(text, user="u", path="/k")]


@pytest.mark.parametrize(
    "line",
    [
        f'environment="TOKEN=hunter2" {ED25519}',
        f'command="/x --password=hunter2" {ED25519}',
        f'command="echo \\"hunter2\\"",no-pty {ED25519}',
        f'Command="hunter2" {ED25519}',
        f'from="hunter2$(x)" {ED25519}',
        f'hunter2="x" {ED25519}'.replace("hunter2=", "unheard-of=") + " hunter2 and more",
        f"hunter2'x {ED25519}",
        f"{ED25519} my password is hunter2",
        "hunter2",
        'command="never closed hunter2',
        f"ssh-ed25519 {'A' * 68} hunter2",
    ],
)
def test_a_secret_in_a_key_file_is_not_kept_and_the_line_counts_as_before(line: str, kept: Callable[..., str]) -> None:
    found = kept(f"{line}\n", Keep.AUTHORIZED_KEYS)
    assert "hunter2" not in found
    assert lines(found) == lines(f"{line}\n")


@given(
    st.lists(st.sampled_from([ED25519, "\\", '"', " ", ",", "=", "command", "#", "\t", "x", "\n"]), max_size=12).map(
        "".join
    )
)
@settings(max_examples=400, deadline=None)
def test_every_key_of_a_file_is_found_where_it_was(kept: Callable[..., str], text: str) -> None:
    assert lines(kept(text, Keep.AUTHORIZED_KEYS)) == lines(text)


def test_a_public_key_is_one_line(kept: Callable[..., str], is_withheld: Callable[..., bool]) -> None:
    assert kept(f"{ED25519} c\n", Keep.PUBLIC_KEY) == f"{ED25519} c\n"
    assert kept("", Keep.PUBLIC_KEY) == ""
    assert is_withheld(f"{ED25519}\n{ED25519}\n", Keep.PUBLIC_KEY)
    assert is_withheld("hunter2\n", Keep.PUBLIC_KEY)


@pytest.mark.parametrize("kind", KEYS)
def test_a_private_key_is_known_by_its_public_half(kind: str, kit: Any, tmp_path: Path, redactor: Redactor) -> None:
    path = private_key(tmp_path, "key", *KEYS[kind])
    entry = redactor.entry(kit.file("/k", path.read_bytes()), Keep.PRIVATE_KEY)
    assert entry.content is None
    listed = subprocess.run(["ssh-keygen", "-lf", f"{path}.pub"], capture_output=True, text=True, check=True).stdout
    is_hidden = "passphrase" in kind
    assert entry.summary["encrypted"] == ("yes" if is_hidden else "no")
    assert "PRIVATE KEY" in entry.summary["header"]
    if is_hidden and "OpenSSH" not in kind:
        assert "fingerprint" not in entry.summary
    else:
        assert entry.summary["fingerprint"] == listed.split()[1]
        assert entry.summary["type"] in (tmp_path / "key.pub").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "", "hunter2", "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\n",
        "-----BEGIN HUNTER PRIVATE KEY-----\nx\n-----END HUNTER PRIVATE KEY-----\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABA==\n-----END OPENSSH PRIVATE KEY-----\n",
    ],
)  # fmt: skip
def test_what_is_no_private_key_is_not_kept_as_one(text: str, kit: Any, redactor: Redactor) -> None:
    entry = redactor.entry(kit.file("/k", text.encode()), Keep.PRIVATE_KEY)
    assert (entry.content, entry.summary) == (None, {})
    assert "not of the form" in entry.withheld

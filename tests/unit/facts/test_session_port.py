"""At which of its ports a machine was reached, by its own word."""

from __future__ import annotations

import subprocess

import pytest

from amigate.evidence.model import Answer, Contact, Outcome, View
from amigate.facts.session_port import SESSION, SessionPort


@pytest.mark.parametrize(
    "connection, expected",
    [
        ("192.0.2.1 50000 10.0.0.4 22", 22),
        ("2001:db8::1 50000 2001:db8::4 2222", 2222),
        ("nonsense", None),
        ("1 2 3 123456", None),
        ("", None),
    ],
)
def test_the_port_of_a_session_is_told_by_a_process_it_comes_from(connection: str, expected: int | None) -> None:
    """As under sudo, the shell that asks has another environment."""
    done = subprocess.run(
        ["sh", "-c", 'env -i PATH="$PATH" sh -c "$1"; :', "sh", SESSION.command],
        env={"PATH": "/usr/bin:/bin", "SSH_CONNECTION": connection},
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    answer = Answer(command="", exit_code=0, stdout=done.stdout, stderr=b"")
    assert SessionPort.read(View(answers={SESSION.key: answer})).told == expected


def test_what_was_called_counts_where_the_machine_does_not_tell() -> None:
    contact = Contact(address="192.0.2.1", port=2222, outcome=Outcome.ACCEPTED)
    assert SessionPort.read(View()).instead_of(contact) == 2222
    assert SessionPort(told=22).instead_of(contact) == 22

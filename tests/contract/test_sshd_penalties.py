"""Penalties of a real OpenSSH: who fails is turned away for a while, and that is neither a refusal nor a ban for ever.

https://man.openbsd.org/sshd_config#PerSourcePenalties, which the OpenSSH of Debian 12 has not."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from amigate.evidence.model import Outcome
from amigate.sources.stranger import offers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.conftest import Machine, Machines

KEYS = "home/somebody/.ssh/authorized_keys"


@contextmanager
def without_key(machines: Machines, tree: Path, config: str) -> Iterator[Machine]:
    """Start a machine on which the key is not written yet."""
    with machines(tree=tree, config=config, extra=f"mv {KEYS} {KEYS}.later") as machine:
        yield machine


def write_key(machine: Machine) -> None:
    (machine.root / f"{KEYS}.later").rename(machine.root / KEYS)


def turned_away(machine: Machine) -> int:
    return machine.log.read_text().count("drop connection")


@pytest.mark.slow
@pytest.mark.parametrize(
    "penalties,least,most",
    [
        ("authfail:8s min:0s", 1, 3),  # the second attempt comes too early
        ("authfail:5s noauth:1s min:15s", 0, 0),  # the defaults: what we fail is forgiven before the next attempt
        ("no", 0, 0),
    ],
)
def test_a_key_that_comes_late_is_taken_when_the_penalty_is_over(
    machines: Machines, trixie: Path, penalties: str, least: int, most: int
) -> None:
    with without_key(machines, trixie, f"PerSourcePenalties {penalties}") as machine:
        late = threading.Timer(3, write_key, [machine])
        late.start()
        contact, connection = machine.reach(timeout_s=40)
        assert connection is not None, contact.detail
        connection.close()
        assert least <= turned_away(machine) <= most


@pytest.mark.slow
def test_a_penalty_that_outlasts_us_leaves_the_login_undecided(machines: Machines, trixie: Path) -> None:
    with without_key(machines, trixie, "PerSourcePenalties authfail:3600s max:2h") as machine:
        late = threading.Timer(2, write_key, [machine])
        late.start()
        contact, connection = machine.reach(timeout_s=15)
        late.join()
        assert connection is None
        assert (contact.outcome, contact.host_key_type) == (Outcome.BARRED, "ssh-ed25519")
        assert "not known whether the key came later" in contact.detail
        assert 1 <= turned_away(machine) <= 4


@pytest.mark.slow
@pytest.mark.parametrize("penalties", ["authfail:5s noauth:1s min:15s", "authfail:4s noauth:4s min:0s"])
def test_strangers_are_answered_one_and_all(machines: Machines, trixie: Path, penalties: str) -> None:
    with machines(tree=trixie, config=f"PerSourcePenalties {penalties}") as machine:
        found = offers(
            "127.0.0.1",
            machine.port,
            users=["root", "somebody", "amigate-nobody"],
            timeout_s=60,
            cancelled=threading.Event(),
            alive=True,
        )
    assert [(offer.unseen, "publickey" in offer.methods) for offer in found] == [("", True)] * 3


def test_a_server_with_too_many_guests_is_tried_until_it_has_room(machines: Machines) -> None:
    """Of any version: whoever else knocks uses up MaxStartups."""
    with (
        machines(config="MaxStartups 1:100:1") as machine,
        closing(socket.create_connection(("127.0.0.1", machine.port))) as guest,
    ):
        assert guest.recv(4) == b"SSH-"
        contact, _ = machine.reach(timeout_s=2)
        assert contact.outcome is Outcome.BARRED
        threading.Timer(1, guest.close).start()
        started = time.monotonic()
        contact, connection = machine.reach(timeout_s=20)
        assert connection is not None, contact.detail
        connection.close()
        assert time.monotonic() - started < 10

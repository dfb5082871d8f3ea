"""When a guest counts as reachable."""

from __future__ import annotations

import socket
import threading
from contextlib import closing

import pytest

from amigate.sandbox.machines import reachability
from amigate.sandbox.machines.reachability import Reachability


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten every limit; the order of them stays."""
    monkeypatch.setattr(reachability, "_ASK_EVERY_S", 0.01)
    monkeypatch.setattr(reachability, "_ANSWERS_WITHIN_S", 0.1)


def never() -> bool:
    return False


def test_a_guest_that_has_asked_for_its_metadata_is_reachable() -> None:
    assert Reachability(("127.0.0.1", 1), lambda: True).status == "ok"


@pytest.mark.parametrize("answer", [b"SSH-2.0-x\r\n", b""])
def test_a_guest_that_takes_or_refuses_a_connection_is_reachable(answer: bytes) -> None:
    """A refusal by the guest is a connection that QEMU accepts and ends."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        watched = Reachability(listener.getsockname(), never)
        assert watched.status == "initializing"
        thread = threading.Thread(target=watched.watch)
        thread.start()
        client, _ = listener.accept()
        with client:
            client.sendall(answer)
        thread.join(5)
    assert watched.status == "ok"


def test_a_guest_that_never_answers_is_impaired_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:  # QEMU accepts, the guest says nothing
        watched = Reachability(listener.getsockname(), never)
        thread = threading.Thread(target=watched.watch)
        thread.start()
        client, _ = listener.accept()
        assert watched.status == "initializing"
        monkeypatch.setattr(reachability, "IMPAIRED_AFTER_S", 0.0)
        assert watched.status == "impaired"
        watched.stop()
        thread.join(5)
        client.close()
    assert not thread.is_alive()

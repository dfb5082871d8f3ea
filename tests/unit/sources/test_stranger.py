"""What becomes of a stranger's question, against servers that do all that an image may do."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import paramiko
import pytest
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL

from amigate.sources import handshake, knock, stranger
from amigate.sources.stranger import offers, strangers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOST_KEY = paramiko.ECDSAKey.generate()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten every limit; the order of them stays."""
    monkeypatch.setattr(handshake, "STEP_S", 1.0)
    monkeypatch.setattr(knock, "BANNER_S", 0.4)
    monkeypatch.setattr(knock, "CONNECT_S", 0.4)
    monkeypatch.setattr(stranger, "BARRED_PAUSE_S", 0.2)


@contextmanager
def server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve the connections on a port of loopback one after the other; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def accept() -> None:
            listener.settimeout(0.05)
            while not over.is_set():
                with suppress(OSError, EOFError, paramiko.SSHException):
                    client, _ = listener.accept()
                    with client:
                        serve(client)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join()


class Methods(paramiko.ServerInterface):
    """A server that lists `methods`, and lets the user `open` in."""

    def __init__(self, methods: str) -> None:
        self._methods = methods

    def get_allowed_auths(self, username: str) -> str:
        return self._methods

    def check_auth_none(self, username: str) -> int:
        return AUTH_SUCCESSFUL if username == "open" else AUTH_FAILED


def listing(methods: str) -> Callable[[socket.socket], None]:
    def serve(client: socket.socket) -> None:
        transport = paramiko.Transport(client)
        transport.add_server_key(HOST_KEY)
        transport.start_server(server=Methods(methods))
        while transport.is_active():
            transport.join(0.05)

    return serve


def ask(port: int, *users: str, timeout_s: float = 5) -> list[tuple[tuple[str, ...], bool, bool]]:
    found = offers("127.0.0.1", port, users=users, timeout_s=timeout_s, cancelled=threading.Event(), alive=True)
    assert [offer.user for offer in found] == list(users)
    return [(offer.methods, offer.admitted, bool(offer.unseen)) for offer in found]


def test_each_name_is_asked_for_and_answered() -> None:
    with server(listing("publickey,password")) as port:
        both = (("publickey", "password"), False, False)
        assert ask(port, "root", "nobody", "open") == [both, both, ((), True, False)]


def test_words_that_are_no_names_of_methods_are_not_shown() -> None:
    with server(listing("publickey,\x1b[2Jpass,")) as port:
        assert ask(port, "root") == [(("publickey",), False, False)]


def test_a_list_without_end_is_cut_and_hides_no_password() -> None:
    with server(listing(",".join([*(f"m{number}" for number in range(500)), "password"]))) as port:
        [(methods, _, _)] = ask(port, "root")
        assert len(methods) == 16
        assert "password" in methods


@pytest.mark.parametrize("banner", [b"", b"SSH-2.0-x\r\n", b"\0" * 4096, b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_server_that_goes_away_is_not_told_from_one_that_says_nothing(banner: bytes) -> None:
    with server(lambda client: client.sendall(banner)) as port:
        assert ask(port, "root", timeout_s=1) == [((), False, True)]


def test_a_port_where_nothing_listens_offers_nothing_that_could_be_judged() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        assert ask(probe.getsockname()[1], "root", "admin", timeout_s=0.5) == [((), False, True)] * 2


def test_a_server_that_bans_after_the_first_name_leaves_the_others_open() -> None:
    served: list[int] = []

    def once(client: socket.socket) -> None:
        served.append(1)
        if len(served) == 1:
            listing("publickey")(client)

    with server(once) as port:
        first, second = ask(port, "root", "admin", timeout_s=2)
    assert first == (("publickey",), False, False)
    assert second == ((), False, True)


@pytest.mark.parametrize("timeout_s,seen", [(5.0, True), (0.3, False)])
def test_a_server_that_turns_strangers_away_for_now_is_asked_again(timeout_s: float, *, seen: bool) -> None:
    served: list[int] = []

    def penalise(client: socket.socket) -> None:
        served.append(1)
        if len(served) in {2, 3}:
            client.sendall(b"Not allowed at this time\r\n")
        else:
            listing("publickey")(client)

    with server(penalise) as port:
        found = offers(
            "127.0.0.1", port, users=["root", "admin"], timeout_s=timeout_s, cancelled=threading.Event(), alive=True
        )
    assert [offer.methods for offer in found] == [("publickey",), ("publickey",) if seen else ()]
    assert seen or "turns this address away" in found[1].unseen
    assert len(served) <= 4


def test_the_names_are_root_the_default_user_and_one_that_nobody_has() -> None:
    first, second = strangers("admin"), strangers("admin")
    assert first[:2] == ("root", "admin")
    assert first[2] != second[2]
    assert len(strangers("root")) == 2
    assert stranger.strangers("")[0] == "root"

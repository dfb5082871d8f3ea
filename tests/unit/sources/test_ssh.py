"""What becomes of a login, against servers that do all that an image may do."""

from __future__ import annotations

import logging
import socket
import threading
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import paramiko
import pytest
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED

from amigate.errors import ConnectionFailedError
from amigate.evidence.model import Contact, Outcome
from amigate.sources import connection as connection_module
from amigate.sources import handshake, knock, ssh
from amigate.sources.login_key import LoginKey, make_login_key
from amigate.sources.ssh import log_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amigate.sources.connection import Connection

HOST_KEY = paramiko.ECDSAKey.generate()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten every limit; the order of them stays."""
    monkeypatch.setattr(connection_module, "STEP_S", 1.0)
    monkeypatch.setattr(handshake, "STEP_S", 1.0)
    monkeypatch.setattr(knock, "BANNER_S", 0.6)
    monkeypatch.setattr(knock, "CONNECT_S", 0.5)
    monkeypatch.setattr(ssh, "PAUSES_S", (0.05, 0.1))
    monkeypatch.setattr(ssh, "BROKEN_PAUSE_S", 0.05)
    monkeypatch.setattr(ssh, "BARRED_PAUSE_S", 0.1)


@pytest.fixture(scope="module")
def key() -> LoginKey:
    return make_login_key()


@contextmanager
def server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve every connection on a port of loopback in a thread of its own; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads: list[threading.Thread] = []
        over = threading.Event()

        def handle(client: socket.socket) -> None:
            with client, suppress(OSError, EOFError):
                serve(client)

        def accept() -> None:
            listener.settimeout(0.05)
            while not over.is_set():
                with suppress(TimeoutError):
                    client, _ = listener.accept()
                    threads.append(threading.Thread(target=handle, args=(client,)))
                    threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            for thread in (acceptor, *threads):
                thread.join()


def contact(port: int, key: LoginKey, timeout_s: float = 0.8, *, forwarded: bool = False) -> Contact:
    found, connection = log_in(
        "127.0.0.1",
        port,
        users=["admin"],
        key=key,
        timeout_s=timeout_s,
        cancelled=threading.Event(),
        forwarded=forwarded,
    )
    assert connection is None
    return found


def wait_for_end(client: socket.socket) -> None:
    """Say nothing until the other side goes."""
    client.settimeout(10)
    while client.recv(4096):
        pass


def say_then_wait(text: bytes) -> Callable[[socket.socket], None]:
    def serve(client: socket.socket) -> None:
        client.sendall(text)
        wait_for_end(client)

    return serve


def talk_for_ever(text: bytes) -> Callable[[socket.socket], None]:
    def serve(client: socket.socket) -> None:
        client.settimeout(10)
        while True:
            client.sendall(text)

    return serve


def test_a_port_where_nothing_listens_is_closed(key: LoginKey) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        assert contact(probe.getsockname()[1], key).outcome is Outcome.CLOSED


def test_a_port_that_does_not_answer_is_silent(key: LoginKey) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        full = [socket.socket() for _ in range(3)]  # the kernel drops who comes after them
        for waiting in full:
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        assert contact(port, key, timeout_s=1.2).outcome is Outcome.SILENT
        for waiting in full:
            waiting.close()


def test_no_time_at_all_is_silence(key: LoginKey) -> None:
    assert contact(1, key, timeout_s=0).outcome is Outcome.SILENT


@pytest.mark.parametrize("forwarded", [False, True])
def test_an_end_before_the_first_byte_is_a_closed_port(key: LoginKey, *, forwarded: bool) -> None:
    with server(lambda _: None) as port:
        assert contact(port, key, forwarded=forwarded).outcome is Outcome.CLOSED


def test_a_reset_before_the_first_byte_is_a_closed_port(key: LoginKey) -> None:
    def reset(client: socket.socket) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with server(reset) as port:
        assert contact(port, key).outcome is Outcome.CLOSED


def test_a_server_that_accepts_and_says_nothing_is_broken(key: LoginKey) -> None:
    with server(wait_for_end) as port:
        assert contact(port, key).outcome is Outcome.BROKEN


def test_behind_a_forwarder_a_connection_that_says_nothing_is_silence(key: LoginKey) -> None:
    with server(wait_for_end) as port:
        assert contact(port, key, forwarded=True).outcome is Outcome.SILENT


@pytest.mark.parametrize(
    "serve",
    [
        say_then_wait(b"SSH-2.0-OpenSSH_9.6\r\n"),
        say_then_wait(b"SSH-2.0-"),
        say_then_wait(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        say_then_wait(b"SSH-1.5-old\r\n"),
        say_then_wait(b"SSH-2.0-OpenSSH_9.6\r\n" + b"\xff" * 4096),
        talk_for_ever(b"x" * 1000),
        talk_for_ever(b"banner\r\n"),
        talk_for_ever(b"\x00\xff\n"),
        lambda client: client.sendall(b"SSH-2.0-OpenSSH_9.6\r\n"),
    ],
    ids=[
        "hangs",
        "half a banner",
        "http",
        "ssh 1",
        "garbage",
        "endless line",
        "endless lines",
        "binary",
        "ends",
    ],
)
def test_whatever_speaks_and_is_no_ssh_is_broken_in_bounded_time(
    key: LoginKey, serve: Callable[[socket.socket], None]
) -> None:
    started = time.monotonic()
    with server(serve) as port:
        assert contact(port, key).outcome is Outcome.BROKEN
    assert time.monotonic() - started < 6


class Sshd(paramiko.ServerInterface):
    """Decides by what a test wants; runs `cat` for any command, and refuses `no`."""

    def __init__(self, accepts: Callable[[str, paramiko.PKey], bool], allowed: str = "publickey") -> None:
        self._accepts, self._allowed = accepts, allowed

    def get_allowed_auths(self, username: str) -> str:
        return self._allowed

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        accepted = self._accepts(username, key)
        return AUTH_SUCCESSFUL if accepted else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if command == b"no":
            return False
        if command == b"hang":
            time.sleep(2)
        threading.Thread(target=self._cat, args=(channel,), daemon=True).start()
        return True

    @staticmethod
    def _cat(channel: paramiko.Channel) -> None:
        channel.settimeout(5)
        with suppress(OSError, EOFError):
            channel.sendall_stderr(b"noise\n" * 1000)
            while data := channel.recv(4096):
                channel.sendall(data)
                if data.endswith(b"bye"):
                    break
            channel.close()


def sshd(accepts: Callable[[str, paramiko.PKey], bool], allowed: str = "publickey") -> Callable[[socket.socket], None]:
    """Make a server for `server` that speaks SSH."""

    def serve(client: socket.socket) -> None:
        transport = paramiko.Transport(client)
        transport.add_server_key(HOST_KEY)
        over = threading.Event()
        transport.start_server(event=over, server=Sshd(accepts, allowed))
        while transport.is_alive():
            transport.join(0.05)

    return serve


def try_in(port: int, key: LoginKey, users: list[str], timeout_s: float = 5) -> tuple[Contact, Connection | None]:
    return log_in("127.0.0.1", port, users=users, key=key, timeout_s=timeout_s, cancelled=threading.Event())


@contextmanager
def logged_in(key: LoginKey) -> Iterator[Connection]:
    with server(sshd(lambda *_: True)) as port:
        _, connection = try_in(port, key, ["admin"])
        assert connection
        with closing(connection):
            yield connection


def test_a_key_that_is_accepted_opens_a_connection_and_proves_the_host_key(key: LoginKey) -> None:
    with server(sshd(lambda _, offered: offered == key.private)) as port:
        found, connection = try_in(port, key, ["admin"])
        assert connection
        connection.close()
    assert (found.outcome, found.user, found.users_tried) == (Outcome.ACCEPTED, "admin", ("admin",))
    assert (found.host_key, found.host_key_type) == (HOST_KEY.fingerprint, "ecdsa-sha2-nistp256")
    assert found.launch_key == key.fingerprint


def test_a_key_that_is_refused_is_denied(key: LoginKey) -> None:
    with server(sshd(lambda *_: False)) as port:
        found, connection = try_in(port, key, ["admin"], timeout_s=0.5)
    assert connection is None
    assert (found.outcome, found.host_key) == (Outcome.DENIED, HOST_KEY.fingerprint)


@pytest.mark.trap(56)
def test_a_key_that_is_written_late_is_accepted(key: LoginKey) -> None:
    tries: list[str] = []

    def late(user: str, _: paramiko.PKey) -> bool:
        tries.append(user)
        return len(tries) > 3

    with server(sshd(late)) as port:
        found, connection = try_in(port, key, ["admin"])
        assert connection
        connection.close()
    assert (found.outcome, tries) == (Outcome.ACCEPTED, ["admin"] * len(tries))


def test_a_key_that_is_refused_is_waited_for_only_so_long(key: LoginKey) -> None:
    started = time.monotonic()
    with server(sshd(lambda *_: False)) as port:
        found, _ = log_in(
            "127.0.0.1",
            port,
            users=["admin"],
            key=key,
            timeout_s=60,
            key_wait_s=0.2,
            cancelled=threading.Event(),
        )
    assert found.outcome is Outcome.DENIED
    assert time.monotonic() - started < 5


def test_users_are_tried_in_turn(key: LoginKey, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "amigate")
    with server(sshd(lambda user, _: user == "ubuntu")) as port:
        found, connection = try_in(port, key, ["admin", "ec2-user", "ubuntu"])
        assert connection
        connection.close()
    assert (found.user, found.users_tried) == ("ubuntu", ("admin", "ec2-user", "ubuntu"))
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.DEBUG]
    assert told == [
        f"login as {user} at 127.0.0.1: {outcome}"
        for user, outcome in (("admin", "denied"), ("ec2-user", "denied"), ("ubuntu", "accepted"))
    ]


def test_a_server_without_public_keys_is_denied_and_says_so(key: LoginKey) -> None:
    with server(sshd(lambda *_: False, allowed="password")) as port:
        found, _ = try_in(port, key, ["admin"], timeout_s=0.5)
    assert (found.outcome, found.detail) == (Outcome.DENIED, "the SSH server takes no public keys")


def test_a_door_slammed_after_a_refusal_is_still_a_refusal(key: LoginKey) -> None:
    served: list[int] = []
    deny = sshd(lambda *_: False)

    def ban(client: socket.socket) -> None:
        served.append(1)
        if len(served) == 1:
            deny(client)

    with server(ban) as port:
        found, _ = try_in(port, key, ["admin"], timeout_s=1)
    assert len(served) > 2
    assert found.outcome is Outcome.DENIED


class Penalties:
    """What OpenSSH from 9.8 on does with `PerSourcePenalties authfail:PENALTY min:0`, over a key that is written late.

    Whoever is under a penalty is turned away before the handshake, which adds nothing to the penalty."""

    def __init__(self, penalty_s: float, *, written: float) -> None:
        self._penalty_s, self._written = penalty_s, written
        self._started = time.monotonic()
        self._until = 0.0
        self.connections: list[float] = []
        self.failures = 0

    def __call__(self, client: socket.socket) -> None:
        self.connections.append(time.monotonic())
        if time.monotonic() < self._until:
            client.sendall(b"Not allowed at this time\r\n")
        else:
            sshd(self._accepts)(client)

    def _accepts(self, _: str, key: paramiko.PKey) -> bool:
        accepted = time.monotonic() > self._started + self._written
        self.failures += not accepted
        self._until = 0.0 if accepted else time.monotonic() + self._penalty_s
        return accepted


def test_a_penalty_is_waited_out_and_not_hammered_at(key: LoginKey) -> None:
    penalties = Penalties(1.0, written=0.5)
    with server(penalties) as port:
        found, connection = try_in(port, key, ["admin"])
        assert connection
        connection.close()
    assert (found.outcome, penalties.failures) == (Outcome.ACCEPTED, 1)
    assert len(penalties.connections) <= 12
    pauses = [later - earlier for earlier, later in zip(penalties.connections, penalties.connections[1:], strict=False)]
    assert min(pauses[1:]) >= ssh.BARRED_PAUSE_S


def test_a_penalty_that_does_not_end_leaves_it_open_whether_the_key_came(key: LoginKey) -> None:
    """A refusal that nobody was let try again is no proof that the image never takes the key."""
    penalties = Penalties(60, written=0.5)
    with server(penalties) as port:
        found, connection = try_in(port, key, ["admin"], timeout_s=1)
    assert connection is None
    assert (found.outcome, found.host_key) == (Outcome.BARRED, HOST_KEY.fingerprint)
    assert "not known whether the key came later" in found.detail


@pytest.mark.parametrize("text", [b"Not allowed at this time\r\n", b"Exceeded MaxStartups\r\n"])
def test_a_server_that_turns_everybody_away_says_nothing_of_the_key(key: LoginKey, text: bytes) -> None:
    with server(lambda client: client.sendall(text)) as port:
        found = contact(port, key)
    assert (found.outcome, found.users_tried) == (Outcome.BARRED, ())
    assert "turns this address away" in found.detail


def test_the_time_of_a_penalty_does_not_count_as_the_time_for_the_key(key: LoginKey) -> None:
    penalties = Penalties(1.0, written=0.6)
    with server(penalties) as port:
        found, connection = log_in(
            "127.0.0.1", port, users=["admin"], key=key, timeout_s=20, key_wait_s=0.3, cancelled=threading.Event()
        )
        assert connection
        connection.close()
    assert found.outcome is Outcome.ACCEPTED


def test_a_key_that_is_refused_after_a_penalty_too_is_denied(key: LoginKey) -> None:
    penalties = Penalties(0.6, written=60)
    with server(penalties) as port:
        found, _ = log_in(
            "127.0.0.1", port, users=["admin"], key=key, timeout_s=20, key_wait_s=0.3, cancelled=threading.Event()
        )
    assert (found.outcome, penalties.failures) == (Outcome.DENIED, 2)


def test_a_server_that_starts_late_is_found(key: LoginKey) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = threading.Event()
    late: list[str] = []

    def later() -> None:
        started.wait()
        time.sleep(0.5)
        with socket.create_server(("127.0.0.1", port)) as listener:
            client, _ = listener.accept()
            late.append("accepted")
            with client:
                sshd(lambda *_: True)(client)

    thread = threading.Thread(target=later)
    thread.start()
    started.set()
    found, connection = try_in(port, key, ["admin"])
    assert connection
    connection.close()
    thread.join()
    assert found.outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("serve", [wait_for_end, say_then_wait(b"SSH-2.0-x\r\n"), sshd(lambda *_: False)])
def test_cancelling_ends_within_a_second(key: LoginKey, serve: Callable[[socket.socket], None]) -> None:
    cancelled = threading.Event()
    timer = threading.Timer(0.3, cancelled.set)
    with server(serve) as port:
        timer.start()
        started = time.monotonic()
        log_in("127.0.0.1", port, users=["admin"], key=key, timeout_s=60, cancelled=cancelled)
        took_s = time.monotonic() - started
    assert took_s < 1.5


def test_a_program_gives_back_what_it_was_sent_and_its_noise_is_thrown_away(key: LoginKey) -> None:
    with logged_in(key) as connection:
        program = connection.execute("cat")
        program.send(b"x" * 100_000 + b"bye")
        received = b""
        while data := program.receive(5):
            received += data
        program.close()
    assert received == b"x" * 100_000 + b"bye"


def test_a_program_that_says_nothing_is_a_time_out(key: LoginKey) -> None:
    with logged_in(key) as connection, pytest.raises(TimeoutError):
        connection.execute("cat").receive(0.1)


@pytest.mark.parametrize("command", ["no", "hang"])
def test_a_command_that_the_server_refuses_or_never_answers_is_one_error(key: LoginKey, command: str) -> None:
    with logged_in(key) as connection, pytest.raises(ConnectionFailedError, match="refused to run a command"):
        connection.execute(command)


def test_closing_from_another_thread_ends_a_read(key: LoginKey) -> None:
    with logged_in(key) as connection:
        program = connection.execute("cat")
        timer = threading.Timer(0.2, connection.close)
        timer.start()
        assert program.receive(10) == b""
        timer.join()


def test_sending_to_a_connection_that_is_gone_is_an_os_error(key: LoginKey) -> None:
    with logged_in(key) as connection:
        program = connection.execute("cat")
        connection.close()
        with pytest.raises(OSError, match=r".+"):
            program.send(b"x")


def test_a_login_key_does_not_show_its_private_half(key: LoginKey) -> None:
    assert key.public_line.startswith("ssh-ed25519 AAAA")
    assert "private" not in repr(key)

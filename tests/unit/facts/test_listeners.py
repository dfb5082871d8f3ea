"""Real sockets of this machine, and what the kernel prints elsewhere."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from amigate.check import InconclusiveError
from amigate.evidence.model import Answer, View
from amigate.facts.listeners import NAMES, NEEDS, OWNERS, SOCKETS, Listener, Listeners

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what the kernel shows; nothing is bound to it
HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
REST = "00000000:00000000 00:00000000 00000000     0        0 4242 1 0000000000000000 100 0 0 10 0\n"


def said(text: str, exit_code: int = 0) -> Answer:
    return Answer(command="", exit_code=exit_code, stdout=text.encode(), stderr=b"")


def read(*lines: str, owners: str = "", names: str = "", code: int = 0) -> tuple[Listener, ...]:
    text = f"/proc/net/tcp:{HEADER}/proc/net/udp:{HEADER}" + "".join(lines)
    answers = {SOCKETS.key: said(text, code), OWNERS.key: said(owners), NAMES.key: said(names)}
    return Listeners.read(View(answers=answers)).all


def here() -> Listeners:
    """Ask this machine."""
    answers = {}
    for question in (SOCKETS, OWNERS, NAMES):
        done = subprocess.run(["sh", "-c", question.command], capture_output=True, check=False)
        answers[question.key] = Answer(
            command=question.command, exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr
        )
    return Listeners.read(View(answers=answers))


@pytest.mark.parametrize(
    "family,kind,address",
    [
        (socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"),
        (socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1"),
        (socket.AF_INET6, socket.SOCK_STREAM, "::1"),
    ],
)
def test_a_socket_of_this_process_is_seen_with_its_owner(family: int, kind: int, address: str) -> None:
    if not socket.has_ipv6 or not Path("/proc/net/tcp6").exists():
        pytest.skip("this machine has no IPv6")
    with socket.socket(family, kind) as server:
        try:
            server.bind((address, 0))
        except OSError:
            pytest.skip(f"this machine has no {address}")
        if kind == socket.SOCK_STREAM:
            server.listen()
        port = server.getsockname()[1]
        found = [each for each in here().all if each.port == port and each.address == address]
        name = Path("/proc/self/comm").read_text().strip()
        assert [(each.protocol, each.is_loopback) for each in found] == [
            ("tcp" if kind == socket.SOCK_STREAM else "udp", True)
        ]
        assert found[0].processes == (name,)


def test_a_connection_is_no_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getsockname()[1] not in {each.port for each in here().all}


def test_addresses_are_read_in_the_kernels_byte_order() -> None:
    found = read(
        f"/proc/net/tcp:   0: 0100007F:0016 00000000:0000 0A {REST}",
        f"/proc/net/tcp:   1: 00000000:0050 00000000:0000 0A {REST}",
        f"/proc/net/tcp6:   0: {'0' * 32}:01BB {'0' * 32}:0000 0A {REST}",
        f"/proc/net/tcp6:   1: 0000000000000000FFFF00000100007F:0019 {'0' * 32}:0000 0A {REST}",
        f"/proc/net/udp: 11: 0202000A:0044 00000000:0000 07 {REST}",
    )
    assert [(each.protocol, each.port, each.address, each.is_loopback) for each in found] == [
        ("tcp", 22, "127.0.0.1", True),
        ("tcp", 25, "::ffff:127.0.0.1", True),
        ("tcp", 80, EVERYWHERE, False),
        ("tcp", 443, "::", False),
        ("udp", 68, "10.0.2.2", False),
    ]


def test_what_is_declared_or_loopback_is_no_finding() -> None:
    fact = Listeners(
        all=(
            Listener(protocol="tcp", port=22, address=EVERYWHERE),
            Listener(protocol="tcp", port=25, address="127.0.0.1"),
            Listener(protocol="tcp", port=80, address="::", processes=("nginx",)),
        )
    )
    assert [each.detail for each in fact.reachable_other_than({("tcp", 22)})] == ["nginx listens on ::"]


def test_a_socket_held_by_two_processes_names_both() -> None:
    (found,) = read(
        f"/proc/net/tcp:   0: 00000000:0016 00000000:0000 0A {REST}",
        owners="/proc/1\n4242\n/proc/77\n4242\n9\n",
        names="/proc/1/comm:systemd\n/proc/77/comm:ss:h d\n",
    )
    assert found.processes == ("ss:h d", "systemd")


@pytest.mark.parametrize(
    "lines,code", [(["/proc/net/tcp: nonsense 0A \n"], 0), ([], 1), (["/proc/net/tcp:   0: 0100007F:0016\n"], 0)]
)
def test_what_is_in_no_known_form_is_no_answer(lines: list[str], code: int) -> None:
    with pytest.raises(InconclusiveError):
        read(*lines, code=code)


def test_a_table_that_was_not_read_is_no_answer() -> None:
    answers = {SOCKETS.key: said(f"/proc/net/tcp:{HEADER}"), OWNERS.key: said(""), NAMES.key: said("")}
    with pytest.raises(InconclusiveError):
        Listeners.read(View(answers=answers))


def test_only_a_running_machine_listens(at_rest: Any) -> None:
    with pytest.raises(InconclusiveError, match="only a running machine can answer"):
        Listeners.read(at_rest({"/proc/net/tcp": HEADER}, NEEDS))

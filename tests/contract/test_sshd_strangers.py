"""What a real sshd offers a stranger is what its configuration says, and what its own test says of that."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from amigate.sources.stranger import offers, strangers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STRICT = "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"


@contextmanager
def running(sshd: str, folder: Path, config: str) -> Iterator[int]:
    """Run a real sshd on a port of loopback, with its empty folder in a mount namespace of its own."""
    key = folder / "host_key"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "config").write_text(config)
    listen = f"exec {sshd} -D -e -f {folder}/config -h {key} -p {port} -o ListenAddress=127.0.0.1 -o PidFile=none"
    command = f"mount -t tmpfs none /run && mkdir /run/sshd && {listen}"
    with subprocess.Popen(["unshare", "-m", "sh", "-c", command], stderr=subprocess.DEVNULL) as process:
        try:
            yield port
        finally:
            process.terminate()


@pytest.mark.parametrize(
    "config,expected",
    [
        (STRICT, {"publickey"}),
        ("PasswordAuthentication yes\nKbdInteractiveAuthentication no\n", {"publickey", "password"}),
        ("PasswordAuthentication no\nUsePAM yes\n", {"publickey", "keyboard-interactive"}),
        (f"{STRICT}AuthenticationMethods publickey\n", {"publickey"}),
        ("PasswordAuthentication no\nKbdInteractiveAuthentication no\nPubkeyAuthentication no\n", set()),
    ],
)
def test_a_stranger_is_told_the_methods_of_the_configuration(
    sshd: str, tmp_path: Path, config: str, expected: set[str]
) -> None:
    with running(sshd, tmp_path, config) as port:
        found = offers(
            "127.0.0.1", port, users=strangers("nobody"), timeout_s=20, cancelled=threading.Event(), alive=True
        )
    assert [offer.user for offer in found][:2] == ["root", "nobody"]
    assert len(found) == 3
    for offer in found:
        assert (offer.unseen, offer.admitted) == ("", False)
        assert set(offer.methods) == expected


def test_a_name_that_is_let_in_without_proof_is_told(sshd: str, tmp_path: Path) -> None:
    """`none` succeeds for an account with an empty password where sshd permits that."""
    shadow = "printf 'open::1::::::\\n' >>/etc/shadow"
    passwd = "printf 'open:x:4242:65534::/:/bin/sh\\n' >>/etc/passwd"
    overlay = tmp_path / "etc"
    (overlay / "up").mkdir(parents=True)
    (overlay / "work").mkdir()
    mount = f"mount -t tmpfs none {overlay} && mkdir {overlay}/up {overlay}/work && "
    mount += f"mount -t overlay none -o lowerdir=/etc,upperdir={overlay}/up,workdir={overlay}/work /etc"
    config = "PasswordAuthentication yes\nPermitEmptyPasswords yes\nUsePAM no\n"
    wrapper = tmp_path / "sshd"
    wrapper.write_text(f"{mount} && {passwd} && {shadow} && exec {sshd} $*\n")
    with running(f"sh {wrapper}", tmp_path, config) as port:
        if not _speaks(port):
            pytest.fail("sshd did not start over a copy of /etc")
        [offer] = offers("127.0.0.1", port, users=["open"], timeout_s=20, cancelled=threading.Event(), alive=True)
    assert offer.admitted


def _speaks(port: int) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            if connection.recv(4) == b"SSH-":
                return True
    return False

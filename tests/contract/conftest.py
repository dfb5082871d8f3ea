"""A real sshd to ask: the server of this machine, in a mount namespace of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest

from amigate.sources.login_key import LoginKey, make_login_key
from amigate.sources.ssh import log_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from amigate.sources.connection import Connection


@pytest.fixture(scope="session")
def sshd() -> str:
    """Return the path of the real sshd; the tests' README and the set-up script install `openssh-server`."""
    path = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")
    assert path is not None, "install the package openssh-server"
    if os.geteuid() != 0:
        pytest.skip("needs root, for a mount namespace of its own")
    return path


_BOOT = r"""
set -e
mount -t tmpfs none .
cd "$PWD"
mkdir up work root
mount -t overlay none -o lowerdir=/,upperdir=up,workdir=work root
mount -t proc proc root/proc
mount -t tmpfs run root/run
mount --rbind /dev root/dev
mount -t tmpfs shm root/dev/shm
mount -t tmpfs tmp root/tmp
chmod 1777 root/tmp root/dev/shm
cd root
mkdir run/sshd
rm -rf etc/ssh/sshd_config.d etc/ssh/ssh_host_* etc/sudoers.d
mkdir etc/sudoers.d
chroot . ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
chroot . useradd --create-home --shell "$LOGIN_SHELL" --password '*' somebody
install -d -m 700 home/somebody/.ssh
echo "$KEY" >home/somebody/.ssh/authorized_keys
chroot . chown -R somebody: /home/somebody
echo 'somebody ALL=(ALL) NOPASSWD:ALL' >etc/sudoers.d/somebody
chmod 440 etc/sudoers.d/somebody
printf 'ListenAddress 127.0.0.1\nPort %s\n%s\n' "$PORT" "$CONFIG" >etc/ssh/sshd_config
eval "$EXTRA"
exec chroot . "$SSHD" -D -e
"""
"""From this machine's own files, none of which change, to a machine with a user and an sshd."""


@dataclass(frozen=True)
class Machine:
    """A real sshd with the files of this machine, in namespaces of its own."""

    port: int
    key: LoginKey

    def log_in(self, timeout_s: float = 20) -> Connection:
        """Log in as amigate does."""
        contact, connection = log_in(
            "127.0.0.1",
            self.port,
            users=["somebody"],
            key=self.key,
            timeout_s=timeout_s,
            cancelled=threading.Event(),
        )
        assert connection is not None, contact.detail
        return connection


class Machines(Protocol):
    """Starts machines: `extra` is shell text that spoils one, run in its root folder before sshd."""

    def __call__(
        self, *, extra: str = "", config: str = "", shell: str = "/bin/bash"
    ) -> AbstractContextManager[Machine]: ...


@pytest.fixture(scope="session")
def login_key() -> LoginKey:
    return make_login_key()


@pytest.fixture
def machines(sshd: str, tmp_path: Path, login_key: LoginKey) -> Machines:
    """Return what starts a machine."""

    @contextmanager
    def start(*, extra: str = "", config: str = "", shell: str = "/bin/bash") -> Iterator[Machine]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        values = {"PORT": str(port), "KEY": login_key.public_line, "CONFIG": config, "EXTRA": extra, "SSHD": sshd}
        command = ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "sh", "-c", _BOOT]
        environment = {**os.environ, **values, "LOGIN_SHELL": shell}
        folder = tmp_path / str(port)
        folder.mkdir()
        with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE) as process:
            try:
                _await_server(process, port)
                yield Machine(port=port, key=login_key)
            finally:
                process.kill()

    return start


def _await_server(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            assert process.stderr is not None
            pytest.fail(process.stderr.read().decode(errors="replace"))
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    pytest.fail("sshd did not start")

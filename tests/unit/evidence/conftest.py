"""A root shell of this machine behind the collector's channel, under each shell that images come with."""

from __future__ import annotations

import os
import selectors
import subprocess
from typing import TYPE_CHECKING

import pytest

from amigate.evidence.collector import collect
from amigate.evidence.model import Answer
from amigate.evidence.questions import Needs
from amigate.evidence.redaction.redactor import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from amigate.evidence.keep import Keep
    from amigate.evidence.model import View
    from amigate.evidence.questions import Question

SHELLS = {"dash": "/usr/bin/dash", "bash": "/usr/bin/bash", "busybox": "/usr/bin/busybox sh"}


class ShellChannel:
    """A program on this machine; `damage` may change what it says."""

    def __init__(self, arguments: Sequence[str], damage: Callable[[bytes], bytes] = lambda data: data) -> None:
        self._damage = damage
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def receive(self, timeout_s: float) -> bytes:
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(timeout_s):
                raise TimeoutError
        return self._damage(os.read(self.process.stdout.fileno(), 1 << 16))

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


KEYS = {
    "OpenSSH ed25519": ["-t", "ed25519", "-N", ""],
    "OpenSSH ed25519 with a passphrase": ["-t", "ed25519", "-N", "hunter2"],
    "OpenSSH rsa": ["-t", "rsa", "-b", "2048", "-N", ""],
    "PEM rsa": ["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""],
    "PEM rsa with a passphrase": ["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "hunter2"],
    "PEM ecdsa": ["-t", "ecdsa", "-m", "PEM", "-N", ""],
    "PKCS 8 rsa": ["-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", ""],
    "PKCS 8 rsa with a passphrase": ["-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", "hunter2"],
}
"""Each kind of private key, with the options that make it."""


def private_key(folder: Path, name: str, *arguments: str) -> Path:
    """Make a private key with ssh-keygen; return where it is."""
    subprocess.run(["ssh-keygen", "-q", "-f", str(folder / name), *arguments], check=True)
    return folder / name


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    """Return the command line of one of the shells."""
    return SHELLS[request.param]


@pytest.fixture
def ask(shell: str) -> Iterator[Callable[..., View]]:
    """Return a function that collects the answers to questions through that shell."""
    if os.geteuid() != 0:
        pytest.skip("the collector's own tests run as root")
    opened: list[ShellChannel] = []

    def run(
        *questions: Question,
        prefix: Sequence[str] = (),
        before: str = "",
        deadline_s: float = 30,
        redactor: Redactor | None = None,
    ) -> View:
        def open_shell(command: str) -> ShellChannel:
            line = before + command.replace("/bin/sh", shell)
            opened.append(ShellChannel([*prefix, "/bin/sh", "-c", line]))
            return opened[-1]

        return collect(open_shell, [Needs(first=questions)], redactor=redactor, deadline_s=deadline_s)

    yield run
    for channel in opened:
        assert channel.process.returncode is not None, "the shell outlived its collection"


@pytest.fixture(scope="session")
def shell_channel() -> type[ShellChannel]:
    return ShellChannel


@pytest.fixture(scope="session")
def redactor() -> Redactor:
    return Redactor()


@pytest.fixture(scope="session")
def redacted(redactor: Redactor) -> Callable[[str, Keep], Answer]:
    """Return a function that redacts what a command printed on both streams."""

    def redact(content: str, keep: Keep) -> Answer:
        raw = content.encode("utf-8", "surrogateescape")
        return redactor.answer(Answer(command="", exit_code=0, stdout=raw, stderr=raw), keep)

    return redact


@pytest.fixture(scope="session")
def kept(redacted: Callable[[str, Keep], Answer]) -> Callable[[str, Keep], str]:
    """Return a function that says what is kept of a content; a content that is not kept is an error."""

    def keep_of(content: str, keep: Keep) -> str:
        found = redacted(content, keep)
        assert not found.withheld, found.withheld
        return found.stdout.decode("utf-8", "surrogateescape")

    return keep_of


@pytest.fixture(scope="session")
def is_withheld(redacted: Callable[[str, Keep], Answer]) -> Callable[[str, Keep], bool]:
    """Return a function that says whether nothing is kept of a content."""

    def withheld(content: str, keep: Keep) -> bool:
        found = redacted(content, keep)
        return bool(found.withheld) and found.stdout == b""

    return withheld

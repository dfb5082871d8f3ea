"""The machine that is being prepared: a root shell on it, and the login that must go on working."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from amigate.errors import HardenError

if TYPE_CHECKING:
    from amigate.evidence.channel import Channel
    from amigate.evidence.model import Answer

SHOWN_CHARACTERS = 400
"""Most that an error shows of what a machine printed."""


class Machine(Protocol):
    """A machine on which commands run as root. What it answers is its own word, so hostile."""

    @property
    def user(self) -> str:
        """Who is logged in."""

    @property
    def key(self) -> str:
        """The public key that logged in, base64 as in authorized_keys; empty when there was none."""

    def open_shell(self, command: str) -> Channel:
        """Start `command` as the login user; what the collector of evidence runs over."""

    def execute(self, script: str, stdin: bytes = b"", *, timeout_s: float = 120.0) -> Answer:
        """Run a POSIX sh script as root. The script is handed over in memory: it shows in no argument and no file.

        Raises ConnectionFailedError when the machine is gone or does not end in time."""

    def prove_login(self) -> None:
        """Log in once more beside the session there is, become root without a password, and leave.

        Raises ConnectionFailedError where either fails."""

    def close(self) -> None:
        """End the session."""


def expect(answer: Answer, what: str) -> str:
    """Return what a command printed; raises HardenError, saying `what` failed, when it did not exit 0."""
    if answer.exit_code != 0:
        said = printable(answer.stderr or answer.stdout)
        raise HardenError(f"{what} failed with exit code {answer.exit_code}{': ' if said else ''}{said}")
    return answer.text


def printable(data: bytes) -> str:
    """Return the end of what a machine printed: one line, capped, nothing a terminal would obey."""
    text = " / ".join(line.strip() for line in data.decode("utf-8", "replace").splitlines() if line.strip())
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return shown if len(shown) <= SHOWN_CHARACTERS else f"…{shown[-SHOWN_CHARACTERS:]}"

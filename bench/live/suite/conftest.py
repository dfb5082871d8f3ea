"""Where the machine is, and how long the suite itself took: from the first question to the last verdict.

What comes before (Python's start, imports, pytest's collection) is done while an instance boots."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View

_started = 0.0


def pytest_collection_finish() -> None:
    """Start the clock."""
    global _started  # noqa: PLW0603 - one process, one run
    _started = time.perf_counter()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the bench reads."""
    terminalreporter.write_line(f"LIVE {time.perf_counter() - _started:.4f}")


if "BENCH_KEY" in os.environ:  # amigate's side; imported before the clock starts
    from amigate.evidence.collector import collect
    from amigate.sources.login_key import LoginKey
    from amigate.sources.ssh import log_in

    def _key() -> LoginKey:
        from paramiko import Ed25519Key  # noqa: PLC0415 - only here

        private = Ed25519Key(filename=os.environ["BENCH_KEY"])
        return LoginKey(private=private, public_line="", fingerprint=private.fingerprint)

    _KEY = _key()

    @pytest.fixture(scope="session")
    def view() -> Iterator[View]:
        """Connect, collect what the suite needs, and keep the login until the end."""
        from test_evidence import NEEDS  # noqa: PLC0415 - pytest has imported it

        address, port = os.environ["BENCH_ADDRESS"], int(os.environ["BENCH_PORT"])
        _, connection = log_in(address, port, users=["admin"], key=_KEY, timeout_s=60, cancelled=threading.Event())
        assert connection is not None
        seen = collect(connection.execute, [NEEDS], redactor=None)
        yield seen
        connection.close()

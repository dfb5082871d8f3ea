"""The judge's parent side: a child process that collects the checks at once and judges when evidence comes."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Self

from amigate.evidence import codec
from amigate.judge.decide import Decision
from amigate.judge.places import Place
from amigate.result import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from amigate.check import Settings
    from amigate.evidence.model import Evidence

RULE_LIMIT_S = 20.0
"""How long one judgement of one rule may take."""

_START_LIMIT_S = 60.0
_ANSWERS_CAP_BYTES = 64 * 1024 * 1024


class Judge:
    """One judgement of evidence, in a process without credentials; a context manager.

    Entering starts the child, which collects the checks while the instances boot; `judge` hands it the evidence.
    A child that dies, hangs or answers nonsense leaves judgements unanswered: never passes."""

    def __init__(self, places: Mapping[str, tuple[Place, ...]], settings: Mapping[str, Settings] | None = None) -> None:
        self._places = places
        self._settings = settings or {}
        self._read_fd = -1
        self.ended = ""
        """How the child ended, in words for a reader, once `judge` has returned."""

    def __enter__(self) -> Self:
        self._read_fd, write_fd = os.pipe()
        command = [sys.executable, "-I", "-m", "amigate.judge.child", str(write_fd)]
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(write_fd,),
            env=_environment(),
            cwd="/",
            start_new_session=True,  # Ctrl-C is the parent's to handle
        )
        os.close(write_fd)
        order = {
            "places": {rule: [str(place) for place in places] for rule, places in self._places.items()},
            "settings": self._settings,
            "limit_s": RULE_LIMIT_S,
        }
        self._write(json.dumps(order).encode("ascii") + b"\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._child.kill()
        self._child.wait()
        with contextlib.suppress(OSError):
            self._stdin.close()
        os.close(self._read_fd)

    def judge(self, evidence: Evidence) -> dict[tuple[str, Place], tuple[Decision, float]]:
        """Return the decisions that the child made, with the seconds each took; a missing one was not made."""
        writer = threading.Thread(target=self._hand_over, args=(codec.dump(evidence),), daemon=True)
        writer.start()
        decisions = {}
        for line in self._lines():
            key, decided = _parse(line)
            if key is not None:
                decisions[key] = decided
        self.ended = self._ending()
        return decisions

    def _ending(self) -> str:
        """Say how the child ended; pytest's exit code is no verdict, and only shown where answers are missing."""
        try:
            code = self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "did not answer in time"
        return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._child.stdin is not None, "made with a pipe"
        return self._child.stdin

    def _hand_over(self, text: str) -> None:
        self._write(text.encode("ascii"))
        with contextlib.suppress(OSError):
            self._stdin.close()

    def _write(self, data: bytes) -> None:
        """Write; a child that is gone answers nothing, which is noticed where its answers are missed."""
        with contextlib.suppress(OSError):
            self._stdin.write(data)
            self._stdin.flush()

    def _lines(self) -> list[bytes]:
        """Read until the child closes its pipe, or says nothing for longer than a rule may take."""
        data = bytearray()
        patience = _START_LIMIT_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._read_fd, selectors.EVENT_READ)
            deadline = time.monotonic() + patience
            while selector.select(max(0.0, deadline - time.monotonic())):
                chunk = os.read(self._read_fd, 1 << 16)
                if not chunk or len(data) > _ANSWERS_CAP_BYTES:
                    break
                data += chunk
                deadline = time.monotonic() + 2 * RULE_LIMIT_S
        complete, _, _ = bytes(data).rpartition(b"\n")
        return complete.splitlines()


def _environment() -> dict[str, str]:
    """Return an environment without credentials, and in which nothing can steer pytest."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": "/", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _parse(line: bytes) -> tuple[tuple[str, Place] | None, tuple[Decision, float]]:
    try:
        row = json.loads(line)
        findings = tuple(Finding(**finding) for finding in row["findings"])
        decision = Decision(status=Status(row["status"]), message=row["message"], findings=findings)
        return (str(row["rule"]), Place.parse(row["place"])), (decision, float(row["duration_s"]))
    except (ValueError, KeyError, TypeError):
        return None, (Decision(status=Status.INCONCLUSIVE), 0.0)

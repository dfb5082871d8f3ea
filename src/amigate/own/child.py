"""The process in which a user's tests run: once to record what they ask of a machine, and once to be judged.

It holds no credentials, no key and no connection. What it wants to know of the machine it asks its parent."""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from amigate.check import InconclusiveError
from amigate.evidence import codec
from amigate.evidence.model import Answer, Launch
from amigate.judge.places import Place
from amigate.own.plugin import Bench, Order

if TYPE_CHECKING:
    from amigate.evidence.model import Evidence


def main(answers_fd: int) -> int:
    """Run the tests that are ordered; what comes of each goes to `answers_fd`, a JSON line each."""
    sys.dont_write_bytecode, sys.pycache_prefix = True, os.devnull  # the user's files are read, and nothing beside them
    line = _Line(os.dup(0), answers_fd)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a test that reads its input must not read ours
    order = json.loads(line.read())
    bench = Bench(
        Order(
            entry=order["entry"],
            launch=Launch(order["launch"]) if order["launch"] else None,
            rules={(path, name): rule for path, name, rule in order["tests"]},
            places={rule: Place.parse(place) for rule, place in order["places"].items()},
            settings=order["settings"],
            limit_s=order["limit_s"],
            read_evidence=line.read_evidence,
            ask=line.ask if order["live"] else None,
            send=line.send,
        )
    )
    ini = Path(str(files("amigate.own"))) / "own.ini"
    options = ["-c", str(ini), "--rootdir", order["folder"], "--confcutdir", order["folder"], "-s"]
    options += ["--continue-on-collection-errors"]
    off = ["no:terminal", "no:cacheprovider", "no:logging", "no:faulthandler"]
    for plugin in [*off, "testinfra.plugin", "amigate.own.plugin"]:
        options += ["-p", plugin]
    return int(pytest.main([*options, *dict.fromkeys(path for path, _, _ in order["tests"])], plugins=[bench]))


class _Line:
    """The line to the parent. A limit of time does not strike in the middle of a word, or the next is misheard."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._incoming = os.fdopen(read_fd, "rb")
        self._write_fd = write_fd

    def read(self) -> bytes:
        return self._incoming.readline()

    def read_evidence(self) -> Evidence:
        return codec.load(self.read().decode("ascii"))

    def send(self, row: dict[str, Any]) -> None:
        data = memoryview(json.dumps(row).encode("ascii") + b"\n")
        while data:
            data = data[os.write(self._write_fd, data) :]

    def ask(self, number: int, command: str) -> Answer:
        """Have a command run on the machine; raises InconclusiveError where it is not answered."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        try:
            self.send({"ask": number, "command": command})
            row = json.loads(self.read() or b'{"unseen": "nobody answers any more"}')
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if "unseen" in row:
            raise InconclusiveError(row["unseen"])
        stdout, stderr = (base64.b64decode(row[name]) for name in ("stdout", "stderr"))
        return Answer(command=command, exit_code=row["exit_code"], stdout=stdout, stderr=stderr)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))

"""The collector's script itself: what it writes, and in how many pieces."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, ReadFile, Run
from amigate.evidence.script import script

if TYPE_CHECKING:
    from pathlib import Path

    from amigate.evidence.questions import Question


@pytest.fixture
def questions(tmp_path: Path) -> list[Question]:
    """Return questions of every kind, with answers of every size."""
    for name, size in (("empty", 0), ("small", 10), ("large", 200_000)):
        (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / "many").mkdir()
    for number in range(50):
        (tmp_path / "many" / str(number)).write_bytes(b"y" * number)
    (tmp_path / "link").symlink_to("small")
    paths = [tmp_path / name for name in ("empty", "small", "large", "absent", "link", "many", "small/below")]
    return [
        *(ReadFile(str(path), Keep.WHOLE) for path in paths),
        Glob(f"{tmp_path}/many/*", Keep.WHOLE),
        Run("short", "echo out; echo err >&2; exit 3", Keep.WHOLE),
        Glob(f"{tmp_path}/*", Keep.NOTHING),
        *(Glob(f"{tmp_path}/none{number}*", Keep.NOTHING) for number in range(100)),
        Run("long", "head -c 100000 /dev/zero", Keep.WHOLE),
        ReadFile(f"{tmp_path}/small", Keep.NOTHING),
        Run("channel", "echo frame >&3", Keep.WHOLE),
    ]


def test_waiting_for_each_other_changes_no_answer(shell: str, questions: list[Question]) -> None:
    said = [
        subprocess.run(
            shell.split(),
            input=script(questions, "0" * 16, together=together).encode(),
            capture_output=True,
            check=True,
        ).stdout
        for together in (True, False)
    ]
    assert said[0].replace(b"sh: ", b"") == said[1].replace(b"sh: ", b"")
    assert said[0].endswith(b"END " + b"0" * 16 + b"\n")
    assert b"\nframe\n" not in said[0]


@pytest.mark.parametrize("together", [True, False])
def test_small_answers_go_in_one_piece_where_they_may(shell: str, questions: list[Question], *, together: bool) -> None:
    """Each write is a packet of SSH's, and ten packets are all that go at once over a connection that is new."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # one message for each write
    patterns = [question for question in questions if isinstance(question, Glob)][-100:]
    with here, there:
        text = script(patterns, "0" * 16, together=together).encode()
        subprocess.run(shell.split(), input=text, stdout=there.fileno(), check=True)
        there.close()
        pieces = list(iter(lambda: here.recv(1 << 20), b""))
    assert b"".join(pieces).count(b"\nG ") == 100
    assert len(pieces) <= 3 if together else len(pieces) >= 100

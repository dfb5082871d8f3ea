"""Reading the collector's frames; everything read here is the image's word, so lengths are capped and parsed."""

from __future__ import annotations

import re
import stat
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.errors import CollectionError
from amigate.evidence.globs import covers
from amigate.evidence.model import Answer, Entry, Kind
from amigate.evidence.questions import Glob, Question, ReadFile, Run
from amigate.evidence.redaction.redactor import see
from amigate.evidence.script import GLOB_LIMIT, NO_ROOT, NO_SHELL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amigate.evidence.channel import Channel
    from amigate.evidence.redaction.redactor import Redactor

GREETING_S = 60.0
"""Longest until the collector says that it runs: a machine may take a login, and then nothing more."""
_NOISE_CAP_BYTES = 256 * 1024
_LINE_CAP_BYTES = 200
_PATH_CAP_BYTES = 16 * 1024
_ROUND_CAP_BYTES = 64 * 1024 * 1024

SILENCE_S = 30.0
"""Longest without a byte of an answer; a command may take its own time-out more."""

_META = rb"([0-9a-f]{1,8}) (\d{1,20}) (\d{1,20}) (\d{1,20}) (-?\d{1,20})"
"""Mode in hexadecimal, uid, gid, size, mtime."""

_WHY = {
    "unsearchable": "its folder cannot be searched, not even by root",
    "unreadable": "its folder cannot be read, not even by root",
    "no-stat": "the machine has no `stat` that could tell",
    "too-many": "more entries match than are collected",
    "no-room": "the machine has no folder in which the collector could write its answer down",
    "no-tools": "the machine lacks `head`, `wc`, `cat` or `stat`, or has others that do not work",
}


class EndedError(CollectionError):
    """The collector's shell ended in the middle."""


SUDO_REFUSED = "`sudo -n` was refused, so the collector cannot run as root"


class FrameReader:
    """Takes lines and blocks off a channel until a deadline (`time.monotonic()`); a greeting comes sooner."""

    def __init__(self, channel: Channel, deadline: float) -> None:
        self._channel = channel
        self._last = deadline
        self._deadline = min(deadline, time.monotonic() + GREETING_S)
        self._silence_s = GREETING_S
        self._buffer = bytearray()
        self._total = 0
        self.is_greeted = False

    def greeted(self) -> None:
        """Note that the collector runs: what it was asked may take until the deadline."""
        self._deadline = self._last
        self.is_greeted = True

    def expect(self, questions: Sequence[Question], answered: set[int]) -> None:
        """Note what is answered next: how long it may take without a byte."""
        following = next((each for number, each in enumerate(questions) if number not in answered), None)
        self._silence_s = SILENCE_S + (following.timeout_s if isinstance(following, Run) else 0.0)

    def line(self, cap: int = _LINE_CAP_BYTES) -> bytes:
        """Return the next line without its line feed."""
        while (end := self._buffer.find(b"\n", 0, cap + 1)) < 0:
            if len(self._buffer) > cap:
                raise CollectionError("the collector's answer broke its protocol: a line is too long")
            self._fill()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def block(self, length: int) -> bytes:
        """Return the next `length` bytes."""
        while len(self._buffer) < length:
            self._fill()
        block = bytes(self._buffer[:length])
        del self._buffer[:length]
        return block

    def _fill(self) -> None:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:  # a machine that drips would otherwise never end
            raise TimeoutError
        data = self._channel.receive(min(remaining, self._silence_s))
        if not data:
            raise EndedError("the collector ended before it had answered")
        self._total += len(data)
        if self._total > _ROUND_CAP_BYTES:
            raise CollectionError("the machine sent more than is collected")
        self._buffer += data


@dataclass
class Seen:
    """What the frames of one round told, so far."""

    entries: dict[str, Entry]
    absent: set[str]
    globbed: set[str]
    answers: dict[str, Answer]
    unseen: dict[str, str]
    answered: set[int]


def read_round(
    reader: FrameReader, nonce: str, questions: Sequence[Question], seen: Seen, redactor: Redactor | None
) -> None:
    """Fill `seen` with what `redactor` keeps of one round's frames; None keeps everything as it is.

    Raises CollectionError, TimeoutError or OSError where it breaks off."""
    if _header(reader, nonce) != 0:
        raise CollectionError("the collector does not run as root, so what it misses proves nothing")
    reader.greeted()
    reader.expect(questions, seen.answered)
    end = f"END {nonce}".encode()
    matches: Counter[int] = Counter()
    while (line := reader.line()) != end:
        frame = re.fullmatch(rb"([EAUGC]) (\d{1,6})((?: [a-z0-9-]{1,20}){0,4})", line)
        if frame is None or int(frame[2]) >= len(questions):
            raise CollectionError("the collector's answer broke its protocol")
        number = int(frame[2])
        if number in seen.answered:
            raise CollectionError("the collector answered the same question twice")
        question = questions[number]
        _take(reader, frame[1], frame[3].split(), question, seen, redactor)
        matches[number] += 1
        if matches[number] > GLOB_LIMIT + 2:
            raise CollectionError("the machine sent more than is collected")
        # A pattern is answered by its G, whatever could not be seen of a single match before it.
        if not isinstance(question, Glob) or frame[1] == b"G":
            seen.answered.add(number)
            reader.expect(questions, seen.answered)


def _header(reader: FrameReader, nonce: str) -> int:
    """Skip what a login prints until the collector's header; return the user id it runs as."""
    wanted = re.compile(rb"amigate/1 %b (\d{1,10})" % nonce.encode())
    skipped = 0
    while skipped < _NOISE_CAP_BYTES:
        line = reader.line(_NOISE_CAP_BYTES)
        if match := wanted.fullmatch(line):
            return int(match[1])
        if line.strip() == NO_ROOT:
            raise CollectionError(
                SUDO_REFUSED,
                hint="Give the login user sudo without a password (NOPASSWD) and without a terminal (no requiretty), "
                "as cloud images do.",
            )
        if line.strip() == NO_SHELL:
            raise CollectionError("the machine has no /bin/sh, or one that ends at once")
        skipped += len(line) + 1
    raise CollectionError("the login shell prints without end instead of running the collector")


def _take(  # noqa: PLR0913, PLR0917 - one frame and what becomes of it
    reader: FrameReader,
    kind: bytes,
    words: list[bytes],
    question: Question,
    seen: Seen,
    redactor: Redactor | None,
) -> None:
    match kind, question, words:
        case b"E", ReadFile() | Glob(), [path, meta, target, content]:
            entry = _entry(reader, _numbers(path, meta, target, content), question)
            see(redactor.entry(entry, question.keep) if redactor else entry, seen.entries)
        case b"A", ReadFile(path), []:
            seen.absent.add(path)
        case b"G", Glob(pattern), [_]:
            seen.globbed.add(pattern)
        case b"U", _, [why]:
            reason = _WHY.get(why.decode(), "it could not be seen")
            seen.unseen[question.key] = f"{question.key}: {reason}"
        case b"C", Run(key), [code, out, err]:
            answer = _answer(reader, _numbers(code, out, err), question)
            if answer is None:
                seen.unseen[key] = f"{key}: no answer within {question.timeout_s} s"
            else:
                seen.answers[key] = redactor.answer(answer, question.keep) if redactor else answer
        case _:
            raise CollectionError("the collector's answer does not fit its question")


def _numbers(*words: bytes) -> tuple[int, ...]:
    """Read decimal numbers; -1, for no content, is the only negative one."""
    if not all(re.fullmatch(rb"\d{1,12}|-1", word) for word in words):
        raise CollectionError("the collector's answer broke its protocol: not a number")
    return tuple(int(word) for word in words)


def _entry(reader: FrameReader, lengths: tuple[int, ...], question: ReadFile | Glob) -> Entry:
    path_length, meta_length, target_length, content_length = lengths
    if min(path_length, meta_length, target_length) < 0:
        raise CollectionError("the collector's answer broke its protocol: a length is negative")
    if max(path_length, meta_length, target_length) > _PATH_CAP_BYTES or content_length > question.wanted_bytes + 1:
        raise CollectionError("the collector's answer is longer than was asked for")
    path = reader.block(path_length).decode("utf-8", "surrogateescape")
    meta = re.fullmatch(_META, reader.block(meta_length))
    target = reader.block(target_length).decode("utf-8", "surrogateescape")
    content = reader.block(content_length) if content_length >= 0 else None
    asked_for = path == question.path if isinstance(question, ReadFile) else covers(question.pattern, path)
    if meta is None or not asked_for:
        raise CollectionError("the collector's answer does not fit its question")
    mode, size = int(meta[1], 16), int(meta[4])
    return Entry(
        path=path,
        kind=_kind(mode),
        mode=stat.S_IMODE(mode),
        uid=int(meta[2]),
        gid=int(meta[3]),
        size=size,
        mtime_s=int(meta[5]),
        target=target,
        content=None if content is None else content[: question.wanted_bytes],
        truncated=content is not None and _is_short(path, _kind(mode), size, content, question.wanted_bytes),
    )


def _is_short(path: str, kind: Kind, size: int, content: bytes, cap: int) -> bool:
    """Whether there is more in the file than was sent: more than the cap, or a read that broke off."""
    promised = kind is Kind.FILE and not path.startswith(("/proc/", "/sys/"))  # sysfs says 4096 for everything
    return len(content) > cap or (promised and len(content) < min(size, cap))


def _kind(mode: int) -> Kind:
    kinds = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.DIRECTORY, stat.S_IFLNK: Kind.LINK}
    return kinds.get(stat.S_IFMT(mode), Kind.OTHER)


def _answer(reader: FrameReader, numbers: tuple[int, ...], question: Run) -> Answer | None:
    """Return the answer; None where the time for it was over."""
    exit_code, out_length, err_length = numbers
    cap = question.cap_bytes
    if min(numbers) < 0:
        raise CollectionError("the collector's answer broke its protocol: a length is negative")
    if max(out_length, err_length) > cap + 1:
        raise CollectionError("the collector's answer is longer than was asked for")
    stdout, stderr = reader.block(out_length), reader.block(err_length)
    if exit_code == 137:  # noqa: PLR2004 - 128 + SIGKILL, what `timeout -s KILL` ends with
        return None
    return Answer(
        command=question.command,
        exit_code=exit_code,
        stdout=stdout[:cap],
        stderr=stderr[:cap],
        truncated=max(out_length, err_length) > cap,
    )

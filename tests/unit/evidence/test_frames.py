"""The frame parser against a machine that lies, stutters and breaks off."""

from __future__ import annotations

import secrets
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amigate.check import InconclusiveError
from amigate.errors import CollectionError
from amigate.evidence import collector
from amigate.evidence.collector import collect
from amigate.evidence.frames import FrameReader, Seen, read_round
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, Needs, ReadFile, Run
from amigate.evidence.redaction.redactor import Redactor

if TYPE_CHECKING:
    from amigate.evidence.model import View
from amigate.evidence.questions import Question

QUESTIONS: tuple[Question, ...] = (
    ReadFile("/a", Keep.WHOLE),
    ReadFile("/missing", Keep.WHOLE),
    Glob("/d/*", Keep.WHOLE),
    Run("run", "true", Keep.WHOLE),
    ReadFile("/last", Keep.WHOLE),
)
META = b"81a4 0 0 5 1600000000"


def entry(number: int, path: bytes, content: bytes = b"hello", meta: bytes = META) -> bytes:
    return b"E %d %d %d 0 %d\n%b%b%b" % (number, len(path), len(meta), len(content), path, meta, content)


FRAMES = [
    b"motd\n",
    b"amigate/1 nonce 0\n",
    entry(0, b"/a"),
    b"A 1\n",
    entry(2, b"/d/x") + entry(2, b"/d/y") + b"G 2 2\n",
    b"C 3 0 3 2\noutER",
    entry(4, b"/last"),
    b"END nonce\n",
]
WHOLE = b"".join(FRAMES)


class Words:
    """A channel that says `data` in pieces and ends."""

    def __init__(self, data: bytes, piece: int = 1 << 16) -> None:
        self._data = data
        self._piece = piece

    def send(self, data: bytes) -> None:
        pass

    def receive(self, timeout_s: float) -> bytes:
        assert timeout_s > 0
        head, self._data = self._data[: self._piece], self._data[self._piece :]
        return head

    def close(self) -> None:
        pass


def nothing() -> Seen:
    return Seen(entries={}, absent=set(), globbed=set(), answers={}, unseen={}, answered=set())


def read(
    data: bytes,
    questions: tuple[Question, ...] = QUESTIONS,
    piece: int = 1 << 16,
    redactor: Redactor | None = None,
) -> Seen:
    seen = nothing()
    read_round(FrameReader(Words(data, piece), time.monotonic() + 30), "nonce", questions, seen, redactor)
    return seen


@pytest.fixture
def _nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: "nonce")


def told(view: View, ask: str, key: str) -> object:
    """Return what a view says, with "could not tell" as a word of its own."""
    try:
        return getattr(view, ask)(key)
    except InconclusiveError:
        return "could not tell"


ASKED = [
    ("content", "/a"),
    ("entry", "/missing"),
    ("glob", "/d/*"),
    ("entry", "/d/z"),
    ("answer", "run"),
    ("content", "/last"),
]


def test_a_whole_round_is_understood_in_pieces_of_any_size() -> None:
    seen = read(WHOLE)
    assert set(seen.entries) == {"/a", "/d/x", "/d/y", "/last"}
    assert seen.absent == {"/missing"}
    assert seen.globbed == {"/d/*"}
    assert (seen.answers["run"].stdout, seen.answers["run"].stderr) == (b"out", b"ER")
    assert seen.answered == {0, 1, 2, 3, 4}
    assert read(WHOLE, piece=1) == seen


@pytest.mark.usefixtures("_nonce")
def test_a_channel_closed_after_any_byte_answers_nothing_that_was_not_said() -> None:
    full = collect(lambda _: Words(WHOLE), [Needs(first=QUESTIONS)], redactor=None)
    said = {asked: told(full, *asked) for asked in ASKED}
    assert "could not tell" not in said.values()
    for cut in range(len(WHOLE)):
        view = collect(lambda _, cut=cut: Words(WHOLE[:cut]), [Needs(first=QUESTIONS)], redactor=None)  # type: ignore[misc] # bound now
        for asked, answer in said.items():
            assert told(view, *asked) in (answer, "could not tell"), (cut, asked)
        # What was said completely before the cut is kept, and the last question never is.
        assert told(view, "content", "/last") == "could not tell" or cut >= len(WHOLE) - len(FRAMES[-1])


@pytest.mark.usefixtures("_nonce")
def test_a_frame_that_is_missing_leaves_its_question_open() -> None:
    for left_out in range(2, 7):
        data = b"".join(frame for number, frame in enumerate(FRAMES) if number != left_out)
        view = collect(lambda _, data=data: Words(data), [Needs(first=QUESTIONS)], redactor=None)  # type: ignore[misc] # bound now
        open_questions = [asked for asked in ASKED if told(view, *asked) == "could not tell"]
        assert open_questions, left_out


@pytest.mark.parametrize(
    "frame",
    [
        b"A 0\n",
        entry(0, b"/a", b"other"),
        b"U 0 unreadable\n",
        b"C 3 0 3 0\nlie",
        b"U 3 unreadable\n",
        entry(2, b"/d/z"),
        b"G 2 0\n",
        b"A 1\n",
    ],
)
def test_a_second_answer_to_the_same_question_breaks_the_round(frame: bytes) -> None:
    with pytest.raises(CollectionError):
        read(b"".join([*FRAMES[:-1], frame, FRAMES[-1]]))


@pytest.mark.parametrize(
    "frame",
    [
        entry(0, b"/b"),  # not the path that was asked for
        entry(2, b"/etc/shadow"),  # no match of the pattern
        entry(2, b"/d/.hidden"),
        entry(2, b"/d/sub/x"),
        entry(3, b"/a"),  # an entry for a command
        b"A 2\n",  # absence of a pattern
        b"A 3\n",
        b"G 0 1\n",
        b"C 0 0 0 0\n",
        b"A 5\n",  # no such question
        b"A 999999\n",
        b"A 9999999\n",
        b"E 0 -1 21 0 5\n",
        b"E 0 2 -5 0 5\n",
        b"E 0 x y z w\n",
        b"E 0 2 21 0 -2\n",
        b"E 0 99999999999 21 0 5\n",
        b"E 0 2 21 0 99999999\n",
        b"E 0 2 21 0\n",
        b"C 3 a b c\n",
        b"C 3 0 -1 0\n",
        b"C 3 0 99999999 0\n",
        b"C 3 -1 0 0\n",
        b"C 3 0 0\n",
        b"U 0\n",
        b"\n",
        b"END\n",
        b"END other\n",
        b"amigate/1 nonce 0\n",
        b"X 0\n",
        b"A 1 extra\n",
        b"A " + b"1" * 300 + b"\n",
        b"x" * 100_000,
        entry(0, b"/a", meta=b"81a4 0 0 5"),
        entry(0, b"/a", meta=b"81a4 0 0 " + b"9" * 5000 + b" 1"),
        entry(0, b"/a", meta=b"zz 0 0 5 1"),
        entry(0, b"/a", meta="81a4 \u0660 0 5 1".encode()),
    ],
)
def test_a_frame_that_does_not_fit_its_question_breaks_the_round(frame: bytes) -> None:
    with pytest.raises(CollectionError):
        read(FRAMES[1] + frame + WHOLE)


def test_a_match_that_could_not_be_seen_makes_its_pattern_unseen() -> None:
    view = collector._view(read(FRAMES[1] + b"U 2 no-stat\nG 2 1\nEND nonce\n"))
    with pytest.raises(InconclusiveError):
        view.glob("/d/*")
    with pytest.raises(InconclusiveError):
        view.entry("/d/x")


def test_a_file_that_is_longer_than_what_came_of_it_was_not_read() -> None:
    view = collector._view(read(FRAMES[1] + entry(0, b"/a", meta=b"81a4 0 0 6 1") + b"END nonce\n"))
    with pytest.raises(InconclusiveError):
        view.content("/a")


@pytest.mark.parametrize("header", [b"amigate/1 nonce 1000\n", b"amigate-no-root\n", b"amigate/1 other 0\n", b""])
def test_no_root_or_no_header_is_no_answer(header: bytes) -> None:
    with pytest.raises(CollectionError):
        read(header + b"A 1\nEND nonce\n")


def test_a_machine_that_sends_without_end_is_cut_off_in_bounded_memory() -> None:
    class Endless(Words):
        def __init__(self, head: bytes, forever: bytes) -> None:
            super().__init__(head)
            self._forever = forever

        def receive(self, timeout_s: float) -> bytes:
            return super().receive(timeout_s) or self._forever

    for forever in (b"x", b"x" * 65536, entry(2, b"/d/x"), b"U 2 no-stat\n" * 1000):
        tracemalloc.start()
        reader = FrameReader(Endless(FRAMES[1], forever), time.monotonic() + 60)
        with pytest.raises(CollectionError):
            read_round(reader, "nonce", QUESTIONS, nothing(), None)
        assert tracemalloc.get_traced_memory()[1] < 32 * 1024 * 1024
        tracemalloc.stop()


def test_a_machine_that_drips_does_not_outlive_the_deadline() -> None:
    with pytest.raises(TimeoutError):
        read_round(FrameReader(Words(WHOLE, 1), time.monotonic()), "nonce", QUESTIONS, nothing(), None)


numbers = st.integers(-2, 40).map(lambda number: b"%d" % number) | st.sampled_from([b"x", b"999999", b""])
frames = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(FRAMES),
    st.builds(
        lambda kind, words, rest: b"%b %b\n%b" % (kind, b" ".join(words), rest),
        st.sampled_from([b"E", b"A", b"U", b"G", b"C", b"END"]),
        st.lists(numbers, max_size=6),
        st.binary(max_size=60),
    ),
)


keeps = st.sampled_from(Keep)


@given(st.lists(frames, max_size=12), st.booleans(), keeps, keeps, keeps)
@settings(max_examples=400, deadline=None)
def test_whatever_is_sent_only_the_two_errors_come_of_it(
    sent: list[bytes],
    header: bool,  # noqa: FBT001 - drawn
    file: Keep,
    match: Keep,
    run: Keep,
) -> None:
    questions = (ReadFile("/a", file), ReadFile("/missing", file), Glob("/d/*", match), Run("run", "true", run))
    try:
        seen = read((FRAMES[1] if header else b"") + b"".join(sent), questions, redactor=Redactor())
    except (CollectionError, TimeoutError):
        return
    assert not seen.absent & set(seen.entries)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_stream_with_damage_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    damaged = bytearray(WHOLE)
    for place in data.draw(st.lists(st.integers(0, len(WHOLE) - 1), min_size=1, max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255))
    try:
        seen = read(bytes(damaged))
    except (CollectionError, TimeoutError):
        return
    assert seen.absent <= {"/missing"}

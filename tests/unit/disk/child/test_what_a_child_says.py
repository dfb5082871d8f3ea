"""Whatever a child says, its parent answers what may be asked, or ends with a word for it."""

from __future__ import annotations

import json
import re
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amigate.disk.blocks import Extent, IncompleteError, UnsupportedError
from amigate.disk.child import run, wire
from amigate.disk.child.ended import EndedError, Ending
from amigate.disk.child.limits import Limits

from .conftest import GREETING, HELLO, Device, heard, request

if TYPE_CHECKING:
    from collections.abc import Mapping

SIZE = 1 << 20
MOST = 2**64 - 1


def error(said: object) -> bytes:
    body = json.dumps(said).encode("ascii")
    return says(wire.ERROR, length=len(body), body=body)


def says(kind: bytes, device: int = 0, offset: int = 0, length: int = 0, body: bytes = b"") -> bytes:
    """Return a request of a child that was kept apart first."""
    return GREETING + request(kind, device, offset, length, body)


MALFORMED: Mapping[str, bytes] = {
    "a kind that there is not": says(b"x"),
    "a device that there is not": says(wire.READ, device=1, length=1),
    "the last device of all": says(wire.READ, device=65535, length=1),
    "a read of nothing": says(wire.READ),
    "a read that begins behind the end": says(wire.READ, offset=SIZE, length=1),
    "a read that ends behind the end": says(wire.READ, offset=SIZE - 1, length=2),
    "a read beyond all numbers": says(wire.READ, offset=MOST, length=MOST),
    "a read of too much at once": says(wire.READ, length=wire.MOST_READ + 1),
    "a prefetch of nothing": says(wire.PREFETCH),
    "half an extent": says(wire.PREFETCH, length=8, body=bytes(8)),
    "an extent of nothing": says(wire.PREFETCH, length=16, body=wire.EXTENT.pack(5, 0)),
    "an extent behind the end": says(wire.PREFETCH, length=16, body=wire.EXTENT.pack(SIZE, 1)),
    "an extent beyond all numbers": says(wire.PREFETCH, length=16, body=wire.EXTENT.pack(MOST, MOST)),
    "more extents than fit": says(wire.PREFETCH, length=16 * (wire.PAGE + 1)),
    "extents without end": says(wire.PREFETCH, length=MOST - 15),
    "a list of a device that there is not": says(wire.WRITTEN, device=7),
    "an error without end": says(wire.ERROR, length=MOST),
    "an error that is no JSON": says(wire.ERROR, length=3, body=b"{,}"),
    "an error of endless nesting": says(wire.ERROR, length=16000, body=b"[" * 16000),
    "an error that is no text": says(wire.ERROR, length=1, body=b"\xff"),
    "an error of no kind": error({"kind": "fine", "text": "all is well"}),
    "an error whose text is none": error({"kind": "incomplete", "text": 7}),
    "an error that is a list": error(["incomplete"]),
    "what it is kept apart by, twice": says(wire.ISOLATION, length=len(HELLO), body=HELLO),
    "a read before it is kept apart": request(wire.READ, length=1),
    "an answer before it is kept apart": request(wire.ANSWER),
    "kept apart by nothing": request(wire.ISOLATION, length=2, body=b"{}"),
    "kept apart by something else": request(wire.ISOLATION, length=len(HELLO), body=HELLO.replace(b"true", b"1234")),
}


@pytest.mark.parametrize("said", MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_ends_it(said: bytes) -> None:
    device = Device(bytes(SIZE))
    with pytest.raises(EndedError, match=r"^the process that reads the image said something malformed: ") as caught:
        heard(said, device)
    assert caught.value.how == Ending.MALFORMED
    assert not device.reads
    assert not device.wanted


def test_an_answer_is_taken_whole() -> None:
    body = bytes(range(256)) * 20_000
    assert heard(says(wire.ANSWER, length=len(body), body=body)) == body


@pytest.mark.parametrize("length", [0, 1, 13, 14, 30])
def test_a_child_that_falls_silent_is_told_from_one_that_answers(length: int) -> None:
    with pytest.raises(EOFError):
        heard(says(wire.ANSWER, length=100, body=bytes(99))[:length])


def test_half_an_answer_is_none() -> None:
    with pytest.raises(EOFError):
        heard(says(wire.ANSWER, length=100, body=bytes(99)))


def test_an_answer_that_is_too_large_is_not_taken() -> None:
    with pytest.raises(EndedError, match=re.escape("answered more than 1.5 MiB")) as caught:
        heard(says(wire.ANSWER, length=(3 << 19) + 1), limits=Limits(answer_bytes=3 << 19))
    assert caught.value.how == Ending.ANSWER


ASKED = {
    "reads": request(wire.READ, length=1) * 4,
    "bytes": request(wire.READ, length=60) + request(wire.READ, length=41),
    "extents": request(wire.PREFETCH, length=64, body=wire.EXTENT.pack(0, 1) * 4),
    "lists": request(wire.WRITTEN) * 4,
}


@pytest.mark.parametrize("said", ASKED.values(), ids=ASKED)
def test_more_is_not_asked_for_than_the_limits_say(said: bytes) -> None:
    with pytest.raises(EndedError, match="asked for more than 3 times, or 100 bytes, of the image") as caught:
        heard(GREETING + said, Device(bytes(SIZE)), limits=Limits(requests=3, read_bytes=100))
    assert caught.value.how == Ending.REQUESTS


@pytest.mark.parametrize("kind, expected", [("incomplete", IncompleteError), ("unsupported", UnsupportedError)])
def test_an_error_of_the_work_keeps_its_kind_and_text(kind: str, expected: type[OSError]) -> None:
    with pytest.raises(expected) as caught:
        heard(error({"kind": kind, "text": "inode 7 is damaged: \udcff"}))
    assert type(caught.value) is expected
    assert str(caught.value) == "inode 7 is damaged: \udcff"


def test_memory_that_was_not_enough_has_its_word() -> None:
    with pytest.raises(EndedError, match=r"used more than 2 GiB of memory$") as caught:
        heard(error({"kind": "memory"}), limits=Limits(memory_bytes=2 << 30))
    assert caught.value.how == Ending.MEMORY


class Broken(Device):
    """A device with a bug."""

    def read(self, offset: int, length: int) -> bytes:
        raise ZeroDivisionError


def test_a_bug_of_a_device_is_not_taken_for_damage() -> None:
    with pytest.raises(ZeroDivisionError):
        heard(says(wire.READ, length=1), Broken(bytes(SIZE)))


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Return a request that is right in most, and wrong anywhere."""
    kind = draw(
        st.sampled_from([wire.READ, wire.PREFETCH, wire.WRITTEN, wire.ISOLATION, wire.ANSWER, wire.ERROR, b"?"])
    )
    number = st.one_of(st.integers(0, 20), st.integers(0, 2 * SIZE), st.integers(0, MOST))
    body = draw(st.one_of(st.binary(max_size=64), st.just(HELLO)))
    length = draw(st.one_of(st.just(len(body)), number))
    return request(kind, draw(st.integers(0, 3)), draw(number), length, body)


@settings(max_examples=150, deadline=None)
@given(said=st.lists(requests(), max_size=8), greeted=st.booleans())
def test_noise_ends_in_words(said: list[bytes], greeted: bool) -> None:  # noqa: FBT001 - drawn
    device = Device(bytes(SIZE), extents=[Extent(0, 10), Extent(4096, 4096)])
    hello = GREETING if greeted else b""
    with suppress(EndedError, EOFError):
        heard(hello + b"".join(said), device, Device(b""))
    assert all(0 <= each.offset < each.end <= SIZE for each in (*device.reads, *device.wanted))


def test_who_waits_for_an_answer_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_TELL_S", 0.0)
    monkeypatch.setattr(run, "_TICK_S", 0.001)
    answer: Future[bytes] = Future()
    told: list[int] = []

    def tell() -> None:
        told.append(len(told))
        if len(told) == 3:
            answer.set_result(b"")

    run._wait(answer, Limits(), lambda: False, tell)
    assert told == [0, 1, 2]

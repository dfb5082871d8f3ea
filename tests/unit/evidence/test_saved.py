"""The file of saved evidence: it comes back as it was, or is refused with one clear error."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amigate.errors import UsageError
from amigate.evidence import codec, saved
from amigate.evidence.inspection import InspectedVolume, Inspection, Recovered
from amigate.evidence.keep import Keep
from amigate.evidence.model import Launch, Vantage, Viewpoint
from amigate.result import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import Evidence

INSIDE = Viewpoint(Launch.A, 1, Vantage.INSIDE)


@pytest.fixture
def evidence(kit: Any) -> Evidence:
    """Return evidence with every field of every part in use."""
    image = kit.Image(ec2_unseen={"launchPermission": "why"}, unseen={"/x\udce9": "why"}, offers={"unseen": "why"})
    found = image.evidence()
    view = found.views[INSIDE]
    path = "/root/.bash_history"
    entry = replace(
        kit.file(path, None), kept=Keep.SIZE, summary={"lines": "3"}, withheld="content not kept", truncated=True
    )
    answer = replace(kit.said("x\udcff\0"), kept=Keep.NUMBERS, stderr=b"\xff", withheld="why", summary={"a": "b"})
    counted = InspectedVolume(name="disk/p1", kind="ext4", state="read", free_bytes=8192, unclean_bytes=4096)
    volumes = (counted, InspectedVolume(name="disk/p2", kind="xfs", state="read", uncounted="why"))
    secret = Recovered(kind="private-key", what="PuTTY", volume="disk/p1", offset=4096, place="free")
    view = replace(
        view,
        entries={**view.entries, path: entry},
        answers={**view.answers, "more": answer},
        inspection=Inspection(volumes=volumes, recovered=(secret,), gaps=("why",), searched_bytes=8192),
    )
    target = Target(kind="ami", id="ami-0123456789abcdef0", name="ünï \x1b[31m", snapshots=("snap-1",))
    views = {**found.views, INSIDE: view}
    whole: Evidence = replace(found, target=target, views=views, audience="", receivers=frozenset())
    return whole


@pytest.fixture
def file(evidence: Evidence, tmp_path: Path) -> Path:
    path = tmp_path / "image.evidence"
    saved.save(evidence, path)
    return path


def document(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(file.read_bytes()))
    return found


def forge(file: Path, data: object, *, digest: bool = True) -> Path:
    """Write a document as amigate would, with the digest that belongs to it."""
    if digest and isinstance(data, dict) and "evidence" in data:
        text = codec.written(data["evidence"])
        data = {**data, "digest": "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()}
    file.write_bytes(saved._packed(codec.written(data).encode("ascii")))
    return file


def refusal(file: Path) -> str:
    """Return the one error of a file that is refused."""
    with pytest.raises(UsageError) as caught:
        saved.load(file)
    said = str(caught.value)
    assert caught.value.hint
    assert str(file) in said
    assert said.isprintable()
    assert len(said) < 400
    return said


def test_what_was_saved_comes_back(file: Path, evidence: Evidence) -> None:
    assert saved.load(file) == evidence
    assert codec.load(codec.dump(evidence)) == evidence


def test_what_own_tests_asked_is_in_no_file(kit: Any, file: Path, evidence: Evidence) -> None:
    view = evidence.views[INSIDE]
    told = replace(kit.said("hunter2"), kept=Keep.ANSWER)
    asked = replace(
        evidence, views={**evidence.views, INSIDE: replace(view, answers={**view.answers, "own:x:1:0": told})}
    )
    before = file.read_bytes()
    saved.save(asked, file)
    assert file.read_bytes() == before
    assert "own:x:1:0" in codec.load(codec.dump(asked)).views[INSIDE].answers  # the judge has it


def test_the_digest_is_the_same_whoever_the_image_is_for(file: Path, evidence: Evidence) -> None:
    other = replace(evidence, audience="public", receivers=frozenset({"all"}))
    assert document(file)["digest"] == saved.digest(evidence) == saved.digest(other)
    saved.save(other, file)
    assert saved.load(file) == evidence
    assert not {"audience", "receivers"} & document(file)["evidence"].keys()


def test_a_file_is_gzip_and_json_for_its_owner_alone(file: Path) -> None:
    assert file.stat().st_mode & 0o777 == 0o600
    assert document(file)["schema"] == "amigate/evidence/5"
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_like_evidence_gives_like_files(file: Path, evidence: Evidence) -> None:
    first = file.read_bytes()
    saved.save(evidence, file)
    assert file.read_bytes() == first


def test_a_file_that_cannot_be_written_whole_is_not_written(
    file: Path, evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left on device"):
        saved.save(replace(evidence, collected_at="later"), file)
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_more_evidence_than_a_file_may_hold_is_not_saved(
    file: Path, evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved, "TEXT_CAP_BYTES", 1000)
    with pytest.raises(UsageError, match="more evidence"):
        saved.save(evidence, file)


def test_a_file_cut_off_anywhere_is_refused(file: Path) -> None:
    data = file.read_bytes()
    for end in range(0, len(data), 7):
        file.write_bytes(data[:end])
        assert any(word in refusal(file) for word in ("cut off", "does not begin", "damaged"))


def test_a_file_with_any_byte_changed_is_refused(file: Path) -> None:
    data = file.read_bytes()
    text = gzip.decompress(data)
    alike = 0
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0xFF
        file.write_bytes(changed)
        with suppress(OSError, EOFError, zlib.error):
            if gzip.decompress(changed) == text and changed[:10] == data[:10]:
                alike += 1  # deflate may point at another place where the same words stand: nothing has changed
                continue
        refusal(file)
    assert alike <= 2


def test_a_file_with_something_behind_it_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes() * 2)
    assert "follows its end" in refusal(file)


def test_evidence_that_was_changed_is_refused(file: Path) -> None:
    data = document(file)
    data["evidence"]["ec2"]["caller"] = "222222222222"
    assert "its digest is another one" in refusal(forge(file, data, digest=False))


@pytest.mark.parametrize(
    "schema,said",
    [("amigate/evidence/1", "another version"), ("amigate/report/1", "does not say"), (1, "does not say")],
)
def test_another_version_and_another_document_are_told_apart(file: Path, schema: object, said: str) -> None:
    assert said in refusal(forge(file, document(file) | {"schema": schema}))


def test_a_bomb_is_refused_before_it_goes_off(file: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = saved._HEADER + b"".join(packer.compress(b" " * (1 << 20)) for _ in range(64)) + packer.flush()
    file.write_bytes(data)
    assert len(data) < 100_000
    assert "holds more" in refusal(file)


def test_a_file_that_is_too_large_is_not_read(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(10 * saved.FILE_CAP_BYTES)
    assert "larger" in refusal(file)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "none", Path("/dev/zero")):
        assert "no such file" in refusal(path)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"null", b"[]", b"{}", b"\xff", b"{", b"NaN", b'{"schema":"amigate/evidence/5"}', b"[" * 100_000,
        b"1" * 10_000, b'{"a":1,"a":1}', b'{"schema":"amigate/evidence/5","digest":1e999,"evidence":{}}',
    ],
)  # fmt: skip
def test_a_document_of_another_kind_is_refused(file: Path, text: bytes) -> None:
    file.write_bytes(saved._packed(text))
    assert "it is no saved evidence" in refusal(file)


def places(value: object, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where each value of a document is."""
    yield place
    if isinstance(value, dict):
        for name, each in value.items():
            yield from places(each, (*place, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, (*place, number))


def holder(data: Any, place: tuple[Any, ...]) -> Any:
    for step in place[:-1]:
        data = data[step]
    return data


FREE = {"image", "snapshots"}
"""What EC2 says is kept as EC2 says it."""


def test_no_field_may_be_missing_added_or_of_another_type(file: Path) -> None:
    """Each place of a whole document in turn, with the digest that belongs to what it was changed to."""
    text = gzip.decompress(file.read_bytes())
    count = 0
    for place in list(places(json.loads(text)["evidence"])):
        if not place or FREE & set(place) or isinstance(place[-1], int):
            continue
        data = json.loads(text)
        within = holder(data["evidence"], place)
        within[place[-1]] = {"another": [1]} if not isinstance(within[place[-1]], dict) else 7
        refusal(forge(file, data))
        if isinstance(within, dict) and _is_record(place):
            data = json.loads(text)
            del holder(data["evidence"], place)[place[-1]]
            refusal(forge(file, data))
            data = json.loads(text)
            holder(data["evidence"], place)["unheard_of"] = 1
            refusal(forge(file, data))
        count += 1
    assert count > 200


def _is_record(place: tuple[Any, ...]) -> bool:
    """Whether the place is a field, and no name of a map."""
    maps = {"views", "entries", "answers", "unseen", "summary", "permissions"}
    return len(place) == 1 or place[-2] not in maps


def test_an_entry_under_the_path_of_another_is_refused(file: Path) -> None:
    data = document(file)
    entries = data["evidence"]["views"][str(INSIDE)]["entries"]
    entries["/etc/passwd"], entries["/etc/shadow"] = entries["/etc/shadow"], entries["/etc/passwd"]
    assert "another path" in refusal(forge(file, data))


@pytest.mark.parametrize(
    "viewpoint", ["A/1/nowhere", "A/x/inside", "A/01/inside", "C/1/inside", "", "A/1", "A/1/inside/"]
)
def test_a_viewpoint_that_there_is_not_is_refused(file: Path, viewpoint: str) -> None:
    data = document(file)
    data["evidence"]["views"][viewpoint] = data["evidence"]["views"][str(INSIDE)]
    refusal(forge(file, data))


def test_names_in_a_file_reach_no_terminal(file: Path) -> None:
    data = document(file)
    data["evidence"]["views"][str(INSIDE)]["entries"]["\x1b[2J" + "x" * 5000] = 1
    assert "x1b" in refusal(forge(file, data))


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
quiet = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(st.data())
@quiet
def test_whatever_a_document_holds_it_is_read_or_refused(file: Path, evidence: Evidence, data: st.DataObject) -> None:
    saved.save(evidence, file)
    changed = document(file)
    every = list(places(changed["evidence"]))[1:]
    for place in data.draw(st.lists(st.sampled_from(every), min_size=1, max_size=3)):
        try:
            holder(changed["evidence"], place)[place[-1]] = data.draw(json_values)
        except (KeyError, IndexError, TypeError):
            continue  # what it stood in is gone
    try:
        saved.load(forge(file, changed))
    except UsageError as error:
        assert str(error).isprintable()  # noqa: PT017 - both ends are right


@given(st.binary(max_size=300), st.sampled_from([b"", saved._HEADER, saved._HEADER + b"\x03\x00"]))
@quiet
def test_whatever_a_file_holds_it_is_refused(tmp_path: Path, data: bytes, head: bytes) -> None:
    path = tmp_path / "noise"
    path.write_bytes(head + data)
    refusal(path)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 7)), min_size=1, max_size=3))
@quiet
def test_a_file_with_bits_flipped_says_the_same_or_is_refused(
    file: Path, evidence: Evidence, flips: list[tuple[int, int]]
) -> None:
    saved.save(evidence, file)
    changed = bytearray(file.read_bytes())
    for place, bit in flips:
        changed[place % len(changed)] ^= 1 << bit
    file.write_bytes(changed)
    try:
        assert saved.load(file) == evidence  # a bit that pads deflate's last byte means nothing
    except UsageError:
        return

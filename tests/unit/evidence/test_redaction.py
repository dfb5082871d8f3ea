"""What is kept of any answer: of its form, bounded, in no time, and the rest not at all."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Answer, View
from amigate.evidence.questions import ReadFile, Search
from amigate.evidence.redaction.redactor import FORMS, Redactor
from amigate.facts import catalogue, provisioning, sshd_at_rest

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[..., View]


@pytest.mark.parametrize(
    "keep,content",
    [
        (Keep.PATHS, "/usr/sbin/sshd\n/opt/x/sshd\n"),
        (Keep.NUMBERS, "1700000200\n100.42 1.0\n"),
        (Keep.UUID, "00000000-0000-0000-0000-000000000001\n"),
        (Keep.PACKAGES, "installed bash 5.2.15-2+b2\nconfig-files x-y 1:2~rc1\nnot-installed z \n"),
        (Keep.UNITS, "degraded\nssh.service loaded failed failed\n"),
        (Keep.UNITS, "running\n"),
    ],
)
def test_an_answer_of_its_form_is_kept_as_it_is(keep: Keep, content: str, kept: Callable[..., str]) -> None:
    assert kept(content, keep) == content


@pytest.mark.parametrize("keep", [Keep.PATHS, Keep.NUMBERS, Keep.UUID, Keep.PACKAGES, Keep.CLOUD_INIT_STATUS])
@pytest.mark.parametrize("content", ["hunter2", "password=hunter2\n", "{hunter2", "[1]"])
def test_an_answer_of_another_form_is_not_kept(keep: Keep, content: str, is_withheld: Callable[..., bool]) -> None:
    assert is_withheld(content, keep)


def test_a_unit_keeps_its_name_and_loses_its_description(kept: Callable[..., str]) -> None:
    found = kept("degraded\nx.service loaded failed failed Uses hunter2 as password\nhunter2 is no unit\n", Keep.UNITS)
    assert "hunter2" not in found
    assert found.startswith("degraded\nx.service loaded failed failed\n(not-kept-18-")


@pytest.mark.parametrize(
    "said",
    [
        '{"status": "done", "extended_status": "degraded done", "recoverable_errors": {"WARNING": ["hunter2"]}}',
        '{"status": "error", "errors": ["hunter2", "b"], "init": {"errors": ["hunter2"]}}',
        'noise {"status": "running", "detail": "hunter2"}',
        '{"status": "done", "errors": "hunter2"}',
        '{"status": "hunter2 it is", "errors": []}',
        '{"v1": {"datasource": "hunter2", "errors": ["hunter2"]}}',
        "{}",
        "",
    ],
)  # fmt: skip
def test_cloud_init_is_judged_as_before_by_what_is_kept(kit: Any, said: str, kept: Callable[..., str]) -> None:
    def judged(text: str) -> object:
        answers = {
            provisioning.WAIT.key: kit.said(""),
            provisioning.CLOUD_INIT.key: kit.said(text),
            provisioning.RESULT.key: kit.said(text),
        }
        try:
            found = provisioning.Provisioning.read(View(answers=answers))
        except InconclusiveError as error:
            return str(error)
        return len(found.faults), [remark.detail for remark in found.remarks]

    found = kept(said, Keep.CLOUD_INIT_STATUS)
    assert judged(found) == judged(said)
    assert "hunter2" not in found


def test_of_a_command_that_only_ends_its_exit_code_is_known(kit: Any, redactor: Redactor) -> None:
    answer = redactor.answer(replace(kit.said("hunter2", 3), stderr=b"hunter2"), Keep.NOTHING)
    view = View(answers={"q": answer})
    assert view.exit_code("q") == 3
    assert (answer.stdout, answer.stderr) == (b"", b"")
    with pytest.raises(InconclusiveError, match="content not kept"):
        view.answer("q")


@pytest.mark.parametrize("keep", Keep)
def test_every_way_to_keep_is_built_and_whole_is_kept_of_nothing(keep: Keep, kit: Any, redactor: Redactor) -> None:
    assert keep in FORMS
    entry = redactor.entry(kit.file("/x", b"hunter2\n"), keep)
    assert b"hunter2" not in (entry.content or b"")
    assert entry.kept is keep


@pytest.mark.parametrize("keep", Keep)
def test_of_what_was_cut_off_nothing_is_kept(keep: Keep, kit: Any, redactor: Redactor) -> None:
    cut = replace(kit.file("/x", b"root:$6$saltsalt$aaaaaaaaaaa"), truncated=True)
    entry = redactor.entry(cut, keep)
    assert (entry.content, entry.summary) == (None, {})
    answer = Answer(command="", exit_code=0, stdout=b"/x line 1: hunter2", stderr=b"/x line 1: hunter2", truncated=True)
    redacted = redactor.answer(answer, keep)
    assert (redacted.stdout, redacted.stderr, redacted.summary) == (b"", b"", {})


@given(st.binary(max_size=200) | st.text(max_size=120).map(str.encode), st.sampled_from(Keep))
@settings(max_examples=800, deadline=None)
def test_whatever_a_machine_answers_something_is_kept_or_nothing(
    kit: Any, redactor: Redactor, content: bytes, keep: Keep
) -> None:
    entry = redactor.entry(kit.file("/x", content), keep)
    assert (entry.content is None) == bool(entry.withheld)
    assert len(entry.content or b"") <= 60 * (len(content) + 1)
    redactor.answer(Answer(command="", exit_code=0, stdout=content, stderr=content), keep)


SIZE = 256 * 1024
NASTY = {
    "locks": b"!" * SIZE,
    "fields of locks": b"a:" + b"!*" * (SIZE // 2) + b"x",
    "escaped quotes": b'x\\"' * (SIZE // 3),
    "quotes": b'"' * SIZE,
    "options": b'a="\\"' * (SIZE // 5),
    "blanks": b" " * SIZE + b"x",
    "zeros": b"a:x:" + b"0" * SIZE + b"x:0",
    "keys": b"-----BEGIN RSA PRIVATE KEY-----\n" * (SIZE // 32),
    "braces": b"{" * SIZE,
    "short lines": b"a\n" * (SIZE // 2),
    "short accounts": b"a:$\n" * (SIZE // 4),
    "colons": b":" * SIZE,
    "records": b"\2" * SIZE,
    "listener": b"/sshd\1sshd: " + b" [" * (SIZE // 2),
    "places": b"/x line 1\n" * (SIZE // 10),
    "slashes": b"/" * SIZE,
    "base64": b"ssh-rsa " + b"A" * SIZE,
}


@pytest.mark.parametrize("what", NASTY)
def test_no_content_takes_more_than_a_moment_or_much_room(what: str, kit: Any, redactor: Redactor) -> None:
    for keep in Keep:
        started = time.process_time()
        entry = redactor.entry(kit.file("/x", NASTY[what]), keep)
        redactor.answer(Answer(command="", exit_code=0, stdout=NASTY[what], stderr=NASTY[what]), keep)
        assert time.process_time() - started < 5, keep
        assert len(entry.content or b"") < 20 * SIZE, keep


def test_no_fact_keeps_anything_whole() -> None:
    questions = [question for need in catalogue.ALL for question in need.first]
    questions += sshd_at_rest.QUESTIONS
    assert questions
    assert Keep.WHOLE not in {question.keep for question in questions if not isinstance(question, Search)}
    by_path: dict[str, set[Keep]] = {}
    for question in questions:
        if isinstance(question, ReadFile) and question.keep is not Keep.NOTHING:
            by_path.setdefault(question.path, set()).add(question.keep)
    assert {len(keeps) for keeps in by_path.values()} == {1}

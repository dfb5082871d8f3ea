"""Mutated images put to the whole witness at rest; `make fuzz` takes thousands."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from .fuzz.any_checksum import any_checksum
from .fuzz.judge import Judge
from .fuzz.kinds import KINDS, image_of
from .fuzz.outcome import Result
from .fuzz.pool import outcomes

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")

COUNT = 25
"""Mutants of each kind."""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for kind in KINDS:
        image_of(kind, folder)
    return folder


def test_no_mutated_image_hangs_or_ends_the_inspection_or_is_told_as_what_it_is_not(images: Path) -> None:
    found = list(outcomes(images, [(kind, seed) for seed in range(COUNT) for kind in KINDS]))
    assert [outcome for outcome in found if outcome.result.is_bug] == []
    counts = Counter((outcome.kind, outcome.result) for outcome in found)
    assert all(counts[kind, Result.TOLD] for kind in KINDS)
    assert sum(counts[kind, Result.EQUAL] for kind in KINDS) > COUNT


def test_the_fuzzer_sees_what_is_told_wrongly_without_a_word(images: Path) -> None:
    judge = Judge("ext4", (images / "ext4.img").read_bytes())
    results = Counter[Result]()
    for seed in range(40):
        mutant, _ = judge.mutant(seed)
        with any_checksum():
            result, _ = judge.look(mutant, is_repaired=False)
        results[result] += 1
    assert results[Result.SILENT] > 3

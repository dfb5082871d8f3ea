"""Distributions as trees: what is answered of a clean image, and what goes wrong on images of its kind.

They are modelled, not booted: support is claimed for what was booted alone (docs/corpus.md)."""

from __future__ import annotations

import datetime
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from amigate.judge import catalogue
from amigate.profile import load
from amigate.result import Status, Witness
from amigate.sandbox.images import base, cloud
from amigate.sandbox.images.tree import Tree as RealTree

from .distributions import SHAPES
from .shapes import coreos
from .shapes.parts import ALWAYS, NULLOK, ONLY_LIVE, Shape
from .trees import Tree, judge, look, owned_by_root

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from amigate.judge.decide import Decision

PROFILES = ("public", "hardened")
RULES = [
    rule
    for rule in dict.fromkeys(rule for name in PROFILES for rule in load(name).rules)
    if Witness.DISK in catalogue.checks()[rule].evidence
]
# No kernel: nothing boots here.
PACKAGES = (
    *(each for each in cloud.PACKAGES if not each.startswith("linux-image")),
    "chrony",
    "cron",
    "unattended-upgrades",
)
BUILT = {**ALWAYS, **NULLOK}
"""Debian's own packages, set as in the sandbox's clean image (docs/sandbox.md), which boots."""
DAY = datetime.datetime(2026, 7, 15, tzinfo=datetime.UTC)
"""The day of the answers: support of systems ends."""
TRAPS = {
    "Amazon Linux 2": (41, 74),
    "Amazon Linux 2023": (21, 58),
    "Ubuntu 24.04": (21, 46),
    "Alpine 3.22": (54,),
    "Fedora CoreOS 43": (54,),
    "Flatcar": (54,),
}
DEFECTS = [(shape, name) for shape in SHAPES for name in shape.defects]


@pytest.fixture(autouse=True)
def day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be DAY where support is looked up."""

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return DAY

    monkeypatch.setattr("amigate.checks.test_packages.datetime", Clock)


def judged(root: Path, rules: Iterable[str]) -> dict[str, Decision]:
    return judge(owned_by_root(look(root)), rules)


def outcome(decision: Decision) -> str:
    return ONLY_LIVE if decision.only_live else str(decision.status)


@pytest.mark.parametrize(
    "shape",
    [pytest.param(shape, id=shape.name, marks=pytest.mark.trap(*TRAPS.get(shape.name, ()))) for shape in SHAPES],
)
def test_of_a_clean_image_all_that_is_not_met_is_explained(shape: Shape, tmp_path: Path, record_property: Any) -> None:
    shape.build(Tree(tmp_path))
    found = judged(tmp_path, RULES)
    answers = {rule: outcome(decision) for rule, decision in found.items()}
    record_property("shape", [shape.name, answers])
    assert {rule: answer for rule, answer in answers.items() if answer != "pass"} == {
        rule: answer for rule, (answer, _) in shape.explained.items()
    }, {rule: found[rule] for rule, answer in answers.items() if answer != shape.explained.get(rule, ("pass",))[0]}


@pytest.mark.parametrize("shape,name", DEFECTS, ids=[f"{shape.name}: {name}" for shape, name in DEFECTS])
def test_what_goes_wrong_on_images_of_its_kind_is_found(shape: Shape, name: str, tmp_path: Path) -> None:
    spoil, rules = shape.defects[name]
    assert rules
    tree = Tree(tmp_path)
    shape.build(tree)
    spoil(tree)
    found = judged(tmp_path, rules)
    assert {rule: str(decision.status) for rule, decision in found.items()} == dict.fromkeys(rules, str(Status.FAIL)), (
        found
    )


def test_what_ostree_has_not_put_together_is_not_judged(tmp_path: Path) -> None:
    coreos.build_physical(Tree(tmp_path))
    assert {str(decision.status) for decision in judged(tmp_path, RULES).values()} == {str(Status.INCONCLUSIVE)}


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="the files of a root file system are root's")
@pytest.mark.parametrize("name,suite", [("Debian 12, built", "bookworm"), ("Debian 13, built", "trixie")])
def test_of_a_real_debian_all_that_is_not_met_is_explained(
    name: str, suite: str, tmp_path: Path, record_property: Any
) -> None:
    made = base.tar(PACKAGES, print, suite)
    subprocess.run(["tar", "-C", tmp_path, "--exclude=./dev/*", "-xpf", made], check=True)
    cloud.lay(RealTree(tmp_path))
    found = judged(tmp_path, RULES)
    answers = {rule: outcome(decision) for rule, decision in found.items()}
    record_property("shape", [name, answers])
    assert {rule: answer for rule, answer in answers.items() if answer != "pass"} == {
        rule: answer for rule, (answer, _) in BUILT.items()
    }, {rule: found[rule] for rule, answer in answers.items() if answer != BUILT.get(rule, ("pass",))[0]}

"""The rules that the disk can answer, on the sandbox's own images as trees: clean ones pass, planted defects fail."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from amigate.evidence.model import DISK, Contact, Evidence, Launch, Outcome, Vantage, View, Viewpoint
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts import catalogue as facts
from amigate.judge import catalogue
from amigate.judge.places import Place
from amigate.judge.process import Judge
from amigate.profile import load
from amigate.result import Status, Witness
from amigate.sandbox.images import base, cache
from amigate.sandbox.images.defects import DEFECTS
from amigate.sandbox.images.recipes import RECIPES
from amigate.sandbox.images.tree import Tree
from amigate.sources.directory import read_directory

if TYPE_CHECKING:
    from pathlib import Path

    from amigate.judge.decide import Decision

RULES = tuple(rule for rule in load("aws-shared").rules if Witness.DISK in catalogue.checks()[rule].evidence)
WHOLE_DISKS = dict.fromkeys(("disk-every-volume-inspected", "disk-no-recoverable-secrets"), "not-applicable")
"""A tree has no volumes: these rules are proven on whole disks, in tests/contract/disk."""
CLEAN = {
    "lean": {"cloud-init-can-install-launch-key": "not-applicable"},
    "systemd": {"cloud-init-can-install-launch-key": "not-applicable"},
    "cloud": {"cloud-init-fallback-key-fetch-sane": "not-applicable"},
}
"""What is no pass on a clean image."""
HOST, AUTHORIZED, BUNDLED = "key-no-host-keys-at-rest", "key-no-authorized-keys-at-rest", "secret-no-signing-material"
PLANTED = {
    "builder-key": {AUTHORIZED, BUNDLED},
    "root-builder-key": {AUTHORIZED, BUNDLED},
    "key-outside-home": {AUTHORIZED, BUNDLED},
    "baked-host-keys": {HOST},
    "root-password": {"account-root-has-no-usable-password"},
    "root-password-login": {"ssh-no-root-password-login"},
    "dns-checks": {"ssh-no-dns-checks"},
}
"""Defect to the rules that the disk shows it to violate."""


def lay(image: str, folder: Path) -> Tree:
    """Return the clean tree of an image, from the builder's cache where that holds its packages."""
    recipe = RECIPES[image]
    path = cache.folder("base") / f"{base.SUITE}-{cache.digest([base.recipe(recipe.packages)])}.tar"
    if os.geteuid() != 0 or not path.exists():
        pytest.skip("needs root, and the image builder's Debian in the cache")
    subprocess.run(["tar", "-C", folder, "--exclude=./dev/*", "-xpf", path], check=True)
    tree = Tree(folder)
    tree.root.chmod(0o755)
    recipe.lay(tree)
    return tree


def judge(tree: Tree) -> dict[str, Decision]:
    """Return how the judge decides each rule on the disk, beside a launch that was logged in to."""
    view = read_directory(tree.root, facts.ALL, redactor=Redactor())
    contact = Contact(address="192.0.2.1", port=22, outcome=Outcome.ACCEPTED, user="admin")
    views = {DISK: view, Viewpoint(Launch.A, 1, Vantage.OUTSIDE): View(contact=contact)}
    place = Place(Witness.DISK)
    with Judge(dict.fromkeys(RULES, (place,))) as child:
        decided = child.judge(Evidence(witnesses=frozenset({Witness.DISK}), views=views))
    return {rule: decided[rule, place][0] for rule in RULES}


@pytest.mark.parametrize("image", RECIPES)
def test_a_clean_image_meets_every_rule(image: str, tmp_path: Path) -> None:
    found = judge(lay(image, tmp_path))
    expected = dict.fromkeys(RULES, "pass") | WHOLE_DISKS | CLEAN[image]
    assert {rule: str(each.status) for rule, each in found.items()} == expected, found


def test_planted_defects_are_found(tmp_path: Path) -> None:
    tree = lay("lean", tmp_path)
    for name in PLANTED:
        DEFECTS[name].apply("lean", tree)
    found = judge(tree)
    failed = {rule for rule, each in found.items() if each.status is Status.FAIL}
    assert failed == set().union(*PLANTED.values())
    paths = {finding.path for finding in found[AUTHORIZED].findings}
    assert paths == {
        "/home/admin/.ssh/authorized_keys",
        "/root/.ssh/authorized_keys",
        "/srv/deploy/.ssh/authorized_keys",
        "/etc/ssh/keys/admin",
    }

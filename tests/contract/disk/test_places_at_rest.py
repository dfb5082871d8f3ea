"""Secrets where no running machine shows them: behind mounts, in volumes that nobody mounts, and outside of files."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from amigate.at_rest import judge_at_rest
from amigate.profile import load

from .images import HASH, SOUND, Key, disk, file_systems, secret_at
from .keys import archive
from .layouts import EXT4, LINUX, SWAP, XFS, gpt

if TYPE_CHECKING:
    from amigate.result import Report

    from .conftest import Bench

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")

BYTES = "disk-no-recoverable-secrets"
HIDDEN, BOUND, BELOW, APART, PACKED = map(Key, ("hidden", "bound", "below a bind mount", "apart", "packed"))
TRUSTING = "ann/.ssh/authorized_keys"
APART_FILES: dict[str, str | bytes] = {
    "key": APART.private,
    TRUSTING: f"{APART.public}\n",
    "initrd.img-6.1": gzip.compress(archive(PACKED.private.encode())),
    "shadow": f"bob:{HASH}:1::::::\n",
}
FSTAB = f"""\
UUID={EXT4.uuid} / ext4 defaults 0 1
UUID={replace(XFS, at="/home").uuid} /home xfs defaults 0 2
/srv/app /opt/data none bind 0 0
"""


def found(report: Report, rule: str) -> set[tuple[str, str]]:
    """Return place and fingerprint of each finding of a rule."""
    findings = next(each for each in report.results if each.id == rule).findings
    return {(each.path or f"{each.subject}: {each.detail}", each.fingerprint) for each in findings}


def test_private_keys_behind_mounts_and_in_volumes_that_nobody_mounts(bench: Bench) -> None:
    tree = {**SOUND, "srv/app/key": BOUND.private, "opt/data/key": BELOW.private}
    areas = [
        replace(EXT4, more={"home/bob/key": HIDDEN.private}),
        replace(XFS, at="/home"),
        replace(EXT4, at="/nowhere", is_mounted=False, more=APART_FILES),
    ]
    image = gpt(bench, file_systems(bench, areas, tree, fstab=FSTAB))
    report = judge_at_rest(image, load("aws-shared"))
    assert found(report, "key-no-user-private-keys") == {
        ("/srv/app/key", BOUND.fingerprint),
        ("/opt/data/key", BOUND.fingerprint),
        ("[disk/p1]/opt/data/key", BELOW.fingerprint),
        ("[disk/p1]/home/bob/key", HIDDEN.fingerprint),
        ("[disk/p3]/key", APART.fingerprint),
        ("[disk/p3]/initrd.img-6.1", PACKED.fingerprint),
    }
    assert found(report, "key-no-authorized-keys-at-rest") == {(f"[disk/p3]/{TRUSTING}", "")}
    assert {place for place, _ in found(report, "key-no-host-keys-at-rest")} == {"[disk/p3]/initrd.img-6.1"}
    assert found(report, BYTES) == {("[disk/p3]/shadow", "")}


def test_secrets_in_swap_between_partitions_and_behind_the_last(bench: Bench) -> None:
    (root,) = file_systems(bench, [EXT4], SOUND)
    swap = bench.image("swap", 8)
    bench.run("mkswap", "-q", swap)
    table = f"label: gpt\nstart=2048,size=48M,type={LINUX}\nstart=112640,size=8M,type={SWAP}\n"
    image = disk(bench, table, [root, swap], 70)
    keys = [Key(each) for each in ("boot area", "gap", "swap", "slack")]
    places = [100 << 10, (50 << 20) + 700, (60 << 20) + 4096 + 100, (66 << 20) + 5]
    for place, key in zip(places, keys, strict=True):
        secret_at(image, place, key.private)
    secret_at(image, (61 << 20) + 4096, f"bob:{HASH}:19000:0:99999:7:::\n")
    what = "a private key (OPENSSH PRIVATE KEY)"
    outside = f"{what}, outside of all file systems"
    assert found(judge_at_rest(image, load("aws-shared")), BYTES) == {
        (f"disk@17408 at byte {places[0] - 17408}: {outside}", keys[0].fingerprint),
        (f"disk@{49 << 20} at byte {(1 << 20) + 700}: {outside}", keys[1].fingerprint),
        (f"disk/p2 at byte {(5 << 20) + 4096 + 100}: {what}, in swap", keys[2].fingerprint),
        (f"disk/p2 at byte {(6 << 20) + 4096}: a password hash (sha512crypt), in swap", ""),
        (f"disk@{63 << 20} at byte {(3 << 20) + 5}: {outside}", keys[3].fingerprint),
    }

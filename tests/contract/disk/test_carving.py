"""Keys that were written to a file system and removed from it are found on its device, and told from those in files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from amigate.disk.carve.attribute import Place, attribute
from amigate.disk.carve.scan import carve
from amigate.disk.carve.secret import Kind
from amigate.disk.volumes.volume import State, Volume
from amigate.disk.xfs import Xfs
from amigate.evidence.redaction.redactor import Redactor

from .shown import mounted

if TYPE_CHECKING:
    from pathlib import Path

    from amigate.disk.carve.scan import Hit

    from .conftest import Bench, Opener

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")

HASH = "root:$6$saltsalt$" + "a" * 86 + ":19000:0:99999:7:::\n"


def test_removed_secrets_are_found_in_free_space(bench: Bench, opened: Opener) -> None:
    image = bench.image("disk.raw", 320)
    bench.run("mkfs.xfs", "-q", image)
    fill(bench, image)
    disk = opened(image)
    volume = Volume(name="disk", kind="xfs", state=State.READABLE, blocks=disk)
    found = carve(volume, Redactor().mac)
    told = {(named(each.hit), each.place, each.path) for each in attribute(found.hits, volume, Xfs(disk))}
    assert (fingerprint(bench, "kept"), Place.FILE, "/kept") in told
    assert (fingerprint(bench, "gone"), Place.FREE, "") in told
    assert ("sha512crypt", Place.FILE, "/shadow") in told
    assert len(found.hits) == 4
    assert found.unseen == ""


def test_removed_secrets_are_found_on_ext4_where_debugfs_says_that_nothing_is(bench: Bench, opened: Opener) -> None:
    image = bench.image("disk.raw", 64)
    bench.run("mkfs.ext4", "-q", "-b", "4096", image)
    fill(bench, image)
    volume = Volume(name="disk", kind="ext4", state=State.READABLE, blocks=opened(image))
    found = carve(volume, Redactor().mac)
    told = sorted((named(hit), bench.run("debugfs", "-R", f"testb {hit.offset // 4096}", image)) for hit in found.hits)
    in_use = {name: ["marked in use" in answer for each, answer in told if each == name] for name, _ in told}
    assert in_use == {
        fingerprint(bench, "kept"): [True],
        fingerprint(bench, "gone"): [False] * 2,
        "sha512crypt": [True],
    }


def fill(bench: Bench, image: Path) -> None:
    """Write secrets to a file system, and remove some."""
    gone = key(bench, "gone")
    with mounted(image, kind="auto") as at:
        for name, content in (
            ("kept", key(bench, "kept")),
            ("gone", gone),
            ("shadow", HASH),
            ("many", "x" * 5000 + "\n" + gone),
        ):
            (at / name).write_text(content)
        os.sync()
        (at / "gone").unlink()
        (at / "many").unlink()


def named(hit: Hit) -> str:
    return hit.fingerprint if hit.kind == Kind.PRIVATE_KEY else hit.what


def key(bench: Bench, name: str) -> str:
    path: Path = bench.folder / name
    bench.run("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", path)
    return path.read_text()


def fingerprint(bench: Bench, name: str) -> str:
    return bench.run("ssh-keygen", "-lf", bench.folder / name).split()[1]

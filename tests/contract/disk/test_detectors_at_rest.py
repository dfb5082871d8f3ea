"""What is looked for in images is found by the process that reads them, which has nothing but their bytes."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from amigate.at_rest import judge_at_rest
from amigate.profile import load
from amigate.result import Status
from amigate.sources.disks import look_at_image

from .images import SOUND, Key
from .keys import every_key, initramfs, unnamed
from .layouts import EXT4, XFS, Layout, plain

if TYPE_CHECKING:
    from .conftest import Bench
    from .images import Area

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")


LARGE = [pytest.param(replace(EXT4, mebibytes=112), id="ext4"), pytest.param(XFS, id="xfs", marks=pytest.mark.slow)]


def test_keys_of_every_kind_are_found(bench: Bench) -> None:
    keys = {f"opt/keys/{name}": key for name, key in {**every_key(), **unnamed()}.items()}
    packed = {f"boot/initrd.img-{name}": archive for name, archive in initramfs(bench).items()}
    image = Layout(areas=[EXT4], make=plain).image(bench, {**SOUND, **keys, **packed}, removed=False)
    report = judge_at_rest(image, load("aws-shared"))
    found = {finding.path for each in report.results for finding in each.findings}
    assert {f"/{path}" for path in keys | packed} == found
    assert [each for each in report.results if each.status is Status.INCONCLUSIVE] == []


@pytest.mark.parametrize("area", LARGE)
def test_a_key_at_the_end_of_a_large_file_is_found(area: Area, bench: Bench) -> None:
    key = Key("at the end")
    dump = os.urandom((65 << 20) + 1000) + b"\n" + key.private.encode() + b"#" * 5000
    image = Layout(areas=[area], make=plain).image(bench, {**SOUND, "srv/app/dump": dump}, removed=False)
    view = look_at_image(image).view
    (searched,) = view.searches.values()
    assert [(each.path, each.fingerprint) for each in searched.found] == [("/srv/app/dump", key.fingerprint)]
    assert list(searched.gaps) == []

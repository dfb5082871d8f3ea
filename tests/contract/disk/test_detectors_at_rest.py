"""What is looked for in images is found by the process that reads them, which has nothing but their bytes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from amigate.at_rest import judge_at_rest
from amigate.profile import load
from amigate.result import Status

from .images import SOUND
from .keys import every_key, initramfs, unnamed
from .layouts import EXT4, Layout, plain

if TYPE_CHECKING:
    from .conftest import Bench

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")


def test_keys_of_every_kind_are_found(bench: Bench) -> None:
    keys = {f"opt/keys/{name}": key for name, key in {**every_key(), **unnamed()}.items()}
    packed = {f"boot/initrd.img-{name}": archive for name, archive in initramfs(bench).items()}
    image = Layout(areas=[EXT4], make=plain).image(bench, {**SOUND, **keys, **packed}, removed=False)
    report = judge_at_rest(image, load("aws-shared"))
    found = {finding.path for each in report.results for finding in each.findings}
    assert {f"/{path}" for path in keys | packed} == found
    assert [each for each in report.results if each.status is Status.INCONCLUSIVE] == []

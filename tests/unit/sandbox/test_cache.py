"""When an image is built again, and when not."""

from __future__ import annotations

import os
import shutil
import threading
from typing import TYPE_CHECKING

import pytest

from amigate.sandbox.images import RECIPES, archive, base, builder, cache

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMIGATE_CACHE", str(tmp_path / "cache"))


def test_the_same_image_has_the_same_digest_in_any_order_of_defects() -> None:
    assert builder.digest("lean", ["no-sshd", "dns-checks"]) == builder.digest("lean", ["dns-checks", "no-sshd"])
    assert builder.digest("lean", ["no-sshd"]) == builder.digest("lean", ["no-sshd", "no-sshd"])


def test_a_defect_gives_another_digest() -> None:
    assert builder.digest("lean", []) != builder.digest("lean", ["no-sshd"])


@pytest.mark.parametrize("name", ["lean/boot", "shared/imds"])
def test_a_changed_file_of_the_guest_gives_another_digest(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = builder.digest("lean", [])
    shutil.copytree(cache.GUEST_FILES, tmp_path / "image")
    monkeypatch.setattr(cache, "GUEST_FILES", tmp_path / "image")
    assert builder.digest("lean", []) == before
    (tmp_path / "image" / name).write_text("changed")
    assert builder.digest("lean", []) != before


def test_a_file_of_another_image_makes_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = builder.digest("lean", [])
    shutil.copytree(cache.GUEST_FILES, tmp_path / "image")
    monkeypatch.setattr(cache, "GUEST_FILES", tmp_path / "image")
    (tmp_path / "image" / "systemd" / "host-keys").write_text("changed")
    assert builder.digest("lean", []) == before


def test_images_have_digests_of_their_own() -> None:
    assert len({builder.digest(name, []) for name in RECIPES}) == len(RECIPES)


def test_neighbouring_parts_of_a_digest_do_not_run_together() -> None:
    assert cache.digest(["ab", "c"]) != cache.digest(["a", "bc"])


def test_an_image_in_the_cache_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    path = cache.folder("images") / f"lean-{builder.digest('lean', [])}.qcow2"
    path.write_bytes(b"there")
    (archive.folder() / base.path(RECIPES["lean"].packages).stem).mkdir()
    monkeypatch.setattr("amigate.sandbox.images.tools.run", lambda *_, **__: pytest.fail("something was built"))
    assert builder.build("lean") == path
    assert [image.name for image in cache.cached()] == ["lean"]


def test_the_second_builder_waits_for_the_first(tmp_path: Path) -> None:
    path, entered = tmp_path / "image.qcow2", threading.Event()

    def second() -> None:
        with cache.one_builder(path):
            entered.set()

    with cache.one_builder(path):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.3)
    thread.join(5)
    assert entered.is_set()


def test_images_that_nobody_used_for_two_weeks_go() -> None:
    folder = cache.folder("images")
    (folder / "old-0.qcow2").write_bytes(b"")
    (folder / "new-0.qcow2").write_bytes(b"")
    os.utime(folder / "old-0.qcow2", (0, 0))
    cache.prune()
    assert [path.name for path in folder.iterdir()] == ["new-0.qcow2"]

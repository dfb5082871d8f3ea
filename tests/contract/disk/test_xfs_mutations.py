"""XFS images with wrong bytes: what is told is so, or it is refused; nothing hangs, and nothing else is raised."""

from __future__ import annotations

import os
import resource
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from amigate.disk.xfs import Xfs, free, inodes, log, metadata, superblock

from .mutations import LONGEST_S, MIB, AnyChecksum, count_refused, slowest_of

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts"),
    pytest.mark.skipif(not shutil.which("mkfs.xfs"), reason="xfsprogs is not installed"),
]

ANY_SIZE = {"TEST_DIR": "x", "TEST_DEV": "x", "QA_CHECK_FS": "x"}
"""As the tests of xfsprogs ask mkfs.xfs(8) for small file systems."""


def populate(root: Path) -> None:
    for folder in ("etc/ssh", "many", "deep/er/and/deeper"):
        (root / folder).mkdir(parents=True)
    for number in range(260):
        (root / f"many/a_name_that_takes_room_{number:04}").touch()
    for number in range(0, 260, 3):
        (root / f"many/a_name_that_takes_room_{number:04}").unlink()
    with (root / "etc/holes").open("wb") as file:
        for number in range(150):
            file.seek(number * 8192)
            file.write(b"x")
    (root / "etc/long").symlink_to("/abc" * 200)
    (root / "etc/short").symlink_to("ssh")
    (root / "etc/ssh/key").write_bytes(b"key" * 1000)
    os.setxattr(root / "etc/ssh/key", "user.one", b"1")
    acl = struct.pack("<IHHIHHIHHI", 2, 1, 7, 2**32 - 1, 4, 5, 2**32 - 1, 32, 5, 2**32 - 1)
    os.setxattr(root / "etc", "system.posix_acl_default", acl)
    for number in range(60):
        os.setxattr(root / "etc/holes", f"user.number{number}", b"v" * 70)
    os.setxattr(root / "etc/ssh", "user.large", b"v" * 9000)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return an image with something of each kind."""
    image = tmp_path_factory.mktemp("xfs") / "image"
    root = image.with_suffix(".mnt")
    root.mkdir()
    with image.open("wb") as file:
        file.truncate(24 * MIB)
    subprocess.run(["mkfs.xfs", "-q", "-b", "size=1024", image], check=True, env=os.environ | ANY_SIZE)
    script = 'mount -t xfs -o loop "$1" "$2" && echo mounted && read -r _; umount "$2"'
    command: list[str | Path] = ["unshare", "--mount", "sh", "-c", script, "sh", image, root]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "mounted\n"
        populate(Path(f"/proc/{process.pid}/root{root}"))
        process.communicate("unmount\n")
    return image.read_bytes()


@pytest.fixture
def without_checksums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every checksum for right, as if whoever made the image had made it so."""
    for module in (superblock, metadata, free):
        monkeypatch.setattr(module, "verify", lambda *_: None)
    monkeypatch.setattr(inodes, "crc32c", lambda _: AnyChecksum())
    monkeypatch.setattr(log, "_is_whole", lambda *_: True)


def test_what_is_told_of_a_damaged_image_is_so_or_is_refused(content: bytes) -> None:
    assert count_refused(Xfs, content, range(200)) > 100


def test_a_hostile_image_with_right_checksums_costs_little_and_raises_nothing_unforeseen(
    content: bytes, without_checksums: None
) -> None:
    assert slowest_of(Xfs, content, range(200)) < LONGEST_S


@pytest.mark.slow
def test_thousands_of_damaged_images_are_told_as_they_are_or_refused(content: bytes) -> None:
    refused = count_refused(Xfs, content, range(1000, 5000))
    print(f"{refused} of 4000 mutated images were refused in some part")  # noqa: T201 - the figure is the point


@pytest.mark.slow
def test_thousands_of_hostile_images_cost_little(content: bytes, without_checksums: None) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slowest = slowest_of(Xfs, content, range(1000, 5000))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    print(f"the slowest of 4000 hostile images took {slowest:.2f} s; memory grew by {grown} MiB")  # noqa: T201
    assert grown < 256

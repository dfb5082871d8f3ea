"""Images that cannot be read, or not to the end: never a pass, never a traceback, one sentence that says why."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amigate.at_rest import judge_at_rest
from amigate.check import InconclusiveError
from amigate.cli import _run
from amigate.disk.raw import Raw
from amigate.facts.disks import Disks
from amigate.profile import load
from amigate.result import Verdict
from amigate.sources.disks import Disk, look_at, look_at_image

from .images import SOUND, file_systems
from .layouts import EXT4, Layout, gpt, plain, qcow2

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.evidence.model import View

    from .conftest import Bench

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")


def why_not(view: View) -> str:
    """Return why it is open whether every volume was inspected; fails where it is not."""
    with pytest.raises(InconclusiveError) as raised:
        Disks.read(view).require_every_volume()
    return str(raised.value)


def btrfs(bench: Bench, image: Path) -> None:
    bench.run("mkfs.btrfs", "-q", image)


def luks(bench: Bench, image: Path) -> None:
    cheap = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")
    bench.run("cryptsetup", "luksFormat", "-q", *cheap, image, text="a passphrase")


def xfs_4(bench: Bench, image: Path) -> None:
    bench.run("mkfs.xfs", "-q", "-m", "crc=0", image)


def damaged(bench: Bench, image: Path) -> None:
    bench.run("mkfs.ext4", "-q", image)
    with image.open("r+b") as file:
        file.seek(1024 + 200)
        file.write(b"\xff" * 100)


def noise(bench: Bench, image: Path) -> None:
    del bench
    with image.open("r+b") as file:
        file.write(b"what is this? " * 1000)


BESIDE: dict[str, tuple[Callable[[Bench, Path], None], str]] = {
    "btrfs": (btrfs, "disk/p2 (btrfs) is unsupported: btrfs is not read"),
    "luks": (luks, "disk/p2 (crypto_LUKS) is unsupported: it is encrypted (LUKS)"),
    "xfs 4": (xfs_4, "disk/p2 (xfs) is unsupported: "),
    "damaged": (damaged, "disk/p2 (ext4) is incomplete: "),
    "noise": (noise, "disk/p2 (unknown) is unsupported: it holds nothing that is known"),
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_volume_that_is_not_read_leaves_it_open(name: str, bench: Bench) -> None:
    make, why = BESIDE[name]
    (root,) = file_systems(bench, [EXT4], SOUND)
    other = bench.image("other", 304 if name == "xfs 4" else 120)
    make(bench, other)
    view = look_at_image(gpt(bench, [root, other])).view
    assert why_not(view).startswith(why)
    assert view.broken == ""
    assert view.entries["/etc/passwd"].content


@pytest.mark.parametrize("name", ["luks", pytest.param("damaged", marks=pytest.mark.slow)])
def test_a_root_that_is_not_read_decides_nothing(name: str, bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    image = bench.image("disk.raw", 64)
    BESIDE[name][0](bench, image)
    assert _run(["validate", "--profile", "aws-shared", str(image)]) == 3
    shown = capfd.readouterr()
    assert "Traceback" not in shown.out + shown.err
    assert "none of the file systems that are read holds a root" in shown.out


def test_a_device_that_fstab_names_and_is_not_there_leaves_open_what_is_below(bench: Bench) -> None:
    fstab = f"UUID={EXT4.uuid} / ext4 defaults 0 1\nUUID=01234567-89ab-cdef-0123-456789abcdef /srv ext4 defaults 0 2\n"
    (image,) = file_systems(bench, [EXT4], SOUND, fstab=fstab)
    report = judge_at_rest(image, load("aws-shared"))
    assert report.verdict is Verdict.INCONCLUSIVE
    why = next(each.message for each in report.results if each.id == "key-no-user-private-keys")
    assert "/srv: /etc/fstab mounts UUID=01234567-89ab-cdef-0123-456789abcdef there, which is none of" in why


class Deadly(Raw):
    """An image; the process that reads it dies at a read."""

    left = 5

    def read(self, offset: int, length: int) -> bytes:
        self.left -= 1
        if self.left == 0:
            os.kill(_reader(), signal.SIGKILL)
        return super().read(offset, length)


def _reader() -> int:
    """Return the process that reads an image for this one."""
    children = [
        int(each) for task in Path("/proc/self/task").iterdir() for each in (task / "children").read_text().split()
    ]
    (found,) = [each for each in children if b"amigate.disk.child" in Path(f"/proc/{each}/cmdline").read_bytes()]
    return found


def test_a_process_that_dies_while_it_reads_decides_nothing(bench: Bench) -> None:
    (image,) = file_systems(bench, [EXT4], SOUND)
    with Deadly(image) as blocks:
        view = look_at([Disk(name="disk", blocks=blocks)], (), cancelled=lambda: False).view
    assert view.broken == "the disk at rest could not be read: the process that reads the image died of SIGKILL"
    assert why_not(view) == view.broken


def test_a_file_that_shrinks_while_it_is_read_leaves_it_open(bench: Bench) -> None:
    (image,) = file_systems(bench, [EXT4], SOUND)

    def shrink(_: str) -> None:
        os.truncate(image, 20 << 20)

    view = look_at_image(image, shrink).view
    assert "earlier than it did" in why_not(view)


@pytest.mark.parametrize("part", [*(pytest.param(each, marks=pytest.mark.slow) for each in (0.001, 0.3)), 0.9])
def test_a_truncated_qcow2_decides_nothing(part: float, bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    image = Layout(areas=[EXT4], make=qcow2(plain, "zlib")).image(bench, SOUND, removed=False)
    os.truncate(image, int(image.stat().st_size * part))
    assert _run(["validate", "--profile", "aws-shared", str(image)]) == 3
    shown = capfd.readouterr()
    assert "Traceback" not in shown.out + shown.err
    assert "qcow2" in shown.out

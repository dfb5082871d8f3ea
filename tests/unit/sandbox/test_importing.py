"""Images of the user's own: what is refused, and that a format is believed and never guessed."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from amigate.cli.sandbox import command
from amigate.errors import SandboxError, UsageError
from amigate.sandbox.images import Format, builder, cache, choice, imported, importing, tools

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20

needs_qemu_img = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img makes the images")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMIGATE_CACHE", str(tmp_path / "cache"))


def take(path: Path, image_format: Format, name: str = "mine") -> imported.Imported:
    return importing.take(path, image_format=image_format, name=name, memory_mib=512)


def qemu_img(*arguments: object) -> str:
    return subprocess.run(["qemu-img", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def content(image: imported.Imported, folder: Path) -> bytes:
    """Return what a guest would see."""
    raw = folder / "content.raw"
    qemu_img("convert", "-f", "qcow2", "-O", "raw", image.path, raw)
    return raw.read_bytes()


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Return a raw disk of one MiB with something on it."""
    path = tmp_path / "disk.raw"
    path.write_bytes(b"boot sector".ljust(MIB, b"\0"))
    return path


@pytest.fixture
def made(disk: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return what makes a qcow2 of the disk with options of qemu-img."""

    def make(*options: str) -> Path:
        out = tmp_path / "disk.qcow2"
        qemu_img("convert", "-f", "raw", "-O", "qcow2", *options, disk, out)
        return out

    return make


@needs_qemu_img
def test_a_raw_image_becomes_a_disk_of_the_same_content(disk: Path, tmp_path: Path) -> None:
    image = take(disk, Format.RAW)
    assert content(image, tmp_path) == disk.read_bytes()
    assert builder.build("mine") == image.path
    assert choice.parse("mine").memory_mib == 512
    assert image.path.stat().st_mode & 0o777 == 0o444


@needs_qemu_img
@pytest.mark.parametrize("options", [(), ("-o", "compat=0.10"), ("-c",), ("-o", "compression_type=zstd", "-c")])
def test_a_qcow2_becomes_a_disk_of_the_same_content(
    options: tuple[str, ...], made: Callable[..., Path], disk: Path, tmp_path: Path
) -> None:
    assert content(take(made(*options), Format.QCOW2), tmp_path) == disk.read_bytes()


@needs_qemu_img
def test_a_raw_image_whose_bytes_look_like_a_qcow2_is_read_as_raw(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret".ljust(MIB, b"\0"))
    trap = tmp_path / "trap.raw"
    qemu_img("create", "-f", "qcow2", "-F", "raw", "-b", secret, trap)
    image = take(trap, Format.RAW)
    seen = content(image, tmp_path)
    assert seen.startswith(b"QFI\xfb")
    assert seen.rstrip(b"\0") == trap.read_bytes().rstrip(b"\0")


@needs_qemu_img
def test_a_qcow2_with_a_backing_file_is_refused(disk: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.qcow2"
    qemu_img("create", "-f", "qcow2", "-F", "raw", "-b", disk, overlay)
    with pytest.raises(UsageError, match="backing file"):
        take(overlay, Format.QCOW2)


@needs_qemu_img
def test_a_qcow2_with_an_external_data_file_is_refused(made: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="another file"):
        take(made("-o", f"data_file={tmp_path / 'data'}"), Format.QCOW2)


@needs_qemu_img
def test_an_encrypted_qcow2_is_refused(made: Callable[..., Path]) -> None:
    secret = ("--object", "secret,id=s,data=made-up")
    with pytest.raises(UsageError, match="encrypted"):
        take(made(*secret, "-o", "encrypt.format=aes,encrypt.key-secret=s"), Format.QCOW2)


def header(  # noqa: PLR0913 - the fields of the format
    *,
    magic: bytes = b"QFI\xfb",
    version: int = 3,
    backing: int = 0,
    cluster_bits: int = 16,
    size: int = MIB,
    encryption: int = 0,
    features: int = 0,
    extensions: bytes = bytes(8),
) -> bytes:
    first = struct.pack(">4sIQIIQI", magic, version, backing, 0, cluster_bits, size, encryption).ljust(72, b"\0")
    return first + struct.pack(">QQQII", features, 0, 0, 4, 104) + extensions


@pytest.mark.parametrize(
    "crafted,said",
    [
        (header(magic=b"QFI\xfa"), "no qcow2"),
        (header(version=1), "no qcow2"),
        (header(version=4), "no qcow2"),
        (header(cluster_bits=63), "no qcow2"),
        (header(backing=1 << 40), "backing file"),
        (header(encryption=1), "encrypted"),
        (header(features=1), "not closed"),
        (header(features=2), "corrupt"),
        (header(features=4), "another file"),
        (header(features=1 << 40), "features"),
        (header(extensions=struct.pack(">II", 0x44415441, 16) + b"json:{}".ljust(16)), "another file"),
        (header(extensions=struct.pack(">II", 0x0537BE77, 16) + bytes(24)), "encrypted"),
        (header(extensions=struct.pack(">II", 0x6803F857, 0xFFFFFFFF)), "does not end"),
        (header(extensions=struct.pack(">II", 0x6803F857, 0) * 100), "does not end"),
        (header(size=0), "bytes"),
        (header(size=1 << 62), "bytes"),
        (header()[:40], "too short"),
        (b"", "too short"),
    ],
)
def test_a_crafted_header_is_refused_before_any_program_reads_the_file(
    crafted: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "run", lambda *_, **__: pytest.fail("a program was run"))
    path = tmp_path / "crafted.qcow2"
    path.write_bytes(crafted)
    with pytest.raises(UsageError, match=said):
        take(path, Format.QCOW2)
    assert imported.images() == []


@needs_qemu_img
def test_a_qcow2_whose_tables_are_nonsense_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "nonsense.qcow2"
    path.write_bytes(header().ljust(MIB, b"\xff"))
    with pytest.raises(SandboxError, match="converted"):
        take(path, Format.QCOW2)
    assert list(imported.folder().iterdir()) == []


def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(UsageError, match="no regular file"):
            take(path, Format.RAW)
    with pytest.raises(UsageError, match="cannot be opened"):
        take(tmp_path / "missing", Format.RAW)


def test_a_file_larger_than_a_volume_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.raw"
    path.touch()
    os.truncate(path, importing.MOST_BYTES + 1)
    with pytest.raises(UsageError, match="bytes"):
        take(path, Format.RAW)


@pytest.mark.parametrize("name", ["lean", "leaky-cloud", "a+b", "", "../escape", ".hidden", "Upper", "x" * 64])
def test_a_name_that_is_taken_or_means_something_else_is_refused(name: str, disk: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be the name|sandbox's own"):
        take(disk, Format.RAW, name)


@needs_qemu_img
def test_an_imported_image_is_taken_as_it_is_and_stays_until_it_is_removed(disk: Path) -> None:
    image = take(disk, Format.RAW)
    with pytest.raises(UsageError, match="before"):
        take(disk, Format.RAW)
    with pytest.raises(UsageError, match="as it is"):
        choice.parse("mine+no-sshd")
    os.utime(image.path, (0, 0))
    cache.prune()
    assert imported.find("mine") == image
    imported.remove("mine")
    with pytest.raises(UsageError, match="no image is called 'mine'"):
        choice.parse("mine")
    assert list(imported.folder().iterdir()) == []


@needs_qemu_img
def test_the_command_line_imports_lists_and_removes(disk: Path) -> None:
    runner = CliRunner()
    given = ["images", "import", str(disk), "--format", "raw", "--name", "golden", "--memory-mib", "768"]
    done = runner.invoke(command, given, catch_exceptions=False)
    assert done.output.strip() == str(imported.find("golden").path)
    assert json.loads(imported.find("golden").path.with_suffix(".json").read_text()) == {"memory_mib": 768}
    listed = runner.invoke(command, ["images", "list"], catch_exceptions=False).output
    assert "golden" in listed
    assert "768 MiB" in listed
    assert all(name in listed for name in ("lean", "systemd", "cloud", "leaky-cloud", "dns-checks"))
    runner.invoke(command, ["images", "remove", "golden"], catch_exceptions=False)
    assert imported.images() == []


def test_the_command_line_does_not_guess_a_format(disk: Path) -> None:
    done = CliRunner().invoke(command, ["images", "import", str(disk), "--name", "golden"])
    assert done.exit_code == 2
    assert "--format" in done.output

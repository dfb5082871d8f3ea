"""Journals that are to be replayed: what is read over them, beside what the kernel shows once it replayed a copy."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import IncompleteError
from amigate.disk.ext import Ext
from amigate.disk.ext.features import Incompatible
from amigate.disk.ext.journal import _transactions, replay
from amigate.disk.ext.journal_superblock import open_journal
from amigate.disk.ext.nodes import ExtNodes
from amigate.disk.ext.superblock import read_superblock

from .shown import MIB, FileBlocks, Shown, as_tuple, look, mounted, run

if TYPE_CHECKING:
    from pathlib import Path

    from amigate.disk.ext.journal import Copy

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts"),
    pytest.mark.skipif(not shutil.which("mkfs.ext4"), reason="e2fsprogs is not installed"),
]

JOURNALS = {
    "checksums, 64 bits": ("-t ext4", "loop"),
    "checksums, 32 bits": ("-t ext4 -O ^64bit -b 1024 -J size=4", "loop"),
    "no checksums": ("-t ext4 -O ^metadata_csum -b 1024 -J size=4", "loop"),
    "no checksums, 32 bits": ("-t ext4 -O ^metadata_csum,^64bit", "loop"),
    "ext3": ("-t ext3 -b 1024 -J size=4", "loop"),
    "data in the journal": ("-t ext4 -b 1024 -J size=8", "loop,data=journal"),
    "inline data": ("-t ext4 -O inline_data -J size=4 -b 1024", "loop"),
}


def copied(image: Path, name: str) -> Path:
    """Copy an image as it is just now."""
    copy = image.with_name(name)
    run("cp", "--sparse=always", image, copy)
    return copy


def work(root: Path, seed: int) -> None:
    """Change a file system, so that blocks are taken, given back, and taken for something else."""
    dice = random.Random(seed)  # noqa: S311 - the same changes each time
    here = root / f"folder{seed}"
    here.mkdir()
    for number in range(120):
        (here / f"a_file_with_a_name_{number}").write_bytes(b"\xc0\x3b\x39\x98" * dice.choice((1, 300, 2000)))
    for number in range(0, 120, 2):
        (here / f"a_file_with_a_name_{number}").unlink()
    os.setxattr(here, "user.large", b"v" * 700)
    (here / "link").symlink_to("x" * 200)
    (here / "inside").mkdir()
    (here / "a_file_with_a_name_1").rename(here / "inside/renamed")
    if seed:
        shutil.rmtree(root / f"folder{seed - 1}")
        for number in range(30):
            (root / f"data{seed}_{number}").write_bytes(b"\xc0\x3b\x39\x98" + dice.randbytes(3000))


def synced(root: Path) -> None:
    """Have all that was done written to the journal or to its place."""
    descriptor = os.open(root, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    run("sync", "-f", root)


def told(image: Path) -> tuple[dict[str, tuple[int, ...]], dict[str, str], dict[str, dict[str, bytes]]]:
    """Return inodes, contents and attributes as amigate reads them."""
    with closing(FileBlocks(image)) as blocks:
        ext = Ext(blocks)
        inodes = {path: as_tuple(inode) for path, inode in ext.walk()}
        assert ext.damage == []
        contents = {}
        for path, (mode, *_) in inodes.items():
            if stat.S_ISREG(mode):
                contents[path] = hashlib.sha256(ext.read(path, 1 << 30)).hexdigest()
            elif stat.S_ISLNK(mode):
                contents[path] = ext.readlink(path)
        return inodes, contents, {path: dict(found) for path in inodes if (found := ext.xattrs(path))}


def to_replay(image: Path) -> dict[int, Copy]:
    """Return what of a journal is to be replayed; nothing where the file system needs no recovery."""
    with closing(FileBlocks(image)) as blocks:
        superblock = read_superblock(blocks)
        needs_recovery = superblock.incompatible & Incompatible.RECOVER
        return replay(open_journal(ExtNodes(superblock, blocks))) if needs_recovery else {}


@pytest.mark.parametrize("name", JOURNALS)
def test_an_image_of_a_running_machine_is_read_as_the_kernel_recovers_it(name: str, tmp_path: Path) -> None:
    options, how = JOURNALS[name]
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(96 * MIB)
    run("mke2fs", "-q", "-F", *options.split(), image)
    escaped = 0
    with mounted(image, how, "ext4") as root:
        for seed in range(5):
            work(root, seed)
            synced(root)
            work_unsynced(root, seed)
            copy = copied(image, "copy")
            copies = to_replay(copy)
            assert len(copies) > 5
            escaped += sum(each.is_escaped for each in copies.values())
            found = told(copy)
            shown = Shown(copy)
            with mounted(copy, "loop", "ext4") as recovered:
                look(recovered, shown)
            assert found == (shown.inodes, shown.contents, shown.xattrs)
            assert told(copy) == found
            assert to_replay(copy) == {}
    assert bool(escaped) == ("data=journal" in how)
    assert to_replay(image) == {}


@pytest.mark.parametrize("options", ["-t ext4", "-t ext4 -O ^metadata_csum,^64bit"])
def test_a_journal_that_goes_round_is_replayed_over_its_end(options: str, tmp_path: Path) -> None:
    image, copy = tmp_path / "image", tmp_path / "copy"
    with image.open("wb") as file:
        file.truncate(24 * MIB)
    run("mke2fs", "-q", "-F", "-b", "1024", "-J", "size=1", *options.split(), image)
    rounds = 0
    with mounted(image, kind="ext4") as root:
        for number in range(60):
            folder = root / str(number)
            folder.mkdir()
            for each in range(12):
                (folder / f"{each}{'x' * 200}").touch()
            if number:
                shutil.rmtree(root / str(number - 1))
            synced(root)
            if not goes_round(image):
                continue
            copied(image, "copy")
            rounds += goes_round(copy)
            found, shown = told(copy), Shown(copy)
            with mounted(copy, kind="ext4") as recovered:
                look(recovered, shown)
            assert found == (shown.inodes, shown.contents, shown.xattrs)
            if rounds >= 3:
                break
    assert rounds >= 2


def goes_round(image: Path) -> bool:
    """Whether what is to be replayed begins near the end of a journal, and ends near its beginning."""
    with closing(FileBlocks(image)) as blocks:
        journal = open_journal(ExtNodes(read_superblock(blocks), blocks))
        places = [block for each in _transactions(journal) for block, _ in each.blocks]
        return bool(places) and min(places) < journal.start


def test_blocks_that_were_revoked_are_not_replayed(tmp_path: Path) -> None:
    image = dirty(tmp_path, "-t ext4 -b 1024 -J size=4 -O ^metadata_csum")
    copies = to_replay(image)
    with closing(FileBlocks(image)) as blocks:
        transactions = _transactions(open_journal(ExtNodes(read_superblock(blocks), blocks)))
    revoked = {block for each in transactions for block in each.revoked}
    written = {tag.target for each in transactions for _, tag in each.blocks}
    assert revoked & written - set(copies)


@pytest.mark.parametrize("options", ["-t ext4 -b 1024", "-t ext4 -b 4096 -O ^64bit"])
def test_a_damaged_journal_is_refused_wherever_it_is_damaged(options: str, tmp_path: Path) -> None:
    image = dirty(tmp_path, options)
    expected = told(image)
    refused = 0
    with closing(FileBlocks(image)) as blocks, image.open("r+b", buffering=0) as file:
        superblock = read_superblock(blocks)
        journal = open_journal(ExtNodes(superblock, blocks))
        for number in range(journal.start, journal.start + 30):
            at = (journal.place(number) << superblock.block_log) + 1000
            was = blocks.read(at, 1)
            os.pwrite(file.fileno(), bytes([was[0] ^ 1]), at)
            try:
                assert told(image) == expected  # where it was revoked
            except IncompleteError as error:
                assert "journal" in str(error)  # noqa: PT017 - whichever of the two it is
                refused += 1
            os.pwrite(file.fileno(), was, at)
    assert refused > 20
    assert told(image) == expected


def test_fast_commits_are_refused_with_advice(tmp_path: Path) -> None:
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(96 * MIB)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-O", "fast_commit", image)
    with mounted(image, kind="ext4") as root:
        (root / "before").touch()
        run("sync", "-f", root)
        assert "/before" in told(copied(image, "copy"))[0]
        with (root / "file").open("wb") as file:
            file.write(b"x" * 9000)
            os.fsync(file.fileno())
        copy = copied(image, "copy")
    assert "/file" in told(image)[0]
    with pytest.raises(IncompleteError, match=r"fast commits.*fsfreeze"):
        told(copy)
    with mounted(copy, kind="ext4") as root:
        assert (root / "file").stat().st_size == 9000


def test_a_frozen_file_system_needs_no_replay(tmp_path: Path) -> None:
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(96 * MIB)
    run("mke2fs", "-q", "-F", "-t", "ext4", image)
    with mounted(image, kind="ext4") as root:
        work(root, 0)
        run("fsfreeze", "-f", root)
        copy = copied(image, "copy")
        run("fsfreeze", "-u", root)
    assert to_replay(copy) == {}
    assert told(copy) == told(image)


def dirty(folder: Path, options: str) -> Path:
    """Return an image whose journal is to be replayed."""
    image = folder / "image"
    with image.open("wb") as file:
        file.truncate(48 * MIB)
    run("mke2fs", "-q", "-F", *options.split(), image)
    with mounted(image, kind="ext4") as root:
        for seed in range(3):
            work(root, seed)
            synced(root)
        return copied(image, "copy")


def work_unsynced(root: Path, seed: int) -> None:
    """Change something that is not to be found, or only in part."""
    (root / f"folder{seed}/late").write_text("late")
    (root / f"folder{seed}/a_file_with_a_name_3").unlink()

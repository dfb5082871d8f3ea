"""A walk over the tree of an image by other libraries than ours: run by walk.py, each in a process of its own.

    python bench/disk/peers.py LIBRARY KIND IMAGE

Prints how many entries it saw, and the median of the processor seconds that it took. Each of them tells path, mode,
owner, size and mtime of every entry, as ours does; none verifies checksums."""

from __future__ import annotations

import importlib
import stat
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPEATS = 3
HERE = (".", "..")
Told = tuple[str, int, int, int, int, int]


def dissect(kind: str, image: str) -> Iterator[Told]:
    """Walk as dissect.extfs and dissect.xfs do."""
    module, name = ("dissect.xfs", "XFS") if kind == "xfs" else ("dissect.extfs", "ExtFS")
    with open(image, "rb") as file:  # noqa: PTH123 - as short as the others
        waiting: list[tuple[str, Any]] = [("", getattr(importlib.import_module(module), name)(file).root)]
        while waiting:
            path, folder = waiting.pop()
            for each, node in folder.listdir().items():
                if each not in HERE:
                    core = node.inode
                    uid, gid = (core.di_uid, core.di_gid) if kind == "xfs" else (core.i_uid, core.i_gid)
                    mode = core.di_mode if kind == "xfs" else core.i_mode
                    yield f"{path}/{each}", mode, uid, gid, node.size, node.mtime_ns
                    if stat.S_ISDIR(mode):
                        waiting.append((f"{path}/{each}", node))


def libyal(kind: str, image: str) -> Iterator[Told]:
    """Walk as libfsext and libfsxfs do."""
    volume = importlib.import_module("pyfsxfs" if kind == "xfs" else "pyfsext").volume()
    volume.open(image)
    waiting = [("", volume.get_root_directory())]
    while waiting:
        path, folder = waiting.pop()
        for number in range(folder.number_of_sub_file_entries):
            entry = folder.get_sub_file_entry(number)
            told = entry.file_mode, entry.owner_identifier, entry.group_identifier, entry.size
            yield f"{path}/{entry.name}", *told, entry.get_modification_time_as_integer()
            if stat.S_ISDIR(entry.file_mode):
                waiting.append((f"{path}/{entry.name}", entry))
    volume.close()


def pytsk3(_: str, image: str) -> Iterator[Told]:
    """Walk as The Sleuth Kit does."""
    module = importlib.import_module("pytsk3")
    system = module.FS_Info(module.Img_Info(image))
    waiting = [("", system.info.root_inum)]
    while waiting:
        path, number = waiting.pop()
        for entry in system.open_dir(inode=number):
            name, meta = entry.info.name.name.decode("utf-8", "surrogateescape"), entry.info.meta
            if name not in HERE and not name.startswith("$") and meta is not None:
                is_folder = meta.type == module.TSK_FS_META_TYPE_DIR
                yield (
                    f"{path}/{name}",
                    int(meta.mode),
                    meta.uid,
                    meta.gid,
                    meta.size,
                    meta.mtime * 10**9 + meta.mtime_nano,
                )
                if is_folder:
                    waiting.append((f"{path}/{name}", meta.addr))


def seconds(walk: Callable[[], Iterator[object]]) -> tuple[int, float]:
    """Return how many entries a walk tells, and the median of its processor seconds."""
    times, count = [], 0
    for _ in range(REPEATS):
        started = time.process_time()
        count = sum(1 for _ in walk())
        times.append(time.process_time() - started)
    return count, statistics.median(times)


if __name__ == "__main__":
    library, of, at = sys.argv[1:]
    print(*seconds(lambda: {"dissect": dissect, "libyal": libyal, "pytsk3": pytsk3}[library](of, at)))

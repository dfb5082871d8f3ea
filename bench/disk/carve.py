"""How fast written bytes are searched for secrets: an ext4 image filled from /usr, in the page cache.

Beside it: how long reading alone takes, and what a prefilter of one regular expression would take instead of the finds.
Needs mke2fs(8), and room for 2.5 GiB in the folder for temporary files."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.disk.carve.scan import carve
from amigate.disk.raw import Raw
from amigate.disk.readers import open_reader
from amigate.disk.stream import stream
from amigate.disk.volumes.volume import State, Volume
from amigate.disk.witness.free_count import FreeCount
from amigate.evidence.redaction.redactor import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.evidence.redaction.kept import Mac

REPEATS = 5
GIBIBYTE = 1 << 30
MOST_FILE_BYTES = 64 << 20
ALTERNATION = re.compile(
    rb"PRIVATE KEY-----|b3BlbnNzaC1rZXktdjEA|openssh-key-v1\0|PuTTY-User-Key-File-|A[KS]IA|ecret_access_key"
    rb"|ECRET_ACCESS_KEY|ecretAccessKey|\$(?:6|y|5|1|2[abxy]|gy|7|sha1|3)\$|\$md5[$,]"
)


def main() -> None:
    """Make the image, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, help="search this image of ext4 instead")
    given = parser.parse_args().image
    with tempfile.TemporaryDirectory() as folder:
        path = given or make(Path(folder))
        with Raw(path) as disk:
            volume = Volume(name=path.name, kind="ext4", state=State.READABLE, blocks=disk)
            size = sum(extent.length for extent in disk.written())
            mac = Redactor().mac
            found = carve(volume, mac)
            print(f"{size / 1e6:.0f} MB written of {disk.size / 1e6:.0f} MB")
            for (kind, what), count in sorted(Counter((hit.kind, hit.what) for hit in found.hits).items()):
                print(f"  {kind}: {what}: {count}")
            show("searched", size, lambda: carve(volume, mac))
            show("searched, free space counted", size, lambda: counted(volume, mac))
            show("read only", size, lambda: [len(data) for _, data in stream(disk, disk.written())])
            show(
                "read, one alternation",
                size,
                lambda: [ALTERNATION.findall(data) for _, data in stream(disk, disk.written())],
            )


def counted(volume: Volume, mac: Mac) -> None:
    """Search a volume, and count how much of its free space is clean."""
    assert volume.blocks is not None
    count = FreeCount(open_reader(volume.kind, volume.blocks))
    carve(volume, mac, also=count.feed)
    count.finish()
    assert not count.wrong


def make(folder: Path) -> Path:
    """Return an image of 1 GiB of files from /usr."""
    files, left = folder / "files", GIBIBYTE
    for at, folders, names in os.walk("/usr"):
        folders.sort()
        for name in sorted(names):
            source = Path(at, name)
            if source.is_symlink() or source.stat().st_size > min(left, MOST_FILE_BYTES):
                continue
            target = files / source.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            left -= source.stat().st_size
    image = folder / "image"
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", files, image, "1300M"], check=True)
    return image


def show(what: str, size: int, run: Callable[[], object]) -> None:
    """Print how fast something is."""
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    median = statistics.median(times)
    print(f"{what}: {median:.2f} s, {size / median / 1e6:.0f} MB/s ({min(times):.2f} to {max(times):.2f} s)")


if __name__ == "__main__":
    main()

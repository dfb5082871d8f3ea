"""Partition tables as sfdisk, sgdisk and libblkid (partx) have them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from amigate.disk.blocks import Extent
from amigate.disk.volumes import tables

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.disk.conftest import Bench, Opener

    from amigate.disk.volumes.table import Table

GPT = 'label: gpt\nstart=3M,size=10M,type=uefi,name="EFI"\nsize=20M,name="röot ☂"\nstart=60M,size=1M,type=swap\n'
AWS = (
    "label: gpt\n"
    "p128:start=2048,size=20480,type=uefi\n"
    "p127:start=22528,size=2048,type=21686148-6449-6E6F-744E-656564454649\n"
    "p1:start=24576,size=40M\n"
)
PRIMARY = "label: dos\nsize=10M,bootable\nsize=20M,type=82\nstart=40M,size=5M,type=ef\nstart=50M,type=83\n"
LOGICAL = (
    "label: dos\nsize=10M\nsize=70M,type=5\nsize=9M,type=8e\nsize=5M\nsize=6M,type=82\nstart=80M,size=1M\nsize=2M\n"
)
EXTENDED_LAST = "label: dos\nstart=90M,size=5M\nstart=1M,size=80M,type=f\nsize=4M\nsize=3M\n"


def listed(bench: Bench, path: Path, sector: int = 512) -> list[tuple[int, Extent, str, str, str]]:
    """Return the partitions by sfdisk; where sectors are large, of a loop device that has such."""
    with bench.loop(path, sector) as device:
        found: dict[str, Any] = json.loads(bench.run("sfdisk", "--json", device))["partitiontable"]
    assert found.get("sectorsize", sector) == sector
    return [
        (
            int(each["node"].removeprefix(f"{device}p")),
            Extent(each["start"] * sector, each["size"] * sector),
            each["type"].lower() if found["label"] == "gpt" else f"{int(each['type'], 16):#04x}",
            each.get("uuid", "").lower(),
            each.get("name", ""),
        )
        for each in found["partitions"]
        if found["label"] == "gpt" or each["type"] not in {"5", "f"}
    ]


def read(table: Table | None) -> list[tuple[int, Extent, str, str, str]]:
    assert table is not None
    return [
        (
            each.number,
            Extent(each.extent.offset, each.extent.length),
            each.type,
            each.uuid if "-" in each.type else "",
            each.label,
        )
        for each in table.partitions
    ]


@pytest.mark.parametrize("script", [GPT, AWS, PRIMARY, LOGICAL, EXTENDED_LAST])
@pytest.mark.parametrize("sector", [512, 4096])
def test_partitions_are_those_that_sfdisk_lists(bench: Bench, opened: Opener, script: str, sector: int) -> None:
    if sector == 4096:
        script = script.replace("start=2048,size=20480", "start=256,size=2560")
        script = script.replace("start=22528,size=2048", "start=2816,size=256").replace("start=24576", "start=3072")
    image = bench.image("disk", 100)
    with bench.loop(image, sector) as device:
        bench.run("sfdisk", "--quiet", device, text=script)
    if sector == 4096 and "dos" in script:  # the table does not say it: a file system where it leads does
        first = min(extent.offset for _, extent, *_ in listed(bench, image, sector))
        bench.run("mke2fs", "-q", "-F", "-E", f"offset={first}", image, "1M")
    table = tables.find(opened(image))
    assert sorted(read(table)) == sorted(listed(bench, image, sector))
    assert table is not None
    assert (table.note, table.damage) == ("", "")


@pytest.mark.parametrize("script", [GPT, AWS, PRIMARY, LOGICAL])
def test_partitions_are_those_that_libblkid_lists(bench: Bench, opened: Opener, script: str) -> None:
    image = bench.image("disk", 100)
    bench.run("sfdisk", "--quiet", image, text=script)
    lines = bench.run("partx", "--raw", "--noheadings", "--output", "NR,START,SECTORS,TYPE,UUID", image)
    rows = [line.split() for line in lines.splitlines()]
    wanted = {
        (int(nr), int(start) * 512, int(sectors) * 512, kind if "-" in kind else f"{int(kind, 16):#04x}", uuid)
        for nr, start, sectors, kind, uuid in rows
        if kind != "0x5"
    }
    table = tables.find(opened(image))
    assert table is not None
    assert {(p.number, p.extent.offset, p.extent.length, p.type, p.uuid) for p in table.partitions} == wanted


def test_a_table_of_another_size_and_one_that_is_hybrid_are_read(bench: Bench, opened: Opener) -> None:
    image = bench.image("disk", 100)
    bench.run("sgdisk", "--resize-table=512", "--new=1:4096:+10M", "--new=300:0:+5M", "--hybrid=1", image)
    assert read(tables.find(opened(image))) == listed(bench, image)


@pytest.mark.parametrize("damaged", [(0,), (512,), (512 + 16,), (1024,), (1024 + 56,), (512, 1024)])
def test_a_damaged_table_is_read_from_its_backup(bench: Bench, opened: Opener, damaged: tuple[int, ...]) -> None:
    image = bench.image("disk", 100)
    bench.run("sfdisk", "--quiet", image, text=GPT)
    wanted = listed(bench, image)
    with image.open("r+b") as file:
        for offset in damaged:
            file.seek(offset)
            file.write(b"\xa5")
    table = tables.find(opened(image))
    assert read(table) == wanted
    assert table is not None
    assert ("backup" in table.note) == (damaged != (0,))


def test_a_disk_that_was_enlarged_keeps_its_backup_where_it_was(bench: Bench, opened: Opener) -> None:
    image = bench.image("disk", 100)
    bench.run("sfdisk", "--quiet", image, text=GPT)
    wanted = listed(bench, image)
    with image.open("r+b") as file:
        file.truncate(300 << 20)
        assert read(tables.find(opened(image))) == wanted
        file.seek(1024)
        file.write(b"\xa5")
    assert read(tables.find(opened(image))) == wanted

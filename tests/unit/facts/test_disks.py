"""What is judged of the disks: volumes that were not read, and secrets that can be read off them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from amigate.check import InconclusiveError, NotApplicableError
from amigate.detect.hits import DETECTORS_VERSION, Sort
from amigate.evidence.inspection import InspectedVolume, Inspection, Recovered
from amigate.evidence.model import Found, Searched, View
from amigate.facts.disks import NEEDS, Disks
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = Recovered(
    kind="private-key", what="openssh-key-v1", volume="disk", offset=4096, place="free", fingerprint="SHA256:key"
)
IN_FILE = replace(KEY, place="file", path="/opt/key", offset=8192)
AWS = replace(KEY, kind="aws-access-key", what="access key", fingerprint="a keyed digest")
HASH = replace(KEY, kind="password-hash", what="sha512crypt", fingerprint="another keyed digest")
ROOT = InspectedVolume(name="disk/p1", kind="ext4", state="read")


def found(path: str = "/opt/key", sort: Sort = Sort.PRIVATE_KEY, package: str = "") -> Found:
    return Found(path=path, sort=sort, line=1, detail="a private key", package=package)


def recoverable(*recovered: Recovered, searched: tuple[Found, ...] = (), broken: str = "") -> list[Finding]:
    """Return what is found where a search of all files found some things."""
    searches = {"search of /": Searched(detectors=DETECTORS_VERSION, found=searched)}
    inspection = Inspection(volumes=(ROOT,), recovered=recovered)
    return Disks.read(View(inspection=inspection, searches=searches, broken=broken)).recoverable()


def test_a_key_in_free_space_is_told_with_its_place_and_fingerprint() -> None:
    detail = "a private key (openssh-key-v1), in free space: it was deleted and is still there"
    assert recoverable(KEY) == [Finding(subject="disk at byte 4096", detail=detail, fingerprint="SHA256:key")]


@pytest.mark.parametrize(
    "place,words",
    [
        ("in-use", "in what the file system keeps for itself"),
        ("swap", "in swap"),
        ("outside", "outside of all file systems"),
        ("unknown", "in a place whose owner cannot be told"),
    ],
)
def test_every_place_has_its_words(place: str, words: str) -> None:
    (finding,) = recoverable(replace(KEY, place=place))
    assert finding.detail.endswith(words)


def test_a_part_of_a_key_and_a_locked_one_are_told_as_that() -> None:
    (finding,) = recoverable(replace(KEY, is_whole=False, is_encrypted=True))
    assert finding.detail.startswith("part of a private key (openssh-key-v1) behind a passphrase, in free space")


def test_a_keyed_digest_is_not_shown() -> None:
    assert [each.fingerprint for each in recoverable(AWS, HASH)] == ["", ""]


def test_a_key_that_the_search_of_files_saw_is_judged_there_and_so_are_its_copies() -> None:
    copy = replace(KEY, place="swap", volume="disk/p2")
    assert recoverable(IN_FILE, KEY, copy, searched=(found(),)) == []
    assert len(recoverable(replace(KEY, fingerprint="SHA256:other"), IN_FILE, searched=(found(),))) == 1


def test_a_credential_that_the_search_of_files_saw_is_judged_there() -> None:
    credential = replace(AWS, place="file", path="/opt/key")
    assert recoverable(credential, AWS, searched=(found(sort=Sort.AWS_KEY),)) == []
    assert len(recoverable(credential, AWS, searched=(found(sort=Sort.PRIVATE_KEY),))) == 2
    assert len(recoverable(credential, AWS, searched=(found(sort=Sort.AWS_CONFIG),))) == 2


def test_a_key_in_a_file_that_the_search_did_not_see_is_found() -> None:
    """The search knows fewer forms than are looked for in bytes."""
    what = Finding(path="/opt/key", detail="a private key (openssh-key-v1)", fingerprint="SHA256:key")
    assert recoverable(IN_FILE) == [what]
    assert recoverable(IN_FILE, searched=(found("/opt/other"),)) == [what]
    assert recoverable(IN_FILE, searched=(found(),), broken="it could not be told which the root is") == [what]


def test_a_password_hash_counts_wherever_it_is() -> None:
    in_file = replace(HASH, place="file", path="/etc/shadow")
    (finding, _) = recoverable(in_file, HASH, searched=(found("/etc/shadow"),))
    assert finding == Finding(path="/etc/shadow", detail="a password hash (sha512crypt)")


def test_what_a_package_brought_and_what_is_published_is_no_secret() -> None:
    packaged = replace(IN_FILE, package="python3-cryptography")
    assert recoverable(packaged, KEY, replace(HASH, place="file", path="/x", package="fixtures")) == []
    assert recoverable(replace(KEY, is_published=True)) == []


def test_the_same_at_the_same_place_is_told_once() -> None:
    assert len(recoverable(KEY, KEY)) == 1
    assert len(recoverable(KEY, replace(KEY, offset=5))) == 2


def test_every_volume_that_was_not_read_is_named() -> None:
    volumes = (
        ROOT,
        InspectedVolume(name="disk/p2", kind="swap", state="exempt", reason="swap holds no files"),
        InspectedVolume(name="disk/p3", kind="btrfs", state="unsupported", reason="btrfs is not read"),
        InspectedVolume(name="disk/p4", kind="xfs", state="incomplete", reason="its log was not written out"),
    )
    Disks(inspection=Inspection(volumes=volumes[:2])).require_every_volume()
    with pytest.raises(InconclusiveError) as raised:
        Disks(inspection=Inspection(volumes=volumes)).require_every_volume()
    assert str(raised.value) == (
        "disk/p3 (btrfs) is unsupported: btrfs is not read; disk/p4 (xfs) is incomplete: its log was not written out"
    )


GIB = 1 << 30
HALF = replace(ROOT, free_bytes=2 * GIB, unclean_bytes=GIB)


def unclean(*volumes: InspectedVolume, limit: Any = 1) -> list[Finding]:
    return Disks(inspection=Inspection(volumes=volumes)).unclean(limit)


def test_each_file_system_with_unclean_free_space_is_told_with_its_share_and_sizes() -> None:
    boot = replace(HALF, name="disk/p2", kind="xfs", free_bytes=500 << 20, unclean_bytes=6 << 20)
    clean = replace(HALF, name="disk/p3", unclean_bytes=GIB >> 10)
    assert unclean(HALF, boot, clean) == [
        Finding(
            subject="disk/p1 (ext4)",
            detail="50 % of its free space is not zeros, 1.0 GiB of 2.0 GiB (at most 1 %)",
        ),
        Finding(
            subject="disk/p2 (xfs)",
            detail="1.2 % of its free space is not zeros, 6.0 MiB of 500.0 MiB (at most 1 %)",
        ),
    ]


@pytest.mark.parametrize("limit,is_above", [(0, True), (49.99, True), (50, False), (50.0, False), (100, False)])
def test_as_much_as_the_limit_is_not_above_it(limit: float, *, is_above: bool) -> None:
    assert bool(unclean(HALF, limit=limit)) is is_above


def test_a_share_just_above_the_limit_does_not_read_as_the_limit() -> None:
    (finding,) = unclean(replace(HALF, free_bytes=100 * GIB, unclean_bytes=GIB + 4096))
    assert finding.detail == "1.01 % of its free space is not zeros, 1.0 GiB of 100.0 GiB (at most 1 %)"


@pytest.mark.parametrize(
    "count,words", [(512, "0.5 KiB"), (1023 << 10, "1023.0 KiB"), (1 << 20, "1.0 MiB"), (5000 << 40, "5000.0 TiB")]
)
def test_sizes_have_a_unit(count: int, words: str) -> None:
    assert words in unclean(replace(HALF, unclean_bytes=count, free_bytes=count))[0].detail


def test_a_file_system_that_is_full_has_nothing_unclean() -> None:
    assert unclean(replace(HALF, free_bytes=0, unclean_bytes=0), limit=0) == []


@pytest.mark.parametrize("limit", ["1", None, True, -1, 101, float("nan"), [1]])
def test_a_limit_that_is_none_decides_nothing(limit: object) -> None:
    with pytest.raises(InconclusiveError, match="at_most_percent is no number from 0 to 100"):
        unclean(HALF, limit=limit)


def require_counted(*volumes: InspectedVolume) -> None:
    Disks(inspection=Inspection(volumes=volumes)).require_free_space_counted()


def test_free_space_that_was_not_counted_is_named_with_the_reason() -> None:
    without = [
        InspectedVolume(name=kind, kind=kind, state="exempt", reason="it holds no files")
        for kind in ("swap", "leftover", "boot-area", "partition-table", "empty", "LVM2_member", "unknown")
    ]
    require_counted(HALF, *without)
    with pytest.raises(InconclusiveError) as raised:
        require_counted(
            HALF,
            replace(ROOT, name="disk/p2", uncounted="the free space of block group 0 is damaged"),
            InspectedVolume(name="disk/p3", kind="btrfs", state="unsupported", reason="btrfs is not read"),
            InspectedVolume(name="disk/p4", kind="vfat", state="exempt", reason="it holds boot loaders"),
            replace(HALF, name="disk/p5", unclean_bytes=None),
            *without,
        )
    assert str(raised.value) == (
        "disk/p2 (ext4): its free space was not counted: the free space of block group 0 is damaged; "
        "disk/p3 (btrfs) is unsupported: btrfs is not read; "
        "disk/p4 (vfat): its free space was not counted: it holds boot loaders; "
        "disk/p5 (ext4): its free space was not counted"
    )


def test_an_image_without_any_file_system_has_no_free_space_to_judge() -> None:
    with pytest.raises(NotApplicableError, match="no file system"):
        require_counted(InspectedVolume(name="disk", kind="empty", state="exempt"))


def test_an_image_without_disks_is_no_image_that_was_inspected() -> None:
    nothing = Disks(inspection=Inspection())
    for ask in (nothing.require_every_volume, nothing.require_free_space_counted, nothing.inspection.require_whole):
        with pytest.raises(InconclusiveError, match="the image has no disk"):
            ask()


def test_a_state_that_nobody_knows_is_none_that_is_told() -> None:
    readable = Inspection(volumes=(replace(ROOT, state="readable"),))
    with pytest.raises(InconclusiveError, match="is readable"):
        Disks(inspection=readable).require_every_volume()


def test_a_directory_has_no_disks(at_rest: Callable[..., View]) -> None:
    with pytest.raises(NotApplicableError):
        Disks.read(at_rest({"/etc/passwd": ""}, NEEDS))


def test_disks_that_could_not_be_looked_at_are_not_seen() -> None:
    with pytest.raises(InconclusiveError, match="the process that reads the image died"):
        Disks.read(View(broken="the process that reads the image died"))
    with pytest.raises(InconclusiveError, match="were not looked at"):
        Disks.read(View())

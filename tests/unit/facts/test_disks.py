"""What is judged of the disks: volumes that were not read, and secrets that can be read off them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

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


def test_an_image_without_disks_is_no_image_that_was_inspected() -> None:
    nothing = Disks(inspection=Inspection())
    for ask in (nothing.require_every_volume, nothing.inspection.require_whole):
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

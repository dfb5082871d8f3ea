"""What was seen of disks as bytes, judged: volumes that were read or not, secrets that can be recovered, free space.

What a real disk shows is proved in tests/unit/disk and tests/contract/disk; here stands what rules make of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from amigate.evidence.inspection import InspectedVolume, Inspection, Recovered
from amigate.result import Status

from .trees import judge, look, named, sound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

VOLUMES, SECRETS, FREE = "disk-every-volume-inspected", "disk-no-recoverable-secrets", "disk-free-space-clean"
ENCRYPTED, READ_ONLY = "disk-no-encrypted-filesystems", "disk-inspected-read-only"
RULES = (VOLUMES, SECRETS, FREE, ENCRYPTED, READ_ONLY)
PASS, FAIL, UNSURE, NONE = Status.PASS, Status.FAIL, Status.INCONCLUSIVE, Status.NOT_APPLICABLE
ROOT = InspectedVolume(name="disk/p1", kind="ext4", state="read", free_bytes=1 << 30, unclean_bytes=0)
BOOT = InspectedVolume(name="disk/p15", kind="vfat", state="read", free_bytes=1 << 20, unclean_bytes=0)
SWAP = InspectedVolume(name="disk/p3", kind="swap", state="exempt", reason="swap holds no files")
SHREDDED = Recovered(
    kind="private-key", what="openssh-key-v1", volume="disk/p1", offset=4096, place="free", fingerprint="SHA256:a"
)
HASH = Recovered(
    kind="password-hash", what="sha512crypt", volume="disk/p1", offset=8192, place="in-use", fingerprint="digest"
)


@dataclass
class Case:
    """What was inspected, and what comes of it; rules that are not named are met."""

    volumes: Sequence[InspectedVolume] = (ROOT, BOOT, SWAP)
    recovered: Sequence[Recovered] = ()
    gaps: Sequence[str] = ()
    expected: Mapping[str, Status] = field(default_factory=dict)
    traps: Sequence[int] = ()


def unread(kind: str, state: str, reason: str) -> InspectedVolume:
    return InspectedVolume(name="disk/p2", kind=kind, state=state, reason=reason)


OPEN = {VOLUMES: UNSURE, FREE: UNSURE, ENCRYPTED: UNSURE}
CASES = {
    "all of it was read": Case(),
    "a key that was shredded, and a copy in the journal": Case(
        recovered=(SHREDDED, replace(SHREDDED, place="in-use", offset=1 << 20)), expected={SECRETS: FAIL}, traps=(59,)
    ),
    "free space was never zeroed": Case(
        (replace(ROOT, unclean_bytes=1 << 29), BOOT), expected={FREE: FAIL}, traps=(59,)
    ),
    "a hash in what the file system keeps for itself": Case(recovered=(HASH,), expected={SECRETS: FAIL}),
    "a secret in swap": Case(recovered=(replace(SHREDDED, place="swap"),), expected={SECRETS: FAIL}),
    "a key that libraries test themselves with": Case(recovered=(replace(SHREDDED, is_published=True),)),
    "bytes that were not looked through": Case(gaps=("disk/p1: a block could not be had",), expected={SECRETS: UNSURE}),
    "an XFS whose log was not written out": Case(
        (ROOT, unread("xfs", "incomplete", "its log was not written out")), expected=OPEN, traps=(60,)
    ),
    "one file system that is not read among several": Case(
        (ROOT, unread("btrfs", "unsupported", "btrfs is not read"), BOOT), expected=OPEN, traps=(61,)
    ),
    "half of a volume group": Case(
        (ROOT, unread("LVM2_member", "incomplete", "the group says that it has another disk")),
        expected={VOLUMES: UNSURE, ENCRYPTED: UNSURE, FREE: UNSURE},
        traps=(61,),
    ),
    "an encrypted volume": Case(
        (ROOT, unread("crypto_LUKS", "unsupported", "it is encrypted")),
        expected={VOLUMES: UNSURE, FREE: UNSURE, ENCRYPTED: FAIL},
    ),
    "free space that could not be counted": Case(
        (replace(ROOT, free_bytes=None, unclean_bytes=None, uncounted="its maps are damaged"),), expected={FREE: UNSURE}
    ),
    "no file system at all": Case((InspectedVolume(name="disk", kind="empty", state="exempt"),), expected={FREE: NONE}),
    "an image whose blocks EC2 keeps to itself": Case((), expected=dict.fromkeys(RULES, UNSURE), traps=(4,)),
}


@pytest.mark.parametrize("name", named(CASES))
def test_each_rule_answers_as_the_disks_are(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    sound(tmp_path)
    inspection = Inspection(volumes=tuple(case.volumes), recovered=tuple(case.recovered), gaps=tuple(case.gaps))
    found = judge(replace(look(tmp_path), inspection=inspection), RULES)
    assert {rule: str(each.status) for rule, each in found.items()} == {
        rule: str(case.expected.get(rule, PASS)) for rule in RULES
    }, found

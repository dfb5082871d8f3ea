"""A disk image file, or a directory that holds a root file system, to a report: without AWS and without a launch."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from amigate.again import judge_collected
from amigate.errors import UsageError
from amigate.evidence.model import DISK, Evidence
from amigate.live import Log
from amigate.plan import Plan
from amigate.result import Target, Witness
from amigate.sources.disks import look_at_directory, look_at_image

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from amigate.profile import Profile
    from amigate.result import Report

WITNESSES = (Witness.DISK,)
"""All that such a target can give."""


def judge_at_rest(
    path: Path,
    profile: Profile,
    *,
    progress: Callable[[str], None] = lambda _: None,
    collected: Callable[[Evidence], None] = lambda _: None,
) -> Report:
    """Judge what lies at `path` under `profile` and return the report; `collected` is handed what was collected.

    Rules that need a launch, or AWS, are not asked. Raises UsageError for what is no image that can be read."""
    log = Log()
    target = Target(kind="directory" if path.is_dir() else "file", id=str(path))

    def collect() -> Evidence:
        with log.phase("read"):
            seen = look_at_directory(path, progress) if path.is_dir() else look_at_image(path, progress)
        log.notes += seen.notes
        evidence = Evidence(
            witnesses=frozenset(WITNESSES),
            collected_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            target=target,
            views={DISK: seen.view},
        )
        collected(evidence)
        return evidence

    return judge_collected(collect, target, profile, Plan(), log, witnesses=WITNESSES)


def require_asked(profile: Profile, asked: Collection[Witness] | None) -> None:
    """Raise UsageError where a file or directory has nothing that is asked."""
    if asked is not None and set(asked) - set(WITNESSES):
        raise UsageError(
            f"--evidence {','.join(asked)}: an image file or a directory has the disk alone",
            hint="Leave it out, or name an AMI.",
        )
    if Witness.DISK not in profile.evidence:
        raise UsageError(
            f"profile {profile.name} does not ask the disk, and an image file or a directory has nothing else",
            hint="Choose another with --profile: `amigate profiles list`.",
        )

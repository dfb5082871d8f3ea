"""Files of saved evidence, for the commands that take one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.errors import UsageError
from amigate.report.escape import printable

if TYPE_CHECKING:
    from pathlib import Path

    from amigate.judge.worker import Worker
    from amigate.profile import Profile
    from amigate.result import Report, Witness

_GZIP = b"\x1f\x8b"


def is_saved(path: Path) -> bool:
    """Whether it is to be read as saved evidence, which is compressed by gzip, as no disk image or report is."""
    if path.is_dir() or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(2) == _GZIP or path.suffix == ".evidence"
    except OSError as error:
        raise UsageError(f"{printable(str(path))}: {error.strerror}", hint="Name a file that can be read.") from None


def judge(
    path: Path,
    profile: Profile,
    asked: tuple[Witness, ...] | None,
    child: Worker | None = None,
    *,
    accept_partial: bool,
) -> Report:
    """Judge the evidence in the file at `path` again, and return the report; in `child`, where one was started."""
    from amigate.again import judge_again, witnesses_of  # noqa: PLC0415 - slow to import
    from amigate.evidence.saved import load  # noqa: PLC0415

    evidence = load(path)
    witnesses = witnesses_of(evidence, profile, asked, accept_partial=accept_partial)
    return judge_again(evidence, profile, witnesses=witnesses, child=child)

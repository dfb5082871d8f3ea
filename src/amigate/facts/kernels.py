"""The kernel that runs, and those that are installed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs, Run
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import View

# depmod writes modules.dep when a kernel is installed, and it goes with it.
KERNELS = Run(
    "kernels",
    'echo "running $(uname -r)"; '
    'for d in /lib/modules/*/modules.dep; do if [ -f "$d" ]; then d=${d%/*}; echo "installed ${d##*/}"; fi; done; '
    'for f in /run/reboot-required /var/run/reboot-required; do if [ -e $f ]; then echo "reboot-required $f"; fi; done',
    Keep.PACKAGES,
)
NEEDS = Needs(first=(KERNELS,))
_RELEASE = re.compile(r"(?P<numbers>\d+(?:[.-]\d+)*)(?P<flavour>.*)")
_OF_MINOR = re.compile(r"(\.el\d+)_\d+")
"""Red Hat's names change with each minor release: `.el9_4` and `.el9_5` are one flavour."""


@dataclass(frozen=True, kw_only=True)
class Kernels:
    """Releases, as `uname -r` prints them."""

    running: str
    installed: tuple[str, ...]
    reboot_wanted_by: tuple[str, ...]
    """The files by which a distribution says that it wants to be rebooted."""

    @classmethod
    def read(cls, view: View) -> Kernels:
        """Take the machine's answer; raises InconclusiveError where it was not asked, as at rest."""
        answer = view.answer(KERNELS.key)
        said: dict[str, list[str]] = {}
        for line in answer.text.split("\n"):
            word, _, value = line.partition(" ")
            said.setdefault(word, []).append(value)
        (running, *_) = [*said.get("running", []), ""]
        if answer.exit_code != 0 or not running:
            raise InconclusiveError("the machine does not say which kernel runs")
        return cls(
            running=running,
            installed=tuple(said.get("installed", ())),
            reboot_wanted_by=tuple(dict.fromkeys(said.get("reboot-required", ()))),
        )

    def faults(self) -> list[Finding]:
        """Find a newer kernel of the flavour that runs, and that the system wants to be rebooted.

        Raises InconclusiveError where the one that runs is not among the installed, and nothing was found."""
        found = [Finding(path=path, detail="the system wants to be rebooted") for path in self.reboot_wanted_by]
        numbers, flavour = _told(self.running)
        newer = [each for each in self.installed if _told(each)[1] == flavour and _told(each)[0] > numbers]
        if newer:
            newest = max(newer, key=lambda each: _told(each)[0])
            found.append(Finding(subject=f"kernel {newest}", detail=f"it is installed, and {self.running} runs"))
        if not found and self.running not in self.installed:
            raise InconclusiveError(f"the kernel that runs, {self.running}, is none of those that are installed")
        return found


def _told(release: str) -> tuple[tuple[int, ...], str]:
    match = _RELEASE.match(release)
    if match is None:
        raise InconclusiveError(f"the release of a kernel is in no known form: {release}")
    return tuple(map(int, re.split(r"[.-]", match["numbers"]))), _OF_MINOR.sub(r"\1", match["flavour"])

"""What each witness saw, counted for the picture and the table of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.result import Status, Witness

if TYPE_CHECKING:
    from amigate.result import Finding, Report, Result

LAUNCHES = ("A", "B")
_NOWHERE = (Status.NOT_ASKED, Status.NOT_APPLICABLE)


@dataclass(frozen=True, kw_only=True)
class Saw:
    """What one witness, or one launch, has to do with the results."""

    name: str
    what: str
    """What it is, in a few words."""
    asked: int
    """Rules that it was asked about and that apply."""
    violated: int
    """Those of them that it shows violated."""
    undecided: int
    """Those of them that could not be decided."""
    findings: int
    """What it saw that violates a rule."""
    present: bool
    """Whether it was asked at all."""

    @property
    def tone(self) -> str:
        """The status that tells most about it."""
        if not self.present:
            return Status.NOT_ASKED
        return Status.FAIL if self.violated else Status.INCONCLUSIVE if self.undecided else Status.PASS

    @property
    def told(self) -> str:
        """What it saw, in a few words."""
        if not self.present:
            return "not asked"
        parts = [f"{self.violated} violated"] if self.violated else []
        parts += [f"{self.undecided} undecided"] if self.undecided else []
        return ", ".join(parts) or ("all met" if self.asked else "no rule asked it")


_WHAT = {
    Witness.EC2: ("EC2", "what AWS says of it"),
    Witness.DISK: ("Disk", "read at rest"),
    Witness.INSTANCE: ("Instance", "running, from inside"),
    Witness.TWIN: ("Twin", "A and B compared"),
    Witness.PROBE: ("Probe", "seen from outside"),
}


def witnesses(report: Report) -> dict[str, Saw]:
    """Return what each witness saw, by its name; all five, asked or not."""
    return {witness: _saw(report, witness, *_WHAT[witness], launch="") for witness in Witness}


def nodes(report: Report) -> dict[str, Saw]:
    """Return the same for the picture, where the instance is its launches."""
    found = witnesses(report)
    del found[Witness.INSTANCE]
    launches = _launches(report)
    for launch in LAUNCHES:
        saw = _saw(report, Witness.INSTANCE, f"Launch {launch}", "running, from inside", launch=launch)
        found[launch] = saw if launch in launches else _saw_nothing(saw)
    return found


def _saw(report: Report, witness: Witness, name: str, what: str, *, launch: str) -> Saw:
    asked = [r for r in report.results if witness in r.witness and r.status not in _NOWHERE]
    shown = {r.id: sum(_by(f, r, witness, launch) for f in r.findings) for r in asked if r.status is Status.FAIL}
    bare = [r for r in asked if r.status is Status.FAIL and not r.findings]
    return Saw(
        name=name,
        what=what,
        asked=len(asked),
        violated=sum(number > 0 for number in shown.values()) + len(bare),
        undecided=sum(result.status is Status.INCONCLUSIVE for result in asked),
        findings=sum(shown.values()),
        present=witness in report.witnesses,
    )


def _saw_nothing(saw: Saw) -> Saw:
    return Saw(name=saw.name, what=saw.what, asked=0, violated=0, undecided=0, findings=0, present=False)


def _by(finding: Finding, result: Result, witness: Witness, launch: str) -> bool:
    """Whether it was that witness who saw the finding.

    A finding names the disk and launches; of those, instance and probe speak. Where it names nobody, it is of EC2's
    descriptions or of twins, if the rule asks them, else of whoever the rule asks."""
    seen = [name for name in finding.seen.split(", ") if name]
    if not seen:
        apart = [each for each in result.witness if each in {Witness.EC2, Witness.TWIN}]
        return witness in (apart or result.witness)
    if witness is Witness.DISK:
        return Witness.DISK in seen
    if witness in {Witness.INSTANCE, Witness.PROBE}:
        return launch in seen if launch else any(name != Witness.DISK for name in seen)
    return False


def _launches(report: Report) -> set[str]:
    """Return the launches that there were, as far as the report tells."""
    named = {phase.name.partition(" ")[0] for phase in report.timeline} | set(report.console)
    named |= {name for result in report.results for finding in result.findings for name in finding.seen.split(", ")}
    if Witness.TWIN in report.witnesses:
        named |= set(LAUNCHES)
    if Witness.INSTANCE in report.witnesses:
        named.add("A")
    return named & set(LAUNCHES) if Witness.INSTANCE in report.witnesses else set()

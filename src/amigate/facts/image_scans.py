"""What AWS's scanners say of an image: Amazon Inspector of vulnerabilities, GuardDuty of malware."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amigate.check import Ask, InconclusiveError
from amigate.facts.ami import descriptions
from amigate.facts.moments import days, moment
from amigate.result import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from amigate.evidence.model import Ec2Descriptions, Evidence

RANKS = ("informational", "low", "medium", "high", "critical")
"""Inspector's severities, the gravest last."""
_MOST_NAMED = 20
_LONGEST = 200


@dataclass(frozen=True, kw_only=True)
class ImageScans:
    """The last scans of an image. None is ever started: that costs money, and takes up to hours."""

    id: str
    now: datetime
    """When AWS was asked."""
    ec2: Ec2Descriptions

    @classmethod
    def read(cls, evidence: Evidence) -> ImageScans:
        """Read the answers; raises InconclusiveError when EC2 was not asked."""
        ec2 = descriptions(evidence)
        now = moment(evidence.collected_at, "when EC2 was asked")
        return cls(id=str(ec2.image.get("ImageId", "")), now=now, ec2=ec2)

    def vulnerabilities(self, max_severity: object, max_fix_age_days: int) -> list[Finding]:
        """Find vulnerabilities that are graver, and fixes that have been there for longer.

        As in the conditions of Allowed AMIs, the severity counts whether there is a fix or not. Raises
        InconclusiveError for an image without results, and where they do not say how grave it is."""
        if max_severity not in RANKS:
            raise InconclusiveError(f"the setting max_severity must be one of {', '.join(RANKS)}")
        results, listed = self._results(), self._listed()
        label = results.get("HighestFindingSeverityLabel")
        if label is None and listed is None:
            raise InconclusiveError(self._why(Ask.VULNERABILITIES))
        labels = [each.get("SeverityLabel") for each in listed or ()] + ([label] if label else [])
        found = self._grave(str(max_severity), labels, listed or []) + self._overdue(results, max_fix_age_days)
        if not found and (unknown := [each for each in labels if each not in RANKS]):
            raise InconclusiveError(
                f"Inspector calls a finding {str(unknown[0])[:_LONGEST]}, which is no severity known here"
            )
        return found

    def require_recent_scan(self, max_age_days: int) -> None:
        """Raise InconclusiveError where Inspector's results are older, or do not say when they were found."""
        scanned = moment(self._results().get("FindingScanDate"), "when Inspector last scanned the image")
        if (age := days(self.now - scanned)) > max_age_days:
            raise InconclusiveError(f"Inspector last scanned the image {age} days ago; {max_age_days} are allowed")

    def told_to_receivers(self) -> list[Finding]:
        """Find that results are there, which whoever may use the image will see."""
        label = self._results().get("HighestFindingSeverityLabel")
        if not label and not self._listed():
            return []
        return [Finding(subject=self.id, detail="whoever may use the image sees what Inspector found in it")]

    def malware(self) -> list[Finding]:
        """Find what GuardDuty took for malware; raises InconclusiveError where it has not scanned the image."""
        scan = self._malware_scan()
        if scan.get("ScanResultStatus") != "THREATS_FOUND":
            return []
        named = [
            Finding(
                subject=str(threat.get("Name", ""))[:_LONGEST] or self.id,
                path=str(path)[:4096],
                detail="GuardDuty calls it malware",
            )
            for threat in scan.get("Threats") or ()
            for path in threat.get("Paths") or ("",)
        ]
        return named or [Finding(subject=self.id, detail="GuardDuty found malware in it")]

    def require_whole_scan(self, max_age_days: int, max_skipped_files: int) -> None:
        """Raise InconclusiveError unless GuardDuty has looked at all of the image, and lately."""
        scan = self._malware_scan()
        status = str(scan.get("ScanStatus", ""))
        if status != "COMPLETED" or scan.get("ScanResultStatus") != "NO_THREATS_FOUND":
            reason = f": {scan['ScanStatusReason']}" if scan.get("ScanStatusReason") else ""
            raise InconclusiveError(f"GuardDuty's scan of the image is {status or 'in no known state'}{reason}")
        if scan.get("ScanCategory", "FULL_SCAN") != "FULL_SCAN":
            raise InconclusiveError("GuardDuty scanned only what differs from another image")
        for name, what, allowed in (
            ("SkippedResourcesCount", "snapshots were skipped", 0),
            ("FailedResourcesCount", "snapshots could not be scanned", 0),
            ("SkippedFileCount", "files were skipped", max_skipped_files),
            ("FailedFileCount", "files could not be scanned", max_skipped_files),
        ):
            if (number := int(scan.get(name) or 0)) > allowed:
                raise InconclusiveError(f"in GuardDuty's scan of the image {number} {what}")
        scanned = moment(scan.get("ScanStartedAt"), "when GuardDuty scanned the image")
        if (age := days(self.now - scanned)) > max_age_days:
            raise InconclusiveError(f"GuardDuty scanned the image {age} days ago; {max_age_days} are allowed")

    def _malware_scan(self) -> Mapping[str, Any]:
        """Return GuardDuty's last scan; raises InconclusiveError where there was none, or it was not seen."""
        scan: Mapping[str, Any] = self.ec2.answer(Ask.MALWARE)
        if not scan:
            raise InconclusiveError("GuardDuty has not scanned the image: aws guardduty start-malware-scan")
        return scan

    def _results(self) -> Mapping[str, Any]:
        """Return Inspector's results; raises InconclusiveError, with what became of scans, where there are none."""
        results: Mapping[str, Any] = self.ec2.image.get("ScanResults") or {}
        if results:
            return results
        scans = self.ec2.answer(Ask.VULNERABILITIES).get("Scans") or ()
        if not scans:
            raise InconclusiveError(
                "Amazon Inspector has not scanned the image: aws inspector2 start-on-demand-scan "
                f"--resource-type AMI --resource-id {self.id}"
            )
        last = max(scans, key=lambda scan: moment(scan.get("startedAt"), "when Inspector scanned the image"))
        reason = f": {last['scanStatusReason']}" if last.get("scanStatusReason") else ""
        raise InconclusiveError(f"Inspector's scan of the image is {last.get('scanStatus')}{reason}")

    def _listed(self) -> list[Mapping[str, Any]] | None:
        """Return Inspector's findings; None where they were not seen."""
        try:
            answer: Mapping[str, Any] = self.ec2.answer(Ask.VULNERABILITIES)
        except InconclusiveError:
            return None
        return answer.get("Findings")

    def _why(self, ask: Ask) -> str:
        try:
            self.ec2.answer(ask)
        except InconclusiveError as error:
            return str(error)
        return "Inspector does not say how grave its findings are"

    def _grave(self, at_most: str, labels: list[Any], listed: list[Mapping[str, Any]]) -> list[Finding]:
        graver = RANKS[RANKS.index(at_most) + 1 :]
        named = [
            Finding(subject=str(each.get("Title", ""))[:_LONGEST] or self.id, detail=_gravity(each))
            for each in listed
            if each.get("SeverityLabel") in graver
        ]
        if len(named) > _MOST_NAMED:
            more = len(named) - _MOST_NAMED
            return [
                *named[:_MOST_NAMED],
                Finding(subject=self.id, detail=f"{more} more, at least, are graver than {at_most}"),
            ]
        worst = next((each for each in labels if each in graver), None)
        return named or (
            [Finding(subject=self.id, detail=f"it has vulnerabilities of {worst} severity")] if worst else []
        )

    def _overdue(self, results: Mapping[str, Any], max_days: int) -> list[Finding]:
        found = []
        for rank in RANKS:
            since = results.get(f"{rank.capitalize()}FixAvailableSince")
            if since and (age := days(self.now - moment(since, "since when there is a fix"))) > max_days:
                detail = f"a fix for something of {rank} severity has been there for {age} days; {max_days} are allowed"
                found.append(Finding(subject=self.id, detail=detail))
        return found


def _gravity(finding: Mapping[str, Any]) -> str:
    fix = "a fix is available" if finding.get("FixAvailable") else "there is no fix yet"
    return f"it is of {finding['SeverityLabel']} severity, and {fix}"

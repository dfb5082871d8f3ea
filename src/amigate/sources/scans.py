"""What AWS's own scanners found in an image; none is started, as that costs money and takes its time."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from amigate.sources.clients import Service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.sources.aws import Aws

MOST_FINDINGS = 200
_OF_FINDINGS = ("Title", "SeverityLabel", "FixAvailable", "SnapshotId")
_OF_SCANS = ("scanStatus", "scanStatusReason", "startedAt", "completedAt")
_OF_MALWARE = (
    "ScanId",
    "ResourceArn",
    "ScanCategory",
    "ScanStatus",
    "ScanStatusReason",
    "ScanStartedAt",
    "ScanCompletedAt",
    "ScannedResourcesCount",
    "SkippedResourcesCount",
    "FailedResourcesCount",
)
_OF_RESULTS = ("ScanResultStatus", "SkippedFileCount", "FailedFileCount", "ThreatFoundFileCount", "UniqueThreatCount")
_MOST_THREATS = 50
_NEVER = datetime.min.replace(tzinfo=UTC)


def vulnerabilities(aws: Aws, image: Mapping[str, Any]) -> dict[str, Any]:
    """Return Amazon Inspector's findings, the gravest first, or of an image without results how its scans went.

    https://docs.aws.amazon.com/inspector/latest/user/machine-image-on-demand.html"""
    image_id = str(image["ImageId"])
    if image.get("ScanResults"):
        listed = Service.of(aws, "ec2").pages(
            "get_image_findings", f"list what Inspector found in {image_id}", "ImageFindings", ImageId=image_id
        )
        found = [{name: each[name] for name in _OF_FINDINGS if name in each} for each in listed]
        found.sort(key=lambda each: -_RANKS.get(str(each.get("SeverityLabel")), len(_RANKS)))
        return {"Findings": found[:MOST_FINDINGS]}
    scans = Service.of(aws, "inspector2").pages(
        "list_on_demand_scans",
        f"ask Inspector for scans of {image_id}",
        "items",
        token=("nextToken", "nextToken"),
        resourceId=image_id,
        resourceType="AMI",
    )
    return {"Scans": [{name: scan[name] for name in _OF_SCANS if name in scan} for scan in islice(scans, 50)]}


_RANKS = {name: rank for rank, name in enumerate(("informational", "low", "medium", "high", "critical"))}


def malware(aws: Aws, image: Mapping[str, Any]) -> dict[str, Any]:
    """Return how GuardDuty's last scan of the image ended; nothing where there was none.

    The ARN of an image is told with and without the account, so it is compared by its end.
    https://docs.aws.amazon.com/guardduty/latest/APIReference/API_GetMalwareScan.html"""
    image_id = str(image["ImageId"])
    guardduty = Service.of(aws, "guardduty")
    listed = guardduty.pages(
        "list_malware_scans",
        f"ask GuardDuty for scans of {image_id}",
        "Scans",
        FilterCriteria={
            "ListMalwareScansFilterCriterion": [
                {"ListMalwareScansCriterionKey": "RESOURCE_TYPE", "FilterCondition": {"EqualsValue": "EC2_AMI"}}
            ]
        },
        most=40,
    )
    ours = [scan for scan in listed if str(scan.get("ResourceArn", "")).endswith(f":image/{image_id}")]
    if not ours:
        return {}
    last = max(ours, key=lambda scan: scan.get("ScanStartedAt") or _NEVER)
    scan = guardduty.ask("get_malware_scan", f"read the scan of {image_id} by GuardDuty", ScanId=last["ScanId"])
    details = scan.get("ScanResultDetails") or {}
    kept = {name: scan[name] for name in _OF_MALWARE if name in scan}
    threats = [
        {
            "Name": threat.get("Name", ""),
            "Paths": [item.get("ItemPath", "") for item in threat.get("ItemDetails") or ()][:5],
        }
        for threat in (details.get("Threats") or ())[:_MOST_THREATS]
    ]
    return kept | {name: details[name] for name in _OF_RESULTS if name in details} | {"Threats": threats}

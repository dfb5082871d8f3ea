"""Service Quotas, Amazon Inspector and GuardDuty, as far as amigate asks them: they answer what was put in.

Nothing is scanned here. The answers have the form of the services' own models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moto.core.serialize import XFormedAttributePicker, get_serializer_class
from moto.core.utils import get_service_model

from amigate.sandbox.api.documents import Refusal, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from amigate.sandbox.cloud import Cloud
    from amigate.sandbox.fault import Asked

SERVICES = {"servicequotas": "service-quotas", "inspector2": "inspector2", "guardduty": "guardduty"}
"""What signatures call each, and what its model is called."""


@dataclass(kw_only=True)
class Recorded:
    """What the services answer about every account and region; may be changed while the sandbox runs."""

    quotas: dict[str, float] = field(default_factory=lambda: {"L-0E3CBAB9": 5.0, "L-70015FFA": 1000.0})
    """Values of EC2's quotas by their codes."""
    changed_quotas: dict[str, float] = field(default_factory=dict)
    """Those that somebody had changed; GetServiceQuota knows no others."""
    inspector_scans: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Image to its on-demand scans, as ListOnDemandScans lists them."""
    malware_scans: list[dict[str, Any]] = field(default_factory=list)
    """As GetMalwareScan returns them."""


class Answering:
    """Answers requests for the three services."""

    def __init__(self, cloud: Cloud) -> None:
        self._recorded = cloud.recorded
        self._actions: dict[str, Callable[[dict[str, Any]], dict[str, Any] | Refusal]] = {
            "GetServiceQuota": lambda asked: self._quota(asked, self._recorded.changed_quotas),
            "GetAWSDefaultServiceQuota": lambda asked: self._quota(asked, self._recorded.quotas),
            "ListOnDemandScans": self._inspector_scans,
            "ListMalwareScans": self._malware_scans,
            "GetMalwareScan": self._malware_scan,
        }

    def __call__(self, asked: Asked, start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        action = self._actions.get(asked.action, _refuse)
        answer = action(dict(asked.parameters))
        if isinstance(answer, Refusal):
            return send(start_response, answer, service=asked.service)
        model = get_service_model(SERVICES[asked.service]).operation_model(asked.action)
        serializer = get_serializer_class(SERVICES[asked.service], str(model.service_model.protocol))
        sent = serializer(operation_model=model, value_picker=XFormedAttributePicker()).serialize(answer)
        body = str(sent["body"]).encode()
        headers = {**sent["headers"], "Content-Length": str(len(body))}
        start_response(f"{sent['status_code']} SANDBOX", list(headers.items()))
        return [body]

    @staticmethod
    def _quota(asked: dict[str, Any], quotas: dict[str, float]) -> dict[str, Any] | Refusal:
        code = asked.get("QuotaCode", "")
        if asked.get("ServiceCode") != "ec2" or code not in quotas:
            return Refusal(status=400, code="NoSuchResourceException", message="The quota is not there.")
        return {"Quota": {"ServiceCode": "ec2", "QuotaCode": code, "Value": quotas[code], "Unit": "None"}}

    def _inspector_scans(self, asked: dict[str, Any]) -> dict[str, Any]:
        image = str(asked.get("resourceId", ""))
        named = {"resourceId": image, "resourceType": "AMI"}
        return {"items": [named | scan for scan in self._recorded.inspector_scans.get(image, [])]}

    def _malware_scans(self, asked: dict[str, Any]) -> dict[str, Any]:
        criteria = asked.get("FilterCriteria", {}).get("ListMalwareScansFilterCriterion", [])
        wanted = [
            c["FilterCondition"]["EqualsValue"]
            for c in criteria
            if c["ListMalwareScansCriterionKey"] == "RESOURCE_TYPE"
        ]
        scans = [scan for scan in self._recorded.malware_scans if not wanted or scan.get("ResourceType") in wanted]
        results = [{"ScanResultStatus": scan.get("ScanResultDetails", {}).get("ScanResultStatus")} for scan in scans]
        return {"Scans": [{**scan, **result} for scan, result in zip(scans, results, strict=True)]}

    def _malware_scan(self, asked: dict[str, Any]) -> dict[str, Any] | Refusal:
        found = next((scan for scan in self._recorded.malware_scans if scan["ScanId"] == asked.get("ScanId")), None)
        return found or Refusal(status=404, code="ResourceNotFoundException", message="The scan is not there.")


def _refuse(_: dict[str, Any]) -> Refusal:
    message = "SANDBOX: this is not there; see docs/sandbox.md"
    return Refusal(status=400, code="ValidationException", message=message)

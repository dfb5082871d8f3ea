"""Reads what is asked, and lets the injected faults strike, between the guard and the services."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from moto.core.request import Request
from moto.ec2.models import ec2_backends

from amigate.sandbox.api import asked as questions
from amigate.sandbox.api.documents import Refusal, send
from amigate.sandbox.api.record import DroppedError
from amigate.sandbox.fault import DENIED, THROTTLED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from amigate.sandbox.cloud import Cloud
    from amigate.sandbox.fault import Asked, Error, Fault
    from amigate.sandbox.faults import Faults

_OWN = {
    DENIED: {
        "ec2": ("UnauthorizedOperation", 403, "You are not authorized to perform this operation."),
        "ebs": ("AccessDeniedException", 403, "User is not authorized to perform this operation."),
        "kms": ("AccessDeniedException", 400, "User is not authorized to perform this operation."),
        "sts": ("AccessDenied", 403, "User is not authorized to perform this operation."),
        "servicequotas": ("AccessDeniedException", 400, "User is not authorized to perform this operation."),
        "inspector2": ("AccessDeniedException", 403, "User is not authorized to perform this operation."),
        "guardduty": ("AccessDeniedException", 403, "User is not authorized to perform this operation."),
    },
    THROTTLED: {
        "ec2": ("RequestLimitExceeded", 503, "Request limit exceeded."),
        "ebs": ("RequestThrottledException", 400, "Too many requests."),
        "kms": ("ThrottlingException", 400, "You have exceeded the rate at which you may call KMS."),
        "sts": ("Throttling", 400, "Rate exceeded"),
        "servicequotas": ("TooManyRequestsException", 400, "Rate exceeded"),
        "inspector2": ("ThrottlingException", 429, "Rate exceeded"),
        "guardduty": ("TooManyRequestsException", 429, "Rate exceeded"),
    },
}
_REASONS = {"AccessDeniedException": "UNAUTHORIZED_ACCOUNT", "RequestThrottledException": "ACCOUNT_THROTTLED"}
"""What the errors of the EBS direct APIs must say besides."""


class Inject:
    """WSGI middleware in which a call may fail, wait, or lose its connection."""

    def __init__(self, app: Any, cloud: Cloud, faults: Faults) -> None:
        self._app = app
        self._cloud = cloud
        self._faults = faults

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Carry a call out, unless a fault says otherwise."""
        asked = self._read(environ)
        struck = self._faults.strike(asked)
        if struck:
            environ["amigate.fault"] = ", ".join(map(str, struck))
            self._faults.closing.wait(sum(fault.delay_s for fault in struck))
        ending = next((fault for fault in struck if fault.error or fault.drop), None)
        return self._end(ending, asked, environ, start_response)

    def _end(self, ending: Fault | None, asked: Asked, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if ending is not None and ending.error is not None:
            return send(start_response, _refusal(ending.error, asked.service), service=asked.service)
        if ending is not None and ending.drop == "before":
            raise DroppedError
        if ending is None:
            return self._app(environ, start_response)  # type: ignore[no-any-return]
        for _ in self._app(environ, lambda *_: None):
            """Carried out, and the answer lost."""
        raise DroppedError

    def _read(self, environ: dict[str, Any]) -> Asked:
        service, region = environ["amigate.service"], environ["amigate.region"]
        account = environ.get("amigate.account") or self._cloud.settings.account_id
        request = environ["amigate.request"] = Request(environ)
        asked = questions.read(request, service=service, account=account, region=region)
        if (service, asked.action) == ("ec2", "RunInstances"):
            asked = replace(asked, zone=self._zone(asked))
        environ["amigate.asked"] = asked
        return asked

    def _zone(self, asked: Asked) -> str:
        """Return where a launch would go: the subnet's zone, the zone named, or the first one."""
        interfaces = asked.parameters.get("NetworkInterfaces") or [{}]
        wanted = asked.parameters.get("SubnetId") or interfaces[0].get("SubnetId")
        placed = (asked.parameters.get("Placement") or {}).get("AvailabilityZone")
        if asked.region not in ec2_backends[asked.account]:
            return ""
        with self._cloud.lock:
            zones = ec2_backends[asked.account][asked.region].subnets
            of_subnet = [zone for zone, subnets in zones.items() if wanted in subnets]
        return str(of_subnet[0] if of_subnet else placed or f"{asked.region}a")


def _refusal(error: Error, service: str) -> Refusal:
    """Return an error in the words of the service that was asked."""
    code, status, message = _OWN.get(error.code, {}).get(service, (error.code, error.http_status, ""))
    message = error.message or message or f"SANDBOX: {code} was injected"
    reason = _REASONS.get(code, "") if service == "ebs" else ""
    return Refusal(status=error.status or status, code=code, message=message, reason=reason)

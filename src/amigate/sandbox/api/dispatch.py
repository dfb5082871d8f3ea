"""The WSGI application behind the guard: one request, one answer of the service asked, never a page of HTML."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from moto.core.utils import camelcase_to_underscores, get_service_model, method_names_from_class

from amigate.sandbox.api import kms, sts
from amigate.sandbox.api.documents import Refusal, send
from amigate.sandbox.api.ebs import Ebs
from amigate.sandbox.api.ec2 import Ec2
from amigate.sandbox.api.kms import Kms
from amigate.sandbox.api.recorded import SERVICES, Answering
from amigate.sandbox.api.sts import Sts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from moto.core.request import Request

    from amigate.sandbox.cloud import Cloud

_log = logging.getLogger(__name__)
_SEE = "see docs/sandbox.md"
_SERVICES: dict[str, type[Ec2 | Sts | Kms]] = {"ec2": Ec2, "sts": Sts, "kms": Kms}
_OFFERED: dict[type, frozenset[str]] = {Sts: sts.ACTIONS, Kms: kms.ACTIONS}


class Dispatch:
    """Hands a request to its service and turns whatever goes wrong into an error document."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._ebs = Ebs(cloud)
        self._recorded = Answering(cloud)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request that the guard let through."""
        service, asked = environ["amigate.service"], environ["amigate.asked"]
        request: Request = environ["amigate.request"]
        if service == "ebs":
            return self._ebs(request, asked, start_response)
        if service in SERVICES:
            return self._recorded(asked, start_response)
        return self._by_moto(service, request, asked.action, start_response)

    def _by_moto(self, service: str, request: Request, action: str, start_response: Any) -> Iterable[bytes]:
        response = _SERVICES[service](self._cloud)
        if refusal := _unknown(response, action):
            return send(start_response, refusal, service=service)
        try:
            with self._cloud.lock:
                if refusal := _prepare(response, request, action):
                    return send(start_response, refusal, service=service)
                status, headers, body = response.call_action()
        except NotImplementedError as error:
            message = f"SANDBOX: {action} cannot do this yet: {error}"
            refusal = Refusal(status=400, code="UnsupportedOperation", message=message)
            return send(start_response, refusal, service=service)
        except Exception:  # noqa: BLE001 - moto may break in any way; the client gets an error document, the log the trace
            _log.exception("%s broke", action)
            refusal = Refusal(status=500, code="InternalError", message=f"SANDBOX: {action} broke; its log says where")
            return send(start_response, refusal, service=service)
        return _send(start_response, status, headers, body)


def _unknown(response: Ec2 | Sts | Kms, action: str) -> Refusal | None:
    """Return a refusal for an action that nobody has, or that the sandbox does not offer."""
    is_there = action in get_service_model(response.boto3_service_name).operation_names
    known = is_there and camelcase_to_underscores(action) in method_names_from_class(type(response))
    if known and (isinstance(response, Ec2) or action in _OFFERED[type(response)]):
        return None
    if isinstance(response, Kms):
        message = f"SANDBOX: {action[:64] or 'this'} is not there; {_SEE}."
        return Refusal(status=400, code="UnsupportedOperationException", message=message)
    message = f"The action {action} is not valid for this web service (SANDBOX: {_SEE})."
    return Refusal(status=400, code="InvalidAction", message=message)


def _prepare(response: Ec2 | Sts | Kms, request: Request, action: str) -> Refusal | None:
    """Let moto read the request, and return a refusal if it has not the shape of its action."""
    try:
        response.setup_class(request)
    except (ValueError, OverflowError) as error:
        message = f"A parameter of {action} is not of the type that it must have: {error}"
        return Refusal(status=400, code="InvalidParameterValue", message=message)
    if isinstance(response, Kms):
        return None  # it says so itself, in its own words
    shape = get_service_model(response.boto3_service_name).operation_model(action).input_shape
    for name in shape.required_members if shape is not None else ():
        if response._get_param(name) is None:  # noqa: SLF001 - moto's way to read a parameter
            message = f"The request must contain the parameter {name}"
            return Refusal(status=400, code="MissingParameter", message=message)
    return None


def _send(start_response: Any, status: int, headers: dict[str, Any], body: str | bytes) -> list[bytes]:
    data = body.encode() if isinstance(body, str) else body
    kept = {name: str(value) for name, value in headers.items() if name.lower() not in {"status", "content-length"}}
    kept.setdefault("Content-Type", "text/xml;charset=UTF-8")
    start_response(f"{status} SANDBOX", [*kept.items(), ("Content-Length", str(len(data)))])
    return [data]

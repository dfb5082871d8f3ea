"""The WSGI application behind the guard: one request, one answer of EC2 or STS, never a page of HTML."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from moto.core.utils import camelcase_to_underscores, get_service_model, method_names_from_class

from amigate.sandbox.api.documents import Refusal, send
from amigate.sandbox.api.ec2 import Ec2
from amigate.sandbox.api.sts import ACTIONS, Sts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from moto.core.request import Request

    from amigate.sandbox.cloud import Cloud

_log = logging.getLogger(__name__)
_SEE = "see docs/sandbox.md"


class Dispatch:
    """Hands a request to EC2 or STS and turns whatever goes wrong into an error document."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request that the guard let through."""
        service = environ["amigate.service"]
        request: Request = environ["amigate.request"]
        action = request.values.get("Action", "")
        response = Sts(self._cloud) if service == "sts" else Ec2(self._cloud)
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


def _unknown(response: Ec2 | Sts, action: str) -> Refusal | None:
    """Return a refusal for an action that nobody has, or that the sandbox does not offer."""
    is_there = action in get_service_model(response.boto3_service_name).operation_names
    known = is_there and camelcase_to_underscores(action) in method_names_from_class(type(response))
    if known and (isinstance(response, Ec2) or action in ACTIONS):
        return None
    message = f"The action {action} is not valid for this web service (SANDBOX: {_SEE})."
    return Refusal(status=400, code="InvalidAction", message=message)


def _prepare(response: Ec2 | Sts, request: Request, action: str) -> Refusal | None:
    """Let moto read the request, and return a refusal if it has not the shape of its action."""
    try:
        response.setup_class(request)
    except (ValueError, OverflowError) as error:
        message = f"A parameter of {action} is not of the type that it must have: {error}"
        return Refusal(status=400, code="InvalidParameterValue", message=message)
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

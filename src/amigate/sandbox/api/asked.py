"""What a request asks: its action and parameters, read by the service's model, for the log and for faults."""

from __future__ import annotations

import contextlib
import functools
import json
import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError
from botocore.model import OperationNotFoundError
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

from amigate.sandbox.api.recorded import SERVICES
from amigate.sandbox.fault import Asked

if TYPE_CHECKING:
    from collections.abc import Callable

_HIDDEN = "<hidden>"
_SECRET = re.compile(
    r"user_?data|material|plaintext|secret|passw|private|credential|(session|block|grant|next)_?token", re.IGNORECASE
)
_LONGEST_TEXT = 200
_LONGEST_LIST = 20
_LONGEST_SUMMARY = 4096
_LONGEST_NAME = 64
_DEEPEST = 8
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, RecursionError, RequestParserError, BotoCoreError)


def read(request: Request, *, service: str, account: str, region: str) -> Asked:
    """Read a request; what cannot be read has no parameters, and is refused by the service later."""
    try:
        operation, in_path = get_service_router(SERVICES.get(service, service)).match(request)
    except NotFound:
        return Asked(service=service, action=_named(request), account=account, region=region, parameters={})
    action, parameters = str(operation.name), dict[str, Any]()
    with contextlib.suppress(*_UNREADABLE):
        parameters = _parsed(request, operation, in_path)
    return Asked(service=service, action=action, account=account, region=region, parameters=parameters)


def summary(asked: Asked) -> dict[str, Any]:
    """Return the parameters without secrets, and short."""
    try:
        shape = get_service_model(SERVICES.get(asked.service, asked.service)).operation_model(asked.action).input_shape
    except (OperationNotFoundError, BotoCoreError):
        return {}
    shown: dict[str, Any] = _shown(asked.parameters, shape, _DEEPEST)
    if len(json.dumps(shown, default=str)) > _LONGEST_SUMMARY:
        return {name[:_LONGEST_NAME]: "<long>" for name in list(shown)[:_LONGEST_LIST]}
    return shown


def _parsed(request: Request, operation: Any, in_path: dict[str, Any]) -> dict[str, Any]:
    model = operation.service_model
    rest = model.protocol == "rest-json"
    protocol = "rest-json" if rest else determine_request_protocol(model, request.content_type)
    parts: Any = {
        "method": request.method,
        "values": request.values,
        "headers": request.headers,
        "body": request.get_data(),
        "url_path": request.path,
        "url_params": in_path,
    }
    return dict(PROTOCOL_PARSERS[protocol](operation).parse(parts) or {})


def _named(request: Request) -> str:
    """Return the action that a request names, known or not."""
    named = request.values.get("Action", "") or request.headers.get("X-Amz-Target", "").removeprefix("TrentService.")
    return str(named)[:_LONGEST_NAME]


def _shown(value: Any, shape: Any, depth: int) -> Any:
    """Return a value as it may be logged; the service's model says what is sensitive."""
    if shape is not None and shape.metadata.get("sensitive"):
        return _HIDDEN
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value)} bytes>"
    if depth == 0:
        return "…"
    if isinstance(value, dict):
        members: Callable[[str], Any] = functools.partial(_member, shape)
        kept = list(value.items())[:_LONGEST_LIST]
        return {str(k)[:_LONGEST_NAME]: _field(str(k), v, members(k), depth) for k, v in kept}
    if isinstance(value, list):
        return [_shown(each, getattr(shape, "member", None), depth - 1) for each in value[:_LONGEST_LIST]]
    return value[:_LONGEST_TEXT] if isinstance(value, str) else value


def _field(name: str, value: Any, shape: Any, depth: int) -> Any:
    blob = shape is not None and shape.type_name == "blob" and isinstance(value, str)
    return _HIDDEN if blob or _SECRET.search(name) else _shown(value, shape, depth - 1)


def _member(shape: Any, name: str) -> Any:
    if shape is None or shape.type_name not in {"structure", "map"}:
        return None
    return shape.members.get(name) if shape.type_name == "structure" else shape.value

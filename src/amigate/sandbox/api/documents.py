"""Error documents, in the shape that each service's clients parse."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape

_JSON = "application/x-amz-json-1.1"
_REST_JSON = "application/json"
_XML = "text/xml;charset=UTF-8"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An answer that says no."""

    status: int
    code: str
    message: str
    reason: str = ""
    """What the EBS direct APIs say besides; one of the values that their model lists."""


def send(start_response: Any, refusal: Refusal, *, service: str, as_json: bool = False) -> list[bytes]:
    """Send a refusal over WSGI; JSON for a service that is not here, if its client speaks that."""
    kind, body = render(refusal, service=service, as_json=as_json)
    headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    if kind in {_JSON, _REST_JSON}:
        headers.append(("x-amzn-ErrorType", refusal.code))
    start_response(f"{refusal.status} {refusal.code}", headers)
    return [body]


def render(refusal: Refusal, *, service: str, as_json: bool = False) -> tuple[str, bytes]:
    """Content type and body."""
    if service == "ebs":
        reason = {"Reason": refusal.reason} if refusal.reason else {}
        return _REST_JSON, json.dumps({"__type": refusal.code, "Message": refusal.message, **reason}).encode()
    if service in {"guardduty", "inspector2"}:
        return _REST_JSON, json.dumps({"__type": refusal.code, "message": refusal.message}).encode()
    if service in {"kms", "servicequotas"} or as_json:
        return _JSON, json.dumps({"__type": refusal.code, "message": refusal.message}).encode()
    code, message, request = escape(refusal.code), escape(refusal.message), uuid4()
    error = f"<Code>{code}</Code><Message>{message}</Message>"
    if service == "ec2":
        body = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>{request}</RequestID></Response>"
    else:
        body = (
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<Error><Type>Sender</Type>{error}</Error><RequestId>{request}</RequestId></ErrorResponse>"
        )
    return _XML, b'<?xml version="1.0" encoding="UTF-8"?>\n' + body.encode()

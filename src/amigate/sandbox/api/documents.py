"""Error documents, in the shape that each service's clients parse."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import uuid4
from xml.sax.saxutils import escape


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An answer that says no."""

    status: int
    code: str
    message: str


def render(refusal: Refusal, *, service: str, as_json: bool = False) -> tuple[str, bytes]:
    """Content type and body."""
    if as_json:
        return "application/x-amz-json-1.1", json.dumps({"__type": refusal.code, "message": refusal.message}).encode()
    code, message, request = escape(refusal.code), escape(refusal.message), uuid4()
    error = f"<Code>{code}</Code><Message>{message}</Message>"
    if service == "ec2":
        body = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>{request}</RequestID></Response>"
    else:
        body = (
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<Error><Type>Sender</Type>{error}</Error><RequestId>{request}</RequestId></ErrorResponse>"
        )
    return "text/xml;charset=UTF-8", b'<?xml version="1.0" encoding="UTF-8"?>\n' + body.encode()

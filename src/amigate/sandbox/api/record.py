"""Logs every request and its outcome; stands in front of everything, the guard included."""

from __future__ import annotations

import json
import logging
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from amigate.sandbox.api import asked as questions
from amigate.sandbox.api.documents import Refusal, send

if TYPE_CHECKING:
    from collections.abc import Iterable

    from amigate.sandbox.calls import Calls
    from amigate.sandbox.fault import Asked

_log = logging.getLogger(__name__)
_ERROR = 400
_XML_CODE = re.compile(rb"<Code>([^<]{1,128})</Code>")
_LONGEST = 64
BROKE = Refusal(status=500, code="InternalError", message="SANDBOX: this request broke something; its log says where")


class DroppedError(ConnectionAbortedError):
    """There is no answer to this request; the server closes its connection."""


class Record:
    """WSGI middleware that adds each call to the log."""

    def __init__(self, app: Any, calls: Calls) -> None:
        self._app = app
        self._calls = calls

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Pass a request on, and log what became of it."""
        at, started = datetime.now(UTC), time.monotonic()
        outcome: dict[str, Any] = {"code": "dropped", "status": 0}

        def start(status: str, headers: list[tuple[str, str]]) -> Any:
            outcome["status"] = int(status.split(maxsplit=1)[0])
            outcome["headers"] = headers
            return start_response(status, headers)

        try:
            body = self._answer(environ, start)
            outcome["code"] = _code(outcome["status"], outcome["headers"], body)
        finally:
            about = {"at": at, "duration_s": round(time.monotonic() - started, 3), **_about(environ)}
            self._calls.add(code=outcome["code"], status=outcome["status"], **about)
        return body

    def _answer(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        """Return the whole answer, which is an error document and never a page, whatever breaks."""
        try:
            return list(self._app(environ, start))
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001 - a client gets an error document whatever breaks; the log gets the trace
            _log.exception("a request broke")
            return send(start, BROKE, service=environ.get("amigate.service", "ec2"))


def _about(environ: dict[str, Any]) -> dict[str, Any]:
    """Return who asked what, as far as that was understood."""
    service, region = (str(environ.get(f"amigate.{name}", ""))[:_LONGEST] for name in ("service", "region"))
    about = {"refused": environ.get("amigate.refused", ""), "fault": environ.get("amigate.fault", "")}
    asked: Asked | None = environ.get("amigate.asked")
    if asked is None:
        return {**about, "service": service, "region": region, "action": ""}
    return {
        **about,
        "service": asked.service,
        "region": region,
        "action": asked.action,
        "account": asked.account,
        "parameters": questions.summary(asked),
    }


def _code(status: int, headers: list[tuple[str, str]], body: list[bytes]) -> str:
    """Return `ok` or the error code of an answer, in whichever of the services' shapes."""
    if status < _ERROR:
        return "ok"
    named = {name.lower(): value for name, value in headers}.get("x-amzn-errortype")
    document = b"".join(body)
    if not named and (found := _XML_CODE.search(document)):
        named = found.group(1).decode(errors="replace")
    if not named:
        try:
            named = str(json.loads(document)["__type"])
        except (ValueError, LookupError, TypeError):
            named = str(status)
    return named.split("#")[-1].split(":")[0][:128]

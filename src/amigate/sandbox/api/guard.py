"""What stands in front of the API: only this run's callers, only this endpoint, only the services that there are.

The Host header is checked against DNS rebinding: a web page in the user's browser reaches loopback, but
under a name of its own."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Any

from amigate.sandbox.api.documents import Refusal, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SERVICES = ("ec2", "sts", "ebs", "kms", "servicequotas", "inspector2", "guardduty")
_LARGEST_BODY = 1 << 20
_CREDENTIAL = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request,(?!.*Credential=)"
)
_ROOT = re.compile(r"/?")
_PATHS = {
    "ebs": re.compile(r"/snapshots(/[A-Za-z0-9-]{1,80}){0,3}"),
    "guardduty": re.compile(r"/malware-scan(/[A-Za-z0-9-]{1,80})?"),
    "inspector2": re.compile(r"/ondemand/scans"),
}
_NOT_FORWARDED = ("HTTP_X_MOTO_ACCOUNT_ID",)
_TARGET = "HTTP_X_AMZ_TARGET"
_NO_CREDENTIALS = Refusal(
    status=401, code="AuthFailure", message="AWS was not able to validate the provided access credentials"
)
_NO_TOKEN = Refusal(
    status=403, code="InvalidClientTokenId", message="The security token included in the request is invalid."
)
_NO_CLIENT = Refusal(
    status=400, code="UnrecognizedClientException", message="The security token included in the request is invalid."
)
_NOBODY = {"sts": _NO_TOKEN} | dict.fromkeys(("kms", "ebs", "servicequotas", "inspector2", "guardduty"), _NO_CLIENT)
_WRONG_HOST = Refusal(status=403, code="AccessDenied", message="SANDBOX: the Host header names another endpoint")
_WRONG_PATH = Refusal(status=404, code="InvalidRequest", message="SANDBOX: there is nothing but the API at /")
_NO_LENGTH = Refusal(status=411, code="MissingContentLength", message="SANDBOX: a request must say how long it is")
_TOO_LARGE = Refusal(status=413, code="RequestEntityTooLarge", message="SANDBOX: the request is too large")


class Guard:
    """WSGI middleware that lets through what this run's callers may ask."""

    def __init__(self, app: Any, *, hosts: Callable[[], tuple[str, ...]], accounts: Mapping[str, str]) -> None:
        """`accounts` is read at each request: the access keys of this run, and the account of each."""
        self._app = app
        self._hosts = hosts
        self._accounts = accounts

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request, or refuse it."""
        credential = _CREDENTIAL.match(environ.get("HTTP_AUTHORIZATION", ""))
        service = credential.group(3) if credential else "ec2"
        account = self._account(credential.group(1)) if credential else None
        refusal = self._judge(environ, account, service)
        environ["amigate.service"], environ["amigate.region"] = service, credential.group(2) if credential else ""
        if refusal is not None:
            environ["amigate.refused"] = refusal.code
            as_json = "json" in environ.get("CONTENT_TYPE", "")
            return send(start_response, refusal, service=service, as_json=as_json)
        for name in _NOT_FORWARDED:
            environ.pop(name, None)
        environ["amigate.account"] = account
        if service not in {"kms", "servicequotas"}:
            environ.pop(_TARGET, None)
        return self._app(environ, start_response)  # type: ignore[no-any-return]

    def _account(self, access_key_id: str) -> str | None:
        """Return whose access key that is, in a time that tells nothing about the keys there are."""
        asked = access_key_id.encode()
        keys = list(self._accounts.items())
        found = [account for key, account in keys if hmac.compare_digest(asked, key.encode())]
        return found[0] if found else None

    def _judge(self, environ: dict[str, Any], account: str | None, service: str) -> Refusal | None:
        if environ.get("HTTP_HOST") not in self._hosts():
            return _WRONG_HOST
        if account is None:
            return _NOBODY.get(service, _NO_CREDENTIALS)
        if service not in SERVICES:
            allowed = ", ".join(SERVICES)
            message = f"SANDBOX: there is no {service} here, only {allowed}"
            return Refusal(status=400, code="UnsupportedOperation", message=message)
        if not _PATHS.get(service, _ROOT).fullmatch(environ.get("PATH_INFO", "/")):
            return _WRONG_PATH
        if "HTTP_TRANSFER_ENCODING" in environ:
            return _NO_LENGTH
        return None if _length(environ) <= _LARGEST_BODY else _TOO_LARGE


def _length(environ: dict[str, Any]) -> int:
    text = environ.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isdecimal() else _LARGEST_BODY + 1

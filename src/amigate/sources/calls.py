"""Each call to AWS in the log: its name, which resources it is about, how it ended and how long that took.

Nothing else of a call is logged, as parameters and answers may hold secrets; botocore's own log stays off."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from botocore.client import BaseClient

RESOURCES = (
    *("ImageId", "ImageIds", "InstanceId", "InstanceIds", "SnapshotId", "SnapshotIds", "VolumeIds"),
    *("GroupId", "GroupIds", "KeyName", "KeyNames", "SubnetIds", "Resources"),
)
"""Parameters that name what a call is about."""

_log = logging.getLogger(__name__)


def log_calls(client: BaseClient, *, but: Collection[str] = ()) -> None:
    """Log what this client calls, each attempt on its own; not the operations of `but`, of which there are many."""
    service = client.meta.service_model.service_id.hyphenize()
    events = client.meta.events

    def asked(params: Mapping[str, Any], context: dict[str, Any], **_: object) -> None:
        context["amigate_about"] = " ".join(_named(params))

    def sent(request: Any, **_: object) -> None:
        request.context["amigate_sent"] = time.monotonic()

    def answered(
        event_name: str,
        context: Mapping[str, Any],
        parsed_response: Mapping[str, Any] | None = None,
        exception: Exception | None = None,
        **_: object,
    ) -> None:
        operation = event_name.rpartition(".")[2]
        if operation not in but:
            took_s = time.monotonic() - context["amigate_sent"]
            call = f"{service} {operation} {context['amigate_about']}".rstrip()
            _log.debug("%s: %s, %.2f s", call, _ended(parsed_response, exception), took_s)

    events.register(f"before-parameter-build.{service}", asked)
    events.register(f"request-created.{service}", sent)
    events.register(f"response-received.{service}", answered)


def _named(params: Mapping[str, Any]) -> list[str]:
    values = [params[name] for name in RESOURCES if name in params]
    return [str(each) for value in values for each in (value if isinstance(value, list) else [value])]


def _ended(answer: Mapping[str, Any] | None, exception: Exception | None) -> str:
    """Return status, AWS's code and the id of the request, or the type of what went wrong on the way."""
    if answer is None:
        return type(exception).__name__
    metadata = answer.get("ResponseMetadata", {})
    parts = [metadata.get("HTTPStatusCode"), answer.get("Error", {}).get("Code"), metadata.get("RequestId")]
    return " ".join(str(part) for part in parts if part)

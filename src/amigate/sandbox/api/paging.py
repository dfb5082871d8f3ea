"""Pages of a long answer: MaxResults and NextToken."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from amigate.sandbox.api import errors

_LARGEST = 1000


def page(
    described: list[dict[str, Any]], *, key: str, max_results: int | None, token: str | None, least: int = 1
) -> tuple[list[dict[str, Any]], str | None]:
    """Return one page, ordered by id, and the token of the next; a token names the last id that was shown."""
    if max_results is not None and max_results < least:
        raise errors.bad_value(
            f"Value ( {max_results} ) for parameter maxResults is invalid. Expecting a value of at least {least}."
        )
    if max_results is None and token is None:
        return described, None
    after = _read(token) if token else ""
    rest = sorted((one for one in described if one[key] > after), key=lambda one: str(one[key]))
    shown = rest[: min(max_results or _LARGEST, _LARGEST)]
    return shown, _write(shown[-1][key]) if len(shown) < len(rest) else None


def _write(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode()


def _read(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise errors.bad_token() from error

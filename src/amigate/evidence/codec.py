"""Evidence as JSON text and back: how it reaches the judge, and what its digest is taken of."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import json
from typing import Any

from amigate.evidence import strict
from amigate.evidence.model import Evidence
from amigate.evidence.strict import MalformedError


def dump(evidence: Evidence) -> str:
    """Return `evidence` as JSON with sorted keys, in ASCII, so that like evidence gives like text."""
    return written(plain(evidence))


def written(data: object) -> str:
    """Return plain data as the JSON text that digests are taken of."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def load(text: str) -> Evidence:
    """Read what `dump` wrote; raises MalformedError, a ValueError, for anything else."""
    return decoded(strict.parse(text))


def decoded(data: object) -> Evidence:
    """Return the evidence of which `data` is the plain form; raises MalformedError for anything else."""
    evidence = strict.decode(Evidence, data, "evidence")
    for viewpoint, view in evidence.views.items():
        if any(entry.path != path for path, entry in view.entries.items()):
            raise MalformedError(f"evidence.views.{viewpoint} has an entry under another path than its own")
    return evidence


def plain(value: Any) -> Any:  # noqa: PLR0911 - one for each type
    """Turn a value into what json can write; a set becomes a sorted list, bytes base64."""
    match value:
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case datetime.datetime():
            return value.isoformat()
        case set() | frozenset():
            return sorted(str(each) for each in value)
        case list() | tuple():
            return [plain(each) for each in value]
        case dict():
            return {str(key): plain(each) for key, each in value.items()}
        case _ if dataclasses.is_dataclass(value):
            return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
        case _:
            return value

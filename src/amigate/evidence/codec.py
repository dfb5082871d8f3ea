"""Evidence as JSON text and back: how it reaches the judge, and what its digest is taken of."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
import json
from typing import TYPE_CHECKING, Any

from amigate.evidence.model import (
    Answer,
    Contact,
    Ec2Descriptions,
    Entry,
    Evidence,
    Kind,
    Offer,
    Outcome,
    Standing,
    View,
    Viewpoint,
)
from amigate.result import Witness

if TYPE_CHECKING:
    from collections.abc import Mapping


def dump(evidence: Evidence) -> str:
    """Return `evidence` as JSON with sorted keys, so that like evidence gives like text."""
    return json.dumps(_plain(evidence), sort_keys=True, separators=(",", ":"))


def digest(evidence: Evidence) -> str:
    """Return the SHA-256 of what `dump` writes, as `sha256:…`."""
    return "sha256:" + hashlib.sha256(dump(evidence).encode("ascii")).hexdigest()


def load(text: str) -> Evidence:
    """Read what `dump` wrote; raises ValueError, KeyError or TypeError for anything else."""
    data = json.loads(text)
    ec2 = data["ec2"]
    return Evidence(
        witnesses=frozenset(Witness(name) for name in data["witnesses"]),
        collected_at=data["collected_at"],
        ec2=None if ec2 is None else _ec2(ec2),
        audience=data["audience"],
        receivers=frozenset(data["receivers"]),
        views={Viewpoint.parse(key): _view(view) for key, view in data["views"].items()},
    )


def _plain(value: Any) -> Any:  # noqa: PLR0911 - one for each type
    """Turn a value into what json can write; a set becomes a sorted list, bytes base64."""
    match value:
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case datetime.datetime():
            return value.isoformat()
        case set() | frozenset():
            return sorted(str(each) for each in value)
        case list() | tuple():
            return [_plain(each) for each in value]
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case _ if dataclasses.is_dataclass(value):
            return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
        case _:
            return value


def _ec2(data: Mapping[str, Any]) -> Ec2Descriptions:
    permissions = None if data["permissions"] is None else tuple(data["permissions"])
    return Ec2Descriptions(**{**data, "snapshots": tuple(data["snapshots"]), "permissions": permissions})


def _view(data: Mapping[str, Any]) -> View:
    contact, standing = data["contact"], data["standing"]
    return View(
        entries={path: _entry(entry) for path, entry in data["entries"].items()},
        absent=frozenset(data["absent"]),
        globbed=frozenset(data["globbed"]),
        answers={key: _answer(answer) for key, answer in data["answers"].items()},
        unseen=data["unseen"],
        contact=None if contact is None else _contact(contact),
        standing=None if standing is None else Standing(**standing),
        offers=tuple(Offer(**{**offer, "methods": tuple(offer["methods"])}) for offer in data["offers"]),
        broken=data["broken"],
    )


def _entry(data: Mapping[str, Any]) -> Entry:
    content = data["content"]
    decoded = None if content is None else base64.b64decode(content)
    return Entry(**{**data, "kind": Kind(data["kind"]), "content": decoded})


def _answer(data: Mapping[str, Any]) -> Answer:
    streams = {name: base64.b64decode(data[name]) for name in ("stdout", "stderr")}
    return Answer(**{**data, **streams})


def _contact(data: Mapping[str, Any]) -> Contact:
    users = tuple(data["users_tried"])
    return Contact(**{**data, "outcome": Outcome(data["outcome"]), "users_tried": users})

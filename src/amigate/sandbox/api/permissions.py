"""Who a request adds to, or removes from, the permissions of an image or a snapshot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amigate.sandbox.api import errors

if TYPE_CHECKING:
    from collections.abc import Iterable

EVERYBODY = {"Group": "all"}
_ACCOUNT = re.compile(r"\d{12}")
_ORGANIZATION = re.compile(r"arn:aws[a-z-]*:organizations::\d{12}:organization/o-[a-z0-9]{10,32}")
_UNIT = re.compile(
    r"arn:aws[a-z-]*:organizations::\d{12}:(ou/o-[a-z0-9]{10,32}/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}"
    r"|root/o-[a-z0-9]{10,32}/r-[0-9a-z]{4,32})"
)
_KINDS = {
    "UserId": ("userId", _ACCOUNT),
    "Group": ("UserGroup", re.compile("all")),
    "OrganizationArn": ("organizationArn", _ORGANIZATION),
    "OrganizationalUnitArn": ("organizationalUnitArn", _UNIT),
}
"""What EC2 calls each in its errors, and its shape."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """Permissions to add and to remove, as EC2 writes them."""

    added: tuple[dict[str, str], ...]
    removed: tuple[dict[str, str], ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return not self.added and not self.removed

    def applied_to(self, present: Iterable[dict[str, str]]) -> list[dict[str, str]]:
        """Return permissions after the change, each once; to remove what is not there changes nothing."""
        kept = [one for one in present if one not in self.removed]
        for one in self.added:
            if one not in kept and one not in self.removed:
                kept.append(one)
        return kept


def change(
    structure: dict[str, Any], operation: str | None, lists: dict[str, list[str]], *, kinds: Iterable[str] = _KINDS
) -> Change:
    """Return what a request asks for, in either of its forms, or both.

    `structure` has Add and Remove; `lists` has values for each kind, which `operation` adds or removes. Somebody that
    cannot be named is refused, and then nothing changes. Packer sends the same accounts in both forms and no operation;
    then the structure alone is meant."""
    added, removed = list(structure.get("Add", [])), list(structure.get("Remove", []))
    listed = [{kind: value} for kind, values in lists.items() for value in values]
    if operation not in {None, "add", "remove"}:
        raise errors.bad_value(f"Value ({operation}) for parameter operationType is invalid.")
    if listed and operation is None and not structure:
        raise errors.missing("operationType")
    if operation is not None:
        (removed if operation == "remove" else added).extend(listed)
    allowed = set(kinds)
    for one in (*added, *removed):
        _check(one, allowed)
    return Change(added=tuple(added), removed=tuple(removed))


def _check(one: dict[str, str], allowed: set[str]) -> None:
    if not one:
        raise errors.bad_value("A permission must name a user, a group, an organization or an organizational unit")
    for kind, value in one.items():
        name, shape = _KINDS[kind]
        if kind not in allowed or not shape.fullmatch(value):
            raise errors.bad_attribute_item(value, name)

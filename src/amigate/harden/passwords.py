"""Taking passwords out of the account files, line by line; what is no line of theirs stays as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

NO_PASSWORD = "*"  # noqa: S105 - the field that stands for none
"""No password works. Unlike with `!`, sshd lets keys in whatever UsePAM says."""

_UNUSABLE = re.compile(r"!+\*?|!*\*(LOCK|LK|NP)?\*?")
"""Second fields that hold nothing: locks without a hash behind them, https://man7.org/linux/man-pages/man5/shadow.5.html."""

_FOREVER_DAYS = 99999


def shadow(text: str, *, key_users: Collection[str] = (), no_bang_for: Collection[str] = ()) -> str:
    """Return shadow without a password; `key_users` are not locked out by the age of one they do not have.

    `no_bang_for`: users whose `!` would keep their keys out too."""
    return _edited(text, 9, lambda fields: _shadow(fields, key_users, no_bang_for))


def passwd(text: str, shadowed: Collection[str]) -> str:
    """Return passwd with passwords in shadow only; `*` for users who have no line there."""
    return _edited(text, 7, lambda fields: _passwd(fields, shadowed))


def without(text: str, names: Collection[str]) -> str:
    """Return passwd or shadow without the lines of the accounts called so."""
    return "".join(line for line in text.splitlines(keepends=True) if line.lstrip().partition(":")[0] not in names)


def gshadow(text: str) -> str:
    """Return gshadow without a group's password."""
    return _edited(text, 4, lambda fields: _second(fields, "!", allowed=("",)))


def group(text: str) -> str:
    """Return group without a group's password."""
    return _edited(text, 4, lambda fields: _second(fields, "x", allowed=("", "x")))


def _edited(text: str, count: int, edit: Callable[[list[str]], list[str]]) -> str:
    lines = []
    for line in text.splitlines(keepends=True):
        fields = line.rstrip("\n").split(":")
        if len(fields) == count and fields[0] and not line.startswith("#"):
            lines.append(":".join(edit(fields)) + ("\n" if line.endswith("\n") else ""))
        else:
            lines.append(line)
    return "".join(lines)


def _shadow(fields: list[str], key_users: Collection[str], no_bang_for: Collection[str]) -> list[str]:
    name, password, changed, least, most, *rest = fields
    bars_keys = name in no_bang_for and password.startswith("!")
    if not _UNUSABLE.fullmatch(password) or bars_keys:
        password = NO_PASSWORD
    if name in key_users:
        if changed == "0":  # "change it now": the login would ask for a password that nobody has
            changed = ""
        if most.isdigit() and int(most) < _FOREVER_DAYS:
            most = str(_FOREVER_DAYS)
    return [name, password, changed, least, most, *rest]


def _passwd(fields: list[str], shadowed: Collection[str]) -> list[str]:
    if fields[0] in shadowed:
        return _second(fields, "x", allowed=("x",))
    return _second(fields, NO_PASSWORD, allowed=("x",))


def _second(fields: list[str], value: str, *, allowed: Collection[str]) -> list[str]:
    name, password, *rest = fields
    fine = password in allowed or _UNUSABLE.fullmatch(password)
    return [name, password if fine else value, *rest]

"""How long operating systems get security updates, by a dated table (os_support.yaml) with its sources."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from amigate.check import InconclusiveError
from amigate.result import Finding

if TYPE_CHECKING:
    from datetime import date

    from amigate.facts.os_release import OsRelease

_TABLE = "os_support.yaml"


@dataclass(frozen=True, kw_only=True)
class Support:
    """Until when a system gets security updates."""

    name: str
    """Of system and version, such as `debian 12`."""
    ends: date
    """Without a contract."""
    extended: date | None
    """With one that is paid for; None where nobody sells it."""

    @classmethod
    def of(cls, system: OsRelease, *, today: date, table_days: int) -> Support:
        """Look a system up; raises InconclusiveError where the table does not know it, or is older than `table_days`.

        An old table may miss that support was prolonged, but no end that it knows comes later than it says: where
        it has the end in the past, and no contract prolongs it, its age does not matter."""
        known = _known(system)
        name = f"{system.id} {system.version_id}".strip()
        if known is None:
            raise InconclusiveError(f"{system.path}: until when {name} is supported is not known here")
        found = cls(name=name, ends=known["ends"], extended=known.get("extended"))
        age_days = (today - _table()["checked"]).days
        if found.ends >= today and age_days > table_days:
            raise InconclusiveError(
                f"the table of supported systems is {age_days} days old, and {table_days} are allowed: update amigate"
            )
        return found

    def faults(self, path: str, *, today: date, is_extended: bool) -> list[Finding]:
        """Find that support has ended by `today`; `is_extended` where it is paid for."""
        ends = max(self.ends, self.extended) if is_extended and self.extended else self.ends
        detail = f"its support ended on {ends.isoformat()}"
        return [Finding(subject=self.name, path=path, detail=detail)] if ends < today else []


def _known(system: OsRelease) -> dict[str, date] | None:
    """Return what the table has of the most exact version: `15.6` before `15`."""
    versions = _table()["systems"].get(system.id, {}).get("versions", {})
    parts = system.version_id.split(".")
    wanted = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return next((versions[version] for version in wanted if version in versions), None)


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load((files(__package__) / _TABLE).read_text(encoding="utf-8"))
    return table

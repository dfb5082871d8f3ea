"""Times as AWS and evidence write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from amigate.check import InconclusiveError


def moment(text: object, what: str) -> datetime:
    """Return a time with its zone, UTC where none is said; raises InconclusiveError for anything else."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise InconclusiveError(f"{what} is not known") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def days(span: timedelta) -> int:
    """Return the whole days in a span."""
    return span // timedelta(days=1)

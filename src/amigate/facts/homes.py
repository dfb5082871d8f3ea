"""The homes of accounts: those of passwd, and where homes usually are, for accounts that are gone."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from amigate.evidence.globs import covers
from amigate.facts.accounts import Accounts

if TYPE_CHECKING:
    from amigate.evidence.model import View

USUAL = ("/root", "/home/*", "/etc/skel")
"""Where homes are, whatever passwd says; patterns."""


def homes(view: View) -> list[str]:
    """Return every home to look through, as few patterns as will do.

    Raises InconclusiveError where passwd was not seen or cannot be told."""
    own = [
        "/" + posixpath.normpath(account.home).lstrip("/") for account in Accounts.read(view).everybody if account.home
    ]
    return list(dict.fromkeys([*USUAL, *(home for home in own if not any(covers(each, home) for each in USUAL))]))

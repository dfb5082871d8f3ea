"""DryRun for every action: nothing is changed, and what would have been allowed says DryRunOperation."""

from __future__ import annotations

import re
from types import FunctionType
from typing import TYPE_CHECKING, Any

from moto.core.utils import camelcase_to_underscores
from moto.ec2.exceptions import DryRunClientError

from amigate.sandbox.api.base import CloudResponse

if TYPE_CHECKING:
    from collections.abc import Callable

_CHECK = "error_on_dryrun"
_READS = re.compile(r"(describe|get|search|list|export)_")


class DryRun(CloudResponse):
    """Stands before the actions; many of moto's would carry a dry run out."""

    def call_action(self) -> Any:
        """Carry out an action that stops by itself in a dry run, or only reads; answer in the place of others."""
        action = camelcase_to_underscores(self._get_action())
        if self.is_true("DryRun") and not _stops(type(self), action):
            reading = getattr(self, action) if _READS.match(action) else None
            setattr(self, action, lambda: self._tried(reading))
        return super().call_action()

    def _tried(self, reading: Callable[[], Any] | None) -> None:
        if reading is not None:
            reading()
        raise DryRunClientError


def _stops(responses: type, action: str, deep: int = 2) -> bool:
    """Whether an action looks at DryRun itself, or in a part of it; what hands over to its parent does if that does."""
    for parent in responses.__mro__:
        method = vars(parent).get(action)
        if not isinstance(method, FunctionType):
            continue
        names = method.__code__.co_names
        parts = [name for name in names if name.startswith("_") and deep and name != action]
        if _CHECK in names or any(_stops(responses, part, deep - 1) for part in parts):
            return True
        if "super" not in names:
            return False
    return False

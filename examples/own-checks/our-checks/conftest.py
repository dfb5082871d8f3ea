"""Fixtures of our own tests."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="module")
def admin(host: Any) -> Any:
    """Return the account that logs in."""
    return host.user("admin")

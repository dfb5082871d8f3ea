"""A few rules, and profiles in files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from amigate.check import check, check_of
from amigate.profile import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amigate.check import Check
    from amigate.profile import Profile

    Loader = Callable[[str], Profile]


def _rule(rule: str, severity: str, /, **settings: object) -> Check:
    @check(rule, severity=severity, guideline="made/up", source="https://example.org/", evidence=["instance"])
    def test_nothing() -> None:
        """Nothing is required.

        It is made up."""

    declared = check_of(test_nothing)
    assert declared is not None
    return replace(declared, settings=settings)


@pytest.fixture(scope="session")
def rules() -> dict[str, Check]:
    """Return made-up rules by id: two of ssh, one of which has settings, and one of keys."""
    made = (
        _rule("ssh-no-password-login", "critical"),
        _rule("ssh-no-dns-checks", "low", allow=["a"], at_most=3, ratio=0.5, strict=True, name="x", ports=[]),
        _rule("key-live-only-launch-key", "critical"),
    )
    return {rule.id: rule for rule in made}


@pytest.fixture
def written(tmp_path: Path, rules: dict[str, Check]) -> Callable[..., Profile]:
    """Return what writes files, the last of which is a profile, and loads that."""

    def run(**texts: str) -> Profile:
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        return load(str(tmp_path / f"{list(texts)[-1]}.yaml"), rules)

    return run

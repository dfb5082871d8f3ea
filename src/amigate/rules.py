"""The rules of a profile: those that come with amigate, and the user's own tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.errors import UsageError
from amigate.judge import catalogue

if TYPE_CHECKING:
    from amigate.check import Check
    from amigate.profile import Profile


def rules_of(profile: Profile) -> dict[str, Check]:
    """Return every rule that `profile` judges, by id, in its order; raises UsageError for an id that is taken."""
    shipped = catalogue.checks()
    for test in profile.own:
        if test.id in shipped:
            raise UsageError(f"{test.place}: {test.id} is the id of a shipped rule", hint="Give the test another id.")
    own = {test.id: test.check for test in profile.own}
    return {rule: shipped[rule] for rule in profile.rules if rule not in own} | own

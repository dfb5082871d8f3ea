"""The rules of a profile: those that come with amigate, and the user's own tests."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from amigate.errors import UsageError
from amigate.evidence.questions import Needs
from amigate.judge import catalogue

if TYPE_CHECKING:
    from amigate.check import Check
    from amigate.evidence.questions import Question
    from amigate.profile import Profile

_PATH = re.compile(r"/(?!/)[^\0\n\[\]\\]{1,4000}")
"""An absolute path, or a pattern that sh reads as we do."""


def rules_of(profile: Profile) -> dict[str, Check]:
    """Return every rule that `profile` judges, by id, in its order; raises UsageError for an id that is taken."""
    shipped = catalogue.checks()
    for test in profile.own:
        if test.id in shipped:
            raise UsageError(f"{test.place}: {test.id} is the id of a shipped rule", hint="Give the test another id.")
    own = {test.id: test.check for test in profile.own if test.id not in profile.off}
    return {rule: shipped[rule] for rule in profile.rules if rule not in own} | own


def needs_of(profile: Profile) -> tuple[Needs, ...]:
    """Return what must be collected for this profile beside what always is: what its rules ask for.

    Those are further facts, and digests of files that its settings name. Raises UsageError for a setting that names no
    absolute paths."""
    from amigate.facts.catalogue import FURTHER  # noqa: PLC0415 - facts are slow to import
    from amigate.facts.identities import asked_for  # noqa: PLC0415

    rules = rules_of(profile)
    wanted = frozenset[str]().union(*(check.facts for check in rules.values()))
    questions: dict[Question, None] = {}
    for rule, check in rules.items():
        if not check.digests_of:
            continue
        paths = profile.choice(rule).settings.get(check.digests_of, check.settings[check.digests_of])
        if not isinstance(paths, list | tuple) or not all(map(can_be_asked, paths)):
            raise UsageError(
                f"profile {profile.name}: {rule} wants a list of absolute paths as {check.digests_of}",
                hint="Each begins with a slash, goes without . and .. and may hold * and ?, such as /etc/app/*.key.",
            )
        questions |= dict.fromkeys(asked_for(path) for path in paths if isinstance(path, str))
    return *(fact.needs for fact in FURTHER if fact.name in wanted), Needs(first=tuple(questions))


def can_be_asked(path: object) -> bool:
    """Whether it is the one way to write an absolute path, by which what is collected is found again."""
    return isinstance(path, str) and _PATH.fullmatch(path) is not None and posixpath.normpath(path) == path

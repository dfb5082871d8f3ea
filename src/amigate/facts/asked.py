"""Who is asked: questions that a file system at rest alone is put, so that a running machine is spared them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.evidence.questions import Needs
from amigate.facts.host_keys import CLOCK

if TYPE_CHECKING:
    from amigate.evidence.model import View
    from amigate.evidence.questions import Question


def only_at_rest(*questions: Question) -> Needs:
    """Return the need of `questions` where no machine is running."""

    def then(view: View) -> tuple[Question, ...]:
        return questions if is_at_rest(view) else ()

    return Needs(first=(CLOCK,), then=then)


def is_at_rest(view: View) -> bool:
    """Whether it is a file system at rest that was looked at."""
    return view.is_at_rest(CLOCK.key)

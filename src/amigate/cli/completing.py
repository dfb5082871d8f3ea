"""What a shell offers for words that are no commands or flags: profiles, rules, topics, formats."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click

    Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def one_of(words: Iterable[str]) -> Completer:
    """Return what completes to one of `words`."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        del context, parameter
        return [CompletionItem(str(word)) for word in words if word.startswith(incomplete)]

    return complete


def profiles(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete to a shipped profile, or to a file."""
    from amigate.profile import shipped  # noqa: PLC0415 - slow to import

    found = [] if os.sep in incomplete else one_of(shipped())(context, parameter, incomplete)
    return found or [CompletionItem(incomplete, type="file")]


def topics(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete to a topic of rules."""
    from amigate.topics import topics as every  # noqa: PLC0415 - only here

    return one_of(every())(context, parameter, incomplete)


def rules(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete to the id of a rule, with its title."""
    del context, parameter
    from amigate.judge import catalogue  # noqa: PLC0415 - imports every check

    return [
        CompletionItem(rule, help=check.title)
        for rule, check in catalogue.checks().items()
        if rule.startswith(incomplete)
    ]

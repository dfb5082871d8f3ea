"""doas.conf: who may run which program, without its arguments and what is set in its environment."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from amigate.evidence.doas_grammar import statements, written
from amigate.evidence.redaction.kept import MOST_UNKNOWN, Kept, Mac, UnknownFormError, decoded, encoded, placeholder

if TYPE_CHECKING:
    from amigate.evidence.doas_grammar import DoasRule

_NAME = re.compile(r":?[\w.@$-]{1,256}", re.ASCII)
_PROGRAM = re.compile(r"[\w./@+-]{1,1024}", re.ASCII)


def policy(content: bytes, mac: Mac) -> Kept:
    """Keep the rules, by line number."""
    text = decoded(content)
    kept = [""] * (text.count("\n") + 1)
    unknown = 0
    for number, rule in statements(text):
        unknown += rule is None
        kept[number - 1] = placeholder(text.split("\n", number)[number - 1], mac) if rule is None else _rule(rule, mac)
        if unknown > MOST_UNKNOWN:
            raise UnknownFormError
    return Kept(content=encoded("\n".join(kept)))


def _rule(rule: DoasRule, mac: Mac) -> str:
    def shown(text: str, form: re.Pattern[str]) -> str:
        return text if not text or form.fullmatch(text) else placeholder(text, mac)

    return written(
        replace(
            rule,
            who=shown(rule.who, _NAME),
            run_as=shown(rule.run_as, _NAME),
            command=shown(rule.command, _PROGRAM),
        )
    )

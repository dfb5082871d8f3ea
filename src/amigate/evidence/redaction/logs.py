"""Settings of what sends logs: where to, and nothing else of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.evidence import log_grammar
from amigate.evidence.redaction.kept import Kept, Mac, decoded, encoded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from amigate.evidence.log_grammar import Target

_HOST = re.compile(r"[\w.:\[\]-]{1,255}", re.ASCII)
_PATH = re.compile(r"[\w./*?@+-]{1,1024}", re.ASCII)


def forwarding(content: bytes, mac: Mac) -> Kept:
    """Keep, line by line, the hosts that rsyslog or syslog-ng sends to as `sends HOST`, and `include PATH`."""
    del mac
    text = decoded(content)
    included = (
        (line, f"include {path if _PATH.fullmatch(path) else log_grammar.UNTOLD}")
        for line, path in log_grammar.includes(text)
    )
    return _lines(text, [*_sends(log_grammar.forwarding(text)), *included])


def agent_targets(content: bytes, mac: Mac) -> Kept:
    """Keep, line by line, the hosts that an agent sends to, and `account NAME` for another account's role or key."""
    del mac
    text = decoded(content)
    return _lines(text, _sends(log_grammar.agent_targets(text)))


def _sends(targets: Iterable[Target]) -> list[tuple[int, str]]:
    return [
        (each.line, f"{'account' if each.is_account else 'sends'} {each.host if _HOST.fullmatch(each.host) else '?'}")
        for each in targets
    ]


def _lines(text: str, found: Iterable[tuple[int, str]]) -> Kept:
    """Return what was found on the lines that it stands on, several divided by semicolons."""
    lines: dict[int, dict[str, None]] = {}
    for line, what in found:
        lines.setdefault(line, {})[what] = None
    count = text.count("\n") + 1
    return Kept(content=encoded("\n".join(";".join(lines.get(number, {})) for number in range(1, count + 1))))

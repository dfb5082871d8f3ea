"""PAM's files: stacks, controls and modules, without the arguments of modules."""

from __future__ import annotations

import re
from dataclasses import replace

from amigate.evidence.pam_grammar import statements, written
from amigate.evidence.redaction.kept import MOST_UNKNOWN, Kept, Mac, UnknownFormError, decoded, encoded, placeholder

_MODULE = re.compile(r"[\w./@+$-]{1,256}", re.ASCII)
_CONTROL = re.compile(r"[a-z_]{1,40}|\[[a-z0-9_= ]{0,400}\]")


def stacks(content: bytes, mac: Mac) -> Kept:
    """Keep what facts read of the stacks, by line number."""
    text = decoded(content)
    lines = text.split("\n")
    kept = ["#" if line.strip() else "" for line in lines]
    unknown = 0
    for number, said in statements(text):
        if said is None or not _CONTROL.fullmatch(said.control):
            unknown += 1
            kept[number - 1] = placeholder(lines[number - 1], mac)
        else:
            module = said.module if _MODULE.fullmatch(said.module) else "/" + placeholder(said.module, mac)
            kept[number - 1] = written(replace(said, module=module))
        if unknown > MOST_UNKNOWN:
            raise UnknownFormError
    return Kept(content=encoded("\n".join(kept)))

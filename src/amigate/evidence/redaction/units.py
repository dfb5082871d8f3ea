"""What starts sshd, and which units first boot enables: parts of units, of the files beside them, of presets."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from amigate.evidence import autologin
from amigate.evidence.redaction.kept import Kept, Mac, UnknownFormError, decoded, encoded, line_by_line, placeholder
from amigate.evidence.redaction.sshd import open_option
from amigate.evidence.sshd_start import VARIABLES, assigned, exec_starts

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROGRAM = re.compile(r"/[\w./-]{0,255}", re.ASCII)
_FLAGS = re.compile(r"(?P<alone>-[46DdeGiqRTt]*)(?P<letter>[a-zA-Z]?)(?P<value>.*)", re.DOTALL)
_VALUES = {
    **dict.fromkeys("bgkpu", re.compile(r"[0-9]{1,9}")),
    **dict.fromkeys("Ecfh", re.compile(r"/[\w./@%+-]{0,1023}", re.ASCII)),
}
"""Options of sshd(8) whose values are kept, by letter."""
_UNREADABLE = '"'
"""A quote that does not end: options that could not be read still cannot."""
_PATTERN = re.compile(r"[\w:.@\\*?\[\]!-]{1,255}", re.ASCII)
_VERBS = ("enable", "disable")


def sshd_start(content: bytes, mac: Mac) -> Kept:
    """Keep the command lines that start sshd, the variables with its options, and that a console is logged in."""
    text = decoded(content)
    kept = []
    for program, words in exec_starts(text):
        if not program:
            kept.append("ExecStart=")
            continue
        shown = program if _PROGRAM.fullmatch(program) else f"/{placeholder(program, mac)}/sshd"
        kept.append(f"ExecStart={shown} {_UNREADABLE if words is None else shlex.join(_options(words, mac))}".rstrip())
    for variable in VARIABLES:
        for words in assigned(text, variable):
            value = _UNREADABLE if words is None else shlex.quote(shlex.join(_options(words, mac)))
            kept.append(f"{variable}={value}")
    kept += autologin.kept(text)
    return Kept(content=encoded("".join(f"{line}\n" for line in kept)))


def consoles(content: bytes, mac: Mac) -> Kept:
    """Keep that a line logs somebody in at a console, with its number."""
    del mac
    return Kept(content=encoded("".join(f"{line}\n" for line in autologin.kept(decoded(content)))))


def presets(content: bytes, mac: Mac) -> Kept:
    """Keep what is enabled and disabled, by line; raises UnknownFormError where that is no pattern of units."""
    return line_by_line(content, _preset, mac)


def _preset(line: str) -> str | None:
    words = line.split() or [""]
    if words[0] in _VERBS and len(words) > 1:
        if not all(map(_PATTERN.fullmatch, words)):
            raise UnknownFormError
        return " ".join(words)
    return "#" if words[0].startswith(("#", ";")) else None


def _options(words: Sequence[str], mac: Mac) -> list[str]:
    """Return the options as getopt reads them, with placeholders for values that are no numbers, paths or settings."""
    kept: list[str] = []
    waiting = ""
    for word in words:
        found = _FLAGS.fullmatch(word)
        if waiting:
            kept.append(_value(waiting, word, mac))
            waiting = ""
        elif found is None or (found["value"] and not found["letter"]):
            kept.append(placeholder(word, mac))
        elif found["value"]:
            kept.append(found["alone"] + found["letter"] + _value(found["letter"], found["value"], mac))
        else:
            kept.append(word)
            waiting = found["letter"]
    return kept


def _value(letter: str, text: str, mac: Mac) -> str:
    if letter == "o":
        return open_option(text, mac)
    form = _VALUES.get(letter)
    return text if form is not None and form.fullmatch(text) else placeholder(text, mac)

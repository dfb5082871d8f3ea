"""sshd's configuration, what `sshd -T` and `sshd -t` print, and the command lines of its processes."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from amigate.evidence.redaction.kept import Kept, Mac, decoded, encoded, line_by_line, placeholder
from amigate.evidence.redaction.sshd_keywords import KEYWORDS
from amigate.evidence.sshd_grammar import setting, written

if TYPE_CHECKING:
    from collections.abc import Sequence

PLACE = re.compile(r"^(?P<path>/[!-~]{1,250}?):? line (?P<line>\d{1,7})\b", re.MULTILINE)
"""Where sshd says that an error is: `/etc/ssh/sshd_config: line 7: Bad configuration option: …`."""
NO_HOST_KEYS = "no hostkeys available"
NO_FOLDER = "Missing privilege separation directory"
"""What sshd says where it cannot test its configuration at all."""

_COMMANDS = {"forcecommand": 1, "authorizedkeyscommand": 1, "authorizedprincipalscommand": 1, "subsystem": 2}
"""Settings that hold a command line, and how many words of it are kept: the program, not its arguments."""
_TOKEN = re.compile(r"%[%a-zA-Z]|-[a-zA-Z]|none")
_MOST_PLACES = 1000
_FLAG = re.compile(r"-[A-Za-z46]{1,20}(?:[\w./:@%+,=-]{0,4096})", re.ASCII)
_VALUE = re.compile(r"[\w./:@%+,=][\w./:@%+,=-]{0,4096}", re.ASCII)
_OPTION = re.compile(r"(?P<flags>-[46DdeiqRtTG]*o)(?P<value>.*)", re.DOTALL)
_LISTENER = re.compile(r"sshd: (?P<command>[^\0]*?) \[listener\]")


def config(content: bytes, mac: Mac) -> Kept:
    """Keep the settings that are known, without comments."""
    return line_by_line(content, partial(_config_line, mac=mac), mac)


def effective(content: bytes, mac: Mac) -> Kept:
    """Keep what `sshd -T` prints: keyword, blank, value, unquoted."""
    return line_by_line(content, partial(_effective_line, mac=mac), mac)


def syntax_test(content: bytes, mac: Mac) -> Kept:
    """Keep the places that `sshd -t` names, and what keeps it from testing; not the lines that it quotes."""
    del mac
    text = decoded(content)
    lines = [f"{found['path']} line {found['line']}" for found in PLACE.finditer(text)][:_MOST_PLACES]
    lines += [each for each in (NO_HOST_KEYS, NO_FOLDER) if each in text]
    return Kept(content=encoded("".join(f"{line}\n" for line in lines)))


def processes(content: bytes, mac: Mac) -> Kept:
    r"""Keep the records of processes that run sshd: executable, \1, command line, \2."""
    kept = []
    for record in decoded(content).split("\2"):
        executable, _, line = record.partition("\1")
        program = executable.strip("\n")
        if program.removesuffix(" (deleted)").rpartition("/")[2] == "sshd":
            kept.append(f"{program}\1{_command_line(line, mac)}\2")
    return Kept(content=encoded("".join(kept)))


def _config_line(line: str, mac: Mac) -> str | None:
    found = setting(line)
    if found is None:
        return "#" if line.lstrip().startswith("#") else None
    keyword, words = found
    return written(keyword, _open_words(keyword, words, mac)) if keyword in KEYWORDS else None


def _effective_line(line: str, mac: Mac) -> str | None:
    keyword, _, value = line.partition(" ")
    name = keyword.lower()
    if name not in KEYWORDS:
        return None
    if name in _COMMANDS or name == "setenv":
        value = " ".join(_open_words(name, value.split(), mac))
    return f"{keyword} {value}"


def _open_words(keyword: str, words: Sequence[str], mac: Mac) -> Sequence[str]:
    """Return the words of a setting, with placeholders for those that may be secrets."""
    if keyword == "setenv":
        return [_variable(word, mac) for word in words]
    if keyword == "match":
        return _conditions(words, mac)
    if keyword in _COMMANDS:
        shown = _COMMANDS[keyword]
        # One quoted word may hold the whole command line: of that, the program.
        programs = [part for word in words[:shown] for part in word.split()[:1]]
        rest = [part for word in words[:shown] for part in word.split()[1:]] + list(words[shown:])
        return [*programs, *(word if _TOKEN.fullmatch(word) else placeholder(word, mac) for word in rest)]
    return words


def _variable(word: str, mac: Mac) -> str:
    name, equals, value = word.partition("=")
    return f"{name}={placeholder(value, mac)}" if equals else placeholder(word, mac)


def _conditions(words: Sequence[str], mac: Mac) -> list[str]:
    """Return a Match's words; what follows `exec` is a command, in whichever of sshd's spellings."""
    kept: list[str] = []
    hidden = False
    for word in words:
        name, _, value = word.partition("=")
        if hidden and word != "=":
            kept.append(("=" if word.startswith("=") else "") + placeholder(word, mac))
            hidden = False
        elif name.lower().lstrip("!") == "exec":
            kept.append(f"{name}={placeholder(value, mac)}" if value else word)
            hidden = not value
        else:
            kept.append(word)
    return kept


def _command_line(line: str, mac: Mac) -> str:
    """Return the command line of a listening sshd; of a process that serves a session, only that it is one."""
    if title := _LISTENER.match(line):
        return f"sshd: {' '.join(_arguments(title['command'].split(), mac))} [listener]"
    if line.startswith("sshd: "):
        return "sshd: "
    return "\0".join(_arguments(line.split("\0"), mac))


def _arguments(words: Sequence[str], mac: Mac) -> list[str]:
    kept: list[str] = []
    after_o = False
    for word in words:
        option = _OPTION.fullmatch(word)
        if after_o:
            kept.append(open_option(word, mac))
        elif option and option["value"]:
            kept.append(option["flags"] + open_option(option["value"], mac))
        elif _FLAG.fullmatch(word) or _VALUE.fullmatch(word) or not word:
            kept.append(word)
        else:
            kept.append(placeholder(word, mac))
        after_o = not after_o and option is not None and not option["value"]
    return kept


def open_option(text: str, mac: Mac) -> str:
    """Return the value of -o as it is, where it is a known setting without a secret; one word else."""
    found = setting(text)
    is_open = found is not None and found[0] in KEYWORDS and list(_open_words(*found, mac)) == list(found[1])
    return text if is_open else placeholder(text, mac)

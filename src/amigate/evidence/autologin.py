"""Lines of units and of what starts consoles elsewhere by which nobody is asked who they are.

agetty(8), https://man7.org/linux/man-pages/man8/agetty.8.html; inittab of busybox and of SysV; sulogin in
https://www.freedesktop.org/software/systemd/man/systemd-sulogin-shell.html"""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from typing import TYPE_CHECKING

from amigate.evidence.continued import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LOGIN = "agetty --autologin"
"""How a line that logs somebody in is kept."""
RESCUE = "SYSTEMD_SULOGIN_FORCE=1"
SHELLS = {"ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "sh", "tcsh", "zsh"}

_GETTY = re.compile(r"(?:^|[\s/=:'\"@!+-])(?:a|min|f|m)?getty\b(?P<options>.*)")
_LONG = re.compile(r"--autologin\b")
_LOGIN = re.compile(r"(?:^|[\s/=:'\"@!+-])login\s(?:.*\s)?-[a-z]*f\b")
_LOGIN_OPTIONS = re.compile(r"(?:-o|--login-options)[\s=]*(?P<quote>['\"]?)(?:(?!(?P=quote)).)*\s?-f\b")
_RESCUE = re.compile(r"\bSYSTEMD_SULOGIN_FORCE=['\"]?(?:1|y|yes|t|true|on)\b", re.IGNORECASE)
_INITTAB = re.compile(r"[^:\s]*:[^:\s]*:(?:respawn|askfirst|once|wait):-?(?P<program>/\S+)(?P<rest>.*)")
_LONGEST = 8192
_WITH_VALUE = set("CdfHIloPrtw")
"""Options of agetty behind which the rest of a word is a value."""


def logins(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number of each line that says so, and what it says: LOGIN or RESCUE."""
    for number, line in joined(text):
        if not line.lstrip().startswith(("#", ";")):
            if logs_in(line.removesuffix("\\")):
                yield number, LOGIN
            if _RESCUE.search(line):
                yield number, RESCUE


def kept(text: str) -> list[str]:
    """Return those lines as they are kept."""
    return [f"{number}: {what}" for number, what in logins(text)]


def read(text: str) -> Iterator[tuple[int, str]]:
    """Undo `kept`; whatever else is in the text is passed over."""
    for line in text.split("\n"):
        if (found := re.fullmatch(rf"(\d+): ({LOGIN}|{RESCUE})", line)) is not None:
            yield int(found[1]), found[2]


def logs_in(line: str) -> bool:
    """Whether a line starts a console that is logged in, or a shell on one."""
    if "getty" not in line and "login" not in line and ":/" not in line and ":-/" not in line:
        return False
    if len(line) > _LONGEST:
        return True  # nobody writes such a line to be read
    if _LONG.search(line) or _LOGIN.search(line):
        return True
    if (tab := _INITTAB.fullmatch(line.strip())) is not None and tab["program"].rpartition("/")[2] in SHELLS - {
        "busybox"
    }:
        return True
    getty = _GETTY.search(line)
    return getty is not None and (_LOGIN_OPTIONS.search(getty["options"]) is not None or _options(getty["options"]))


def _options(text: str) -> bool:
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    return any(_is_autologin(word) for word in words) or _program(words) not in ("", "login")


def _is_autologin(word: str) -> bool:
    if word.startswith("--"):
        return len(word) > len("--") and "--autologin".startswith(word.partition("=")[0])
    if not word.startswith("-"):
        return False
    for letter in word[1:]:
        if letter == "a":
            return True
        if letter in _WITH_VALUE:
            return False
    return False


def _program(words: Sequence[str]) -> str:
    """Return the name of what is started in the place of login(1); empty where nothing is."""
    for word, following in pairwise([*words, ""]):
        if word in ("-l", "--login-program"):
            return following.rpartition("/")[2]
        if word.startswith("--login-program="):
            return word.rpartition("/")[2]
    return ""

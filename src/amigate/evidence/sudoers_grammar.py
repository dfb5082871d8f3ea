"""Reading one sudoers file: logical lines, aliases, Defaults, user specifications, includes.

The grammar is that of sudoers(5), https://www.sudo.ws/docs/man/sudoers.man/"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

TAG = re.compile(r"(NO)?(EXEC|PASSWD|SETENV|LOG_INPUT|LOG_OUTPUT|MAIL|FOLLOW|INTERCEPT)\s*:\s*")
_OPTION = re.compile(r"(ROLE|TYPE|APPARMOR_PROFILE|PRIVS|LIMITPRIVS|TIMEOUT|NOTBEFORE|NOTAFTER|CWD|CHROOT|D)\s*=\s*")
_VALUE = re.compile(r'"[^"]*"|(?:\\.|[^\s,:])+\s*')
_RUNAS = re.compile(r"\(([^()]*)\)\s*")
_DIGEST = re.compile(r"sha(?:224|256|384|512)\s*:\s*[A-Za-z0-9+/=]+\s*")
_COLON = re.compile(rf'"[^"]*"|\([^()]*\)|\\.|(?<![\w/]){TAG.pattern}|{_DIGEST.pattern}|:', re.DOTALL)
_INCLUDE = re.compile(r"[@#](include|includedir)[ \t]+(\S.*)")
_ALIAS = re.compile(r"(User|Runas|Host|Cmnd|Cmd)_Alias\s+(.*)", re.DOTALL)
_DEFAULTS = re.compile(r"Defaults(?:([@:!>])\s*(\S+)|(?=\s))\s*(.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """That somebody may run something: one command of a user specification."""

    path: str
    line: int
    users: tuple[str, ...]
    """Names, `%group`, `#uid`, `%#gid`, `+netgroup`, `ALL`; a `!` in front excludes."""
    hosts: tuple[str, ...]
    run_as: str
    """Users and groups as written; empty for root."""
    command: str
    """As written, with its arguments, or a placeholder where they are not kept; `!` in front forbids it."""
    asks: bool | None
    """Whether PASSWD or NOPASSWD stands before it; None where neither does and Defaults decide."""


@dataclass(frozen=True, kw_only=True)
class Default:
    """A parameter of a Defaults line."""

    path: str
    line: int
    text: str
    """As written, without blanks around it."""
    scope: str = ""
    """For whom, where or what it holds, as written: `:bob`, `@host`, `>root`, `!/bin/ls`; empty where for all."""


@dataclass(kw_only=True)
class Parsed:
    """What a file says, in its order."""

    rules: list[Rule] = field(default_factory=list)
    defaults: list[Default] = field(default_factory=list)
    user_aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    includes: list[tuple[str, str, int]] = field(default_factory=list)
    """`include` or `includedir`, the path as written, and the line."""


def parse(text: str, path: str) -> Parsed:
    """Read a file; raises InconclusiveError for a line in no known form."""
    parsed = Parsed()
    for number, line in lines(text):
        said = statement(line, path, number)
        parsed.rules += said.rules
        parsed.defaults += said.defaults
        parsed.user_aliases |= said.user_aliases
        parsed.includes += said.includes
    return parsed


def statement(line: str, path: str, number: int) -> Parsed:
    """Read one logical line; raises InconclusiveError for one in no known form."""
    if (include := _INCLUDE.fullmatch(line.strip())) is not None:
        return Parsed(includes=[(include[1], _path(include[2]), number)])
    content = " ".join(_without_comment(line).split())
    if (alias := _ALIAS.fullmatch(content)) is not None:
        return Parsed(user_aliases=_aliases(alias[2], path, number) if alias[1] == "User" else {})
    if (defaults := _DEFAULTS.fullmatch(content)) is not None:
        scope = f"{defaults[1]}{defaults[2]}" if defaults[1] else ""
        found = [Default(path=path, line=number, text=each, scope=scope) for each in split(defaults[3], ",")]
        return Parsed(defaults=found)
    return Parsed(rules=list(_rules(content, path, number)) if content else [])


def split(text: str, separator: str) -> list[str]:
    """Split at `separator` outside of quotes, parentheses and escapes; parts are stripped, empty ones left out."""
    parts = re.findall(rf'(?:"[^"]*"|\([^()]*\)|\\.|[^{re.escape(separator)}])+', text, re.DOTALL)
    return [part.strip() for part in parts if part.strip()]


def lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each logical line with the number of its first; a backslash at the end continues it."""
    number, parts = 1, list[str]()
    for at, line in enumerate(text.split("\n"), 1):
        number = number if parts else at
        if line.endswith("\\") and not (line.lstrip().startswith("#") and not parts):
            parts.append(line[:-1])
            continue
        yield number, " ".join([*parts, line]).rstrip("\r")
        parts = []
    if parts:
        yield number, " ".join(parts)


def _without_comment(line: str) -> str:
    """Cut a comment off: a `#` that is neither quoted, nor escaped, nor in front of a user id."""
    for match in re.finditer(r'"[^"]*"|\\.|#-?\d+(?=[\s,:=)]|$)|%#\d+|#', line):
        if match[0] == "#":
            return line[: match.start()]
    return line


def _path(text: str) -> str:
    """Return the path of an include without its quotes and escapes."""
    quoted = re.match(r'"([^"]*)"', text)
    return quoted[1] if quoted else re.sub(r"\\(.)", r"\1", text)


def _words(text: str) -> tuple[str, ...]:
    """Return the members of a list, without quotes and escapes."""
    return tuple(re.sub(r"\\(.)", r"\1", word.replace('"', "")) for word in split(text, ","))


def _aliases(text: str, path: str, line: int) -> dict[str, tuple[str, ...]]:
    found = {}
    for part in split(text, ":"):
        name, equals, members = part.partition("=")
        if not equals:
            raise InconclusiveError(f"{path}:{line} has an alias in no form that is known here")
        found[name.strip()] = _words(re.sub(r"!\s+", "!", members))
    return found


def _rules(content: str, path: str, line: int) -> Iterator[Rule]:
    """Read `users hosts = commands : hosts = commands …`; raises InconclusiveError for anything else."""
    head = re.match(r'((?:"[^"]*"|\\.|[^=\\"])+)=\s*(.*)', content, re.DOTALL)
    who = _halves(head[1]) if head else []
    if head is None or len(who) != 2:  # noqa: PLR2004 - users and hosts
        raise InconclusiveError(f"{path}:{line} is in no form of sudoers that is known here")
    users = _words(who[0])
    for hosts, commands in _sections(f"{who[1]}={head[2]}"):
        if not users or not hosts:  # sudo refuses that
            raise InconclusiveError(f"{path}:{line} says not for whom, or not where")
        run_as, asks = "", None
        for item in split(commands, ","):
            run_as, asks, command = _prefixes(item, run_as, asks)
            if command:
                yield Rule(path=path, line=line, users=users, hosts=hosts, run_as=run_as, command=command, asks=asks)


def _halves(text: str) -> list[str]:
    """Part users from hosts: two lists with a blank between them, and blanks around commas and behind `!`."""
    dense = re.sub(r" ?, ?", ",", text.replace("! ", "!").strip())
    return re.findall(r'(?:"[^"]*"|\\.|\S)+', dense)


def _prefixes(command: str, run_as: str, asks: bool | None) -> tuple[str, bool | None, str]:  # noqa: FBT001 - what holds so far
    """Take what stands in front of a command off: run-as, tags, options, digests; the first two hold for the next."""
    while True:
        if (match := _RUNAS.match(command)) is not None:
            run_as = match[1].strip()
        elif (match := TAG.match(command)) is not None:
            asks = match[1] is None if match[2] == "PASSWD" else asks
        elif (match := _OPTION.match(command)) is not None:
            match = _VALUE.match(command, match.end()) or match
        elif (match := _DIGEST.match(command)) is None:
            return run_as, asks, command
        command = command[match.end() :]


def _sections(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield hosts and commands of each `hosts = commands`; a colon that is neither escaped nor a tag's parts them."""
    ends = [match.start() for match in _COLON.finditer(text) if match[0] == ":"]
    for start, end in pairwise([-1, *ends, len(text)]):
        hosts, _, commands = text[start + 1 : end].partition("=")
        yield _words(hosts), commands

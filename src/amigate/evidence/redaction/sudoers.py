"""sudoers: who may run which program as whom, without programs' arguments, and the names of Defaults.

Each logical line is read as facts read it and written anew, so that it reads the same; a line in no known form stays
one. https://www.sudo.ws/docs/man/sudoers.man/"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.redaction.kept import MOST_UNKNOWN, Kept, Mac, UnknownFormError, decoded, encoded, placeholder
from amigate.evidence.redaction.sudoers_defaults import NAMES
from amigate.evidence.sudoers_grammar import TAG, Parsed, lines, statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from amigate.evidence.sudoers_grammar import Default, Rule

# A name, `%group`, `%:group`, `#uid`, `%#gid`, `+netgroup`; as it is without quotes and escapes.
_USER = re.compile(r"!*(?:%:?#?|#|\+)?[\w.@$-](?:[\w.@$\\ -]{0,254}[\w.@$-])?")
_HOST = re.compile(r"!*\+?[\w.:/*?-]{1,255}")
_RUN_AS = re.compile(r"(?:[\w%+@!., :$-]|#(?=-?[0-9]+(?:[,: ]|$))){0,1024}")
_ALIAS = re.compile(r"[A-Z][A-Z0-9_]{0,255}")
_PATH = re.compile(r"/?[\w./%@+~-]{1,1024}(?: [\w./%@+~-]{1,1024})*")
_COMMAND = re.compile(r"((?:! ?)*)((?:\\.|[^\s\\])+)(.*)", re.DOTALL)
# As written: what parts commands from each other is escaped. `*` and `?` are wildcards.
_PROGRAM = re.compile(r"(?:/(?:[\w./*?@+~%-]|\\[,:= ]){0,1023}|ALL|sudoedit|list|[A-Z][A-Z0-9_]{0,255})")
_OPEN_RULE = re.compile(r"ALL ?= ?(?:\([\w:, ]{0,256}\) ?)?(?:(?:NO)?PASSWD ?: ?)?ALL")
_ARGUMENTS = {"", '""', "*"}
_DEFAULT = re.compile(r"(?P<no>(?:! ?)*)(?P<name>[a-z_0-9]+)(?: ?(?P<sign>[+-]?=) ?(?P<value>.*))?", re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,9}")
_SCOPE = re.compile(r"[@:!>][\w.%#+@,!/*-]{1,1024}")


def policy(content: bytes, mac: Mac) -> Kept:
    """Keep what facts read of a policy, by line number."""
    text = decoded(content)
    kept = [""] * (text.count("\n") + 1)
    unknown = 0
    for number, line in lines(text):
        try:
            said = statement(line, "", number)
        except InconclusiveError:
            unknown += 1
            kept[number - 1] = placeholder(line, mac)
        else:
            kept[number - 1] = _written(said, mac) or ("#" if line.strip() else "")
        if unknown > MOST_UNKNOWN:
            raise UnknownFormError
    return Kept(content=encoded("\n".join(kept)))


def rule(text: str, mac: Mac) -> str:
    """Return what is kept of a rule without its users, as cloud-init's `sudo` has it."""
    if _OPEN_RULE.fullmatch(text):
        return text
    try:
        said = statement(f"_ {text}", "", 1)
    except InconclusiveError:
        return placeholder(text, mac)
    is_rule = said.rules and all(each.users == ("_",) for each in said.rules)
    return " : ".join(_rule(each, mac) for each in said.rules) if is_rule else placeholder(text, mac)


def _written(said: Parsed, mac: Mac) -> str:
    """Return a line that reads as `said`, without what is not kept; empty for one that says nothing."""
    for kind, path, _ in said.includes:
        if not _PATH.fullmatch(path):
            raise UnknownFormError
        return f'@{kind} "{path}"'
    if said.user_aliases:
        return "User_Alias " + _aliases(said.user_aliases, mac)
    if said.defaults:
        return _defaults(said.defaults, mac)
    if said.rules:
        return _names(said.rules[0].users, _USER, mac) + " " + " : ".join(_rule(each, mac) for each in said.rules)
    return ""


def _aliases(aliases: Mapping[str, Sequence[str]], mac: Mac) -> str:
    if not all(map(_ALIAS.fullmatch, aliases)):
        raise UnknownFormError
    return " : ".join(f"{name} = {_names(members, _USER, mac)}" for name, members in aliases.items())


def _rule(rule: Rule, mac: Mac) -> str:
    """Return one command with all that holds for it: `hosts = (users) NOPASSWD: program arguments`."""
    run_as = f"({_run_as(rule.run_as, mac)}) " if rule.run_as else ""
    tag = {None: "", True: "PASSWD: ", False: "NOPASSWD: "}[rule.asks]
    return f"{_names(rule.hosts, _HOST, mac)} = {run_as}{tag}{_command(rule.command, mac)}"


def _names(names: Sequence[str], form: re.Pattern[str], mac: Mac) -> str:
    escape = partial(re.sub, r"[^\w.@%+!$/*?()-]", r"\\\g<0>")
    return ",".join(escape(name) if form.fullmatch(name) else placeholder(name, mac) for name in names)


def _run_as(text: str, mac: Mac) -> str:
    return text if _RUN_AS.fullmatch(text) else placeholder(text, mac).strip("()")


def _command(text: str, mac: Mac) -> str:
    """Return the program, and a placeholder for its arguments."""
    found = _COMMAND.fullmatch(text)
    if found is None:
        return "/" + placeholder(text, mac)
    negated, program, arguments = "!" * found[1].count("!"), found[2], found[3].strip()
    if not _PROGRAM.fullmatch(program) or TAG.match(f"{program}:"):
        program = "/" + placeholder(program, mac)
    shown = arguments if arguments in _ARGUMENTS else placeholder(arguments, mac)
    return f"{negated}{program} {shown}".rstrip()


def _defaults(defaults: Sequence[Default], mac: Mac) -> str:
    scope = defaults[0].scope
    shown = scope if not scope or _SCOPE.fullmatch(scope) else scope[0] + placeholder(scope, mac)
    return f"Defaults{shown} " + ", ".join(_default(each.text, mac) for each in defaults)


def _default(text: str, mac: Mac) -> str:
    found = _DEFAULT.fullmatch(text)
    if found is None or found["name"] not in NAMES:
        return placeholder(text, mac)
    named = "!" * found["no"].count("!") + found["name"]
    if found["sign"] is None:
        return named
    value = found["value"]
    return f"{named}{found['sign']}{value if _NUMBER.fullmatch(value) else placeholder(value, mac)}"

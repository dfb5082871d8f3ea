"""Rules of sudoers are read as sudo's own cvtsudoers reads them, with aliases of users resolved."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from amigate.evidence.questions import Needs
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts.sudoers import NEEDS, Sudoers
from amigate.sources.directory import read_directory

if TYPE_CHECKING:
    from pathlib import Path

_KINDS = {"username": "", "usergroup": "%", "userid": "#", "usergid": "%#", "netgroup": "+", "useralias": ""}


def _names(items: list[dict[str, Any]]) -> tuple[str, ...]:
    names = []
    for item in items:
        negated = "!" if item.get("negated") else ""
        kind = next(each for each in item if each != "negated")
        names.append(f"{negated}{_KINDS.get(kind, '')}{item[kind]}")
    return tuple(names)


def told_by_sudo(path: Path) -> list[tuple[Any, ...]]:
    """Return users, hosts, command and whether a password is asked for, by `cvtsudoers`."""
    program = shutil.which("cvtsudoers")
    assert program is not None, "install the package sudo"
    done = subprocess.run([program, "-e", "-f", "json", path], capture_output=True, text=True, check=True)
    found = []
    for spec in json.loads(done.stdout).get("User_Specs", []):
        for commands in spec["Cmnd_Specs"]:
            options = {name: value for option in commands.get("Options", []) for name, value in option.items()}
            for command in commands["Commands"]:
                negated = "!" if command.get("negated") else ""
                name = command.get("command") or f"sudoedit {command['sudoedit']}"
                found.append(
                    (
                        _names(spec["User_List"]),
                        _names(spec["Host_List"]),
                        negated + name,
                        options.get("authenticate"),
                        (
                            _names(commands.get("runasusers", [])),
                            tuple(name.removeprefix("%") for name in _names(commands.get("runasgroups", []))),
                        ),
                    )
                )
    return found


def told_here(folder: Path, redactor: Redactor | None = None) -> list[tuple[Any, ...]]:
    (folder / "etc").mkdir(exist_ok=True)
    rules = Sudoers.read(read_directory(folder, [NEEDS, Needs()], redactor=redactor)).rules
    return [(rule.users, rule.hosts, rule.command, rule.asks, _run_as(rule.run_as)) for rule in rules]


def _programs(rules: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return the rules with programs alone, and whether arguments are said: these are not kept."""
    return [(*rule[:2], rule[2].split(" ")[0], " " in rule[2], *rule[3:]) for rule in rules]


def _run_as(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    users, _, groups = text.partition(":")
    first, second = (tuple(name.strip() for name in part.split(",") if name.strip()) for part in (users, groups))
    return first, second


BY_HAND = [
    "root ALL=(ALL:ALL) ALL",
    "%sudo\tALL=(ALL:ALL) ALL # as Debian has it",
    "bob ALL=(ALL) NOPASSWD:ALL",
    "bob ALL = (ALL) NOPASSWD : ALL",
    "bob,eve , %wheel ALL=(root) /bin/ls, NOPASSWD: /bin/cat /etc/x, PASSWD: /bin/rm",
    "bob a, b = NOPASSWD: /bin/ls : c = /bin/rm, !/bin/sh : d,e = (www, git : adm) NOEXEC: NOPASSWD: ALL",
    "#1000, %#100, +net ALL = sudoedit /etc/motd",
    "User_Alias A = bob, %x : B = A, eve\nB ALL = ALL\nA ALL = NOPASSWD: ALL",
    "User_Alias A = bob, !eve\n!A, ALL ALL = ALL",
    'Defaults env_reset, !authenticate\nDefaults:bob !authenticate\nDefaults secure_path="/bin:/sbin"\nbob ALL = ALL',
    "bob ALL = \\\n  (ALL) \\\n  NOPASSWD: ALL\n",
    "bob ALL = NOPASSWD: SETENV: /bin/true -a b c, LOG_OUTPUT: /bin/x",
    "Runas_Alias R = www\nHost_Alias H = a, b\nCmnd_Alias C = /bin/ls\nDefaults!/bin/ls !authenticate\nbob ALL=ALL",
    "Defaults !authenticate\nbob ALL = ALL",
    "## a comment \\\nbob ALL=ALL",
    "#includedir /etc/sudoers.d\nbob ALL=ALL",
]


@pytest.mark.parametrize("text", BY_HAND)
def test_rules_are_read_as_sudo_does(tmp_path: Path, text: str) -> None:
    (tmp_path / "etc").mkdir()
    path = tmp_path / "etc/sudoers"
    path.write_text(text + "\n")
    assert told_here(tmp_path) == told_by_sudo(path)
    assert _programs(told_here(tmp_path, Redactor())) == _programs(told_by_sudo(path))


def _policy(chance: random.Random) -> str:
    def some(choices: list[str], most: int = 3) -> str:
        return chance.choice([", ", ",", " , "]).join(
            chance.sample(choices, chance.randint(1, min(most, len(choices))))
        )

    def command() -> str:
        tags = chance.choice(["", "", "NOPASSWD: ", "NOPASSWD:", "PASSWD: ", "NOEXEC: NOPASSWD: ", "SETENV: "])
        program = chance.choice(["ALL", "/bin/ls", "/bin/cat /etc/x", "!/bin/sh", "/usr/bin/a -b --c", "/opt/d/"])
        return chance.choice(["", "", "(root) ", "(ALL:ALL) ", "(www,git) ", "(:adm) "]) + tags + program

    def section() -> str:
        equals = chance.choice(["=", " = ", "= "])
        return (
            some(["ALL", "web1", "!db", "10.0.0.0/8"])
            + equals
            + ", ".join(command() for _ in range(chance.randint(1, 4)))
        )

    lines = [
        f"User_Alias ONE = {some(['bob', 'eve', '%x', '!mallory'])}",
        f"User_Alias TWO = ONE, {some(['ann', '#7'])}",
    ]
    for _ in range(6):
        users = some(["bob", "%wheel", "ALL", "ONE", "TWO", "!eve", "#1000", "+net"])
        sections = " : ".join(section() for _ in range(chance.choice([1, 1, 2, 3])))
        lines.append(f"{users} {sections}" + chance.choice(["", " ", " # why", "\t#NOPASSWD: ALL"]))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("seed", range(40))
def test_made_up_policies_are_read_as_sudo_does(tmp_path: Path, seed: int) -> None:
    (tmp_path / "etc").mkdir()
    path = tmp_path / "etc/sudoers"
    path.write_text(_policy(random.Random(seed)))  # noqa: S311 - the same policies on every run
    assert told_here(tmp_path) == told_by_sudo(path), path.read_text()
    assert _programs(told_here(tmp_path, Redactor())) == _programs(told_by_sudo(path)), path.read_text()

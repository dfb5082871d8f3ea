"""Whenever a real sshd would take a password from anybody, the fact says so, or says that it cannot tell.

The oracle is brute force: the server itself, asked about every user from every address of a grid that the fact knows
nothing of. What counts is one direction: a password taken anywhere must not end as a pass.
"""

from __future__ import annotations

import random
import re
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from amigate.check import InconclusiveError
from amigate.evidence.collector import _following
from amigate.evidence.model import Answer, Entry, Kind, View
from amigate.evidence.questions import Glob, ReadFile, Run
from amigate.facts.sshd import NEEDS, PROCESSES, PROGRAM, Sshd

if TYPE_CHECKING:
    from collections.abc import Iterable

USERS = {"root": 0, "daemon": 1, "sys": 3, "games": 60, "nobody": 65534}
"""Accounts of every Debian, with groups of the same names but for `nobody`."""
ADDRESSES = [
    "10.0.0.1",
    "10.0.0.200",
    "10.1.2.3",
    "10.255.255.254",
    "192.168.1.1",
    "192.168.2.9",
    "203.0.113.5",
    "203.0.113.6",
    "8.8.8.8",
    "127.0.0.1",
    "172.31.9.9",
    "2001:db8:1::1",
    "2600::1",
]
LOCALS = ["192.0.2.10", "10.9.9.9"]
PORTS = ["22", "2222"]
HOSTS = ["client.example.com", "host.trusted.org", "evil.net"]


def sees(machine: Any) -> Sshd:
    """Return the fact, collected as the collector does, round by round."""
    passwd = "".join(f"{name}:x:{uid}:{uid}::/:/bin/sh\n" for name, uid in USERS.items())
    contents = {"/etc/passwd": passwd, "/etc/shadow": ""}
    contents |= {f"/etc/ssh/{name}": text for name, text in machine.files.items()}
    entries = {
        path: Entry(path=path, kind=Kind.FILE, mode=0o644, uid=0, gid=0, size=0, mtime_s=0, content=text.encode())
        for path, text in contents.items()
    }
    answers = {
        PROGRAM.key: Answer(command="", exit_code=0, stdout=f"{machine.program}\n".encode(), stderr=b""),
        PROCESSES.key: Answer(
            command="", exit_code=0, stdout=f"{machine.program}\n\1{machine.program}\0-D\0\2".encode(), stderr=b""
        ),
    }
    view = View(entries=entries, answers=answers, globbed=frozenset({"/etc/ssh/sshd_config.d/*.conf"}))
    asked: set[Any] = set(NEEDS.first)
    for _ in range(6):
        new = [question for question in _following(NEEDS, view) if question not in asked]
        asked.update(new)
        globbed = {each.pattern for each in new if isinstance(each, Glob)}
        absent = {each.path for each in new if isinstance(each, ReadFile) and each.path not in entries}
        runs = [each for each in new if isinstance(each, Run)]
        told = machine.run_all(each.command for each in runs) if runs else []
        answers |= {
            each.key: Answer(command=each.command, exit_code=code, stdout=out.encode(), stderr=b"")
            for each, (code, out) in zip(runs, told, strict=True)
        }
        view = View(entries=entries, answers=answers, globbed=view.globbed | globbed, absent=view.absent | absent)
    return Sshd.read(view)


def values_on_grid(machine: Any, keyword: str) -> set[str]:
    """Return every value that sshd has for `keyword` on the grid, in the dimensions that the files speak of.

    Empty where sshd refuses the configuration.
    """
    text = "".join(machine.files.values()).lower()

    def choices(all_: Iterable[str], *words: str) -> list[str]:
        values = list(all_)
        return values if any(re.search(rf"\b{word}\b", text) for word in words) else values[:1]

    grid = product(
        choices(USERS, "user", "group"),
        choices(ADDRESSES, "address"),
        choices(LOCALS, "localaddress"),
        choices(PORTS, "localport"),
        choices(HOSTS, "host"),
    )
    answers = machine.run_all(
        f"{machine.program} -T -C user={user},addr={addr},host={host},laddr={laddr},lport={port}"
        for user, addr, laddr, port, host in grid
    )
    lines = [line.partition(" ") for code, out in answers if code == 0 for line in out.splitlines()]
    return {value for name, _, value in lines if name == keyword}


NO = "PasswordAuthentication no\n"
YES = "PasswordAuthentication yes\n"

BY_HAND = [
    {"sshd_config": YES},
    {"sshd_config": ""},
    {"sshd_config": f"{NO}Match Address 10.0.0.0/8\n{YES}"},
    {"sshd_config": f"{NO}Match Address 203.0.113.5\n{YES}"},
    {"sshd_config": f"{NO}Match Address *,!203.0.113.0/24\n{NO}Match Address 203.0.113.5\n{YES}"},
    {"sshd_config": f"Match Address 10.0.0.0/24\n{NO}Match Address 10.0.0.0/8\n{YES}Match all\n{NO}"},
    {"sshd_config": f"{YES}Match Address *,!203.0.113.5\n{NO}"},
    {"sshd_config": f"Match Address !203.0.113.5,*\n{NO}"},
    {"sshd_config": f"{NO}Match Address=192.168.*\n{YES}"},
    {"sshd_config": f"{NO}Match User=games\n{YES}"},
    {"sshd_config": f"{NO}Match User = games\n{YES}"},
    {"sshd_config": f'{NO}Match User "root,games" Address 10.0.0.0/8\n{YES}'},
    {"sshd_config": f"{NO}Match Group games\n{YES}"},
    {"sshd_config": f"{NO}Match Group games,!root User *\n{YES}"},
    {"sshd_config": f"{NO}Match User g*s,!daemon\n{YES}"},
    {"sshd_config": f"{NO}Match User *,!root\n{YES}"},
    {"sshd_config": f"{NO}Match LocalPort 2222\n{YES}"},
    {"sshd_config": f"{NO}Match LocalAddress 10.0.0.0/8\n{YES}"},
    {"sshd_config": f"{NO}Match Host *.trusted.org,*.net\n{YES}"},
    {"sshd_config": f"{NO}Match all\n{YES}"},
    {"sshd_config": f"{NO}Match Address 2001:db8::/32\n{YES}"},
    {"sshd_config": f"{NO}Match User sys LocalPort 2222 Address 10.1.0.0/16\n{YES}"},
    {"sshd_config": f"Include sshd_config.d/*.conf\n{NO}", "sshd_config.d/50-cloud-init.conf": YES},
    {"sshd_config": f"Include /etc/ssh/sshd_config.d/*.conf\n{YES}", "sshd_config.d/00-amigate.conf": NO},
    {
        "sshd_config": f"{NO}Include more/a.conf\n",
        "more/a.conf": "Include more/b.conf",
        "more/b.conf": f"Match User games\n{YES}",
    },
    {"sshd_config": f"{NO}Match Address 10.0.0.0/8\nInclude more/a.conf\n", "more/a.conf": YES},
    {
        "sshd_config": f"{NO}Match Address 10.0.0.0/8\nInclude more/a.conf\n",
        "more/a.conf": f"Match LocalPort 2222\n{YES}",
    },
    {"sshd_config": f"{NO}Include more/with#hash.conf\n", "more/with#hash.conf": f"Match User sys\n{YES}"},
    {"sshd_config": f'{NO}Include "more/with blank.conf"\n', "more/with blank.conf": f"Match User sys\n{YES}"},
    {"sshd_config": f"{NO}Include more/[!x]*.conf\n", "more/a.conf": f"Match User sys\n{YES}"},
    {"sshd_config": f'{NO}"Match" User sys # all of them\n\t {YES}'},
    {"sshd_config": f"{NO}\fMatch User sys\n{YES}"},
    {"sshd_config": f"{NO}# comment\x0cMatch User nobody-else\n{YES}"},
    {"sshd_config": "passwordauthentication=no\nmatch user sys\npasswordauthentication=yes\n"},
    {"sshd_config": f"Match User sys\n{NO}Match all\n{YES}"},
]


def answer(machine: Any, keyword: str, sound: str) -> str:
    """Return what a check makes of the fact."""
    try:
        return "fail" if sees(machine).sessions_where(keyword, is_not=sound) else "pass"
    except InconclusiveError:
        return "inconclusive"


@pytest.mark.parametrize("files", BY_HAND)
def test_a_password_that_is_taken_anywhere_is_found(machine: Any, files: dict[str, str]) -> None:
    machine.write(files)
    values = values_on_grid(machine, "passwordauthentication")
    assert values <= {"yes", "no"}
    expected = "pass" if values == {"no"} else "fail"
    if "[" in files["sshd_config"] or not values:  # what is not followed here, and what sshd refuses to start with
        expected = "inconclusive"
    assert answer(machine, "passwordauthentication", "no") == expected, files


def _pattern(chance: random.Random, kind: str) -> str:
    choices = {
        "User": ["root", "games", "g*", "*", "sy?", "nobody", "stranger", "!root", "!games", "daemon,sys"],
        "Group": ["root", "games", "sys,daemon", "*", "!root", "nogroup", "wheel"],
        "Address": [
            "10.0.0.0/8",
            "10.0.0.0/24",
            "203.0.113.5",
            "203.0.113.4/31",
            "192.168.*",
            "192.168.1.?",
            "0.0.0.0/0",
            "*",
            "!10.0.0.0/8",
            "!203.0.113.5",
            "127.0.0.0/8",
            "2001:db8::/32",
            "::/0",
            "172.16.0.0/12",
            "8.8.8.8",
        ],
        "LocalAddress": ["10.0.0.0/8", "192.0.2.10", "!192.0.2.10", "*"],
        "LocalPort": ["22", "2222", "22,2222"],
        "Host": ["*.example.com", "*", "host.trusted.org", "!*.net", "evil.*"],
    }
    patterns = chance.sample(choices[kind], chance.choice([1, 1, 2, 3]))
    return ",".join(patterns)


def _configuration(chance: random.Random) -> dict[str, str]:
    """Return files of a random configuration: values in and out of Match blocks, some in included files."""

    def settings() -> str:
        return chance.choice(
            [NO, YES, NO + YES, YES + NO, "", "X11Forwarding no\n", NO.lower(), "PasswordAuthentication=no\n"]
        )

    def block() -> str:
        kinds = chance.sample(
            ["User", "Group", "Address", "LocalAddress", "LocalPort", "Host"], chance.choice([1, 1, 1, 2, 3])
        )
        equals = chance.choice([" ", " ", "="])
        asked = (
            " ".join(f"{kind}{equals}{_pattern(chance, kind)}" for kind in kinds) if chance.random() > 0.1 else "all"
        )
        return f"Match {asked}\n{settings()}"

    files = {}
    main = chance.choice([NO, NO, NO, ""])
    if chance.random() < 0.4:
        files["sshd_config.d/50-x.conf"] = chance.choice([NO, "", block()])
        main = chance.choice(
            ["Include sshd_config.d/*.conf\n" + main, main + "Include /etc/ssh/sshd_config.d/*.conf\n"]
        )
    for _ in range(chance.choice([1, 1, 2, 3])):
        main += block()
        if chance.random() < 0.2:
            files["more/in.conf"] = chance.choice([settings(), block(), settings() + block()])
            main += "Include more/in.conf\n"
    return {"sshd_config": main, **files}


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_match_blocks_say_no_password_is_missed(machine: Any, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same configurations on every run
    passed = 0
    for _ in range(3):
        files = _configuration(chance)
        machine.write(files)
        said = answer(machine, "passwordauthentication", "no")
        if said == "pass":  # only then is the grid worth its time
            passed += 1
            assert values_on_grid(machine, "passwordauthentication") == {"no"}, files

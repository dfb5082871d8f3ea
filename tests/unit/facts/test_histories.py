"""Histories of homes that naive checkers miss; live and at rest are compared in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from amigate.check import InconclusiveError
from amigate.facts.histories import NEEDS, Histories

PASSWD = (
    "root:x:0:0::/root:/bin/sh\nsvc:x:999:999::/var/lib/svc/:/usr/sbin/nologin\nodd:x:5:5::/:/bin/sh\n"
    "bob:x:1000:1000::/home/bob:/bin/sh\nshy:x:1001:1001::/home/.hidden:/bin/sh\n"
)
FILES = {"/etc/passwd": PASSWD, "/etc/shadow": ""}


@pytest.mark.parametrize(
    "path",
    [
        "/root/.bash_history",
        "/root/.ash_history",
        "/root/.zhistory",
        "/root/.lesshst",
        "/root/.viminfo",
        "/root/.node_repl_history",
        "/root/.local/share/fish/fish_history",
        "/root/.local/state/python/python_history",
        "/root/.config/mongo/repl_history",
        "/var/lib/svc/.psql_history",
        "/home/bob/.mongodb/mongosh/mongosh_repl_history",
        "/home/.hidden/.bash_history",
        "/root/.wget-hsts",
        "/home/nobody-any-more/.bash_history",
        "/etc/skel/.bash_history",
        "/.bash_history",
    ],
)
def test_a_history_is_found_in_every_home(at_rest: Any, path: str) -> None:
    (found,) = Histories.read(at_rest({**FILES, path: "hunter2\n"}, NEEDS)).filled()
    assert (found.path, found.detail) == (path, "a history of 8 bytes in 1 lines")
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize("path", ["/root/.bashrc", "/root/bash_history", "/srv/.bash_history", "/root/.history/file"])
def test_other_files_are_no_histories(at_rest: Any, path: str) -> None:
    assert Histories.read(at_rest({**FILES, path: "x\n"}, NEEDS)).all == ()


def test_an_empty_history_is_no_finding(at_rest: Any) -> None:
    fact = Histories.read(at_rest({**FILES, "/root/.bash_history": ""}, NEEDS))
    assert (len(fact.all), fact.filled()) == (1, [])


def test_a_home_that_cannot_be_asked_for_is_no_answer(at_rest: Any) -> None:
    with pytest.raises(InconclusiveError):
        Histories.read(at_rest({**FILES, "/etc/passwd": "a:x:1:1::/srv/[a]:/bin/sh\n"}, NEEDS))

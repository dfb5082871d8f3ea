"""sshd's own test of its configuration where socket activation leaves its empty folder unmade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from amigate.evidence.model import Launch
from amigate.facts import sshd_syntax
from amigate.facts.twins import inside

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def without_folder(machine: Any) -> Iterator[Any]:
    """Return a machine that has no /run/sshd, as before the first connection to a socket."""
    assert machine.run("rmdir /run/sshd")[0] == 0
    yield machine
    machine.run("mkdir -p -m 755 /run/sshd")


@pytest.mark.trap(33)
@pytest.mark.parametrize("text,code", [("UseDNS no\n", 0), ("NoSuchThing yes\n", 255)])
def test_the_folder_is_made_for_the_moment(text: str, code: int, without_folder: Any, kit: Any) -> None:
    without_folder.write({"sshd_config": text})
    view = inside(kit.Image().evidence(), Launch.A)
    question, _ = sshd_syntax._asked(view, without_folder.program)
    assert without_folder.run(question.command)[0] == code
    assert without_folder.run("test -e /run/sshd")[0] == 1

"""The running sshd: testing what it would read, and having it read that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.harden import template
from amigate.harden.machine import expect

if TYPE_CHECKING:
    from amigate.harden.builder import Builder


def test(builder: Builder) -> None:
    """Have sshd check its configuration; raises HardenError with what it says."""
    expect(builder.machine.execute(template.render("sshd-test.sh.j2")), "sshd -t")


def reload(builder: Builder) -> None:
    """Have the sshd that serves this session read its configuration; where each connection starts one, nothing.

    Returns once it listens anew, so that the next connection meets the new configuration."""
    builder.run("reload sshd", template.render("sshd-reload.sh.j2"), repeat_on_undo=True)

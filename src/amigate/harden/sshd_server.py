"""The sshd of the machine: what it would read, testing that, and having it read that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.errors import HardenError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.facts.sshd_config import MAIN, includes, lines
from amigate.harden import template
from amigate.harden.machine import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import View
    from amigate.facts.sshd_config import Line
    from amigate.harden.builder import Builder


def config_lines(view: View) -> list[Line]:
    """Return the settings in sshd's files, in the order in which it reads them; none where there is no sshd.

    `view` is of CONFIG. Much cheaper than to ask sshd itself, and enough where it is not asked for a session."""
    try:
        main = next((path for path in MAINS if view.entry(path)), None)
        return lines(view, main) if main else []
    except InconclusiveError as error:
        raise HardenError(f"the configuration of sshd cannot be told: {error}") from error


def _included(view: View) -> Iterator[Glob]:
    """Follow Include as far as the files are known."""
    paths = [path for path in MAINS if path in view.entries]
    for path in paths:  # grows
        entry = view.entries[path]
        for pattern in includes(view.text(path) or "") if entry.content is not None else ():
            yield Glob(pattern, Keep.WHOLE)
            if pattern in view.globbed:
                paths += [found.path for found in view.glob(pattern) if found.path not in paths]


MAINS = (MAIN, "/usr/etc/ssh/sshd_config")
"""The second where the first is missing, as on openSUSE."""

CONFIG = Needs(
    first=(*(ReadFile(path, Keep.WHOLE) for path in MAINS), Glob("/etc/ssh/sshd_config.d/*.conf", Keep.WHOLE)),
    then=_included,
)


def test(builder: Builder) -> None:
    """Have sshd check its configuration; raises HardenError with what it says."""
    expect(builder.machine.execute(template.render("sshd-test.sh.j2")), "sshd -t")


def reload(builder: Builder) -> None:
    """Have the sshd that serves this session read its configuration; where each connection starts one, nothing.

    Returns once it listens anew, so that the next connection meets the new configuration."""
    builder.run("reload sshd", template.render("sshd-reload.sh.j2"), repeat_on_undo=True)

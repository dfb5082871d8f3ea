"""The machine's own port at which the session came in that looks at it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs, Run

if TYPE_CHECKING:
    from amigate.evidence.model import Contact, View

# What sshd tells a session of its connection is not in this shell's environment, as sudo has cleaned it, but in that
# of a process it comes from. https://man.openbsd.org/ssh#SSH_CONNECTION
SESSION = Run(
    "port of this session",
    r"""p=$$; while [ "${p:-1}" -gt 1 ]; do
c=$(2>/dev/null tr '\0' '\n' <"/proc/$p/environ" | sed -n 's/^SSH_CONNECTION=.* //p' | head -n 1)
if [ -n "$c" ]; then echo "$c"; break; fi
p=$(2>/dev/null sed -n 's/^PPid:[^0-9]*//p' "/proc/$p/status"); done; exit 0""",
    Keep.NUMBERS,
)
NEEDS = Needs(first=(SESSION,))


@dataclass(frozen=True, kw_only=True)
class SessionPort:
    """The port of the session, as the machine has it: another one than was called, where something between forwards."""

    told: int | None
    """None where it cannot be told."""

    @classmethod
    def read(cls, view: View) -> SessionPort:
        """Take the machine's word."""
        try:
            said = view.answer(SESSION.key).text.strip()
        except InconclusiveError:
            return cls(told=None)
        return cls(told=int(said) if re.fullmatch(r"[0-9]{1,5}", said) else None)

    def instead_of(self, contact: Contact) -> int:
        """Return the machine's port, or the one that was called."""
        return contact.port if self.told is None else self.told

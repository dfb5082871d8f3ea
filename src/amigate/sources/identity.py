"""Whether the machine that answered is the one that was launched."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from amigate.errors import AwsError
from amigate.evidence.model import CONSOLE, Contact, View
from amigate.sources.console import console_host_keys, secrets_in

if TYPE_CHECKING:
    from amigate.sources.machine import Machine


def against_console(contact: Contact, machine: Machine) -> Contact:
    """Say whether the console published the host key that the handshake proved."""
    published = console_host_keys(console_of(machine))
    return replace(contact, host_key_on_console=contact.host_key in published if published else None)


def believed(inside: View, contact: Contact) -> View:
    """Return what was seen inside, unless the console says that it was seen on another machine."""
    if contact.host_key_on_console is not False:
        return inside
    return View(
        broken=f"the host key that answered ({contact.host_key}) is none of those on the instance's console, "
        "so another machine may have answered"
    )


def console_of(machine: Machine) -> str:
    """Return what the console published; nothing when AWS does not show it."""
    try:
        return machine.console()
    except AwsError:
        return ""  # a console that cannot be read publishes nothing


def with_console(outside: View, machine: Machine) -> View:
    """Return the view with what the console shows of secrets; that it shows nothing is unseen."""
    found = secrets_in(console_of(machine))
    if found is None:
        why = "EC2 shows nothing of the serial console"
        return replace(outside, unseen={**outside.unseen, CONSOLE: why})
    return replace(outside, searches={**outside.searches, CONSOLE: found})

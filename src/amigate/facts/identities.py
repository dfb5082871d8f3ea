"""What tells one machine from another, and must not come with an image: ids, host name, seeds, names of initiators.

https://www.freedesktop.org/software/systemd/man/machine-id.html, systemd-random-seed.service(8), systemd-creds(1),
iscsi-initiatorname(5), nvme-gen-hostnqn(1), NetworkManager(8)"""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, Needs, ReadFile
from amigate.evidence.redaction.identities import EC2_NAME, LOCALHOST
from amigate.facts.services import MACHINE_ID, MACHINE_ID_CAP_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.evidence.model import Entry, View
    from amigate.evidence.questions import Question

HOST_NAME = "/proc/sys/kernel/hostname"
KNOWN: Mapping[str, Keep] = {
    MACHINE_ID: Keep.MACHINE_ID,
    "/var/lib/dbus/machine-id": Keep.MACHINE_ID,
    HOST_NAME: Keep.HOST_NAME,
    "/etc/iscsi/initiatorname.iscsi": Keep.IDENTITY,
    "/etc/nvme/hostnqn": Keep.IDENTITY,
    "/etc/nvme/hostid": Keep.IDENTITY,
    "/var/lib/systemd/random-seed": Keep.DIGEST,
    "/var/lib/systemd/credential.secret": Keep.DIGEST,
    "/var/lib/urandom/random-seed": Keep.DIGEST,
    "/var/lib/random-seed": Keep.DIGEST,
    "/var/lib/NetworkManager/secret_key": Keep.DIGEST,
}
"""Where every machine that has such an identity keeps it. What is no text is compared byte by byte."""
_CAP_BYTES = 64 * 1024
NEEDS = Needs(
    first=tuple(
        ReadFile(path, keep, cap_bytes=MACHINE_ID_CAP_BYTES if keep is Keep.MACHINE_ID else _CAP_BYTES)
        for path, keep in KNOWN.items()
    )
)
_NONE_YET = {"", "uninitialized"}


def asked_for(pattern: str) -> Question:
    """Return the question for what a profile names, a path or a pattern."""
    return (Glob if set(pattern) & set("*?") else ReadFile)(pattern, Keep.DIGEST)


def declared(view: View, pattern: str) -> list[Entry]:
    """Return the files that a path or pattern of a profile means; raises InconclusiveError when it was not asked."""
    if isinstance(asked_for(pattern), Glob):
        return view.glob(pattern)
    entry = view.entry(pattern)
    return [] if entry is None else [entry]


def digest(entry: Entry) -> str:
    """Return the digest of a content under the key of the run, empty where there is no content.

    What was read counts, not the size: a file of the kernel's says that it has none. Raises InconclusiveError when
    there is no digest to be had."""
    if "digest" not in entry.summary:
        raise InconclusiveError(f"{entry.path}: {entry.withheld or 'it could not be read'}")
    return entry.summary["digest"] if entry.summary.get("bytes") != "0" else ""


def identity(view: View, path: str) -> str:
    """Return what stands for one of the known identities, empty where a machine has none; raises InconclusiveError."""
    if KNOWN[path] is Keep.DIGEST:
        entry = view.entry(path)
        return "" if entry is None else digest(entry)
    text = view.text(path)
    if text is None and path == HOST_NAME:
        raise InconclusiveError("the kernel did not tell the host name, which every running machine has")
    value = (text or "").strip()
    return "" if value in _NONE_YET else value


def why_shared(value: str) -> str:
    """Return what it means that two launches have this identity."""
    if value == LOCALHOST:
        return "is localhost on two launches: nothing gives the machine a name"
    if value.startswith(EC2_NAME):
        return "is the same on two launches: the name that EC2 gave to an earlier one"
    return "is the same on two launches"

"""What a run leaves when it is told to keep its instances: how to get in, and how to get rid of them."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.errors import AwsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amigate.sources.launch import AccountRun
    from amigate.sources.machine import Machine


@dataclass(frozen=True, kw_only=True)
class Keep:
    """The wish to keep the instances of a run that comes to its end.

    One that fails or is interrupted keeps nothing."""

    folder: Path
    """Where the private keys are written, one file for each instance, readable by its owner alone."""
    tell: Callable[[str], None]
    """Takes the lines that the user needs."""
    port: int = 22
    jump: str = ""
    """The host to go through, as for `ssh -J`."""

    def __post_init__(self) -> None:
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise UsageError(f"no key file can be written in {self.folder}", hint="call from another directory")

    def leave(self, run: AccountRun) -> None:
        """Write the keys, say how to log in and how to remove what is left, and tell the run to leave it alone."""
        written: list[Path] = []
        try:
            for line in self._lines(run, written):
                self.tell(line)
            run.leave()  # last: whoever was not told keeps nothing
        except BaseException:  # the instances go, so their keys are good for nothing
            for path in written:
                path.unlink(missing_ok=True)
            raise

    def _lines(self, run: AccountRun, written: list[Path]) -> list[str]:
        lines = [line for machine in run.machines for line in self._machine(run, machine, written)]
        expires = run.expires.isoformat(timespec="seconds")
        endpoint = f" --endpoint-url {shlex.quote(run.aws.endpoint)}" if run.aws.endpoint else ""
        return [
            *lines,
            f"They cost money until they are removed; from {expires} on every run and `amigate reap` remove them.",
            f"Remove them now: amigate reap --run {run.run_id} --region {run.aws.region}{endpoint}",
        ]

    def _machine(self, run: AccountRun, machine: Machine, written: list[Path]) -> list[str]:
        try:
            address = machine.look().address
        except AwsError:
            address = ""
        told = f"kept {machine.label}: {machine.instance_id} at {address or 'an address that EC2 does not tell'}"
        if machine.keyless:
            return [told, "  launched without a key"]
        path = self._write_key(run, machine)
        written.append(path)
        user = run.logins.get(machine.instance_id, "USER")
        port = "" if self.port == 22 else f" -p {self.port}"  # noqa: PLR2004 - SSH's own
        jump = f" -J {shlex.quote(self.jump)}" if self.jump else ""
        return [told, f"  ssh -i {shlex.quote(str(path))}{jump}{port} {user}@{address or 'ADDRESS'}"]

    def _write_key(self, run: AccountRun, machine: Machine) -> Path:
        """Write the private key to a new file; raises UsageError where that cannot be."""
        path = self.folder / f"amigate-{run.run_id}-{machine.label}.pem"
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(machine.key.pem)
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}", hint="call from another directory") from None
        return path

"""One virtual machine: its folder, its QEMU process, its metadata service."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from amigate.sandbox.images import archive
from amigate.sandbox.machines import disks, qemu, qmp, quarters
from amigate.sandbox.machines.archive import Archive
from amigate.sandbox.machines.console import end_of, shorten
from amigate.sandbox.machines.imds import Imds
from amigate.sandbox.machines.reachability import Reachability

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amigate.sandbox.machines.accelerator import Accelerator
    from amigate.sandbox.machines.nursery import Nursery
    from amigate.sandbox.machines.spec import Disk, Spec

STOP_DEADLINE_S = 60.0
"""How long a guest may take to power off before the power is cut."""
_PRESS_AGAIN_S = 6.0
_POLL_S = 0.05
_SHORTEN_EVERY_S = 2.0


class Observer(Protocol):
    """Is told what a machine does, from the machine's own thread."""

    def started(self, machine: Machine) -> None:
        """QEMU runs and answers."""

    def ended(self, machine: Machine, exit_code: int) -> None:
        """QEMU has ended and nothing of it runs; 0 after the guest powered off, -9 after the power was cut."""


class Machine:
    """A machine that can be powered on and off; its disks stay until `discard`."""

    def __init__(
        self, spec: Spec, folder: Path, *, nursery: Nursery, accelerator: Accelerator, observer: Observer
    ) -> None:
        self.spec = spec
        self._folder = folder
        self._nursery = nursery
        self._accelerator = accelerator
        self._observer = observer
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._imds: Imds | None = None
        self._reachability: Reachability | None = None
        self._account = nursery.accounts.new()
        self._backings: dict[str, Path] = {}
        try:
            quarters.furnish(folder, self._account)
            for disk in spec.disks:
                self._make(disk)
        except BaseException:
            self.discard()
            raise

    def disk(self, volume_id: str) -> disks.Layers:
        """Return the file of a volume: an overlay over its snapshot's disk. A running guest writes to it."""
        return disks.Layers(file=self._folder / f"{volume_id}.qcow2", backing=self._backings.get(volume_id))

    def power_on(self) -> None:
        """Start QEMU; returns at once, the guest boots meanwhile."""
        with contextlib.ExitStack() as serving:
            self._imds = imds = serving.enter_context(Imds(self._folder / quarters.IMDS, self.spec))
            serving.enter_context(Archive(self._folder / quarters.ARCHIVE, archive.folder()))
            command = qemu.command(self.spec, self._accelerator, python=self._account.python, backings=self._backings)
            self._process = process = self._nursery.start(command, self._folder, self._account)
            address = (self.spec.public_ip, self.spec.ssh_port)
            self._reachability = reachability = Reachability(address, has_asked=lambda: imds.was_asked)
            live = (process, serving.pop_all(), reachability)
        self._thread = threading.Thread(target=self._live, args=live, daemon=True)
        self._thread.start()

    @property
    def status(self) -> str:
        """Return the word of EC2's instance status check: `initializing`, `ok` or `impaired`."""
        return self._reachability.status if self._reachability else "initializing"

    def press_power_button(self) -> None:
        """Ask the guest to power off, again and again as it may still be booting; at last cut the power."""
        if self._process is not None:
            threading.Thread(target=self._press, args=(self._process,), daemon=True).start()

    def _press(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + STOP_DEADLINE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                qmp.execute(self._folder / quarters.QMP, "system_powerdown")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PRESS_AGAIN_S)
                return
        _kill(process)

    @contextlib.contextmanager
    def still(self, volume_ids: Sequence[str]) -> Iterator[dict[str, disks.Layers]]:
        """Provide the disks of a running guest as they are at one moment: what a loss of power would leave.

        QEMU writes what it keeps of a disk when it pauses. Raises OSError if it does not answer."""
        with tempfile.TemporaryDirectory(dir=self._folder) as place:
            copies = {
                volume_id: replace(self.disk(volume_id), file=Path(place) / f"{volume_id}.qcow2")
                for volume_id in volume_ids
            }
            qmp.execute(self._folder / quarters.QMP, "stop")
            try:
                for volume_id, copy in copies.items():
                    shutil.copyfile(self.disk(volume_id).file, copy.file)
            finally:
                qmp.execute(self._folder / quarters.QMP, "cont")
            yield copies

    def change_metadata(self, *, tokens_required: bool, metadata_enabled: bool) -> None:
        """Let the metadata service follow other options, at once."""
        self.spec = replace(self.spec, tokens_required=tokens_required, metadata_enabled=metadata_enabled)
        if self._imds is not None:
            self._imds.spec = self.spec

    def cut_power(self) -> None:
        """End QEMU now; the observer hears of it."""
        if self._process is not None:
            _kill(self._process)

    def join(self) -> None:
        """Wait until QEMU has ended and the observer knows."""
        if self._thread is not None:
            self._thread.join()

    def discard(self) -> None:
        """Remove everything that the machine had; the power is off."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def console(self) -> bytes:
        """Return the end of what the guest wrote to its serial console."""
        return end_of(self._folder / quarters.CONSOLE)

    def complaint(self) -> str:
        """Return what QEMU itself said last before it ended."""
        return end_of(self._folder / quarters.LOG).decode(errors="replace").strip()

    def _make(self, disk: Disk) -> None:
        out = self._folder / disk.file_name
        if disk.backing is None:
            disks.empty(out, disk.size_bytes)
        else:
            kept = quarters.keep(disk.backing, self._folder / f"{disk.volume_id}.base.qcow2")
            disks.overlay(kept, out, disk.size_bytes)
            self._backings[disk.volume_id] = kept
        self._account.own(out)

    def _live(
        self, process: subprocess.Popen[bytes], serving: contextlib.ExitStack, reachability: Reachability
    ) -> None:
        with serving:
            while process.poll() is None and not self._answers():
                time.sleep(_POLL_S)
            if process.poll() is None:
                self._observer.started(self)
                threading.Thread(target=reachability.watch, daemon=True).start()
            code = self._wait(process)
            reachability.stop()
        (self._folder / quarters.QMP).unlink(missing_ok=True)
        self._observer.ended(self, code)

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        """Return the exit code; a guest cannot fill the host's disk meanwhile with what it says."""
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(_SHORTEN_EVERY_S)
            shorten(self._folder / quarters.CONSOLE)
            shorten(self._folder / quarters.LOG)

    def _answers(self) -> bool:
        try:
            qmp.execute(self._folder / quarters.QMP, "query-status")
        except OSError:
            return False
        return True


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()

"""One virtual machine: its folder, its QEMU process, its metadata service."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Protocol

from amigate.sandbox.machines import disks, qemu, qmp
from amigate.sandbox.machines.imds import Imds

if TYPE_CHECKING:
    from pathlib import Path

    from amigate.sandbox.machines.accelerator import Accelerator
    from amigate.sandbox.machines.nursery import Nursery
    from amigate.sandbox.machines.spec import Spec

CONSOLE_BYTES = 65536
"""What EC2 keeps of a console."""
STOP_DEADLINE_S = 60.0
"""How long a guest may take to power off before the power is cut."""
_PRESS_AGAIN_S = 6.0
_POLL_S = 0.05


class Observer(Protocol):
    """Is told what a machine does, from the machine's own thread."""

    def started(self, machine: Machine) -> None:
        """QEMU runs and answers."""

    def ended(self, machine: Machine, exit_code: int) -> None:
        """QEMU has ended and nothing of it runs; 0 after the guest powered off, -9 after the power was cut."""


class Machine:
    """A machine that can be powered on and off; its disk stays until `discard`."""

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
        folder.mkdir()
        disks.overlay(self._keep(spec.backing), self.disk, spec.size_bytes)

    @property
    def disk(self) -> Path:
        """The root volume, an overlay over the image's disk."""
        return self._folder / "root.qcow2"

    def power_on(self) -> None:
        """Start QEMU; returns at once, the guest boots meanwhile."""
        imds = Imds(self._folder / "imds", self.spec)
        command = qemu.command(self.spec, self._folder, self._accelerator)
        self._process = process = self._nursery.start(command, self._folder / "qemu.log")
        self._thread = threading.Thread(target=self._live, args=(process, imds), daemon=True)
        self._thread.start()

    def press_power_button(self) -> None:
        """Ask the guest to power off, again and again as it may still be booting; at last cut the power."""
        if self._process is not None:
            threading.Thread(target=self._press, args=(self._process,), daemon=True).start()

    def _press(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + STOP_DEADLINE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                qmp.execute(self._folder / "qmp", "system_powerdown")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PRESS_AGAIN_S)
                return
        _kill(process)

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
        return _read(self._folder / "console")[-CONSOLE_BYTES:]

    def complaint(self) -> str:
        """Return what QEMU itself said before it ended."""
        return _read(self._folder / "qemu.log").decode(errors="replace").strip()

    def _keep(self, backing: Path) -> Path:
        """Give a second name to the image's disk, so that deleting the snapshot leaves the instance whole."""
        own = self._folder / "base.qcow2"
        try:
            os.link(backing, own)
        except OSError:  # another file system: then it is the user's file, which the sandbox never deletes
            return backing
        return own

    def _live(self, process: subprocess.Popen[bytes], imds: Imds) -> None:
        with imds:
            while process.poll() is None and not self._answers():
                time.sleep(_POLL_S)
            if process.poll() is None:
                self._observer.started(self)
            code = process.wait()
        (self._folder / "qmp").unlink(missing_ok=True)
        self._observer.ended(self, code)

    def _answers(self) -> bool:
        try:
            qmp.execute(self._folder / "qmp", "query-status")
        except OSError:
            return False
        return True


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""

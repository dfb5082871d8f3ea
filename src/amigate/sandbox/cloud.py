"""What stands behind the API: instances of moto's model, each with a real machine, and images with real disks."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from moto.ec2.models.instances import StateReason

from amigate.errors import SandboxError
from amigate.sandbox.api.catalogue import Catalogue
from amigate.sandbox.api.recorded import Recorded
from amigate.sandbox.machines.machine import Machine
from amigate.sandbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from moto.ec2.models.instances import Instance

    from amigate.sandbox.machines.accelerator import Accelerator
    from amigate.sandbox.machines.disks import Layers
    from amigate.sandbox.machines.nursery import Nursery
    from amigate.sandbox.machines.spec import Spec
    from amigate.sandbox.settings import Settings

_log = logging.getLogger(__name__)
_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
_COMPLAINT_CHARACTERS = 300


class Fate(StrEnum):
    """What becomes of an instance when its machine ends."""

    AS_THE_GUEST_ASKED = "as-the-guest-asked"
    STOP = "stop"
    TERMINATE = "terminate"
    REBOOT = "reboot"
    DISCARD = "discard"
    """There is no instance any more."""


class AfterPowerOff(Protocol):
    """Work that needs a machine to be off, such as copying its disk."""

    def __call__(self, *, whole: bool) -> None:
        """Do it; `whole` unless the power was cut, so that the disk may be torn."""


@dataclass(kw_only=True)
class Entry:
    """An instance and its machine."""

    instance: Instance
    machine: Machine
    fate: Fate = Fate.AS_THE_GUEST_ASKED
    is_on: bool = False
    has_run: bool = False
    traits: dict[str, Any] = field(default_factory=dict)
    """What an image made of the instance has from the one that it was launched from, which may be gone by then."""
    when_off: list[AfterPowerOff] = field(default_factory=list)
    """What is done before the machine is powered on again."""


class Cloud:
    """All machines of one sandbox. `lock` guards the model; no thread waits for a machine while holding it."""

    def __init__(self, settings: Settings, folder: Path, nursery: Nursery, accelerator: Accelerator) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.store = Store(folder)
        self.catalogue = Catalogue()
        self.recorded = Recorded()
        self.addresses = (f"127.0.{number >> 8}.{number & 255}" for number in itertools.count(2) if number & 255)
        self.accounts = {settings.access_key_id: settings.account_id}
        """Access key to account; grows with `Sandbox.credentials`."""
        self.tokens: dict[tuple[str, ...], tuple[str, object]] = {}
        """Account, region, action and client token to the request and what it made."""
        self._folder = folder
        self._nursery = nursery
        self._accelerator = accelerator
        self._entries: dict[str, Entry] = {}
        self._closed = False

    def launch(self, instance: Instance, spec: Spec) -> None:
        """Give an instance its machine and power it on."""
        observer = _Observer(self, instance.id)
        machine = Machine(
            spec, self._folder / instance.id, nursery=self._nursery, accelerator=self._accelerator, observer=observer
        )
        image = self.catalogue.region(spec.region).images.get(spec.image_id)
        traits = {} if image is None else image.traits
        self._entries[instance.id] = Entry(instance=instance, machine=machine, traits=traits)
        self.start(instance.id)

    def machine(self, instance_id: str) -> Machine:
        """Return the machine of an instance; KeyError once it is terminated."""
        return self._entries[instance_id].machine

    def traits(self, instance_id: str) -> dict[str, Any]:
        """Return what an instance had from its image when it was launched; KeyError once it is terminated."""
        return self._entries[instance_id].traits

    def console(self, instance_id: str) -> bytes:
        """Return the end of the serial console; nothing once the instance is terminated."""
        entry = self._entries.get(instance_id)
        return entry.machine.console() if entry else b""

    def status(self, instance_id: str) -> str:
        """Return the word of the instance status check of an instance that runs."""
        entry = self._entries.get(instance_id)
        return entry.machine.status if entry else "insufficient-data"

    @contextlib.contextmanager
    def still_disks(self, instance_id: str, volume_ids: Sequence[str]) -> Iterator[dict[str, Layers]]:
        """Provide files of an instance's volumes that nobody writes to; a running guest is held for a moment.

        Raises OSError if that fails."""
        entry = self._entries[instance_id]
        if not entry.is_on:
            yield {volume_id: entry.machine.disk(volume_id) for volume_id in volume_ids}
            return
        with entry.machine.still(volume_ids) as copies:
            yield copies

    def start(self, instance_id: str) -> None:
        """Power an instance on, from its own disk; one that cannot start is stopped, and says why.

        Raises OSError or SandboxError then."""
        entry = self._entries[instance_id]
        entry.fate = Fate.AS_THE_GUEST_ASKED
        set_state(entry.instance, "pending")
        try:
            entry.machine.power_on()
        except (OSError, SandboxError) as error:
            set_state(entry.instance, "stopped", "Server.InternalError", str(error))
            raise
        entry.is_on = True

    def stop(self, instance_id: str, *, force: bool) -> None:
        """Power an instance off, by its button or by force."""
        entry = self._entries[instance_id]
        entry.fate = Fate.STOP
        set_state(entry.instance, "stopping", "Client.UserInitiatedShutdown", "User initiated shutdown")
        (entry.machine.cut_power if force else entry.machine.press_power_button)()

    def reboot(self, instance_id: str, *, when_off: AfterPowerOff | None = None) -> None:
        """Power an instance off and on, with something done in between."""
        entry = self._entries[instance_id]
        entry.fate = Fate.REBOOT
        if when_off is not None:
            entry.when_off.append(when_off)
        entry.machine.press_power_button()

    def terminate(self, instance_id: str) -> None:
        """Take an instance's machine and disks away.

        The power is cut, unless a volume stays: then the guest may write what it has to."""
        entry = self._entries.get(instance_id)
        if entry is None:
            return
        entry.fate = Fate.TERMINATE
        set_state(entry.instance, "shutting-down", "Client.UserInitiatedShutdown", "User initiated shutdown")
        if not entry.is_on:
            self._remove(entry)
        elif self._kept_volumes(entry):
            entry.machine.press_power_button()
        else:
            entry.machine.cut_power()

    def discard(self, instance_id: str) -> None:
        """Take the machine away, if there is one, of an instance that the model does not keep."""
        entry = self._entries.get(instance_id)
        if entry is None:
            return
        entry.fate = Fate.DISCARD
        if entry.is_on:
            entry.machine.cut_power()
        else:
            self._discard(entry)

    def close(self) -> None:
        """Cut the power of every machine and wait until all are gone."""
        with self.lock:
            self._closed = True
            entries = list(self._entries.values())
            for entry in entries:
                entry.fate = Fate.TERMINATE
                entry.machine.cut_power()
        for entry in entries:
            entry.machine.join()
            entry.machine.discard()

    def started(self, instance_id: str) -> None:
        """Note that a machine runs and its guest boots."""
        with self.lock:
            entry = self._entries.get(instance_id)
            if entry is None:
                return
            entry.has_run = True
            if entry.instance.state == "pending":
                set_state(entry.instance, "running")

    def ended(self, instance_id: str, exit_code: int) -> None:
        """Note that a machine is off, and let the instance follow."""
        with self.lock:
            entry = self._entries.get(instance_id)
            if entry is None or self._closed:
                return
            entry.is_on = False
            while entry.when_off:
                entry.when_off.pop(0)(whole=exit_code == 0)
            self._follow(entry, exit_code)

    def _follow(self, entry: Entry, exit_code: int) -> None:
        instance = entry.instance
        match entry.fate:
            case Fate.TERMINATE:
                self._remove(entry)
            case Fate.DISCARD:
                self._discard(entry)
            case Fate.STOP:
                set_state(instance, "stopped", "Client.UserInitiatedShutdown", "User initiated shutdown")
            case Fate.REBOOT:
                self._power_on_again(entry)
            case Fate.AS_THE_GUEST_ASKED if exit_code != 0:
                self._broke(entry, exit_code)
            case Fate.AS_THE_GUEST_ASKED if instance.instance_initiated_shutdown_behavior == "terminate":
                self._remove(entry, "Client.InstanceInitiatedShutdown", "Instance initiated shutdown")
            case Fate.AS_THE_GUEST_ASKED:
                set_state(instance, "stopped", "Client.InstanceInitiatedShutdown", "Instance initiated shutdown")

    def _broke(self, entry: Entry, exit_code: int) -> None:
        """Terminate an instance that never ran, and stop one that did, so that its disk is not lost."""
        complaint = entry.machine.complaint()[-_COMPLAINT_CHARACTERS:]
        _log.warning("the machine of %s ended with code %d: %s", entry.instance.id, exit_code, complaint)
        reason = ("Server.InternalError", complaint or "the virtual machine broke down")
        if entry.has_run:
            set_state(entry.instance, "stopped", *reason)
        else:
            self._remove(entry, *reason)

    def _power_on_again(self, entry: Entry) -> None:
        try:
            self.start(entry.instance.id)
            set_state(entry.instance, "running")
        except (OSError, SandboxError):
            _log.exception("%s was rebooted and does not start", entry.instance.id)

    def _remove(
        self, entry: Entry, code: str = "Client.UserInitiatedShutdown", reason: str = "User initiated shutdown"
    ) -> None:
        del self._entries[entry.instance.id]
        for volume_id in self._kept_volumes(entry):
            try:
                self.store.copy(volume_id, entry.machine.disk(volume_id))
            except (OSError, SandboxError):
                _log.exception("the disk of %s is lost", volume_id)
        entry.machine.discard()
        entry.instance.terminate()
        set_state(entry.instance, "terminated", code, reason)

    def _discard(self, entry: Entry) -> None:
        del self._entries[entry.instance.id]
        entry.machine.discard()

    @staticmethod
    def _kept_volumes(entry: Entry) -> list[str]:
        """Return the volumes that stay when the instance is terminated."""
        attached = entry.instance.block_device_mapping.values()
        return [volume.volume_id for volume in attached if not volume.delete_on_termination]


class _Observer:
    """Tells the cloud about the machine of one instance."""

    def __init__(self, cloud: Cloud, instance_id: str) -> None:
        self._cloud = cloud
        self._instance_id = instance_id

    def started(self, _: Machine) -> None:
        self._cloud.started(self._instance_id)

    def ended(self, _: Machine, exit_code: int) -> None:
        self._cloud.ended(self._instance_id, exit_code)


def set_state(instance: Instance, name: str, code: str = "", reason: str = "") -> None:
    """Set what DescribeInstances says, and why."""
    instance.instance_state.name = name
    instance.instance_state.code = _CODES[name]
    instance.state_reason = StateReason(f"{code}: {reason}" if code else "", code)

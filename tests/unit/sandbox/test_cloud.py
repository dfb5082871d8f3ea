"""How instances follow their machines, with machines that only pretend."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from amigate.sandbox import cloud as module
from amigate.sandbox.cloud import Cloud
from amigate.sandbox.machines.accelerator import Accelerator
from amigate.sandbox.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from amigate.sandbox.machines.spec import Spec


class Pretended:
    """A machine that is told what happens to it."""

    def __init__(self, spec: Spec, folder: Path, *, observer: Any, **_: Any) -> None:
        self.observer = observer
        self.done: list[str] = []

    def power_on(self) -> None:
        self.done.append("on")

    def press_power_button(self) -> None:
        self.done.append("button")

    def cut_power(self) -> None:
        self.done.append("cut")

    def join(self) -> None:
        self.done.append("joined")

    def discard(self) -> None:
        self.done.append("discarded")

    def complaint(self) -> str:
        return "port is taken"

    def console(self) -> bytes:
        return b"login: "

    def end(self, exit_code: int) -> None:
        self.observer.ended(self, exit_code)


class PretendedInstance:
    """What the cloud uses of moto's instance."""

    def __init__(self, instance_id: str, behaviour: str) -> None:
        self.id = instance_id
        self.instance_state = SimpleNamespace(name="", code=-1)
        self.state_reason = SimpleNamespace(code="", message="")
        self.instance_initiated_shutdown_behavior = behaviour
        self.block_device_mapping: dict[str, Any] = {}
        self.terminated = 0

    @property
    def state(self) -> str:
        return str(self.instance_state.name)

    def terminate(self) -> None:
        self.terminated += 1


class One:
    """A cloud with one instance."""

    def __init__(self, cloud: Cloud, spec: Spec, behaviour: str) -> None:
        self.cloud = cloud
        pretended: Any = PretendedInstance(spec.instance_id, behaviour)
        self.instance = pretended
        self.state = self.instance.instance_state
        cloud.launch(self.instance, spec)
        self.machine: Any = cloud.machine(spec.instance_id)

    def seen(self) -> tuple[str, str]:
        """Return the state and the code of its reason."""
        return self.state.name, self.instance.state_reason.code


@pytest.fixture
def one(spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> One:
    monkeypatch.setattr(module, "Machine", Pretended)
    settings = Settings(region="us-east-1", ssh_port=20022, memory_mib=256)
    cloud = Cloud(settings, tmp_path, nursery=None, accelerator=Accelerator(name="tcg", reason=""))  # type: ignore[arg-type]
    behaviour = getattr(request, "param", "stop")
    return One(cloud, spec, behaviour)


def test_an_instance_is_pending_until_its_machine_answers(one: One) -> None:
    assert one.state.name == "pending"
    one.machine.observer.started(one.machine)
    assert (one.state.name, one.state.code) == ("running", 16)


def test_a_guest_that_powers_itself_off_stops(one: One) -> None:
    one.machine.observer.started(one.machine)
    one.machine.end(0)
    assert one.seen() == ("stopped", "Client.InstanceInitiatedShutdown")
    assert "discarded" not in one.machine.done


@pytest.mark.parametrize("one", ["terminate"], indirect=True)
def test_a_guest_that_powers_itself_off_is_terminated_if_so_launched(one: One) -> None:
    one.machine.end(0)
    assert one.seen() == ("terminated", "Client.InstanceInitiatedShutdown")
    assert (one.instance.terminated, one.machine.done[-1]) == (1, "discarded")


def test_a_machine_that_cannot_start_ends_the_instance_with_qemus_words(one: One) -> None:
    one.machine.end(1)
    assert one.seen() == ("terminated", "Server.InternalError")
    assert "port is taken" in one.instance.state_reason.message


def test_a_machine_that_breaks_later_keeps_its_disk(one: One) -> None:
    one.machine.observer.started(one.machine)
    one.machine.end(-9)
    assert one.seen() == ("stopped", "Server.InternalError")
    assert "discarded" not in one.machine.done


@pytest.mark.parametrize("force,done", [(False, "button"), (True, "cut")])
def test_stopping_presses_the_button_or_cuts_the_power(one: One, force: bool, done: str) -> None:  # noqa: FBT001
    one.cloud.stop(one.instance.id, force=force)
    assert (one.state.name, one.machine.done[-1]) == ("stopping", done)
    one.machine.end(-9 if force else 0)
    assert one.seen() == ("stopped", "Client.UserInitiatedShutdown")


@pytest.mark.parametrize("exit_code,whole", [(0, True), (-9, False)])
def test_work_that_waits_for_the_power_off_is_told_whether_the_disk_is_whole(
    one: One,
    exit_code: int,
    whole: bool,  # noqa: FBT001
) -> None:
    told: list[bool] = []
    one.machine.observer.started(one.machine)
    one.cloud.reboot(one.instance.id, when_off=lambda *, whole: told.append(whole))
    assert (told, one.machine.done) == ([], ["on", "button"])
    one.machine.end(exit_code)
    assert (told, one.machine.done[-1], one.state.name) == ([whole], "on", "running")


def test_a_running_instance_is_terminated_when_its_machine_has_ended(one: One) -> None:
    one.cloud.terminate(one.instance.id)
    assert (one.state.name, one.machine.done[-1]) == ("shutting-down", "cut")
    one.machine.end(-9)
    assert one.seen() == ("terminated", "Client.UserInitiatedShutdown")
    one.cloud.terminate(one.instance.id)
    assert one.cloud.console(one.instance.id) == b""


def test_a_stopped_instance_is_terminated_at_once(one: One) -> None:
    one.machine.end(0)
    one.cloud.terminate(one.instance.id)
    assert (one.state.name, one.machine.done[-1]) == ("terminated", "discarded")


def test_closing_ends_every_machine_and_starts_none_again(one: One) -> None:
    one.cloud.reboot(one.instance.id)
    one.cloud.close()
    assert one.machine.done[-3:] == ["cut", "joined", "discarded"]
    one.machine.end(-9)
    assert one.machine.done[-1] == "discarded"


def test_each_instance_has_an_address_of_its_own(one: One) -> None:
    addresses = [next(one.cloud.addresses) for _ in range(600)]
    assert addresses[0] == "127.0.0.2"
    assert len(set(addresses)) == 600
    assert not any(address.endswith(".0") for address in addresses)


def test_a_machine_without_an_instance_goes_when_its_power_is_off(one: One) -> None:
    one.cloud.discard(one.instance.id)
    assert "discarded" not in one.machine.done
    one.machine.end(-9)
    assert one.machine.done == ["on", "cut", "discarded"]
    assert (one.cloud.console(one.instance.id), one.instance.terminated) == (b"", 0)

"""Calls on several instances at once, and instances that do not start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from .conftest import Unpowered, code
from .test_launching import end, instance, launch, state

if TYPE_CHECKING:
    import pytest


def test_one_protected_instance_keeps_all_that_are_named(ec2: Any, image: str) -> None:
    plain, kept = launch(ec2, image), launch(ec2, image, DisableApiTermination=True, DisableApiStop=True)
    ids = [plain["InstanceId"], kept["InstanceId"]]
    for call in (ec2.terminate_instances, ec2.stop_instances):
        assert code(call, InstanceIds=ids) == "OperationNotPermitted"
        assert [state(ec2, one) for one in (plain, kept)] == ["running", "running"]
    ec2.modify_instance_attribute(InstanceId=kept["InstanceId"], DisableApiTermination={"Value": False})
    end(ec2, plain)
    end(ec2, kept)


def test_one_terminated_instance_keeps_all_that_are_named_as_they_are(ec2: Any, image: str) -> None:
    stopped, gone = launch(ec2, image), launch(ec2, image)
    ec2.stop_instances(InstanceIds=[stopped["InstanceId"]])
    end(ec2, gone)
    ids = [stopped["InstanceId"], gone["InstanceId"]]
    assert code(ec2.start_instances, InstanceIds=ids) == "IncorrectInstanceState"
    assert code(ec2.start_instances, InstanceIds=ids, DryRun=True) == "IncorrectInstanceState"
    assert state(ec2, stopped) == "stopped"
    end(ec2, stopped)


def test_an_instance_that_does_not_start_is_stopped_and_can_be_tried_again(
    ec2: Any, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Unpowered) -> NoReturn:
        raise OSError("no processes left")

    launched = launch(ec2, image)
    named = {"InstanceIds": [launched["InstanceId"]]}
    ec2.stop_instances(**named)
    with monkeypatch.context() as broken:
        broken.setattr(Unpowered, "power_on", fail)
        assert code(ec2.start_instances, **named) == "InsufficientInstanceCapacity"
    found = instance(ec2, launched["InstanceId"])
    assert (found["State"]["Name"], found["StateReason"]["Code"]) == ("stopped", "Server.InternalError")
    ec2.start_instances(**named)
    assert state(ec2, launched) == "running"
    end(ec2, launched)

"""Actions on instances that run or ran."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow

from amigate.errors import SandboxError
from amigate.sandbox.api import errors
from amigate.sandbox.api.base import CloudResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from moto.ec2.models.instances import Instance


class Instances(CloudResponse):
    """Stop, start, reboot and terminate follow the real machine."""

    def describe_instances(self) -> ActionResult:
        """Refuse what is no id, then let moto answer."""
        self._check_ids()
        result: ActionResult = super().describe_instances()
        return result

    def stop_instances(self) -> ActionResult:
        """Press the power button, or cut the power with Force."""
        force = self.is_true("Force")

        def check(instance: Instance) -> None:
            if instance.disable_api_stop is True:
                raise errors.protected(instance.id, "stopped", "disableApiStop")
            if instance.state not in {"pending", "running", "stopping", "stopped"}:
                raise errors.wrong_state(instance.id, instance.state, "running")

        def stop(instance: Instance) -> None:
            if instance.state in {"pending", "running"}:
                self.cloud.stop(instance.id, force=force)

        return self._change(check, stop, "StoppingInstances")

    def start_instances(self) -> ActionResult:
        """Boot a stopped instance from its own disk."""

        def check(instance: Instance) -> None:
            if instance.state not in {"pending", "running", "stopped"}:
                raise errors.wrong_state(instance.id, instance.state, "stopped")

        def start(instance: Instance) -> None:
            if instance.state == "stopped":
                try:
                    self.cloud.start(instance.id)
                except (OSError, SandboxError) as error:
                    raise errors.no_capacity(error) from error

        return self._change(check, start, "StartingInstances")

    def terminate_instances(self) -> ActionResult:
        """Take machine and disk away; a terminated instance stays terminated."""

        def check(instance: Instance) -> None:
            if instance.disable_api_termination is True:
                raise errors.protected(instance.id, "terminated", "disableApiTermination")

        return self._change(check, lambda instance: self.cloud.terminate(instance.id), "TerminatingInstances")

    def reboot_instances(self) -> ActionResult:
        """Power off by the button and on again."""
        instances = self._instances()
        for instance in instances:
            if instance.state != "running":
                raise errors.wrong_state(instance.id, instance.state, "running")
        self.error_on_dryrun()
        for instance in instances:
            self.cloud.reboot(instance.id)
        return EmptyResult()

    def get_console_output(self) -> ActionResult:
        """Return the end of the real serial console; empty once the instance is terminated."""
        instance = self.instance(self.required("InstanceId"))
        output = self.cloud.console(instance.id)
        return ActionResult(
            {"InstanceId": instance.id, "Timestamp": utcnow(), "Output": base64.b64encode(output).decode()}
        )

    def describe_instance_status(self) -> ActionResult:
        """Status checks: initializing until the guest's network answers, impaired when it takes too long."""
        self._check_ids()
        found = self.content(super().describe_instance_status())["InstanceStatuses"]
        return ActionResult({"InstanceStatuses": [self._status(instance) for instance in found]})

    def _instances(self) -> list[Instance]:
        self._check_ids()
        named = self._get_param("InstanceIds", [])
        if not named:
            raise errors.missing("InstanceId")
        return list(self.backend.get_multi_instances_by_id(named))

    def _check_ids(self) -> None:
        for instance_id in self._get_param("InstanceIds", []):
            errors.check_id(instance_id, "i", errors.instance_malformed)

    def _change(
        self, check: Callable[[Instance], None], change: Callable[[Instance], None], field: str
    ) -> ActionResult:
        """Change all instances named, or none if one may not be, and tell the state of each before and after."""
        instances = self._instances()
        for instance in instances:
            check(instance)
        self.error_on_dryrun()
        changed = []
        for instance in instances:
            before = _state(instance)
            change(instance)
            changed.append({"InstanceId": instance.id, "PreviousState": before, "CurrentState": _state(instance)})
        return ActionResult({field: changed})

    def _status(self, instance: Instance) -> dict[str, Any]:
        running = instance.state == "running"
        return {
            "AvailabilityZone": instance.availability_zone,
            "InstanceId": instance.id,
            "InstanceState": _state(instance),
            "InstanceStatus": _check(self.cloud.status(instance.id)) if running else {"Status": "not-applicable"},
            "SystemStatus": _check("ok") if running else {"Status": "not-applicable"},
        }


def _state(instance: Instance) -> dict[str, Any]:
    return {"Code": instance.state_code, "Name": instance.state}


def _check(status: str) -> dict[str, Any]:
    reachability = {"ok": "passed", "impaired": "failed"}.get(status, status)
    return {"Details": [{"Name": "reachability", "Status": reachability}], "Status": status}

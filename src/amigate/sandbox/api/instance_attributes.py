"""Attributes and metadata options of instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models.instances import MetadataOptions

from amigate.sandbox.api import errors
from amigate.sandbox.api.base import CloudResponse

if TYPE_CHECKING:
    from moto.ec2.models.instances import Instance

_OPTIONS = {
    "HttpTokens": "http_tokens",
    "HttpPutResponseHopLimit": "http_put_response_hop_limit",
    "HttpEndpoint": "http_endpoint",
    "HttpProtocolIpv6": "http_protocol_ipv6",
    "InstanceMetadataTags": "instance_metadata_tags",
}
_VALUES = {
    "HttpTokens": ("optional", "required"),
    "HttpEndpoint": ("enabled", "disabled"),
    "HttpProtocolIpv6": ("enabled", "disabled"),
    "InstanceMetadataTags": ("enabled", "disabled"),
}
_LONGEST_HOPS = 64
_WHEN_STOPPED = ("instanceType", "userData", "kernel", "ramdisk")


def new_options(asked: dict[str, Any], present: MetadataOptions | None = None) -> MetadataOptions:
    """Return metadata options with changes, over those that are there or EC2's defaults."""
    options = MetadataOptions({})
    for name, field in _OPTIONS.items():
        if present is not None:
            setattr(options, field, getattr(present, field))
        if asked.get(name) is not None:
            setattr(options, field, _checked(name, asked[name]))
    return options


def _checked(name: str, value: Any) -> Any:
    if name == "HttpPutResponseHopLimit":
        if not 1 <= int(value) <= _LONGEST_HOPS:
            raise errors.bad_value(f"Value ({value}) for parameter HttpPutResponseHopLimit is invalid. Expected: 1-64")
        return int(value)
    if value not in _VALUES[name]:
        raise errors.bad_value(f"Value ({value}) for parameter {name} is invalid. Expected: {_VALUES[name]}")
    return value


class InstanceAttributes(CloudResponse):
    """Change what can be changed of an instance."""

    def modify_instance_metadata_options(self) -> ActionResult:
        """Change the options that are named, at once; the others stay."""
        instance = self.instance(self.required("InstanceId"))
        asked = {name: self._get_param(name) for name in _OPTIONS}
        if all(value is None for value in asked.values()):
            raise errors.bad_combination("No attributes specified.")
        options = new_options(asked, instance.metadata_options)
        if instance.state not in {"pending", "running", "stopping", "stopped"}:
            raise errors.wrong_state(instance.id, instance.state, "running' or 'stopped")
        self.error_on_dryrun()
        instance.metadata_options = options
        self.cloud.machine(instance.id).change_metadata(
            tokens_required=options.http_tokens == "required", metadata_enabled=options.http_endpoint == "enabled"
        )
        return ActionResult({"InstanceId": instance.id, "InstanceMetadataOptions": options})

    def modify_instance_attribute(self) -> ActionResult:
        """Change an attribute; type and user data while the instance is stopped only."""
        instance = self.instance(self.required("InstanceId"))
        attribute = self._get_param("Attribute")
        for name in _WHEN_STOPPED:
            if attribute != name and self._get_param(name[0].upper() + name[1:]) is None:
                continue
            if instance.state != "stopped":
                raise errors.wrong_state(instance.id, instance.state, "stopped")
            raise errors.unsupported(f"an instance keeps the {name} that it was launched with")
        behaviour = self._behaviour(attribute)
        if behaviour is not None:
            self.error_on_dryrun()
            instance.instance_initiated_shutdown_behavior = behaviour
            return EmptyResult()
        if not set(self.params) - {"InstanceId", "DryRun"}:
            raise errors.bad_combination("No attributes specified.")
        self._check_devices(instance)
        for group in self._get_param("Groups", []):
            if self.backend.get_security_group_from_id(group) is None:
                raise errors.group_not_found(group)
        result: ActionResult = super().modify_instance_attribute()
        return result

    def _check_devices(self, instance: Instance) -> None:
        for mapping in self._get_param("BlockDeviceMappings", []):
            device = mapping.get("DeviceName")
            if device not in instance.block_device_mapping:
                raise errors.bad_mapping(f"No device is currently mapped at {device}")

    def _behaviour(self, attribute: str | None) -> str | None:
        """Return what a guest's own power-off is to do, if the request is about that."""
        is_named = attribute == "instanceInitiatedShutdownBehavior"
        value = self._get_param("Value" if is_named else "InstanceInitiatedShutdownBehavior.Value")
        if value not in {None, "stop", "terminate"}:
            raise errors.bad_value(f"Value ({value}) for parameter instanceInitiatedShutdownBehavior is invalid.")
        return None if value is None else str(value)

"""One instance that a run launched, as EC2 sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from amigate.sources.aws_errors import aws_errors

if TYPE_CHECKING:
    from amigate.sources.aws import Aws
    from amigate.sources.login_key import LoginKey

GONE = frozenset({"shutting-down", "terminated", "stopping", "stopped"})


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What EC2 says of an instance at one moment."""

    state: str
    """`pending`, `running`, `shutting-down`, `terminated`, `stopping` or `stopped`."""
    address: str
    """Public address, else the private one, else empty."""
    reason: str
    """AWS's code for the last change of state, such as `Client.InstanceInitiatedShutdown`."""

    @property
    def is_gone(self) -> bool:
        """Nobody will log in to it any more."""
        return self.state in GONE


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A launched instance and the one key that ought to log in to it."""

    aws: Aws = field(repr=False)
    instance_id: str
    label: str
    """`A`, `B` or `builder`."""
    key: LoginKey
    launched_at: float
    """time.monotonic() just before RunInstances."""

    def look(self) -> Sighting:
        """Ask EC2 for the state; raise AwsError when it does not say."""
        with aws_errors(f"describe {self.instance_id}"):  # by filter: an id that is not known yet is no error
            found = self.aws.ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": [self.instance_id]}])
        for reservation in found["Reservations"]:
            for instance in reservation["Instances"]:
                return Sighting(
                    state=instance["State"]["Name"],
                    address=instance.get("PublicIpAddress") or instance.get("PrivateIpAddress") or "",
                    reason=instance.get("StateReason", {}).get("Code", ""),
                )
        return Sighting(state="pending", address="", reason="")

    def console(self) -> str:
        """Return what the serial console published, hostile as it is; raise AwsError when it is refused."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - slow to import

        with aws_errors(f"read the console of {self.instance_id}"):
            try:  # only Nitro types have the latest output
                output = self.aws.ec2.get_console_output(InstanceId=self.instance_id, Latest=True)
            except ClientError as error:
                if error.response["Error"]["Code"] != "UnsupportedOperation":
                    raise
                output = self.aws.ec2.get_console_output(InstanceId=self.instance_id)
        return output.get("Output", "")

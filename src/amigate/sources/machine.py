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
    """Where to reach it: the public address if there is one and it is wanted, else the private one, else empty."""
    reason: str
    """AWS's code for the last change of state, such as `Client.InstanceInitiatedShutdown`."""
    tokens: str = ""
    """Whether its metadata needs session tokens (HttpTokens): `required` or `optional`; empty when EC2 does not say."""

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
    """`A`, `B`, `keyless` or `builder`."""
    key: LoginKey
    launched_at: float
    """time.monotonic() just before RunInstances."""
    keyless: bool = False
    """Launched without a key pair: `key` is one that nobody has installed, and ought to be refused."""
    private: bool = False
    """Reached at its private address."""
    placement: str = ""
    """Instance type and zone, for a reader."""

    def look(self) -> Sighting:
        """Ask EC2 for the state; raise AwsError when it does not say."""
        with aws_errors(f"describe {self.instance_id}"):  # by filter: an id that is not known yet is no error
            found = self.aws.ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": [self.instance_id]}])
        for reservation in found["Reservations"]:
            for instance in reservation["Instances"]:
                return Sighting(
                    state=instance["State"]["Name"],
                    address=("" if self.private else instance.get("PublicIpAddress"))
                    or instance.get("PrivateIpAddress")
                    or "",
                    reason=instance.get("StateReason", {}).get("Code", ""),
                    tokens=instance.get("MetadataOptions", {}).get("HttpTokens", ""),
                )
        return Sighting(state="pending", address="", reason="")

    def status_checks(self) -> tuple[str, str]:
        """Return the words of the system and the instance status check; raise AwsError when EC2 does not say.

        Empty for an instance of which EC2 has no status yet."""
        with aws_errors(f"read the status checks of {self.instance_id}"):
            found = self.aws.ec2.describe_instance_status(
                Filters=[{"Name": "instance-id", "Values": [self.instance_id]}], IncludeAllInstances=True
            )
        for status in found["InstanceStatuses"]:
            if status["InstanceId"] == self.instance_id:
                return status["SystemStatus"]["Status"], status["InstanceStatus"]["Status"]
        return "", ""

    def reboot(self) -> None:
        """Ask EC2 to reboot the instance: at once by its power button, by force after four minutes."""
        with aws_errors(f"reboot {self.instance_id}"):
            self.aws.ec2.reboot_instances(InstanceIds=[self.instance_id])

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

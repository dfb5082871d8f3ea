"""Everything that one run makes in an account, and its complete removal."""

from __future__ import annotations

import secrets
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from amigate.errors import AwsError, LaunchError
from amigate.sources.aws_errors import aws_errors, code_of, is_refusal
from amigate.sources.instance_types import instance_type_for
from amigate.sources.interrupts import interrupts
from amigate.sources.login_key import make_login_key
from amigate.sources.machine import Machine
from amigate.sources.patience import once_visible
from amigate.sources.removal import Made, Removal
from amigate.sources.runner import runner_network
from amigate.sources.security_group import GroupPlan, make_security_group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from ipaddress import IPv4Network

    from mypy_boto3_ec2.literals import ResourceTypeType
    from mypy_boto3_ec2.type_defs import RunInstancesRequestTypeDef, TagSpecificationTypeDef

    from amigate.sources.aws import Aws
    from amigate.sources.login_key import LoginKey

NOTICE = "still removing what this run made in the account; please wait"


class AccountRun:
    """What one run has in the account; made by `open_run`, which removes it all."""

    def __init__(  # noqa: PLR0913 - one keyword per choice of the caller
        self,
        aws: Aws,
        *,
        runner: IPv4Network,
        ssh_port: int,
        subnet: str | None,
        instance_type: str | None,
        lifetime_s: int,
        say: Callable[[str], None],
        pause_s: float,
    ) -> None:
        self.aws = aws
        self.run_id = secrets.token_hex(5)
        """Value of the tag `amigate:run` on everything."""
        self.say = say
        self.pause_s = pause_s
        """Between two questions to EC2 about the same thing."""
        self._runner, self._ssh_port, self._subnet, self._type = runner, ssh_port, subnet, instance_type
        self._expires = (datetime.now(UTC) + timedelta(seconds=lifetime_s)).isoformat(timespec="seconds")
        self._made = Made()
        self._group_id = ""
        self._lock = threading.Lock()
        self._over = self._removed = False

    def launch(
        self, image: Mapping[str, Any], label: str, *, stop_on_shutdown: bool = False, keyless: bool = False
    ) -> Machine:
        """Launch one instance of `image` (an Image of DescribeImages) with a key pair of its own, or none at all.

        Safe to call from several threads. Raises LaunchError; what was made until then is removed on exit."""
        if self._over:
            raise LaunchError(f"no launch of {label}: this run is over")
        try:
            key = make_login_key()
            group_id = self._security_group()
            if not keyless:
                self._import_key(label, key)
            launched_at = time.monotonic()
            request = self._request(image, label, group_id, stop_on_shutdown=stop_on_shutdown)
            if keyless:
                del request["KeyName"]
            instance_id = self._run_instances(request)
        except AwsError as error:
            raise LaunchError(str(error), hint=error.hint) from error.__cause__
        self.say(f"{label}: launched {instance_id} ({request.get('InstanceType')})")
        return Machine(aws=self.aws, instance_id=instance_id, label=label, key=key, launched_at=launched_at)

    def close(self) -> None:
        """Remove everything; a second call removes what an interrupted first did not come to.

        Raises one AwsError that names what could not be removed and the commands that do."""
        self._over = True
        if self._removed:
            return
        self._removed = True
        try:
            Removal(self.aws, self.run_id, self._made, say=self.say, pause_s=self.pause_s).run()
        except KeyboardInterrupt:
            self._removed = False
            raise

    def _security_group(self) -> str:
        with self._lock:
            if not self._group_id:
                plan = GroupPlan(
                    name=self._name("group"),
                    tags=self._tags("group", "security-group"),
                    runner=self._runner,
                    port=self._ssh_port,
                    subnet=self._subnet,
                )
                self._group_id = make_security_group(self.aws, plan, self._made, pause_s=self.pause_s)
            return self._group_id

    def _import_key(self, label: str, key: LoginKey) -> None:
        name = self._name(label)
        self._made.key_names.add(name)
        try:
            with aws_errors("import a key pair"):
                self.aws.ec2.import_key_pair(
                    KeyName=name,
                    PublicKeyMaterial=key.public_line.encode("ascii"),
                    TagSpecifications=self._tags(label, "key-pair"),
                )
        except AwsError as error:
            if code_of(error) != "InvalidKeyPair.Duplicate":  # the name is ours alone: an answer was lost
                raise

    def _request(
        self, image: Mapping[str, Any], label: str, group_id: str, *, stop_on_shutdown: bool
    ) -> RunInstancesRequestTypeDef:
        request: RunInstancesRequestTypeDef = {
            "ImageId": image["ImageId"],
            "InstanceType": self._type or instance_type_for(image),  # type: ignore[typeddict-item] # a user's word
            "MinCount": 1,
            "MaxCount": 1,
            "ClientToken": self._name(label),
            "KeyName": self._name(label),
            "SecurityGroupIds": [group_id],
            "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
            "InstanceInitiatedShutdownBehavior": "stop" if stop_on_shutdown else "terminate",
            "TagSpecifications": self._tags(label, "instance", "volume"),
        }
        if self._subnet:
            request["SubnetId"] = self._subnet
        return request

    def _run_instances(self, request: RunInstancesRequestTypeDef) -> str:
        """Launch and return the instance id; the token makes botocore's own repetitions one launch."""
        token = request["ClientToken"]
        self._made.launches_asked.add(token)
        try:
            answer = once_visible(
                f"launch {request['ImageId']}",
                lambda: self.aws.ec2.run_instances(**request),
                pause_s=self.pause_s,
            )
        except AwsError as error:
            if is_refusal(error):
                self._made.launches_asked.discard(token)
            raise
        instance_id = answer["Instances"][0]["InstanceId"]
        self._made.instance_ids.add(instance_id)
        self._made.launches_answered.add(token)
        return instance_id

    def _name(self, label: str) -> str:
        return f"amigate-{self.run_id}-{label}"

    def _tags(self, label: str, *kinds: ResourceTypeType) -> list[TagSpecificationTypeDef]:
        tags = {"Name": self._name(label), "amigate:run": self.run_id, "amigate:expires": self._expires}
        return [
            {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            for kind in kinds
        ]


@contextmanager
def open_run(  # noqa: PLR0913 - one keyword per choice of the caller
    aws: Aws,
    *,
    runner_cidr: str | None = None,
    ssh_port: int = 22,
    subnet: str | None = None,
    instance_type: str | None = None,
    lifetime_s: int = 7200,
    pause_s: float | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[AccountRun]:
    """Give a run its footing in the account, and remove everything it made, however the block ends.

    In the main thread SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt once; later ones only say that the
    removal is going on. `ssh_port` is opened to `runner_cidr` (default: this machine's public address).
    Raises UsageError for a network that is too wide, one AwsError that names what could not be removed."""

    def say(text: str) -> None:
        with suppress(OSError, ValueError):  # a terminal that is gone must not keep us from cleaning up
            progress(text)

    run = AccountRun(
        aws,
        runner=runner_network(runner_cidr, sandbox=aws.sandbox),
        ssh_port=ssh_port,
        subnet=subnet,
        instance_type=instance_type,
        lifetime_s=lifetime_s,
        say=say,
        pause_s=pause_s if pause_s is not None else (0.2 if aws.sandbox else 5.0),
    )
    with interrupts(say, NOTICE) as signals:
        try:
            try:
                yield run
            finally:
                signals.hold()
                run.close()
        finally:  # the one interruption may have come between the block and `hold`
            signals.hold()
            run.close()

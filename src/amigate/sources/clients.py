"""Clients of AWS's services beside EC2, for calls that only look."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from amigate.errors import AwsError
from amigate.sources.aws_errors import aws_errors
from amigate.sources.calls import log_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.sources.aws import Aws

IN_IAM = {"service-quotas": "servicequotas"}
"""What IAM calls a service that boto3 calls otherwise."""

MANY = frozenset({"GetSnapshotBlock"})
"""Operations of which there are too many for a log."""


def client(aws: Aws, service: str, *, region: str = "", connections: int = 10) -> Any:
    """Return boto3's client of a service, in the account's region unless another one is named.

    The sandbox serves all at the endpoint of EC2; else AWS_ENDPOINT_URL_… counts. Raises UsageError for a configuration
    that cannot work, AwsError for a service that this boto3 does not know."""
    import boto3  # noqa: PLC0415 - slow to import
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        retries={"mode": "standard", "total_max_attempts": 5},
        max_pool_connections=connections,
        connect_timeout=10,
        read_timeout=30,
        user_agent_extra="amigate",
    )
    if aws.sandbox:
        config = config.merge(Config(proxies={}))
    with aws_errors(f"speak to {service}", service=service):
        session: Any = boto3.Session(region_name=region or aws.region)
        made = session.client(service, endpoint_url=aws.endpoint if aws.sandbox else None, config=config)
    log_calls(made, but=MANY)
    return made


@dataclass(frozen=True)
class Service:
    """One service of AWS, asked call by call."""

    client: Any = field(repr=False)

    @classmethod
    def of(cls, aws: Aws, name: str, *, region: str = "") -> Service:
        """Return a service of the account; EC2 in the account's own region by the client that there is."""
        if name == "ec2" and region in {"", aws.region}:
            return cls(aws.ec2)
        return cls(client(aws, name, region=region))

    def ask(self, operation: str, what: str, **parameters: object) -> dict[str, Any]:
        """Call `operation`, as boto3 spells it, to `what` (an infinitive), and return AWS's answer.

        Raises AwsError for a refusal, no answer, or an operation that this boto3 does not know."""
        call = getattr(self.client, operation, None)
        if call is None:
            raise AwsError(
                f"could not {what}: the installed boto3 does not know {operation}", hint="install a newer boto3"
            )
        name = self.client.meta.service_model.service_name
        with aws_errors(what, service=IN_IAM.get(name, name)):
            answer = dict(call(**parameters))
        answer.pop("ResponseMetadata", None)
        return answer

    def pages(
        self,
        operation: str,
        what: str,
        key: str,
        *,
        token: tuple[str, str] = ("NextToken", "NextToken"),
        most: int = 20,
        **parameters: object,
    ) -> Iterator[Any]:
        """Yield what is listed under `key`; `token` are its names in answers and in requests.

        Raises AwsError where there are more than `most` pages: what was not read is not known."""
        following: dict[str, object] = {}
        for _ in range(most):
            answer = self.ask(operation, what, **parameters, **following)
            yield from answer.get(key) or ()
            if not answer.get(token[0]):
                return
            following = {token[1]: answer[token[0]]}
        raise AwsError(f"could not {what}: there are more than {most} pages of it")

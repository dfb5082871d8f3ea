"""What runs left behind in an account: found by its tags, and removed once it has expired.

Anybody who may tag can write such tags, so their values are text to compare and to show, never to trust."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from amigate.errors import AmigateError
from amigate.sources import tags
from amigate.sources.aws_errors import aws_errors
from amigate.sources.remover import Leftover, Remover, outlives_its_instance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mypy_boto3_ec2.type_defs import FilterTypeDef

    from amigate.sources.aws import Aws

HASTE_S = 20.0
"""Longest that a run is held up by what earlier ones left."""
TAGGED: list[FilterTypeDef] = [{"Name": "tag-key", "Values": [tags.RUN]}]


class Kind(StrEnum):
    """What runs make."""

    INSTANCE = "instance"
    VOLUME = "volume"
    GROUP = "security group"
    KEY = "key pair"


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Something with the tag of a run."""

    kind: Kind
    id: str
    """For key pairs the name; of EC2's choice for all else."""
    run: str
    """As its tag says; untrusted."""
    expires: str
    """As its tag says, empty without one; untrusted."""

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def expired_at(self) -> datetime | None:
        """When it expires; None when its tag does not say so in RFC 3339 with an offset."""
        try:
            moment = datetime.fromisoformat(self.expires)
        except ValueError:
            return None
        return moment if moment.tzinfo else None


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """What was found, by what is to be done with it."""

    due: tuple[Thing, ...]
    waiting: tuple[Thing, ...]
    """Not expired."""
    unclear: tuple[Thing, ...]
    """Its expiry is missing or malformed: left alone."""


@dataclass(frozen=True, kw_only=True)
class Reaped:
    """What came of it."""

    removed: tuple[str, ...]
    left: tuple[Leftover, ...]


def find(aws: Aws) -> tuple[Thing, ...]:
    """Return all that has the tag of a run and does not go by itself; raises AwsError when EC2 does not say."""
    with aws_errors("look for what runs have left"):
        return tuple(thing for each in (_instances, _volumes, _groups, _key_pairs) for thing in each(aws))


def sort(things: Sequence[Thing], *, now: datetime, run_id: str | None = None) -> Sorted:
    """Say which of `things` are due: those that have expired, or with `run_id` those of that run alone."""
    if run_id is not None:
        return Sorted(due=tuple(thing for thing in things if thing.run == run_id), waiting=(), unclear=())
    dated = [(thing, thing.expired_at) for thing in things]
    return Sorted(
        due=tuple(thing for thing, moment in dated if moment and moment <= now),
        waiting=tuple(thing for thing, moment in dated if moment and moment > now),
        unclear=tuple(thing for thing, moment in dated if not moment),
    )


def remove(
    aws: Aws, due: Sequence[Thing], *, say: Callable[[str], None], pause_s: float, hasty: bool = False
) -> Reaped:
    """Remove `due` in the order in which EC2 lets go of it; a `hasty` removal waits for nothing."""
    remover = Remover(aws, say=say, pause_s=pause_s, hasty=hasty)
    ids = {kind: {thing.id for thing in due if thing.kind is kind} for kind in Kind}
    remover.terminate(ids[Kind.INSTANCE])
    if ids[Kind.VOLUME]:
        remover.delete_volumes(_described(aws, remover, ids[Kind.VOLUME]))
    remover.delete_groups(ids[Kind.GROUP])
    remover.delete_key_pairs(ids[Kind.KEY])
    return Reaped(removed=tuple(remover.removed), left=tuple(remover.left))


def reap_behind(aws: Aws, own_run: str, say: Callable[[str], None]) -> None:
    """Remove what earlier runs left and has expired: at the end of a run, in haste, and whatever goes wrong is a line.

    Raises nothing, and takes no longer than 20 s; what is left then is for the next run, or `amigate reap`."""
    worker = threading.Thread(target=_reap_behind, args=(aws, own_run, say), name="reap", daemon=True)
    worker.start()
    worker.join(HASTE_S)


def _reap_behind(aws: Aws, own_run: str, say: Callable[[str], None]) -> None:
    try:
        found = sort([thing for thing in find(aws) if thing.run != own_run], now=datetime.now(UTC))
        if not found.due:
            return
        reaped = remove(aws, found.due, say=lambda _: None, pause_s=0, hasty=True)
    except AmigateError as error:
        say(f"did not look for what earlier runs may have left: {error}")
        return
    if reaped.removed:
        say(f"removed what earlier runs had left: {', '.join(reaped.removed)}")
    if reaped.left:
        say(f"earlier runs left {', '.join(each.what for each in reaped.left)}: `amigate reap` removes them")


def _described(aws: Aws, remover: Remover, ids: set[str]) -> list[Any]:
    """Describe volumes anew: since they were found, they may have gone with their instances."""
    wanted = sorted(ids)
    pages = remover.look(
        f"volumes {', '.join(wanted)}",
        f"delete-volume --volume-id {wanted[0]}"
        if len(wanted) == 1
        else f"describe-volumes --volume-ids {' '.join(wanted)}",
        lambda: list(
            aws.ec2.get_paginator("describe_volumes").paginate(Filters=[{"Name": "volume-id", "Values": wanted}])
        ),
    )
    return [volume for page in pages or () for volume in page["Volumes"]]


def _instances(aws: Aws) -> Iterator[Thing]:
    for page in aws.ec2.get_paginator("describe_instances").paginate(Filters=TAGGED):
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                if instance["State"]["Name"] not in {"shutting-down", "terminated"}:
                    yield from _thing(Kind.INSTANCE, instance["InstanceId"], instance)


def _volumes(aws: Aws) -> Iterator[Thing]:
    for page in aws.ec2.get_paginator("describe_volumes").paginate(Filters=TAGGED):
        for volume in page["Volumes"]:
            if outlives_its_instance(volume):
                yield from _thing(Kind.VOLUME, volume["VolumeId"], volume)


def _groups(aws: Aws) -> Iterator[Thing]:
    for page in aws.ec2.get_paginator("describe_security_groups").paginate(Filters=TAGGED):
        for group in page["SecurityGroups"]:
            yield from _thing(Kind.GROUP, group["GroupId"], group)


def _key_pairs(aws: Aws) -> Iterator[Thing]:
    for pair in aws.ec2.describe_key_pairs(Filters=TAGGED)["KeyPairs"]:
        yield from _thing(Kind.KEY, pair["KeyName"], pair)


def _thing(kind: Kind, id_: str, description: Any) -> Iterator[Thing]:
    """Give the thing, if it has indeed the tag; an endpoint that does not filter must not make us remove others."""
    found = {tag["Key"]: tag["Value"] for tag in description.get("Tags", ())}
    if found.get(tags.RUN):
        yield Thing(kind=kind, id=id_, run=found[tags.RUN], expires=found.get(tags.EXPIRES, ""))

"""Everything that the doctor looks at, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.doctor.account import account
from amigate.doctor.finding import Finding, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.live import Options
    from amigate.sources.aws import Aws

UNASKED = ("permissions", "network", "way of SSH", "quota")


def examine_account(
    *, region: str | None, endpoint_url: str | None, ami: str | None, options: Options
) -> Iterator[Finding]:
    """Give what is found of an account, each as soon as it is known. Changes nothing and leaves nothing behind.

    Raises UsageError for options that cannot work."""
    found, aws = account(region, endpoint_url)
    yield from found
    if aws is None:
        for topic in UNASKED:
            step = "mend what is said of region and credentials, and ask again"
            yield Finding(topic=topic, state=State.UNKNOWN, found="not asked", next_step=step)
        return
    yield from _asked(aws, ami, options)


def _asked(aws: Aws, ami: str | None, options: Options) -> Iterator[Finding]:
    from amigate.doctor import network, permissions, standing  # noqa: PLC0415 - slow to import

    chosen, image = standing.image(aws, ami)
    yield chosen
    yield from permissions.reading(aws, image["ImageId"] if image else None)
    where, found = network.network(aws, options.subnet)
    yield where
    yield from network.reach(aws, found, options)
    private = options.ssh_address == "private"
    yield from permissions.launching(aws, image, found, options.instance_type, private=private)
    yield permissions.sharing(aws, image)
    yield standing.room(aws)
    yield standing.leftovers(aws)

"""Everything that one run makes in an account, and its complete removal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from amigate.sources.aws import Aws
    from amigate.sources.login_key import LoginKey


class Machine:
    """An instance that this run launched; frozen dataclass."""

    instance_id: str
    label: str
    """`A`, `B` or `builder`."""
    key: LoginKey
    """The only key that ought to log in: `key.private` (paramiko), `key.public_line`, `key.fingerprint`."""
    launched_at: float
    """time.monotonic() just before RunInstances."""


class AccountRun:
    """What one run has in the account; made by `open_run`, which removes it all."""

    aws: Aws
    run_id: str
    """Value of the tag `amigate:run` on everything."""

    def launch(self, image: Mapping[str, Any], label: str, *, stop_on_shutdown: bool = False) -> Machine:
        """Launch one instance of `image` (an Image of DescribeImages) with a key pair of its own.

        Safe to call from several threads. Raises LaunchError; whatever was made until then is removed on exit."""
        raise NotImplementedError


@contextmanager
def open_run(  # noqa: PLR0913
    aws: Aws,
    *,
    runner_cidr: str | None = None,
    ssh_port: int = 22,
    subnet: str | None = None,
    instance_type: str | None = None,
    lifetime_s: int = 7200,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[AccountRun]:
    """Give a run its footing in the account, and remove everything it made, however the block ends.

    In the main thread SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt once; later ones only say that the
    removal is going on. Raises one AwsError that names what could not be removed and the commands that do."""
    raise NotImplementedError
    yield

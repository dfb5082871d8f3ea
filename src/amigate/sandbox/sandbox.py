"""The sandbox as the rest of amigate uses it; moto and QEMU are touched only when it starts."""

from __future__ import annotations

import contextlib
import random
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amigate.errors import SandboxError, UsageError
from amigate.sandbox import workplace
from amigate.sandbox.images import tools
from amigate.sandbox.settings import Credentials, Settings
from amigate.sandbox.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Self

    from amigate.sandbox.api.recorded import Recorded
    from amigate.sandbox.calls import Calls
    from amigate.sandbox.cloud import Cloud
    from amigate.sandbox.faults import Faults

_PROGRAMS = ("qemu-system-x86_64", "qemu-img", "setpriv")
_PORTS = range(20000, 32000)
_running: list[Sandbox] = []


class Sandbox:
    """An EC2 endpoint whose instances are virtual machines, for as long as the context lasts.

    One for each process. Raises SandboxError, with what to install, when this machine cannot run it."""

    def __init__(
        self,
        directory: Path | None = None,
        port: int = 0,
        region: str = "us-east-1",
        memory_mib: int = 256,
    ) -> None:
        self._watch = Watch()
        self._directory = directory
        self._port = port
        self._settings = Settings(region=region, ssh_port=_free_port(), memory_mib=memory_mib)
        self._exits = contextlib.ExitStack()
        self._cloud: Cloud | None = None

    def __enter__(self) -> Self:
        if _running:
            raise SandboxError("a sandbox runs in this process already", hint="use that one, or start another process")
        tools.require(_PROGRAMS)
        with contextlib.ExitStack() as exits:
            self._start(exits)
            self._exits = exits.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()
        self._cloud = None

    @property
    def endpoint(self) -> str:
        """The URL for every service."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def access_key_id(self) -> str:
        """The access key that callers must use; new in every run."""
        return self._settings.access_key_id

    @property
    def secret_access_key(self) -> str:
        """What belongs to the access key."""
        return self._settings.secret_access_key

    @property
    def region(self) -> str:
        """Where images given to `add_image` are."""
        return self._settings.region

    @property
    def account_id(self) -> str:
        """The caller's account."""
        return self._settings.account_id

    @property
    def ssh_port(self) -> int:
        """The port on which every instance's sshd is reached, at the instance's PublicIpAddress."""
        return self._settings.ssh_port

    @property
    def calls(self) -> Calls:
        """The log of every request that reached the endpoint."""
        return self._watch.calls

    @property
    def faults(self) -> Faults:
        """What is made to go wrong; may be filled before the sandbox starts."""
        return self._watch.faults

    @property
    def recorded(self) -> Recorded:
        """What quotas there are, and what scanners say; may be changed while the sandbox runs."""
        return self._running_cloud().recorded

    @property
    def speed(self) -> str:
        """How guests run here, and why so."""
        from amigate.sandbox.machines.accelerator import fastest  # noqa: PLC0415 - measures when it is first asked

        return fastest().reason

    def environment(self) -> dict[str, str]:
        """Return what a client exports to use this sandbox and nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AMIGATE_SSH_PORT": str(self.ssh_port),
        }

    def credentials(self, account_id: str) -> Credentials:
        """Return an access key for another account of this sandbox, with images, instances and networks of its own."""
        made = Credentials(account_id=_account(account_id))
        self._running_cloud().accounts[made.access_key_id] = account_id
        return made

    def add_image(  # noqa: PLR0913 - what an image can be; all but path and name is by keyword
        self,
        path: Path | None,
        name: str,
        *,
        owner: str | None = None,
        shared_with: Sequence[str] = (),
        region: str | None = None,
        volumes: Mapping[str, Path | int] | None = None,
        encrypted: bool = False,
        kms_key_id: str | None = None,
        **metadata: Any,
    ) -> str:
        """Register a qcow2 file as an AMI and return its id; the file stays where it is and is never written.

        `owner` is the account that the image belongs to, the first caller's by default; `shared_with` are accounts that
        may launch it too. `volumes` are further ones: a device, and a file or the size of an empty one in GiB.
        `metadata` is what DescribeImages tells of an image, in the spelling of Python: `architecture`, `boot_mode`,
        `product_codes`, …, and `memory_mib`, what its instances need at least. Without a path it is of the
        instance-store kind, which has no disk."""
        cloud = self._running_cloud()
        from amigate.sandbox.api.registry import NewImage, add_image  # noqa: PLC0415 - moto is loaded by now

        new = NewImage(
            name=name,
            owner_id=_account(owner or self.account_id),
            region=region or self.region,
            disk=None if path is None else Path(path),
            volumes=volumes or {},
            shared_with=shared_with,
            encrypted=encrypted,
            kms_key_id=kms_key_id,
            metadata=metadata,
        )
        return add_image(cloud, new)

    def _running_cloud(self) -> Cloud:
        if self._cloud is None:
            raise SandboxError("the sandbox does not run", hint="use it in a with statement")
        return self._cloud

    def _start(self, exits: contextlib.ExitStack) -> None:
        exits.enter_context(_claim(self))
        folder = exits.enter_context(workplace.folder(self._directory))
        try:
            from amigate.sandbox import running  # noqa: PLC0415 - moto takes a second to load
        except ImportError as error:
            raise SandboxError(
                f"the sandbox needs a package that is not installed: {error.name}",
                hint="install with: pip install 'amigate[sandbox]'",
            ) from error
        self._cloud, self._port = running.start(exits, self._settings, folder, self._port, self._watch)


@contextlib.contextmanager
def _claim(sandbox: Sandbox) -> Iterator[None]:
    """Hold the one place there is: moto keeps its state in globals."""
    _running.append(sandbox)
    try:
        yield
    finally:
        _running.remove(sandbox)


def _account(account_id: str) -> str:
    """Return what is an account id."""
    if not re.fullmatch(r"\d{12}", account_id):
        raise UsageError(f"{account_id!r} is not an account id", hint="twelve digits")
    return account_id


def _free_port() -> int:
    """Return a port that is free on every loopback address, outside the range that the kernel hands out itself."""
    for port in random.sample(_PORTS, 50):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("", port))
            return port
    raise SandboxError("no free TCP port was found between 20000 and 32000")

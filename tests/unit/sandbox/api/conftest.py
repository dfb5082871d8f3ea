"""The API with real disks and machines that are never powered on; each test has an account of its own."""

from __future__ import annotations

import random
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from amigate.sandbox import Sandbox
from amigate.sandbox import cloud as cloud_module
from amigate.sandbox import sandbox as sandbox_module
from amigate.sandbox.machines import qmp
from amigate.sandbox.machines.accelerator import Accelerator
from amigate.sandbox.machines.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Unpowered(Machine):
    """A machine with real disks that says what a guest would do."""

    def power_on(self) -> None:
        self._observer.started(self)

    def press_power_button(self) -> None:
        self._observer.ended(self, 0)

    def cut_power(self) -> None:
        self._observer.ended(self, -9)


@pytest.fixture(scope="package")
def sandbox() -> Iterator[Sandbox]:
    """Return the sandbox that runs in this process, or one whose speed nobody measured."""
    if sandbox_module._running:
        yield sandbox_module._running[0]
        return
    from amigate.sandbox import running  # noqa: PLC0415 - loads moto

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(running, "fastest", lambda: Accelerator(name="tcg", reason=""))
        with Sandbox() as started:
            yield started


@pytest.fixture(autouse=True)
def unpowered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing boot."""
    monkeypatch.setattr(cloud_module, "Machine", Unpowered)
    monkeypatch.setattr(qmp, "execute", lambda *_: None)


@cache
def session() -> botocore.session.Session:
    return botocore.session.Session()


@dataclass(frozen=True)
class Caller:
    """Somebody with an account."""

    sandbox: Sandbox
    account_id: str
    access_key_id: str
    secret_access_key: str

    def client(self, service: str = "ec2", region: str = "us-east-1", *, parameter_validation: bool = True) -> Any:
        return session().create_client(
            service,
            region_name=region,
            endpoint_url=self.sandbox.endpoint,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            config=Config(retries={"max_attempts": 1}, parameter_validation=parameter_validation),
        )

    def add_image(self, disk: Path | None, name: str = "an image", **more: Any) -> str:
        return self.sandbox.add_image(disk, name, owner=self.account_id, **more)


@pytest.fixture
def new_caller(sandbox: Sandbox) -> Callable[[], Caller]:
    """Return what makes somebody new."""

    def make() -> Caller:
        account_id = str(random.randrange(10**11, 10**12))  # noqa: S311 - a made-up account
        made = sandbox.credentials(account_id)
        return Caller(sandbox, account_id, made.access_key_id, made.secret_access_key)

    return make


@pytest.fixture
def caller(new_caller: Callable[[], Caller]) -> Caller:
    return new_caller()


@pytest.fixture
def stranger(new_caller: Callable[[], Caller]) -> Caller:
    return new_caller()


@pytest.fixture
def ec2(caller: Caller) -> Any:
    return caller.client()


@pytest.fixture
def theirs(stranger: Caller) -> Any:
    """Return the stranger's client."""
    return stranger.client()


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a disk of three megabytes, one of which is not empty."""
    place = tmp_path_factory.mktemp("disks")
    raw = place / "disk.raw"
    raw.write_bytes(b"\xa5" * (1 << 20) + bytes(2 << 20))
    made = place / "disk.qcow2"
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(made)], check=True)
    return made


@pytest.fixture
def image(caller: Caller, disk: Path) -> str:
    return caller.add_image(disk)


def described(ec2: Any, image_id: str) -> dict[str, Any]:
    """Return an image as EC2 describes it."""
    found: dict[str, Any] = ec2.describe_images(ImageIds=[image_id])["Images"][0]
    return found


def snapshots_of(ec2: Any, image_id: str) -> list[str]:
    """Return the ids of its snapshots."""
    mappings = described(ec2, image_id)["BlockDeviceMappings"]
    return [mapping["Ebs"]["SnapshotId"] for mapping in mappings if "SnapshotId" in mapping.get("Ebs", {})]


def code(call: Callable[..., object], **parameters: Any) -> str:
    """Return the error code that a call ends with."""
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return str(refused.value.response["Error"]["Code"])

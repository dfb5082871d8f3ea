"""The one sandbox of a test session, its images, and the command line run against it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

# moto reads these when it is imported, which any test may be the first to do.
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
os.environ["MOTO_ENABLE_AMI_VALIDATION"] = os.environ["MOTO_ENABLE_KEYPAIR_VALIDATION"] = "true"

from amigate.sandbox import Sandbox, images
from amigate.sandbox.demo import client, environment

from .corpus.ledger import Ledger
from .image_kit import Kit

# A loaded machine is no fault of a test's.
settings.register_profile("amigate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("amigate")

# Where the tests run in the background, the command lines that they start would ignore Ctrl-C.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take where to write what the corpus proved."""
    parser.addoption(
        "--corpus",
        metavar="PATH",
        help="say what was proved of rules and traps, write it to PATH ('-': nowhere), fail where a proof is missing",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Keep the ledger of the corpus."""
    config.pluginmanager.register(Ledger())


@pytest.fixture(scope="session")
def kit() -> type[Kit]:
    """Return the parts of made-up images."""
    return Kit


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Return the running sandbox."""
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def ami(sandbox: Sandbox) -> Callable[..., str]:
    """Return what makes (once) and returns the AMI of the lean image with the given defects."""
    made: dict[tuple[str, ...], str] = {}

    def make(*defects: str) -> str:
        if defects not in made:
            disk = images.build("lean", defects=defects)
            made[defects] = sandbox.add_image(disk, name=f"lean {len(made)}")
        return made[defects]

    return make


@pytest.fixture(scope="session")
def clean_ami(ami: Callable[..., str]) -> str:
    """Return the AMI of the lean image as it should be."""
    return ami()


@pytest.fixture(scope="session")
def leaky_ami(ami: Callable[..., str]) -> str:
    """Return the AMI of the lean image with the defects of the demonstration."""
    return ami(*images.LEAKY)


@pytest.fixture(scope="session")
def ec2(sandbox: Sandbox) -> Any:
    """Return a plain boto3 client of the sandbox."""
    return client(sandbox)


@dataclass(frozen=True)
class CommandLine:
    """Runs `amigate` in a process of its own, in an environment that knows the sandbox and no AWS account."""

    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command; the caller waits for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "amigate", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __call__(self, *arguments: str, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=timeout_s)
            return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture(scope="session")
def cli(sandbox: Sandbox) -> CommandLine:
    """Return the command line against the sandbox."""
    return CommandLine(environment(sandbox.environment()))


@dataclass(frozen=True)
class Account:
    """What there is in the sandbox's account that a run could leave behind."""

    ec2: Any

    def left(self) -> list[str]:
        """Return ids and names of instances that are not terminated, key pairs, security groups and volumes."""
        reservations = self.ec2.describe_instances()["Reservations"]
        instances = [i for r in reservations for i in r["Instances"] if i["State"]["Name"] != "terminated"]
        groups = self.ec2.describe_security_groups()["SecurityGroups"]
        return [
            *(instance["InstanceId"] for instance in instances),
            *(key["KeyName"] for key in self.ec2.describe_key_pairs()["KeyPairs"]),
            *(group["GroupId"] for group in groups if group["GroupName"] != "default"),
            *(volume["VolumeId"] for volume in self.ec2.describe_volumes()["Volumes"]),
        ]


@pytest.fixture
def account(ec2: Any) -> Iterator[Account]:
    """Return the account; whatever a test leaves in it that was not there before is a failure."""
    account = Account(ec2)
    before = account.left()
    yield account
    assert account.left() == before

"""The demonstration behind `make demo`: a leaky image refused, hardened, passed and shared, on this machine alone.

It runs the command line as a user would, in an environment that knows the sandbox and no AWS account."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from amigate.errors import AmigateError, SandboxError
from amigate.sandbox import Sandbox, images
from amigate.sources.aws import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

RECEIVER = "111122223333"
NAME = "demo-hardened"
BANNER = """\
==============================================================================
 SANDBOX: everything below happens on this machine. The EC2 endpoint is
 {endpoint}, the instances are virtual machines, and no AWS
 account, credential or configuration is used.
=============================================================================="""


class Stage:
    """Runs `amigate` commands against one sandbox and shows them."""

    def __init__(self, sandbox: Sandbox) -> None:
        if not is_loopback(sandbox.endpoint):
            raise SandboxError(f"the endpoint {sandbox.endpoint} is not on this machine", hint="The demo needs one.")
        self._environment = environment(sandbox.environment())

    def run(self, *arguments: str, expect: int) -> None:
        """Show and run one command; raise SandboxError when it does not end as it must."""
        show(f"$ amigate {shlex.join(arguments)}")
        command = [sys.executable, "-m", "amigate", *arguments]
        code = subprocess.run(command, env=self._environment, check=False).returncode
        print(f"(exit code {code})", flush=True)
        if code != expect:
            raise SandboxError(f"`amigate {arguments[0]}` ended with {code}, not {expect}", hint="See what it said.")


def environment(sandbox: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for commands: the sandbox's variables, and nothing of the caller's AWS configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AMIGATE_", "PYTEST_"))}
    nothing = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
    }
    return {**kept, **nothing, **sandbox}


def show(text: str) -> None:
    """Print a line that stands out from what the commands print."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def client(sandbox: Sandbox) -> Any:
    """Return a plain boto3 client of the sandbox, to show what EC2 itself says."""
    import boto3  # noqa: PLC0415 - slow to import

    return boto3.client(
        "ec2",
        endpoint_url=sandbox.endpoint,
        region_name=sandbox.region,
        aws_access_key_id=sandbox.access_key_id,
        aws_secret_access_key=sandbox.secret_access_key,
    )


def demonstrate() -> None:
    """Run the whole loop; raises AmigateError where it does not go as it must."""
    show("Making the images (kept for the next time)")
    clean = images.build("lean", progress=_say)
    leaky = images.build("lean", defects=images.LEAKY, progress=_say)
    del clean  # made first, because the leaky one is the clean one with defects
    with Sandbox() as sandbox:
        print(BANNER.format(endpoint=sandbox.endpoint))
        stage, ec2 = Stage(sandbox), client(sandbox)
        ami = sandbox.add_image(leaky, name="demo-leaky")

        show(f"1. A builder wants to share {ami}. The gate launches it twice, looks, and refuses:")
        stage.run("share", ami, "--account", RECEIVER, expect=1)

        show("2. So a builder is launched, hardened and sealed; the image made of it is judged:")
        stage.run("bake", "--from", ami, "--name", NAME, expect=0)
        baked = ec2.describe_images(Filters=[{"Name": "name", "Values": [NAME]}])["Images"][0]["ImageId"]

        show("3. That one may be shared:")
        stage.run("share", baked, "--account", RECEIVER, expect=0)

        show("What EC2 itself says afterwards:")
        _tell(ec2, ami, "the leaky image")
        _tell(ec2, baked, "the hardened image")
        _require_nothing_left(ec2)


def _tell(ec2: Any, ami: str, what: str) -> None:
    answer = ec2.describe_image_attribute(ImageId=ami, Attribute="launchPermission")["LaunchPermissions"]
    print(f"launch permissions of {ami}, {what}: {answer or 'none'}")


def _require_nothing_left(ec2: Any) -> None:
    reservations = ec2.describe_instances()["Reservations"]
    instances = [i for r in reservations for i in r["Instances"] if i["State"]["Name"] != "terminated"]
    keys = ec2.describe_key_pairs()["KeyPairs"]
    groups = [g for g in ec2.describe_security_groups()["SecurityGroups"] if g["GroupName"] != "default"]
    print(f"left behind: {len(instances)} instances, {len(keys)} key pairs, {len(groups)} security groups")
    if instances or keys or groups:
        raise SandboxError("the run left something behind", hint="This is a defect; please report it.")


def _say(text: str) -> None:
    print(f"    {text}", flush=True)


def main() -> int:
    """Run the demonstration; 0 when everything went as it must."""
    started = time.monotonic()
    try:
        demonstrate()
    except AmigateError as error:
        print(f"demo: {error}\n  hint: {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted; the virtual machines are gone", file=sys.stderr)
        return 1
    show(f"The loop is closed, in {time.monotonic() - started:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

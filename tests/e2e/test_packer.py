"""The examples for Packer, built by the real one over SSH: a clean source is shared, a leaky one fails the build."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .reports import RECEIVER, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Account, CommandLine


pytestmark = [
    pytest.mark.vm,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("packer") is None, reason="packer is not installed"),
]

EXAMPLES = Path(__file__).parents[2] / "examples" / "packer"
TEMPLATES = sorted(path.name for path in EXAMPLES.iterdir())
KEY_PAIR, KEY_FILE = "builder", "builder.pem"


@dataclass(frozen=True)
class Packer:
    """Runs `packer build` as somebody does who has pasted what `amigate sandbox up` prints."""

    folder: Path
    environment: dict[str, str]

    def build(self, template: str, source: str) -> subprocess.CompletedProcess[str]:
        of_sandbox = {"region": "AWS_REGION", "endpoint": "AWS_ENDPOINT_URL", "ssh_port": "AMIGATE_SSH_PORT"}
        values = {name: self.environment[variable] for name, variable in of_sandbox.items()}
        values |= {"source_ami": source, "account": RECEIVER, "keypair": KEY_PAIR, "key_file": KEY_FILE}
        variables = [part for name, value in values.items() for part in ("-var", f"{name}={value}")]
        return subprocess.run(
            ["packer", "build", "-color=false", *variables, str(EXAMPLES / template)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )

    def image(self) -> str:
        """Return the image of the last build."""
        artifact: str = json.loads((self.folder / "golden-manifest.json").read_text())["builds"][-1]["artifact_id"]
        region, _, ami = artifact.partition(":")
        assert region == self.environment["AWS_REGION"]
        return ami


@pytest.fixture
def packer(account: Account, cli: CommandLine, ec2: Any, tmp_path: Path) -> Iterator[Packer]:
    """Return Packer in an empty folder, with a key pair to log in with; what it leaves in the account is a failure."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": programs, "PACKER_CACHE_DIR": str(tmp_path / "cache"), "CHECKPOINT_DISABLE": "1"}
    packer = Packer(tmp_path, cli.environment | own)
    for command in (
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", KEY_FILE],
        ["aws", "ec2", "import-key-pair", "--key-name", KEY_PAIR, "--public-key-material", f"fileb://{KEY_FILE}.pub"],
    ):
        subprocess.run(command, cwd=tmp_path, env=packer.environment, stdout=subprocess.DEVNULL, check=True)
    yield packer
    ec2.delete_key_pair(KeyName=KEY_PAIR)


def permissions(ec2: Any, ami: str) -> Any:
    return ec2.describe_image_attribute(ImageId=ami, Attribute="launchPermission")["LaunchPermissions"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_clean_source_becomes_an_image_that_passes_and_is_shared(
    packer: Packer, clean_ami: str, ec2: Any, template: str
) -> None:
    done = packer.build(template, clean_ami)
    assert done.returncode == 0, done.stdout + done.stderr
    ami = packer.image()
    assert read(packer.folder / f"{ami}.json")["may_share"] is True
    assert f"{ami} is now shared with {RECEIVER}." in done.stdout
    assert permissions(ec2, ami) == [{"UserId": RECEIVER}]


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_leaky_source_fails_the_build_and_nothing_is_shared(
    packer: Packer, leaky_ami: str, ec2: Any, template: str
) -> None:
    done = packer.build(template, leaky_ami)
    assert done.returncode == 1, done.stdout + done.stderr
    ami = packer.image()
    assert read(packer.folder / f"{ami}.json")["verdict"] == "fail"
    assert "Script exited with non-zero exit status: 1." in done.stdout
    assert permissions(ec2, ami) == []


def test_an_image_that_the_template_shares_itself_is_refused_unjudged(packer: Packer, clean_ami: str, ec2: Any) -> None:
    """`ami_users` takes effect before any post-processor runs."""
    template = json.loads((EXAMPLES / "golden.json").read_text())
    template["builders"][0]["ami_users"] = [RECEIVER]
    del template["provisioners"]
    del template["builders"][0]["disable_stop_instance"]
    (packer.folder / "shares.json").write_text(json.dumps(template))
    done = packer.build(str(packer.folder / "shares.json"), clean_ami)
    assert done.returncode == 1, done.stdout + done.stderr
    assert (packer.folder / "golden-manifest.json").exists(), done.stdout + done.stderr
    ami = packer.image()
    assert f"{ami} in us-east-1 was shared before it was judged: {ami} with {RECEIVER}" in done.stdout + done.stderr
    assert not (packer.folder / f"{ami}.json").exists()

"""An AWS made of moto, inside the process, and an environment that knows nothing of the developer's own account."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amigate.sources.aws import Aws

from moto import mock_aws

from amigate.sources.aws import connect

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Credentials that lead nowhere, and no configuration files."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    return monkeypatch


@pytest.fixture(scope="session")
def clients() -> Aws:
    """Clients made once: reading the model of EC2 takes a second."""
    with mock_aws():
        return connect(region="eu-central-1")


@pytest.fixture
def aws(clients: Aws) -> Iterator[Aws]:
    """Give an account of moto's with nothing in it."""
    with mock_aws():
        yield clients


@pytest.fixture
def ami_id(aws: Aws) -> str:
    """Make an image of the account, with one snapshot."""
    return aws.ec2.register_image(Name="golden", Architecture="x86_64")["ImageId"]

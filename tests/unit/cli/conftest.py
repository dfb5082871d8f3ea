"""Commands against an account of moto's, inside the process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from amigate.sources import aws as source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.sources.aws import Aws


@pytest.fixture(scope="session")
def clients() -> dict[str, Aws]:
    """Clients by region, made once each: reading the model of EC2 takes a second."""
    return {}


@pytest.fixture
def aws(clients: dict[str, Aws], monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """Give an account with nothing in it, which commands connect to."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    connect = source.connect

    def once(*, region: str | None = None, endpoint_url: str | None = None) -> Aws:
        region = region or "eu-central-1"
        if region not in clients:
            clients[region] = connect(region=region, endpoint_url=endpoint_url)
        return clients[region]

    monkeypatch.setattr(source, "connect", once)
    with mock_aws():
        yield once()

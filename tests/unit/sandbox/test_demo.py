"""The demonstration keeps to this machine, whatever the environment says."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from amigate.errors import SandboxError
from amigate.sandbox.demo import Stage, environment

OURS = {"AWS_ENDPOINT_URL": "http://127.0.0.1:5000", "AWS_ACCESS_KEY_ID": "AKIASANDBOX", "AMIGATE_SSH_PORT": "22222"}


def test_the_commands_know_the_sandbox_and_nothing_of_the_callers_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://ec2.eu-west-1.amazonaws.com")
    monkeypatch.setenv("AMIGATE_SSH_PORT", "22")
    given = environment(OURS)
    assert OURS.items() <= given.items()
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & given.keys()
    assert given["AWS_CONFIG_FILE"] == given["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert given["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    "endpoint", ["https://ec2.eu-west-1.amazonaws.com", "http://192.0.2.1:5000", "http://127.0.0.1.example.com"]
)
def test_an_endpoint_that_is_not_on_this_machine_is_refused(endpoint: str) -> None:
    elsewhere: Any = SimpleNamespace(endpoint=endpoint, environment=lambda: OURS)
    with pytest.raises(SandboxError, match="not on this machine"):
        Stage(elsewhere)

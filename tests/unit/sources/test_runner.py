"""Which address test instances let in."""

from __future__ import annotations

import io
import urllib.error
import urllib.request

import pytest

from amigate.errors import LaunchError, UsageError
from amigate.sources.runner import runner_network


def test_a_network_given_is_taken() -> None:
    assert str(runner_network("198.51.100.0/24", sandbox=False)) == "198.51.100.0/24"


def test_a_bare_address_is_one_machine() -> None:
    assert str(runner_network("198.51.100.4", sandbox=True)) == "198.51.100.4/32"


def test_the_sandbox_lets_loopback_in() -> None:
    assert str(runner_network(None, sandbox=True)) == "127.0.0.1/32"


@pytest.mark.parametrize("text", ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/7"])
def test_everybody_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="never opened"):
        runner_network(text, sandbox=False)


@pytest.mark.parametrize("text", ["", "here", "203.0.113.7/33", "203.0.113.7/24", "::/0", "10.0.0.0/8; rm"])
def test_what_is_no_network_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="no IPv4 network"):
        runner_network(text, sandbox=False)


def test_our_public_address_is_asked_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: io.BytesIO(b"203.0.113.7\n"))
    assert str(runner_network(None, sandbox=False)) == "203.0.113.7/32"


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff", b"2001:db8::1"])
def test_an_answer_that_is_no_address_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: io.BytesIO(body))
    with pytest.raises(LaunchError) as caught:
        runner_network(None, sandbox=False)
    assert "--runner-cidr" in caught.value.hint


def test_no_answer_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    with pytest.raises(LaunchError, match=r"checkip\.amazonaws\.com"):
        runner_network(None, sandbox=False)

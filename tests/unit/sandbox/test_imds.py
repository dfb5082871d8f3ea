"""The metadata service, asked over its own socket as a guest would."""

from __future__ import annotations

import dataclasses
import http.client
import json
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from amigate.sandbox.machines.imds import Imds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amigate.sandbox.machines.spec import Spec

TTL = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "X-aws-ec2-metadata-token"


class Guest:
    """A client on the guest's side."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("169.254.169.254")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self._path))
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def token(self) -> str:
        return self.ask("PUT", "/latest/api/token", {TTL: "60"})[1].decode()

    def read(self, path: str) -> tuple[int, bytes]:
        return self.ask("GET", path, {TOKEN: self.token()})


@contextmanager
def serving(spec: Spec, folder: Path) -> Iterator[Guest]:
    with Imds(folder / "imds", spec):
        yield Guest(folder / "imds")


@pytest.fixture
def guest(spec: Spec, tmp_path: Path) -> Iterator[Guest]:
    with serving(spec, tmp_path) as one:
        yield one


def test_metadata_needs_a_token(guest: Guest) -> None:
    assert guest.ask("GET", "/latest/meta-data/instance-id") == (401, b"")
    assert guest.ask("GET", "/latest/meta-data/instance-id", {TOKEN: "made-up"}) == (401, b"")
    assert guest.read("/latest/meta-data/instance-id") == (200, b"i-0123456789abcdef0")


def test_a_token_that_ran_out_is_refused(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    token = guest.token()
    monkeypatch.setattr("amigate.sandbox.machines.imds.time.monotonic", lambda: 1e12)
    assert guest.ask("GET", "/latest/meta-data/ami-id", {TOKEN: token})[0] == 401


def test_a_forwarded_request_gets_no_token(guest: Guest) -> None:
    assert guest.ask("PUT", "/latest/api/token", {TTL: "60", "X-Forwarded-For": "10.0.0.1"}) == (403, b"")


@pytest.mark.parametrize("ttl", ["0", "21601", "soon", "-1", ""])
def test_a_token_needs_a_lifetime_that_ec2_allows(guest: Guest, ttl: str) -> None:
    assert guest.ask("PUT", "/latest/api/token", {TTL: ttl})[0] == 400


def test_the_launch_key_and_the_user_data_arrive_byte_for_byte(guest: Guest) -> None:
    assert guest.read("/latest/meta-data/public-keys/0/openssh-key") == (200, b"ssh-ed25519 AAAA launch\n")
    assert guest.read("/latest/user-data") == (200, b"\x00hello")


def test_a_launch_without_key_or_user_data_has_neither(spec: Spec, tmp_path: Path) -> None:
    bare = dataclasses.replace(spec, key_name="", public_key="", user_data=b"")
    with serving(bare, tmp_path) as guest:
        assert guest.read("/latest/meta-data/public-keys/0/openssh-key")[0] == 404
        assert guest.read("/latest/user-data")[0] == 404
        assert b"public-keys" not in guest.read("/latest/meta-data/")[1]


def test_folders_are_listed_with_a_slash(guest: Guest) -> None:
    assert guest.read("/latest/meta-data/placement/") == (200, b"availability-zone\nregion")
    assert b"\nplacement/\n" in guest.read("/latest/meta-data")[1]


def test_the_identity_document_names_instance_and_account(guest: Guest) -> None:
    document = json.loads(guest.read("/latest/dynamic/instance-identity/document")[1])
    assert (document["instanceId"], document["accountId"]) == ("i-0123456789abcdef0", "123456789012")


def test_unknown_paths_and_versions_are_not_found(guest: Guest) -> None:
    assert guest.read("/latest/meta-data/nothing")[0] == 404
    assert guest.read("/1999-01-01/meta-data/ami-id")[0] == 404
    assert guest.read("/latest/meta-data/iam/security-credentials/")[0] == 404


def test_optional_tokens_let_version_one_in_but_no_false_token(spec: Spec, tmp_path: Path) -> None:
    with serving(dataclasses.replace(spec, tokens_required=False), tmp_path) as guest:
        assert guest.ask("GET", "/latest/meta-data/ami-id")[0] == 200
        assert guest.ask("GET", "/latest/meta-data/ami-id", {TOKEN: "made-up"})[0] == 401


def test_a_disabled_endpoint_answers_nothing(spec: Spec, tmp_path: Path) -> None:
    with serving(dataclasses.replace(spec, metadata_enabled=False), tmp_path) as guest:
        assert guest.ask("PUT", "/latest/api/token", {TTL: "60"})[0] == 403
        assert guest.ask("GET", "/latest/meta-data/ami-id")[0] == 403


def test_the_socket_is_gone_afterwards(spec: Spec, tmp_path: Path) -> None:
    with serving(spec, tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_public_keys_are_listed_as_ec2_does_so_that_cloud_init_finds_them(guest: Guest) -> None:
    assert guest.read("/latest/meta-data/public-keys/") == (200, b"0=launch")
    assert guest.read("/latest/meta-data/public-keys/0/") == (200, b"openssh-key")
    assert guest.read("/latest/meta-data/public-keys/0/openssh-key") == (200, b"ssh-ed25519 AAAA launch\n")


@pytest.mark.parametrize("length", ["-1", "1025", "9" * 5000, "many"])
def test_a_body_that_has_no_sensible_length_is_refused_unread(guest: Guest, length: str) -> None:
    headers = {TTL: "60", "Content-Length": length}
    assert guest.ask("PUT", "/latest/api/token", headers) == (400, b"")


def test_a_guest_that_asks_for_tokens_without_end_keeps_the_latest(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amigate.sandbox.machines.imds._MOST_TOKENS", 2)
    with serving(spec, tmp_path) as guest:
        tokens = [guest.token() for _ in range(3)]
        found = [guest.ask("GET", "/latest/meta-data/ami-id", {TOKEN: token})[0] for token in tokens]
    assert found == [401, 200, 200]


def test_tokens_that_ran_out_make_room_for_others(spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("amigate.sandbox.machines.imds.time.monotonic", lambda: now)
    imds = Imds(tmp_path / "imds", spec)
    with imds:
        imds.token("/latest/api/token", "60", forwarded=False)
        now = 61.0
        imds.token("/latest/api/token", "60", forwarded=False)
        assert len(imds._tokens) == 1

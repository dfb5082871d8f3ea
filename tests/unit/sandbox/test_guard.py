"""Who gets through to the API, and what the others are told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from amigate.sandbox.api.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY = "AKIAIOSFODNN7EXAMPLE"
OTHER_KEY = "AKIAIOSFODNN7EXAMPL3"
HOST = "127.0.0.1:4711"


class Behind:
    """What the guard protects: remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.asked.append(environ)
        start_response("200 OK", [])
        return [b"answer"]


@pytest.fixture
def behind() -> Behind:
    return Behind()


def call(behind: Behind, *, key: str = KEY, service: str = "ec2", **environ: str) -> tuple[str, str]:
    """Status and body of one signed request."""
    scope = f"{key}/20260101/us-east-1/{service}/aws4_request"
    authorization = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"
    asked = {"HTTP_AUTHORIZATION": authorization, "HTTP_HOST": HOST, "PATH_INFO": "/", **environ}
    heard: list[str] = []
    guard = Guard(behind, hosts=lambda: (HOST,), accounts={KEY: "123456789012", OTHER_KEY: "210987654321"})
    body = b"".join(guard(asked, lambda status, _: heard.append(status)))
    return heard[0], body.decode()


def test_the_caller_of_this_run_gets_through(behind: Behind) -> None:
    assert call(behind) == ("200 OK", "answer")
    assert behind.asked[0]["amigate.service"] == "ec2"


def test_the_access_key_says_which_account_calls(behind: Behind) -> None:
    call(behind)
    call(behind, key=OTHER_KEY)
    assert [asked["amigate.account"] for asked in behind.asked] == ["123456789012", "210987654321"]


@pytest.mark.parametrize("key", ["AKIAIOSFODNN7EXAMPLF", "AKIA", "AKIAIOSFODNN7EXAMPLE2"])
def test_another_access_key_is_refused_as_ec2_does(behind: Behind, key: str) -> None:
    status, body = call(behind, key=key)
    assert status == "401 AuthFailure"
    assert "<Response><Errors><Error><Code>AuthFailure</Code>" in body
    assert behind.asked == []


def test_sts_refuses_in_its_own_words(behind: Behind) -> None:
    status, body = call(behind, key="AKIAOTHER", service="sts")
    assert status == "403 InvalidClientTokenId"
    assert "<ErrorResponse" in body


@pytest.mark.parametrize("header", ["", "Basic YTpi", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE"])
def test_a_request_that_is_not_signed_is_refused(behind: Behind, header: str) -> None:
    assert call(behind, HTTP_AUTHORIZATION=header)[0] == "401 AuthFailure"
    assert behind.asked == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4711", "127.0.0.1", ""])
def test_another_host_name_is_refused_even_with_the_right_key(behind: Behind, host: str) -> None:
    assert call(behind, HTTP_HOST=host)[0] == "403 AccessDenied"
    assert behind.asked == []


@pytest.mark.parametrize("service", ["s3", "iam", "moto_api", "secretsmanager"])
def test_other_services_are_not_there(behind: Behind, service: str) -> None:
    status, body = call(behind, service=service) if service != "moto_api" else call(behind, service="moto-api")
    assert status == "400 UnsupportedOperation"
    assert "only ec2, sts, ebs, kms" in body
    assert behind.asked == []


def test_clients_of_json_services_can_read_the_refusal(behind: Behind) -> None:
    _, body = call(behind, service="secretsmanager", CONTENT_TYPE="application/x-amz-json-1.1")
    assert json.loads(body)["__type"] == "UnsupportedOperation"


@pytest.mark.parametrize("path", ["/moto-api/reset", "/moto-api/data.json", "/latest/meta-data/", "/x"])
def test_no_path_but_the_root_exists(behind: Behind, path: str) -> None:
    assert call(behind, PATH_INFO=path)[0] == "404 InvalidRequest"
    assert behind.asked == []


@pytest.mark.parametrize("length", ["1048577", "many", "-1"])
def test_a_body_that_is_too_long_is_refused(behind: Behind, length: str) -> None:
    assert call(behind, CONTENT_LENGTH=length)[0] == "413 RequestEntityTooLarge"


def test_headers_that_steer_moto_do_not_arrive(behind: Behind) -> None:
    call(behind, HTTP_X_MOTO_ACCOUNT_ID="999999999999", HTTP_X_AMZ_TARGET="Other.Action")
    assert not {"HTTP_X_MOTO_ACCOUNT_ID", "HTTP_X_AMZ_TARGET"} & behind.asked[0].keys()

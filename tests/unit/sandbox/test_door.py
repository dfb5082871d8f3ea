"""What an endpoint says to requests that no AWS client sends: over real connections, header by header."""

from __future__ import annotations

import json
import socket
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Endpoint

Headers = list[tuple[str, str]]
CALL = b"Action=DescribeVolumes&Version=2016-11-15"
FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")


class Door:
    """Sends whatever it is told to."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.port = endpoint.port
        self.key = endpoint.cloud.settings.access_key_id
        self.calls = endpoint.watch.calls

    def signed(self, service: str = "ec2", key: str = "") -> tuple[str, str]:
        scope = f"{key or self.key}/20260101/us-east-1/{service}/aws4_request"
        return "Authorization", f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"

    @property
    def host(self) -> tuple[str, str]:
        return "Host", f"127.0.0.1:{self.port}"

    def ask(
        self, headers: Headers, *, method: str = "POST", path: str = "/", body: bytes | None = CALL
    ) -> tuple[int, str, str]:
        """Status, content type and body of the answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()
        finally:
            connection.close()


@pytest.fixture
def door(endpoint: Endpoint) -> Door:
    return Door(endpoint)


def test_the_plain_request_is_answered(door: Door) -> None:
    status, kind, body = door.ask([door.host, door.signed(), FORM])
    assert (status, kind.split(";")[0]) == (200, "text/xml")
    assert "DescribeVolumesResponse" in body


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example",
        "attacker.example:{port}",
        "127.0.0.1.attacker.example:{port}",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.2:{port}",
        "[::1]:{port}",
        "0.0.0.0:{port}",
        "127.0.0.1:{port}@attacker.example",
        "LOCALHOST:{port}",
        "",
    ],
)
def test_a_page_that_reaches_loopback_under_a_name_of_its_own_is_refused(door: Door, host: str) -> None:
    assert door.ask([("Host", host.format(port=door.port)), door.signed(), FORM])[0] == 403


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Host", "Forwarded", "X-Original-Host", "X_Forwarded_Host"])
def test_no_other_header_can_name_the_host(door: Door, name: str) -> None:
    own = door.host[1]
    assert door.ask([("Host", "attacker.example"), (name, own), door.signed(), FORM])[0] == 403
    assert door.ask([door.host, (name, "attacker.example"), door.signed(), FORM])[0] == 200


def test_a_full_address_in_the_request_line_counts_as_the_host(door: Door) -> None:
    assert door.ask([door.host, door.signed(), FORM], path=f"http://attacker.example:{door.port}/")[0] == 403


def test_two_host_headers_are_refused(door: Door) -> None:
    other = ("Host", "attacker.example")
    assert door.ask([door.host, other, door.signed(), FORM])[0] == 403
    assert door.ask([other, door.host, door.signed(), FORM])[0] == 403


def test_two_signatures_are_refused_in_either_order(door: Door) -> None:
    other = door.signed(key="AKIAOTHER")
    assert door.ask([door.host, door.signed(), other, FORM])[0] == 401
    assert door.ask([door.host, other, door.signed(), FORM])[0] == 401
    assert door.ask([door.host, door.signed(), door.signed("kms"), FORM])[0] == 401


@pytest.mark.parametrize(
    "service,status,code",
    [
        ("ec2", 401, "AuthFailure"),
        ("sts", 403, "InvalidClientTokenId"),
        ("kms", 400, "UnrecognizedClientException"),
        ("ebs", 400, "UnrecognizedClientException"),
    ],
)
def test_a_wrong_key_is_refused_in_each_services_words(door: Door, service: str, status: int, code: str) -> None:
    got, kind, body = door.ask([door.host, door.signed(service, "AKIAOTHER"), FORM])
    assert (got, code in body, "html" in kind) == (status, True, False)
    assert [call.refused for call in door.calls.all()] == [code]


@pytest.mark.parametrize("service", ["ec2", "sts", "kms", "ebs"])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(door: Door, service: str) -> None:
    path = "/snapshots" if service == "ebs" else "/"
    assert door.ask([door.host, door.signed(service)], path=path, body=b"x" * ((1 << 20) + 1))[0] == 413


def test_a_length_that_is_only_claimed_is_refused_at_once(door: Door) -> None:
    headers = [door.host, door.signed(), ("Content-Length", str(1 << 40))]
    assert door.ask(headers, body=None)[0] == 413


@pytest.mark.parametrize("encoding", ["chunked", "gzip, chunked", "Chunked", "identity"])
def test_a_body_without_a_length_is_refused(door: Door, encoding: str) -> None:
    assert door.ask([door.host, door.signed(), FORM, ("Transfer-Encoding", encoding)], body=None)[0] == 411


def test_a_second_request_hidden_in_a_body_is_not_carried_out(door: Door) -> None:
    """Both ways to say how long a body is: what follows the shorter one must not be taken for a request."""
    hidden = f"POST / HTTP/1.1\r\n{': '.join(door.host)}\r\n{': '.join(door.signed())}\r\nContent-Length: 0\r\n\r\n"
    headers = [door.host, door.signed(), FORM, ("Transfer-Encoding", "chunked")]
    assert door.ask(headers, body=b"0\r\n\r\n" + hidden.encode())[0] == 411
    assert door.ask([door.host, door.signed(), FORM, ("Content-Length", "5")], body=CALL + hidden.encode())[0] != 500
    assert len(door.calls) == 2


@pytest.mark.parametrize(
    "path",
    [
        "/snapshots/../../etc/passwd",
        "/snapshots/..%2f..%2fetc%2fpasswd/blocks",
        "/snapshots/%2e%2e/blocks",
        "/snapshots/snap-0/blocks/../../../etc/passwd",
        "/snapshots/snap-0/blocks/0/more",
        "/snapshots/snap-0%00/blocks",
        "/snapshots//blocks",
        "/moto-api/reset",
        "/",
    ],
)
def test_no_path_of_ebs_leads_anywhere_else(door: Door, path: str) -> None:
    status, kind, body = door.ask([door.host, door.signed("ebs")], method="GET", path=path, body=None)
    assert (status, kind) == (404, "application/json")
    assert json.loads(body)["__type"] == "InvalidRequest"


@pytest.mark.parametrize("path", ["/snapshots/snap-0", "/snapshots/snap-0%2Fblocks", "/snapshots/passwd/blocks"])
def test_a_path_of_the_right_form_reaches_snapshots_only(door: Door, path: str) -> None:
    status, kind, body = door.ask([door.host, door.signed("ebs")], method="GET", path=path, body=None)
    assert (status, kind) == (400, "application/json")
    assert json.loads(body)["__type"] == "ValidationException"


@pytest.mark.parametrize(
    "service,body",
    [
        ("ec2", b""),
        ("ec2", b"Action="),
        ("ec2", b"Action=DescribeVolumes&" + b"&".join(b"Filter.%d.Name=x" % n for n in range(1000))),
        ("ec2", b"Action=%ff%fe"),
        ("ec2", b"\xff\xfe\x00"),
        ("sts", b"Action=AssumeRole"),
        ("kms", b"{"),
        ("kms", b"[]"),
        ("kms", b"null"),
        ("kms", b'{"KeyId": {"a": 1}}'),
        ("kms", b'{"KeyId": 5}'),
        ("kms", b"[" * 100_000),
        ("kms", b"\xff"),
        ("kms", b"{}"),
    ],
)
def test_nonsense_gets_an_error_document_and_never_a_page(door: Door, service: str, body: bytes) -> None:
    headers = [door.host, door.signed(service), FORM]
    if service == "kms":
        target = ("X-Amz-Target", "TrentService.DescribeKey")
        headers = [door.host, door.signed(service), target, ("Content-Type", "application/x-amz-json-1.1")]
    status, kind, answer = door.ask(headers, body=body)
    assert (status < 500, "html" in kind, "<html" in answer) == (True, False, False)


@pytest.mark.parametrize("target", ["TrentService.Nothing", "Other.DescribeKey", "", "TrentService.", "a,b"])
def test_a_target_that_names_no_action_of_kms_is_refused(door: Door, target: str) -> None:
    headers = [door.host, door.signed("kms"), ("X-Amz-Target", target), ("Content-Type", "application/x-amz-json-1.1")]
    status, _, body = door.ask(headers, body=b"{}")
    assert (status, json.loads(body)["__type"]) == (400, "UnsupportedOperationException")


def test_the_endpoint_listens_on_loopback_alone(door: Door) -> None:
    with socket.socket() as probe:
        probe.settimeout(5)
        assert probe.connect_ex(("127.0.0.2", door.port)) != 0

"""Who is calling, and what is said when nobody can."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from amigate.errors import AwsError, UsageError
from amigate.sources.aws import connect, is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.sources.aws import Aws

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
IDENTITY = (
    b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    b"<Arn>arn:aws-us-gov:iam::111122223333:user/ci</Arn><Account>111122223333</Account><UserId>U</UserId>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


def refusal(code: str, message: str = "no") -> bytes:
    """Write an error as STS and EC2 write it."""
    return f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>".encode()


@contextmanager
def endpoint(status: int, body: bytes) -> Iterator[str]:
    """Serve an AWS endpoint on loopback that gives every request the same answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def closed_port() -> int:
    """Find a port of loopback where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_an_account_of_aws_has_no_endpoint_of_its_own_and_is_no_sandbox(aws: Aws) -> None:
    assert (aws.region, aws.account, aws.partition) == ("eu-central-1", "123456789012", "aws")
    assert (aws.endpoint, aws.sandbox) == ("", False)


def test_a_loopback_endpoint_answers_for_ec2_and_for_sts_and_is_a_sandbox() -> None:
    with endpoint(200, IDENTITY) as url:
        aws = connect(endpoint_url=url)
    assert (aws.account, aws.partition, aws.endpoint, aws.sandbox) == ("111122223333", "aws-us-gov", url, True)


def test_the_endpoint_may_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    with endpoint(200, IDENTITY) as url:
        environment.setenv("AWS_ENDPOINT_URL", url)
        assert connect().sandbox


def test_an_ec2_endpoint_on_loopback_keeps_its_credentials_from_aws(environment: pytest.MonkeyPatch) -> None:
    with endpoint(200, IDENTITY) as url:
        environment.setenv("AWS_ENDPOINT_URL_EC2", url)
        assert connect().account == "111122223333"


def test_a_proxy_of_the_environment_is_not_used_for_loopback(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    with endpoint(200, IDENTITY) as url:
        assert connect(endpoint_url=url).account == "111122223333"


def test_the_region_given_wins_over_the_environment(aws: Aws) -> None:
    assert connect(region="ap-south-1").region == "ap-south-1"


@pytest.mark.parametrize(
    "remove,add,message",
    [
        (["AWS_REGION"], {}, "no AWS region is configured"),
        (["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], {}, "no AWS credentials were found"),
        (["AWS_SECRET_ACCESS_KEY"], {}, "the AWS credentials are incomplete"),
        ([], {"AWS_PROFILE": "nobody"}, "the AWS configuration has no profile of the name given"),
        ([], {"AWS_REGION": "eu central"}, "the AWS region is malformed"),
    ],
)
def test_a_configuration_that_cannot_work_is_a_usage_error_in_one_sentence(
    environment: pytest.MonkeyPatch, remove: list[str], add: dict[str, str], message: str
) -> None:
    for name in remove:
        environment.delenv(name)
    for name, value in add.items():
        environment.setenv(name, value)
    with pytest.raises(UsageError) as caught:
        connect()
    assert str(caught.value) == message
    assert caught.value.hint


@pytest.mark.parametrize("url", ["127.0.0.1:5000", "ftp://x", "http://", "http://[", "http://x:99999"])
def test_an_endpoint_that_is_no_url_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="no URL"):
        connect(endpoint_url=url)


def test_an_endpoint_where_nothing_listens_is_named() -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    with pytest.raises(AwsError, match=f"{url} does not answer"):
        connect(endpoint_url=url)


@pytest.mark.parametrize(
    "code,message",
    [
        ("ExpiredToken", "expired"),
        ("InvalidClientTokenId", "does not accept these credentials"),
        ("SignatureDoesNotMatch", "does not accept these credentials"),
    ],
)
def test_credentials_that_aws_refuses_are_a_usage_error_without_the_secret(code: str, message: str) -> None:
    with endpoint(403, refusal(code, f"canonical string: {SECRET}")) as url, pytest.raises(UsageError) as caught:
        connect(endpoint_url=url)
    assert message in str(caught.value)
    assert SECRET not in str(caught.value) + caught.value.hint


def test_a_missing_permission_is_named_and_the_encoded_policy_is_not() -> None:
    text = (
        "User: arn:aws:iam::1:user/ci is not authorized to perform: sts:GetCallerIdentity because no "
        "identity-based policy allows it. Encoded authorization failure message: hunter2hunter2"
    )
    with endpoint(403, refusal("AccessDenied", text)) as url, pytest.raises(AwsError) as caught:
        connect(endpoint_url=url)
    assert "needs the permission sts:GetCallerIdentity, because no identity-based policy allows it" in str(caught.value)
    assert "hunter2" not in str(caught.value) + caught.value.hint


def test_an_answer_that_is_not_aws_is_one_sentence() -> None:
    with endpoint(200, b"<html>hello</html>") as url, pytest.raises(AwsError, match="answers, but not like AWS"):
        connect(endpoint_url=url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:80", "http://localhost"])
def test_this_machine_is_loopback(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url", ["https://ec2.eu-west-1.amazonaws.com", "http://10.0.0.1", "http://127.0.0.1.example.org", ""]
)
def test_other_machines_are_not_loopback(url: str) -> None:
    assert not is_loopback(url)

"""Whatever botocore raises, as one sentence that says what to do; never with a secret in it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from amigate.errors import AmigateError, AwsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.exceptions import BotoCoreError, ClientError

BAD_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})

CONFIGURATION = {
    "NoRegionError": ("no AWS region is configured", "give --region, or set AWS_REGION"),
    "InvalidRegionError": ("the AWS region is malformed", "a region looks like eu-central-1"),
    "NoCredentialsError": (
        "no AWS credentials were found",
        "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    "PartialCredentialsError": (
        "the AWS credentials are incomplete",
        "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    "ProfileNotFound": (
        "the AWS configuration has no profile of the name given",
        "check AWS_PROFILE against `aws configure list-profiles`",
    ),
    "ConfigNotFound": ("the AWS configuration file cannot be read", "check AWS_CONFIG_FILE"),
    "ConfigParseError": ("the AWS configuration file is malformed", "check ~/.aws/config"),
    "CredentialRetrievalError": ("no AWS credentials could be obtained", "check credential_process"),
    "TokenRetrievalError": ("no AWS credentials could be obtained", "log in again: aws sso login"),
    "SSOError": ("no AWS credentials could be obtained", "log in again: aws sso login"),
    "LoginError": ("no AWS credentials could be obtained", "log in again: aws login"),
}
"""By name of the class or of one of its bases; these come before anything is done."""

HINTS = {
    "InsufficientInstanceCapacity": "try again later, another --instance-type or another --subnet",
    "InstanceLimitExceeded": "terminate instances or ask AWS for a higher limit",
    "MissingInput": "this region has no default VPC: give --subnet",
    "OptInRequired": "accept the terms of the image in AWS Marketplace first",
    "Unsupported": "give another --instance-type or --subnet",
    "VcpuLimitExceeded": "terminate instances or ask AWS for a higher limit",
    "VPCIdNotSpecified": "this region has no default VPC: give --subnet",
}


@contextmanager
def aws_errors(what: str, *, service: str = "ec2") -> Iterator[None]:
    """Turn an error of botocore while trying to `what` (an infinitive) into ours; the original is the cause.

    `service` is what IAM calls the one that is asked. Raises UsageError for a configuration that cannot work, AwsError
    for anything that AWS did."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow to import
    from botocore.parsers import ResponseParserError  # noqa: PLC0415

    try:
        yield
    except ClientError as error:
        raise _refusal(error, what, service) from error
    except BotoCoreError as error:
        raise _no_answer(error, what) from error
    except ResponseParserError as error:
        hint = "something on the way answers instead of AWS; check the endpoint and proxies"
        raise AwsError(f"could not {what}: the answer is none of AWS's", hint=hint) from error


def code_of(error: BaseException | None) -> str:
    """Return AWS's code of an error of botocore or of the one that ours was made from, "" for any other."""
    if isinstance(error, AmigateError):
        error = error.__cause__
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def is_refusal(error: AmigateError) -> bool:
    """Whether AWS answered that it did nothing; after any other error it may have done what was asked.

    A lack of capacity comes as HTTP 500, and is a refusal all the same."""
    if code_of(error).startswith("Insufficient"):
        return True
    response = getattr(error.__cause__, "response", None) or {}
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return 400 <= status < 500  # noqa: PLR2004 - the class of HTTP status codes


def _refusal(error: ClientError, what: str, service: str) -> AmigateError:
    code = code_of(error)
    if code in EXPIRED:
        return AwsError(
            f"could not {what}: the AWS credentials have expired",
            hint="log in again, and check this machine's clock",
        )
    if code == "AuthFailure" and "not authorized for" in _message(error).lower():
        # What EC2 says of somebody else's image or snapshot, with credentials that are quite in order.
        return AwsError(
            f"could not {what}: {_plain(_message(error))}", hint="only the account that owns it may do that"
        )
    if code in BAD_CREDENTIALS:
        return AwsError(
            f"could not {what}: AWS does not accept these credentials",
            hint="check which are in use with `aws sts get-caller-identity`, and that the region is enabled",
        )
    if code in DENIED:
        return _denial(error, what, service)
    return AwsError(f"could not {what}: {_plain(_message(error))} ({code})", hint=HINTS.get(code, ""))


def _denial(error: ClientError, what: str, service: str) -> AmigateError:
    """AWS names the permission in its message for most calls; else it has the name of the operation."""
    text = _message(error)
    named = re.search(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)", text)
    permission = named[1] if named else f"{service}:{error.operation_name}"
    because = re.search(r"(because .*?|with an explicit deny.*?)(?:\.|$|\s*Encoded)", text, re.IGNORECASE)
    why = f", {_plain(because[1])}" if because else ""
    return AwsError(
        f"not allowed to {what}: {error.operation_name} needs the permission {permission}{why}",
        hint=f"add {permission} to the policy of these credentials",
    )


def _no_answer(error: BotoCoreError, what: str) -> AmigateError:
    for name in (base.__name__ for base in type(error).__mro__):
        if name in CONFIGURATION:
            message, hint = CONFIGURATION[name]
            return UsageError(message, hint=hint)
    details: dict[str, Any] = getattr(error, "kwargs", {})
    url = urlsplit(str(details.get("endpoint_url", "")))
    place = f"{url.scheme}://{url.hostname}" + (f":{url.port}" if url.port else "") if url.hostname else "AWS"
    if type(error).__name__ == "SSLError":
        return AwsError(f"could not {what}: the certificate of {place} is not trusted", hint="check AWS_CA_BUNDLE")
    return AwsError(
        f"could not {what}: {place} does not answer ({type(error).__name__})",
        hint="check the name of the region, the endpoint and the network",
    )


def _message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


def _plain(text: str, most: int = 300) -> str:
    """Return one line without the encoded blob of a denial, which may describe the whole policy."""
    text = re.split(r"Encoded authorization failure message", text, flags=re.IGNORECASE)[0]
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split()).rstrip(". ")
    return text if len(text) <= most else text[:most] + "…"

"""Tokens of services, by the prefixes that their makers gave them, and by a checksum where they have one.

https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/ (GitHub and npm end
in a CRC-32 of what comes before), https://docs.gitlab.com/security/tokens/#token-prefixes,
https://docs.slack.dev/authentication/tokens, https://docs.stripe.com/keys, https://pypi.org/help/#apitoken,
https://docs.digitalocean.com/reference/api/create-personal-access-token/, https://developer.hashicorp.com/vault/docs/concepts/tokens,
https://age-encryption.org/v1"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.detect.hits import Hit, Sort

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM_CHARACTERS = 6
_LEAST_KINDS = 10
_EXAMPLE = re.compile(rb"(?i)example|x{6}|0{8}|a{8}|1234567890|abcdef123456|your")
_LONGEST = 512


@dataclass(frozen=True, kw_only=True)
class Token:
    """A kind of token: what it begins with, all of its form, and how to tell one from what only looks like it."""

    sort: Sort
    begin: re.Pattern[bytes]
    """Begins with letters that are always the same, which is what makes it quick to find."""
    form: re.Pattern[bytes]
    detail: str
    is_one: Callable[[bytes], bool]


def _is_random(text: bytes) -> bool:
    """Whether it has many different characters, and is no example."""
    return len(set(text)) >= _LEAST_KINDS and not _EXAMPLE.search(text)


def _is_checked(text: bytes) -> bool:
    """Whether the last characters are the checksum of those between the prefix and them."""
    body = text.rpartition(b"_")[2]
    number = zlib.crc32(body[:-_CHECKSUM_CHARACTERS])
    digits = ""
    while number:
        number, digit = divmod(number, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits.rjust(_CHECKSUM_CHARACTERS, "0").encode("ascii") == body[-_CHECKSUM_CHARACTERS:]


def _is_pypi(text: bytes) -> bool:
    """Whether it is a macaroon for an index of Python packages."""
    body = text.removeprefix(b"pypi-")
    try:
        said = base64.urlsafe_b64decode(body[: len(body) // 4 * 4])
    except binascii.Error:
        return False
    return b"pypi.org" in said[:40]


def _token(sort: Sort, begin: bytes, form: bytes, detail: str, is_one: Callable[[bytes], bool] = _is_random) -> Token:
    return Token(
        sort=sort,
        begin=re.compile(begin),
        form=re.compile(rb"(?<![A-Za-z0-9_])" + form + rb"(?![A-Za-z0-9_])"),
        detail=detail,
        is_one=is_one,
    )


TOKENS = (
    _token(Sort.VCS, rb"gh[oprsu]_", rb"gh[oprsu]_[A-Za-z0-9]{36}", "a token of GitHub", _is_checked),
    _token(Sort.VCS, b"github_pat_", rb"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}", "a token of GitHub"),
    _token(Sort.VCS, b"glpat-", rb"glpat-[\w-]{20,300}(?:\.[0-9a-z.]{2,20})?", "a token of GitLab"),
    _token(Sort.AGENT, b"glrt-", rb"glrt-[\w-]{20,300}(?:\.[0-9a-z.]{2,20})?", "a token of a runner of GitLab"),
    _token(Sort.REGISTRY, b"npm_", rb"npm_[A-Za-z0-9]{36}", "a token of npm", _is_checked),
    _token(Sort.REGISTRY, b"pypi-AgE", rb"pypi-AgE[\w-]{60,400}", "a token of PyPI", _is_pypi),
    _token(Sort.REGISTRY, b"dckr_pat_", rb"dckr_pat_[\w-]{27}", "a token of Docker Hub"),
    _token(Sort.CLOUD, b"dop_v1_", rb"dop_v1_[0-9a-f]{64}", "a token of DigitalOcean"),
    _token(Sort.CLOUD, rb"hvs\.", rb"hvs\.[\w-]{24,400}", "a token of Vault"),
    _token(
        Sort.CLOUD,
        b'"private_key_id"',
        rb"\"private_key_id\"\s{0,20}:\s{0,20}\"[0-9a-f]{40}\"",
        "a key of a service account of Google's cloud",
        lambda text: not _EXAMPLE.search(text),
    ),
    _token(Sort.CLOUD, b"AccountKey=", rb"AccountKey=[A-Za-z0-9+/]{86}==", "a key of Azure's storage"),
    _token(Sort.APP_CONFIG, rb"xox[bp]-", rb"xox[bp]-\d{9,14}-[\dA-Za-z-]{25,90}", "a token of Slack"),
    _token(
        Sort.APP_CONFIG,
        rb"hooks\.slack\.com/services/",
        rb"hooks\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{20,30}",
        "an address of Slack that takes messages from everybody",
    ),
    _token(Sort.APP_CONFIG, b"_live_", rb"[rs]k_live_[A-Za-z0-9]{20,250}", "a key of Stripe"),
    _token(Sort.CONFIG_MANAGEMENT, b"AGE-SECRET-KEY-1", rb"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}", "a key of age"),
)
_LONGEST_BEFORE = 3
"""What a token may have in front of that by which it is found, and one more."""
_LONGEST_BEGIN = 32


def tokens(data: bytes, start: int, end: int) -> Iterator[Hit]:
    """Yield the tokens in `data` that are found from `start` up to `end`; they may reach beyond it."""
    for token in TOKENS:
        for found in token.begin.finditer(data, start, min(len(data), end + _LONGEST_BEGIN)):
            at = found.start()
            if at >= end:
                break
            match = token.form.search(data, max(0, at - _LONGEST_BEFORE), at + _LONGEST)
            if match is not None and match.start() <= at < match.end() and token.is_one(match[0]):
                yield Hit(sort=token.sort, offset=at, detail=token.detail)

"""Access keys of AWS are found with their secrets; examples, ids alone and digests are none."""

from __future__ import annotations

import pytest

from amigate.detect.hits import Sort
from amigate.detect.scan import scan

ID, SECRET = "AKIAQ3EGP2XK7JYV5L2M", "hS9x2Yv+Kq0LpW7tRb3NcE/fZ1mGdU5oJ8aVyTwX"


@pytest.mark.parametrize(
    "text",
    [
        f"[default]\naws_access_key_id = {ID}\naws_secret_access_key = {SECRET}\n",
        f'{{"AccessKeyId": "{ID}", "SecretAccessKey": "{SECRET}"}}',
        f"{ID}:{SECRET}\n",
        f"{ID},{SECRET}",
        f"secret_key = {SECRET}\naccess_key = {ID}\n",
        f"export AWS_SECRET_ACCESS_KEY={SECRET}\n",
        f"aws_secret_access_key: '{SECRET}'",
        f'"SecretAccessKey" : "{SECRET}",',
        f'os.environ["AWS_SECRET_ACCESS_KEY"] = "{SECRET}"',
        f"<secretAccessKey>{SECRET}</secretAccessKey>".replace(">", " ", 1),
        f"{ID.replace('AKIA', 'ASIA')} {SECRET} token",
        f"AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {SECRET}\n",
    ],
)
def test_a_key_with_its_secret_is_found_once(text: str) -> None:
    (hit,) = scan(b"\0" * 600 + text.encode() + b"\n" * 600)
    assert hit.sort is Sort.AWS_KEY
    assert SECRET not in repr(hit)
    assert ID not in repr(hit)


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f"{ID} is the id, and nothing else\n",
        "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
        "AKIAI44QH8DHBEXAMPLE je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY",
        f"{ID} da39a3ee5e6b4b0d3255bfef95601890afd80709",
        f"{ID} AAAAAAAAAAAAAAAAAAAAaaaaaaaaaaaaaaaaaaaa",
        f"{ID}{'.' * 600}{SECRET}",
        f"X{ID} {SECRET}",
        f"{ID}X {SECRET}",
        f"{ID.lower()} {SECRET}",
        f"commit {SECRET}",
        "aws_secret_access_key = ${AWS_SECRET_ACCESS_KEY:-none-was-given-to-this-x}",
        "AKIA" * 20_000,
        "aws_secret_access_key" * 5_000,
    ],
)
def test_what_is_no_key_is_none(text: str) -> None:
    assert not list(scan(text.encode()))

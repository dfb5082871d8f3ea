"""Values of settings: which are secrets, which stand for one, and where they are found."""

from __future__ import annotations

import pytest

from amigate.detect import values
from amigate.detect.scan import scan_pieces, scan_text
from amigate.detect.values import assigned, authorizations, holds_secret, is_secret, options, plain, urls


@pytest.mark.parametrize(
    "value",
    [
        "hunter2", "!QAZ2wsx", "*stars9", "&and7", "/9jX+aQ7", "$6$salt$hash", "#hash8", "p@ss", "correct horse",
        "%pc%nt5", "password", "admin", "xY3" * 600, "\u00e9t\u00e91", "-dash-1", "~tilde",
    ],
)  # fmt: skip
def test_a_value_is_a_secret(value: str) -> None:
    assert is_secret(value)


@pytest.mark.parametrize(
    "value",
    [
        "", "ab", "$PASSWORD", "${PASSWORD}", "$(cat /x)", "{{ password }}", "%(password)s", "%i", "<password>",
        "@PASS@", "changeme", "your-token", "********", "xxxx", "null",
        "none", "!vault", "!Ref x", "/run/secrets/db", "./x",
        "https://vault.corp/x", "arn:aws:x", "os.environ['A']", "wJalrEXAMPLEKEY", "ENC[abc]",
    ],
)  # fmt: skip
def test_a_value_stands_for_one(value: str) -> None:
    assert not is_secret(value)


@pytest.mark.parametrize(
    "name", ["password", "DB_PASSWORD", "dbPassword", "api-key", "spring.datasource.password", "token2"]
)
def test_a_name_is_that_of_a_secret(name: str) -> None:
    assert holds_secret(name)


@pytest.mark.parametrize(
    "name", ["password_file", "passwordFile", "token_url", "secretName", "API_KEY_ID", "token-ttl"]
)
def test_a_name_speaks_of_a_secret(name: str) -> None:
    assert not holds_secret(name)


@pytest.mark.parametrize(
    "text,count",
    [
        (b"password=hunter2", 1),
        (b"export A_TOKEN='hunter2'", 1),
        (b'{"secret": "hunter2"}', 1),
        (b"secret: hunter2\npassword : hunter3", 2),
        (b"$a['password'] = 'hunter2';", 1),
        (b"'password' => 'hunter2',", 1),
        (b"# password=hunter2\n // secret: hunter2\n;token=hunter2", 0),
        (b"password=\nuser=hunter2", 0),
        (b"port_token_ttl=3600 secret=1234567", 1),
        (b"bypassed = hunter2 passive: hunter3", 0),
    ],
)
def test_assignments_are_found_in_every_syntax(text: bytes, count: int) -> None:
    assert len(list(assigned(text))) == count


def test_in_a_programs_text_only_what_is_quoted_is_a_value() -> None:
    assert list(assigned(b"password = get()\nsecret = 'hunter2'\n", quoted=True)) == [17]


def test_urls_options_and_headers_are_found_where_they_begin() -> None:
    assert list(urls(b"a git+https://bob:hunter2@x http://a:80/b@c https://bob@x https://:$P@x")) == [2]
    assert list(options(b"x --password hunter2 -token=hunter2 --secret $S a--token hunter2 --token-file x")) == [2, 21]
    assert list(authorizations(b"Authorization: Basic Ym9iOmh1bnRlcjI= authorization: basic bm90aGluZw==")) == [0]


def test_text_in_another_encoding_is_made_plain() -> None:
    assert plain("password=\u00e9".encode("utf-16")) == "password=\u00e9".encode()
    assert plain("a".encode("utf-32")) == b"a"
    assert plain(b"\xff\xfe\x00") is not None
    assert plain(b"\xe9") == b"\xe9"


def test_a_token_between_two_pieces_is_found_once() -> None:
    token = b"glpat-q7Rk2Vn8Xw4Ld9Tb6Hc3"
    for cut in range(1, len(token)):
        content = b"x" * 200_000 + b" " + token[:cut], token[cut:] + b" " + b"x" * 200_000
        assert [at for _, at, _ in scan_pieces(iter(content), scan_text)] == [200_001]


def test_no_more_assignments_than_a_configuration_has_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "_MOST", 5)
    assert len(list(assigned(b"password=hunter2\n" * 50))) <= 6

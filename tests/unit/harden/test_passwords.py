from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amigate.facts.accounts import Password, classify
from amigate.harden import passwords
from amigate.harden.diff import redact

YESCRYPT = "$y$j9T$abcdefghijkl$0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
DES = "ab1234567890."


@pytest.mark.parametrize(
    "field,after",
    [
        ("", "*"),
        (YESCRYPT, "*"),
        (DES, "*"),
        (f"!{YESCRYPT}", "*"),
        (f"!!{YESCRYPT}", "*"),
        (f"*{YESCRYPT}", "*"),
        ("surprise", "*"),
        ("*", "*"),
        ("!", "!"),
        ("!!", "!!"),
        ("!*", "!*"),
        ("*LOCK*", "*LOCK*"),
    ],
)
def test_a_field_of_shadow(field: str, after: str) -> None:
    assert passwords.shadow(f"a:{field}:1:0:99999:7:::\n") == f"a:{after}:1:0:99999:7:::\n"


def test_a_bang_goes_where_it_would_bar_keys() -> None:
    text = "admin:!:1:0:99999:7:::\nsshd:!:1::::::\n"
    assert passwords.shadow(text, no_bang_for={"admin"}) == "admin:*:1:0:99999:7:::\nsshd:!:1::::::\n"


def test_the_age_of_a_password_that_is_none_locks_nobody_out() -> None:
    text = "admin:*:0:0:60:7:30::\ndaemon:*:1:0:60:7:::\n"
    after = passwords.shadow(text, key_users={"admin"})
    assert after == "admin:*::0:99999:7:30::\ndaemon:*:1:0:60:7:::\n"


def test_passwd_holds_no_password_of_its_own() -> None:
    text = f"root::0:0::/root:/bin/sh\nold:{DES}:1:1::/:/bin/sh\nok:x:2:2::/:/bin/sh\n+nis\n"
    after = passwords.passwd(text, {"root", "ok"})
    assert after == "root:x:0:0::/root:/bin/sh\nold:*:1:1::/:/bin/sh\nok:x:2:2::/:/bin/sh\n+nis\n"


def test_groups_hold_no_password() -> None:
    assert passwords.gshadow(f"a:{YESCRYPT}::\nb:::\nc:!::") == "a:!::\nb:::\nc:!::"
    assert passwords.group(f"a:{DES}:1:\nb:x:2:\n") == "a:x:1:\nb:x:2:\n"


@given(st.text("!*x$./:y6abcABC\n-#é\0", max_size=120))
def test_any_shadow_file_ends_without_passwords_and_is_then_left_alone(text: str) -> None:
    once = passwords.shadow(text, key_users={"a"}, no_bang_for={"a"})
    assert passwords.shadow(once, key_users={"a"}, no_bang_for={"a"}) == once
    for line in once.splitlines():
        fields = line.split(":")
        if len(fields) == 9 and fields[0] and not line.startswith("#"):
            assert classify(fields[1]) is Password.NONE


@given(st.from_regex(r"\$(6|y|2b)\$[./0-9A-Za-z$]{8,60}", fullmatch=True))
def test_no_hash_shows_in_any_file(password: str) -> None:
    for path in ("/etc/shadow", "/etc/shadow-", "/etc/security/opasswd", "/etc/cloud/cloud.cfg"):
        for lock in ("", "!", "!!"):
            assert password not in redact(path, f"root:{lock}{password}:1:0:99999:7:::")


def test_a_private_key_does_not_show() -> None:
    text = "a\n-----BEGIN OPENSSH PRIVATE KEY-----\nsecretsecret\n-----END OPENSSH PRIVATE KEY-----\nb\n"
    assert "secretsecret" not in redact("/etc/x", text)
    assert redact("/etc/x", text).endswith("b\n")


def test_accounts_are_taken_out_by_their_whole_name() -> None:
    text = "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\ntoor2:x:7:7::/:/bin/sh\n# toor:\nlast:x:8:8::/:/bin/sh"
    assert passwords.without(text, {"toor"}) == text.replace("toor:x:0:0::/:/bin/sh\n", "")
    assert passwords.without(text, ()) == text

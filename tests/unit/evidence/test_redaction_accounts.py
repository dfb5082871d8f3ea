"""What is kept of account files means the same to every fact, and holds no hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import View
from amigate.evidence.redaction.accounts import password
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts import accounts
from amigate.facts.accounts import MORE_PASSWD, MORE_SHADOW, Accounts, classify

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[..., View]

SHA512 = "$6$rounds=5000$saltsalt$" + "a" * 86
YESCRYPT = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"


@pytest.mark.parametrize(
    "field",
    [
        "", "*", "!", "!!", "!*", "*LOCK*", "x", "NP", "*NP*", "*LK*", "!!*", SHA512, YESCRYPT,
        f"!{SHA512}", f"!!{SHA512}",
        f"*{YESCRYPT}", "abJnggxhB/yWI", "!abJnggxhB/yWI", "abJnggxhB/yWI" + "x" * 11, "_J9..SDSD5YGyRCr4W4c",
        "$1$ab$c",
        "$2b$05$" + "c" * 53, "$3$$8846f7eaee8fb117ad06bdd830b7586c", "$md5,rounds=904$salt$hash", "$new$thing", "$x",
        "plaintext", "!plaintext", "hunter2hunter2", "##root", "x ", "$", "!$", "*x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("passwd", [False, True])
def test_a_password_field_means_the_same_and_holds_no_hash(field: str, passwd: bool, redactor: Redactor) -> None:  # noqa: FBT001 - drawn
    found = password(field, redactor.mac)
    if not (passwd and field.startswith("##")):  # which passwd() keeps by itself
        assert classify(found, passwd=passwd) is classify(field, passwd=passwd)
    secret = field.strip("!*")
    assert len(secret) < 5 or secret not in found


@pytest.mark.parametrize(
    "field,scheme",
    [
        (SHA512, f"$amigate$6${len(SHA512)}$"),
        (f"!{YESCRYPT}", f"!$amigate$y${len(YESCRYPT)}$"),
        ("abJnggxhB/yWI", "$amigate$des$13$"),
        ("_J9..SDSD5YGyRCr4W4c", "$amigate$bsdi$20$"),
        ("$secret-scheme$x", "$amigate$unknown$16$"),
    ],
)
def test_scheme_and_length_of_a_hash_are_kept(field: str, scheme: str, redactor: Redactor) -> None:
    assert password(field, redactor.mac).startswith(scheme)


def test_like_hashes_are_alike_within_a_run_and_tell_nothing_outside_of_it() -> None:
    here, there = Redactor(), Redactor()
    assert password(SHA512, here.mac) == password(f"!{SHA512}", here.mac).lstrip("!")
    assert password(SHA512, here.mac) != password(YESCRYPT, here.mac)
    assert password(SHA512, here.mac) != password(SHA512, there.mac)


def accounts_view(kit: Any, passwd: str, shadow: str, redactor: Redactor | None) -> View:
    files = {accounts.PASSWD: (passwd, Keep.PASSWD), accounts.SHADOW: (shadow, Keep.SHADOW)}
    entries = {path: kit.file(path, text.encode("utf-8", "surrogateescape")) for path, (text, _) in files.items()}
    if redactor:
        entries = {path: redactor.entry(entry, files[path][1]) for path, entry in entries.items()}
    return View(entries=entries, absent=frozenset({*MORE_PASSWD, *MORE_SHADOW}))


def asked_of(view: View, what: str) -> object:
    try:
        found = getattr(Accounts.read(view), what)
        return [(user.name, user.home, user.shell) for user in found] if what == "login_users" else found()
    except InconclusiveError:
        return "cannot tell"


names = st.sampled_from(["root", "toor", "bin", "+", "-x", "#a", "", "\u00e4"])
fields = st.sampled_from(
    ["", "x", "*", "!", "!!", SHA512, f"!{SHA512}", "abJnggxhB/yWI", "##root", "plain", "x\r", "*LK*"]
)
numbers = st.sampled_from(["0", "1", "00", "+0", " 0", "4294967296", "x", "", "\u0660"])
shells = st.sampled_from(["/bin/sh", "", "/bin/false\r", "/usr/sbin/nologin"])
passwd_lines = st.tuples(names, fields, numbers, numbers, st.sampled_from(["", "Real Name"]), names, shells).map(
    ":".join
)
shadow_lines = st.tuples(names, fields, st.sampled_from(["19000", "", "0", "x", "\r"])).map(":".join)
texts = st.text(alphabet="root:x!*$6a/0\n\r\t +-#\x0c\u2028", max_size=60)
QUESTIONS = ("superusers_with_password", "empty_passwords", "usable_hashes", "other_superusers", "login_users")
ROOT = "root:x:0:0::/root:/bin/bash\n"


@given(st.lists(passwd_lines, max_size=4).map("\n".join), st.lists(shadow_lines, max_size=4).map("\n".join))
@settings(max_examples=600, deadline=None)
def test_every_question_about_accounts_has_the_same_answer_before_and_after(
    kit: Any, redactor: Redactor, passwd: str, shadow: str
) -> None:
    before, after = (accounts_view(kit, f"{ROOT}{passwd}", shadow, each) for each in (None, redactor))
    for what in QUESTIONS:
        assert asked_of(after, what) == asked_of(before, what), what


@given(texts, texts)
@settings(max_examples=600, deadline=None)
def test_whatever_the_files_hold_no_finding_becomes_none(
    kit: Any, redactor: Redactor, passwd: str, shadow: str
) -> None:
    """A name that is none may leave it in doubt; nothing that was found or in doubt is ever in order afterwards."""
    before, after = (accounts_view(kit, f"{passwd}\n{ROOT}", shadow, each) for each in (None, redactor))
    for what in QUESTIONS[:-1]:
        told, still = asked_of(before, what), asked_of(after, what)
        assert still == "cannot tell" or bool(still) == bool(told), what
        assert told != "cannot tell" or still == "cannot tell", what


def test_gshadow_and_group_lose_their_hashes_alone(kept: Callable[..., str]) -> None:
    text = kept(f"wheel:{SHA512}:root:root,admin\nusers:!::\nadm:x:4:syslog\n", Keep.GROUPS)
    assert text.endswith(":root:root,admin\nusers:!::\nadm:x:4:syslog\n")
    assert "saltsalt" not in text


def test_another_file_in_the_place_of_shadow_is_not_kept(
    kept: Callable[..., str], is_withheld: Callable[..., bool]
) -> None:
    secret = "-----BEGIN RSA PRIVATE KEY-----\nMIIEsecret\nplain: text with hunter2\n"
    assert not any(word in kept(secret, Keep.SHADOW) for word in ("MIIE", "hunter2", "BEGIN"))
    assert is_withheld("hunter2\n" * 2000, Keep.SHADOW)

"""What passwd and shadow say, in every form that images come with."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amigate.check import InconclusiveError
from amigate.evidence.model import Entry, Kind, View
from amigate.facts.accounts import MORE_PASSWD, MORE_SHADOW, Accounts, Password, classify

SHA512 = "$6$saltsalt$" + "a" * 86
YESCRYPT = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"


@pytest.mark.parametrize(
    "field,expected",
    [
        ("", Password.EMPTY),
        ("*", Password.NONE),
        ("!", Password.NONE),
        ("!!", Password.NONE),
        ("!*", Password.NONE),
        ("*LOCK*", Password.NONE),
        ("x", Password.NONE),
        ("NP", Password.NONE),
        ("*NP*", Password.NONE),
        (SHA512, Password.HASH),
        (YESCRYPT, Password.HASH),
        ("$1$ab$cdefghijklmnopqrstuvwx", Password.HASH),
        ("$5$rounds=1000$salt$" + "b" * 43, Password.HASH),
        ("$2b$05$" + "c" * 53, Password.HASH),
        ("$3$$8846f7eaee8fb117ad06bdd830b7586c", Password.HASH),
        ("$md5,rounds=904$salt$hash", Password.HASH),
        ("_J9..SDSD5YGyRCr4W4c", Password.HASH),
        ("abJnggxhB/yWI", Password.HASH),
        ("abJnggxhB/yWI" + "x" * 11, Password.HASH),
        (f"!{SHA512}", Password.LOCKED_HASH),
        (f"!!{SHA512}", Password.LOCKED_HASH),
        (f"*{YESCRYPT}", Password.LOCKED_HASH),
        ("!abJnggxhB/yWI", Password.LOCKED_HASH),
    ],
)
def test_a_password_field_means_what_crypt_makes_of_it(field: str, expected: Password) -> None:
    assert classify(field) is expected


def view(passwd: str | None, shadow: str | None) -> View:
    texts = {"/etc/passwd": passwd, "/etc/shadow": shadow}
    entries = {
        path: Entry(
            path=path,
            kind=Kind.FILE,
            mode=0,
            uid=0,
            gid=0,
            size=0,
            mtime_s=0,
            content=text.encode(errors="surrogateescape"),
        )
        for path, text in texts.items()
        if text is not None
    }
    return View(entries=entries, absent=frozenset({*texts, *MORE_PASSWD, *MORE_SHADOW} - entries.keys()))


def found(passwd: str, shadow: str | None, what: str) -> Any:
    """Return where the findings of a question stand, or "cannot tell"."""
    try:
        return [(f.subject, f.path, f.line) for f in getattr(Accounts.read(view(passwd, shadow)), what)()]
    except InconclusiveError:
        return "cannot tell"


ROOT = "root:x:0:0:root:/root:/bin/bash\n"


@pytest.mark.parametrize(
    "passwd,shadow,expected",
    [
        (ROOT, "root:*:1::::::\n", []),
        (ROOT, f"root:!{SHA512}:1::::::\n", []),
        (ROOT, f"root:{SHA512}:1::::::\n", [("root", "/etc/shadow", 1)]),
        (ROOT, "root::1::::::\n", [("root", "/etc/shadow", 1)]),
        (ROOT, f"bin:*:::::::\nroot:*:::::::\nroot:{SHA512}:::::::\n", [("root", "/etc/shadow", 3)]),
        (ROOT, f" root:{SHA512}:::::::\nroot:*:::::::\n", [("root", "/etc/shadow", 1)]),
        (ROOT, "bin:*:1::::::\n", "cannot tell"),
        (ROOT, "root", "cannot tell"),
        (ROOT, "", "cannot tell"),
        (ROOT, None, "cannot tell"),
        ("root:##root:0:0::/:/bin/sh\n", None, "cannot tell"),
        (f"root:{SHA512}:0:0::/:/bin/sh\n", "", [("root", "/etc/passwd", 1)]),
        ("root::0:0::/:/bin/sh\n", "root:*:1::::::\n", [("root", "/etc/passwd", 1)]),
        ("root:*:0:0::/:/bin/sh\n", f"root:{SHA512}:1::::::\n", [("root", "/etc/shadow", 1)]),
        ("root:*:0:0::/:/bin/sh\n", None, []),
        (f"{ROOT}toor:{SHA512}:0:0::/:/bin/sh\n", "root:*:::::::", [("toor", "/etc/passwd", 2)]),
        (f"{ROOT}toor::00:0\n", "root:*:::::::", [("toor", "/etc/passwd", 2)]),
        (f"{ROOT}toor:: +0:0:::\n", "root:*:::::::", [("toor", "/etc/passwd", 2)]),
        (f"{ROOT}\ttoor::0:0::/:/bin/sh:more:fields\n", "root:*:::::::", [("toor", "/etc/passwd", 2)]),
        (f"{ROOT}toor::0:0:form\x0cfeed \x85 \u2028 \x1c:/:/bin/sh\n", "root:*:::::::", [("toor", "/etc/passwd", 2)]),
        (ROOT.replace("\n", "\r\n"), f"root:{SHA512}:1::::::\r\n", [("root", "/etc/shadow", 1)]),
        (f"\n# a comment\n{ROOT}", "root:*:::::::", []),
        (f"{ROOT}toor::\u0660:0::/:/bin/sh\n", "root:*:::::::", "cannot tell"),
        (f"{ROOT}toor::\u00b2:0::/:/bin/sh\n", "root:*:::::::", "cannot tell"),
        (f"{ROOT}toor::99999999999999:0::/:/bin/sh\n", "root:*:::::::", "cannot tell"),
        (f"{ROOT}toor:::0::/:/bin/sh\n", "root:*:::::::", "cannot tell"),
        (f"{ROOT}half a line\n", "root:*:::::::", "cannot tell"),
        (f"{ROOT}:x:0:0::/:/bin/sh\n", "root:*:::::::", "cannot tell"),
        (f"{ROOT}+::::::\n", "root:*:::::::", "cannot tell"),
        (f"{ROOT}+@admins:x:0:0:::\n", "root:*:::::::", "cannot tell"),
        ("", "", "cannot tell"),
        ("# nobody\n", "", "cannot tell"),
    ],
)
def test_a_password_of_any_superuser_is_found_or_in_doubt(passwd: str, shadow: str | None, expected: Any) -> None:
    assert found(passwd, shadow, "superusers_with_password") == expected


@pytest.mark.parametrize(
    "passwd,shadow,expected",
    [
        (ROOT, "root:*:1::::::\nsys:!:::::::\n", []),
        (ROOT, "root:*:1::::::\nsys::::::::\n", [("sys", "/etc/shadow", 2)]),
        (f"{ROOT}sys::3:3::/:/usr/sbin/nologin\n", "root:*:1::::::\n", [("sys", "/etc/passwd", 2)]),
        (ROOT, None, "cannot tell"),
        ("root:*:0:0::/:/bin/sh\n", None, []),
        (ROOT, "sys::\x0c:\n", [("sys", "/etc/shadow", 1)]),
    ],
)
def test_every_empty_password_is_found(passwd: str, shadow: str | None, expected: Any) -> None:
    assert found(passwd, shadow, "empty_passwords") == expected


def test_a_file_that_could_not_be_seen_is_not_a_file_without_accounts() -> None:
    for path in ("/etc/passwd", "/etc/shadow"):
        whole = view(ROOT, "root:*:::::::")
        entries = {name: entry for name, entry in whole.entries.items() if name != path}
        with pytest.raises(InconclusiveError):
            Accounts.read(View(entries=entries, unseen={path: "its folder cannot be searched"}))
        with pytest.raises(InconclusiveError):
            Accounts.read(View(entries=entries))


def test_login_users_are_those_whose_shell_lets_them_in_root_first() -> None:
    passwd = "".join(
        f"{name}:x:{uid}:1::/:{shell}\n"
        for name, uid, shell in [
            ("a", 1, "/bin/sh"),
            ("b", 2, "/usr/sbin/nologin"),
            ("c", 3, "/bin/false"),
            ("d", 4, ""),
            ("e", 5, "/bin/bash\r"),
            ("root", 0, "/bin/bash"),
        ]
    )
    assert [user.name for user in Accounts.read(view(passwd, "")).login_users] == ["root", "a", "d", "e"]


@given(st.text(alphabet=st.sampled_from("root:x!*$6a/0\n\r\t +-#\x0c\u2028"), max_size=80), st.text(max_size=40))
def test_no_file_breaks_the_reader(passwd: str, shadow: str) -> None:
    """And root's account with a password is found beside whatever else the file holds, or the reader is in doubt."""
    said = found(f"{passwd}\nroot:{SHA512}:0:0::/:/bin/sh\n", shadow, "superusers_with_password")
    assert said == "cannot tell" or any(subject == "root" for subject, _, _ in said)

"""Secrets of every kind, collected by the real collector from real files, and looked for in what is saved."""

from __future__ import annotations

import gzip
import subprocess
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from amigate.check import InconclusiveError
from amigate.evidence import saved
from amigate.evidence.keep import Keep
from amigate.evidence.model import Evidence, Launch, Vantage, View, Viewpoint
from amigate.evidence.questions import Glob, ReadFile, Run
from amigate.evidence.redaction.redactor import Redactor
from amigate.result import Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amigate.evidence.questions import Question

    Ask = Callable[..., View]

SHA512 = "$6$rounds=5000$saltsalt$" + "a" * 86
YESCRYPT = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE5vYm9keUtub3dzVGhlUHJpdmF0ZUhhbGZPZlRoaXM="
KEYS = {
    "OpenSSH ed25519": ("ssh-keygen", ["-t", "ed25519", "-N", ""]),
    "OpenSSH ed25519 with a passphrase": ("ssh-keygen", ["-t", "ed25519", "-N", "hunter2"]),
    "OpenSSH rsa": ("ssh-keygen", ["-t", "rsa", "-b", "2048", "-N", ""]),
    "PEM rsa": ("ssh-keygen", ["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""]),
    "PEM rsa with a passphrase": ("ssh-keygen", ["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "hunter2"]),
    "PEM ecdsa": ("ssh-keygen", ["-t", "ecdsa", "-m", "PEM", "-N", ""]),
    "PKCS 8 rsa": ("ssh-keygen", ["-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", ""]),
    "PKCS 8 rsa with a passphrase": ("ssh-keygen", ["-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", "hunter2"]),
}


def private_key(folder: Path, name: str, *arguments: str) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-f", str(folder / name), *arguments], check=True)
    return folder / name


HISTORY = "mysql -u root -phunter2-history\nexport TOKEN=hunter2-token\n"
USER_DATA = "#cloud-config\npassword: hunter2-user-data\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Lay out files with a secret of every kind; each holds `hunter2` or a part of a real key."""
    texts = {
        "shadow": f"root:{SHA512}:1::::::\nlocked:!{YESCRYPT}:1::::::\n"
        "old:abJnggxhB/yWI:1::::::\nodd:hunter2-plain:::\n",
        "gshadow": f"wheel:{SHA512}:root:\n",
        "passwd": f"root:x:0:0:hunter2-gecos:/root:/bin/sh\nold:{SHA512}:1:1::/:/bin/sh\n",
        "history": HISTORY,
        "user-data": USER_DATA,
        "authorized_keys": f'environment="A=hunter2-env",command="hunter2-cmd" {ED25519} hunter2 too\nhunter2-line\n',
        "sshd_config": "SetEnv A=hunter2-setenv\nhunter2-setting x\nPort 22\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    for number, (_, arguments) in enumerate(KEYS.values()):
        private_key(tmp_path, f"key{number}", *arguments)
    (tmp_path / "included").symlink_to("history")
    return tmp_path


def test_a_saved_file_of_planted_secrets_holds_none_of_them(
    tree: Path, ask: Ask, tmp_path: Path, redactor: Redactor
) -> None:
    read: Callable[..., ReadFile] = lambda name, keep, **cap: ReadFile(f"{tree}/{name}", keep, **cap)  # noqa: E731
    questions: list[Question] = [
        read("shadow", Keep.SHADOW),
        read("gshadow", Keep.GROUPS),
        read("passwd", Keep.PASSWD),
        read("history", Keep.SIZE),
        read("user-data", Keep.DIGEST),
        read("authorized_keys", Keep.AUTHORIZED_KEYS),
        Glob(f"{tree}/sshd_conf*", Keep.SSHD_CONFIG),
        Glob(f"{tree}/include*", Keep.SSHD_CONFIG),
        Glob(f"{tree}/key?", Keep.PRIVATE_KEY),
        Run("prints", f"cat {tree}/history; cat {tree}/history >&2", Keep.SSHD_TEST),
        Run("lists", f"cat {tree}/history", Keep.PACKAGES),
        Run("ends", f"cat {tree}/shadow; exit 4", Keep.NOTHING),
    ]
    view = ask(*questions, redactor=redactor)
    cut = ask(*(replace(question, cap_bytes=50) for question in questions), redactor=redactor)
    views = {Viewpoint(Launch.A, 1, Vantage.INSIDE): view, Viewpoint(Launch.B, 1, Vantage.INSIDE): cut}
    path = tmp_path / "x.evidence"
    saved.save(Evidence(witnesses=frozenset(), target=Target(kind="ami", id="ami-1"), views=views), path)
    assert saved.load(path).views == views
    held = gzip.decompress(path.read_bytes()) + b"".join(
        part for each in views.values()
        for part in (
            *(entry.content or b"" for entry in each.entries.values()),
            *(stream for answer in each.answers.values() for stream in (answer.stdout, answer.stderr)),
        )
    )  # fmt: skip
    assert view.exit_code("ends") == 4
    assert len(view.entries) == len(cut.entries) == 8 + len(KEYS)
    assert [secret for secret in _secrets(tree) if secret in held] == []
    assert view.entries[f"{tree}/history"].summary == {"bytes": str(len(HISTORY)), "lines": "2"}
    assert view.entries[f"{tree}/user-data"].summary["bytes"] == str(len(USER_DATA))
    assert all("PRIVATE KEY" in view.entries[f"{tree}/key{number}"].summary["header"] for number in range(len(KEYS)))


def _secrets(tree: Path) -> list[bytes]:
    bodies = [
        line
        for number in range(len(KEYS))
        for line in (tree / f"key{number}").read_bytes().splitlines()
        if not line.startswith(b"-----") and len(line) > 40
    ]
    return [b"hunter2", b"saltsalt", b"F5Jx5fExrKuPp53xLKQ", b"abJnggxhB", *bodies]


def test_a_file_that_is_asked_for_in_two_forms_is_kept_in_none(tree: Path, ask: Ask, redactor: Redactor) -> None:
    """As when sshd is told to include the passwd."""
    path = f"{tree}/passwd"
    view = ask(
        ReadFile(path, Keep.PASSWD), Glob(path, Keep.SSHD_CONFIG), ReadFile(path, Keep.NOTHING), redactor=Redactor()
    )
    assert view.entries[path].content is None
    with pytest.raises(InconclusiveError, match="two forms"):
        view.content(path)


def test_the_metadata_of_a_file_whose_content_was_asked_for_loses_nothing(
    tree: Path, ask: Ask, redactor: Redactor
) -> None:
    path = f"{tree}/passwd"
    for keeps in ([Keep.NOTHING, Keep.PASSWD], [Keep.PASSWD, Keep.NOTHING], [Keep.PASSWD, Keep.PASSWD]):
        view = ask(*map(partial(ReadFile, path), keeps), redactor=redactor)
        assert "root:x:0:0" in (view.text(path) or "")

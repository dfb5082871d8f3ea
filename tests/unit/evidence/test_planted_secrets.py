"""Secrets of every kind, collected by the real collector from real files, and looked for in what is saved."""

from __future__ import annotations

import gzip
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from amigate.check import InconclusiveError
from amigate.evidence import saved
from amigate.evidence.keep import Keep
from amigate.evidence.line_count import count_lines
from amigate.evidence.model import DISK, Evidence, Launch, Vantage, View, Viewpoint
from amigate.evidence.questions import Glob, Needs, ReadFile, Run
from amigate.evidence.redaction.redactor import Redactor
from amigate.result import Target
from amigate.sources.directory import read_directory

from .conftest import KEYS, private_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Ask = Callable[..., View]

SHA512 = "$6$rounds=5000$saltsalt$" + "a" * 86
YESCRYPT = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE5vYm9keUtub3dzVGhlUHJpdmF0ZUhhbGZPZlRoaXM="


HISTORY = "mysql -u root -phunter2-history\nexport TOKEN=hunter2-token\n"
USER_DATA = "#cloud-config\npassword: hunter2-user-data\n"


CLOUD_CONFIG = f"""\
#cloud-config
# hunter2-comment
password: hunter2-default
chpasswd:
  list: |
    root:hunter2-list
  users:
    - {{name: root, password: hunter2-user}}
users:
  - name: bob
    passwd: {SHA512}
    plain_text_passwd: hunter2-plain
    hashed_passwd: {YESCRYPT}
    sudo: "ALL=(ALL) NOPASSWD: /bin/login hunter2-sudo"
write_files:
  - {{path: /etc/hunter2-path, content: hunter2-content}}
runcmd: [[mysql, -phunter2-run], "echo hunter2-run"]
hunter2-key: {{a: hunter2-value}}
"""
POLICIES = {
    "sudoers": "# hunter2\nDefaults badpass_message=hunter2-default\nCmnd_Alias X = /bin/a hunter2-alias\n"
    "bob ALL = NOPASSWD: /bin/mysql -phunter2-argument, hunter2-program\npassword = hunter2-line\n",
    "cloud.cfg": CLOUD_CONFIG,
    "ssh.service": "# hunter2\n[Unit]\nDescription=hunter2\n[Service]\nEnvironment=A=hunter2-env\n"
    "ExecStart=/usr/sbin/sshd -D -o 'SetEnv A=hunter2-option' -phunter2\nExecStart=/bin/x hunter2-exec\n",
    "default": "OTHER=hunter2-other\nSSHD_OPTS='-u0 hunter2-opts'\n",
    "preset": "# hunter2\nenable ssh.service\nhunter2-line x\n",
    "dpkg": "Package: a\nStatus: install ok installed\nVersion: 1.0\nDescription: hunter2-description\n hunter2-more\n"
    "Conffiles:\n /etc/a hunter2-conffile\n",
    "apk": "P:a\nV:1.0-r0\nT:hunter2-description\nR:hunter2-file\n",
    "os-release": "ID=debian\nPRETTY_NAME=hunter2-name\n# hunter2\n",
    "names": "/proc/1/comm:hunter2 \\ name\nhunter2\n",
    "initiator": "# hunter2-comment\nInitiatorName=iqn.hunter2\nInitiatorAlias=hunter2-alias\n",
    "host-name": "hunter2-host\n",
    "doas.conf": "# hunter2\npermit setenv { A=hunter2-env } eve cmd /bin/mysql args -phunter2\nhunter2-line\n",
    "login.defs": "# hunter2\nUID_MIN 1000\nMAIL_DIR hunter2-dir\n",
    "sssd.conf": "[domain/x]\nid_provider = ldap\nldap_default_authtok = hunter2-bind\nldap_uri = hunter2-uri\n",
    "pam": "auth required pam_exec.so hunter2-argument\nhunter2-line\nauth required /hunter2.so;\n",
    "inittab": "1:2345:respawn:/sbin/agetty --autologin hunter2 tty1\nhunter2\n",
    "grub": "linux /vmlinuz init=/bin/sh password=hunter2 rd.break\n",
    "script": "#!/bin/sh\nmysql -phunter2\n",
    "interfaces": "address 10.0.0.5\nwpa-psk hunter2\n",
}
"""Files that say what the machine does, each with secrets, and how they are asked for."""
FORMS = {
    "sudoers": Keep.SUDOERS,
    "cloud.cfg": Keep.CLOUD_CONFIG,
    "ssh.service": Keep.SSHD_START,
    "default": Keep.SSHD_START,
    "preset": Keep.PRESETS,
    "dpkg": Keep.DPKG_STATUS,
    "apk": Keep.APK_INSTALLED,
    "os-release": Keep.OS_RELEASE,
    "names": Keep.PROCESS_NAMES,
    "initiator": Keep.IDENTITY,
    "host-name": Keep.HOST_NAME,
    "doas.conf": Keep.DOAS,
    "login.defs": Keep.LOGIN_DEFS,
    "sssd.conf": Keep.NAME_SERVICES,
    "pam": Keep.PAM,
    "inittab": Keep.AUTOLOGIN,
    "grub": Keep.CLOUD_SWITCHES,
}


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
        "app.key": "hunter2-app",
        "authorized_keys": f'environment="A=hunter2-env",command="hunter2-cmd" {ED25519} hunter2 too\nhunter2-line\n',
        "sshd_config": "SetEnv A=hunter2-setenv\nhunter2-setting x\nPort 22\n",
        **POLICIES,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    for number, arguments in enumerate(KEYS.values()):
        private_key(tmp_path, f"key{number}", *arguments)
    (tmp_path / "included").symlink_to("history")
    return tmp_path


def questions(at: str) -> list[ReadFile | Glob | Run]:
    """Return what to ask for each file of the tree at `at`."""
    read: Callable[..., ReadFile] = lambda name, keep: ReadFile(f"{at}/{name}", keep)  # noqa: E731
    return [
        read("shadow", Keep.SHADOW),
        read("gshadow", Keep.GROUPS),
        read("passwd", Keep.PASSWD),
        read("history", Keep.SIZE),
        read("user-data", Keep.DIGEST),
        read("authorized_keys", Keep.AUTHORIZED_KEYS),
        read("script", Keep.REVIEWED),
        read("interfaces", Keep.CARDS),
        *(read(name, keep) for name, keep in FORMS.items()),
        Glob(f"{at}/sshd_conf*", Keep.SSHD_CONFIG),
        Glob(f"{at}/include*", Keep.SSHD_CONFIG),
        Glob(f"{at}/key?", Keep.PRIVATE_KEY),
        Glob(f"{at}/*.key", Keep.DIGEST),
        count_lines(f"{at}/history"),
        Run("prints", f"cat {at}/history; cat {at}/history >&2", Keep.SSHD_TEST),
        Run("lists", f"cat {at}/history", Keep.PACKAGES),
        Run("listens", f"cat {at}/history", Keep.SOCKETS),
        Run("ends", f"cat {at}/shadow; exit 4", Keep.NOTHING),
    ]


def held(views: Mapping[Viewpoint, View], path: Path) -> bytes:
    """Save the views; return all that the file and the views hold."""
    saved.save(Evidence(witnesses=frozenset(), target=Target(kind="ami", id="ami-1"), views=views), path)
    assert saved.load(path).views == views
    return gzip.decompress(path.read_bytes()) + b"".join(
        part for each in views.values()
        for part in (
            *(entry.content or b"" for entry in each.entries.values()),
            *(stream for answer in each.answers.values() for stream in (answer.stdout, answer.stderr)),
        )
    )  # fmt: skip


def assert_known(view: View, at: str) -> None:
    """Check that what facts need is kept of the planted files."""
    assert len(view.entries) == 11 + len(KEYS) + len(FORMS)
    assert view.entries[f"{at}/history"].summary == {"bytes": str(len(HISTORY)), "lines": "2"}
    assert view.answer(count_lines(f"{at}/history").key).text.strip() == "2"
    assert view.entries[f"{at}/user-data"].summary["bytes"] == str(len(USER_DATA))
    assert view.entries[f"{at}/app.key"].summary.keys() == {"bytes", "digest"}
    assert all("PRIVATE KEY" in view.entries[f"{at}/key{number}"].summary["header"] for number in range(len(KEYS)))
    assert [name for name in FORMS if not view.content(f"{at}/{name}")] == []


@pytest.mark.trap(75)
def test_a_saved_file_of_planted_secrets_holds_none_of_them(
    tree: Path, ask: Ask, tmp_path: Path, redactor: Redactor
) -> None:
    asked = questions(str(tree))
    view = ask(*asked, redactor=redactor)
    cut = ask(*(replace(question, cap_bytes=50) for question in asked), redactor=redactor)
    views = {Viewpoint(Launch.A, 1, Vantage.INSIDE): view, Viewpoint(Launch.B, 1, Vantage.INSIDE): cut}
    found = held(views, tmp_path / "x.evidence")
    assert view.exit_code("ends") == 4
    assert_known(view, str(tree))
    assert len(cut.entries) == len(view.entries)
    assert [secret for secret in _secrets(tree) if secret in found] == []


@pytest.mark.trap(75)
def test_a_saved_file_of_planted_secrets_at_rest_holds_none_of_them(
    tree: Path, tmp_path: Path, redactor: Redactor
) -> None:
    view = read_directory(tree, [Needs(first=tuple(questions("")))], redactor=redactor)
    cut = read_directory(
        tree, [Needs(first=tuple(replace(each, cap_bytes=50) for each in questions("")))], redactor=redactor
    )
    found = held({DISK: view, Viewpoint(Launch.B, 1, Vantage.INSIDE): cut}, tmp_path / "x.evidence")
    assert_known(view, "")
    assert [secret for secret in _secrets(tree) if secret in found] == []


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


def test_at_rest_too_a_file_that_is_asked_for_in_two_forms_is_kept_in_none(tree: Path, redactor: Redactor) -> None:
    asked = (ReadFile("/passwd", Keep.PASSWD), Glob("/passw*", Keep.SSHD_CONFIG), ReadFile("/passwd", Keep.NOTHING))
    view = read_directory(tree, [Needs(first=asked)], redactor=redactor)
    with pytest.raises(InconclusiveError, match="two forms"):
        view.content("/passwd")
    again = read_directory(tree, [Needs(first=asked[::2])], redactor=redactor)
    assert "root:x:0:0" in (again.text("/passwd") or "")

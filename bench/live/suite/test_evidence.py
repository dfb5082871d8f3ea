"""The same eighty questions, answered from what amigate collected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import questions as q

from amigate.evidence.keep import Keep
from amigate.evidence.questions import Glob, Needs, ReadFile, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.evidence.model import Entry, View
    from amigate.evidence.questions import Question

PACKAGES = Run(
    "packages", "dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\\n'", cap_bytes=2**20, keep=Keep.WHOLE
)
SSHD = Run("sshd -T", "sshd -T", keep=Keep.WHOLE)
LISTENERS = Run("listeners", "ss -Htln", keep=Keep.WHOLE)
SETUID = Run("setuid", "find /usr/bin -xdev -type f -perm /6000", keep=Keep.WHOLE)
WRITABLE = Run("writable", "find /etc -xdev -type f -perm -0002", keep=Keep.WHOLE)
PROCESSES = Run("processes", "ps -Aww -o comm=", keep=Keep.WHOLE)
VALID = Run("sshd -t", "sshd -t", keep=Keep.WHOLE)


def _keys_of_homes(view: View) -> Iterator[Question]:
    for line in (view.text("/etc/passwd") or "").splitlines():
        home = line.split(":")[5]
        if home.startswith(("/home/", "/root")):
            yield ReadFile(f"{home}/.ssh/authorized_keys", keep=Keep.WHOLE)


def _asked(path: str) -> ReadFile:
    return ReadFile(path, keep=Keep.WHOLE if path in _read or path.startswith("/proc") else Keep.NOTHING)


_paths = [*(path for path, *_ in q.FILES), *(path for path, _ in q.CONTAINS)]
_paths += [*q.ABSENT, "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/machine-id"]
_paths += [f"/proc/sys/{key.replace('.', '/')}" for key in q.SYSCTLS]
_read = {"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/machine-id", *(path for path, _ in q.CONTAINS)}
NEEDS = Needs(
    first=(
        PACKAGES,  # large, so it fills packets
        *(_asked(path) for path in dict.fromkeys(_paths)),
        Glob("/etc/ssh/ssh_host_*", keep=Keep.NOTHING),
        *(SSHD, LISTENERS, SETUID, WRITABLE, PROCESSES, VALID),
    ),
    then=_keys_of_homes,
)


def names(view: View, path: str) -> dict[int, str]:
    """Return the names of a file such as passwd, by number."""
    lines = [line.split(":") for line in (view.text(path) or "").splitlines()]
    return {int(fields[2]): fields[0] for fields in reversed(lines)}


def told(view: View, entry: Entry | None) -> tuple[str, str, int]:
    assert entry is not None
    return names(view, "/etc/passwd")[entry.uid], names(view, "/etc/group")[entry.gid], entry.mode


def account(view: View, path: str, name: str) -> list[str]:
    lines = [line.split(":") for line in (view.text(path) or "").splitlines()]
    return next(fields for fields in lines if fields[0] == name)


def packages(view: View) -> dict[str, str]:
    lines = [line.split() for line in view.answer("packages").text.splitlines()]
    return {words[0]: words[1] for words in lines if words[-1] == "installed"}


@pytest.mark.parametrize("path,user,group,mode", q.FILES)
def test_file(view: View, path: str, user: str, group: str, mode: int) -> None:
    assert told(view, view.entry(path)) == (user, group, mode)


@pytest.mark.parametrize("path", q.ABSENT)
def test_absent(view: View, path: str) -> None:
    assert view.entry(path) is None


@pytest.mark.parametrize("option,value", q.SSHD)
def test_sshd(view: View, option: str, value: str) -> None:
    assert f"\n{option} {value}\n" in "\n" + view.answer("sshd -T").text


@pytest.mark.parametrize("kind", q.HOST_KEYS)
def test_host_key(view: View, kind: str) -> None:
    for path, mode in ((f"/etc/ssh/ssh_host_{kind}_key", 0o600), (f"/etc/ssh/ssh_host_{kind}_key.pub", 0o644)):
        assert told(view, view.entry(path)) == ("root", "root", mode)


@pytest.mark.parametrize("name", q.INSTALLED)
def test_installed(view: View, name: str) -> None:
    assert packages(view)[name]


@pytest.mark.parametrize("name", q.NOT_INSTALLED)
def test_not_installed(view: View, name: str) -> None:
    assert name not in packages(view)


@pytest.mark.parametrize("name,uid,group,home,shell", q.USERS)
def test_user(view: View, name: str, uid: int, group: str, home: str, shell: str) -> None:
    fields = account(view, "/etc/passwd", name)
    assert (int(fields[2]), names(view, "/etc/group")[int(fields[3])], *fields[5:]) == (uid, group, home, shell)


@pytest.mark.parametrize("name", q.LOCKED)
def test_locked(view: View, name: str) -> None:
    assert account(view, "/etc/shadow", name)[1][:1] in "!*"


@pytest.mark.parametrize("key", q.SYSCTLS)
def test_sysctl(view: View, key: str) -> None:
    assert int(view.text(f"/proc/sys/{key.replace('.', '/')}") or 0) > 0


@pytest.mark.parametrize("path,text", q.CONTAINS)
def test_contains(view: View, path: str, text: str) -> None:
    assert text in (view.text(path) or "")


def test_sshd_listens(view: View) -> None:
    assert f" {q.ADDRESS}:{q.PORT} " in view.answer("listeners").text


def test_root_alone_has_id_0(view: View) -> None:
    lines = (view.text("/etc/passwd") or "").splitlines()
    assert [line.split(":")[0] for line in lines if line.split(":")[2] == "0"] == ["root"]


def test_nobody_has_an_empty_password(view: View) -> None:
    shadow = view.text("/etc/shadow")
    assert shadow
    assert not re.search(r"^[^:]*::", shadow, re.MULTILINE)


def test_authorized_keys_are_private(view: View) -> None:
    entries = [view.entry(question.key) for question in _keys_of_homes(view)]
    assert any(entries)
    assert all(entry is None or entry.mode & 0o077 == 0 for entry in entries)


def test_sudo_has_the_setuid_bit(view: View) -> None:
    assert "/usr/bin/sudo" in view.answer("setuid").text


def test_nothing_in_etc_is_writable_for_everybody(view: View) -> None:
    answer = view.answer("writable")
    assert (answer.exit_code, answer.text) == (0, "")


def test_the_machine_has_an_id(view: View) -> None:
    assert (view.text("/etc/machine-id") or "").strip()


def test_sshd_runs(view: View) -> None:
    assert "sshd" in view.answer("processes").text.split()


def test_the_configuration_of_sshd_is_valid(view: View) -> None:
    assert view.answer("sshd -t").exit_code == 0

"""The eighty questions as testinfra users ask them: one command, or several, for each."""

from __future__ import annotations

import re
from typing import Any

import pytest
import questions as q


@pytest.mark.parametrize("path,user,group,mode", q.FILES)
def test_file(host: Any, path: str, user: str, group: str, mode: int) -> None:
    file = host.file(path)
    assert file.exists
    assert (file.user, file.group, file.mode) == (user, group, mode)


@pytest.mark.parametrize("path", q.ABSENT)
def test_absent(host: Any, path: str) -> None:
    file = host.file(path)
    assert not file.exists
    assert not file.is_symlink


@pytest.mark.parametrize("option,value", q.SSHD)
def test_sshd(host: Any, option: str, value: str) -> None:
    assert f"\n{option} {value}\n" in "\n" + host.check_output("sshd -T") + "\n"


@pytest.mark.parametrize("kind", q.HOST_KEYS)
def test_host_key(host: Any, kind: str) -> None:
    for path, mode in ((f"/etc/ssh/ssh_host_{kind}_key", 0o600), (f"/etc/ssh/ssh_host_{kind}_key.pub", 0o644)):
        file = host.file(path)
        assert (file.user, file.group, file.mode) == ("root", "root", mode)


@pytest.mark.parametrize("name", q.INSTALLED)
def test_installed(host: Any, name: str) -> None:
    assert host.package(name).is_installed
    assert host.package(name).version


@pytest.mark.parametrize("name", q.NOT_INSTALLED)
def test_not_installed(host: Any, name: str) -> None:
    assert not host.package(name).is_installed


@pytest.mark.parametrize("name,uid,group,home,shell", q.USERS)
def test_user(host: Any, name: str, uid: int, group: str, home: str, shell: str) -> None:
    user = host.user(name)
    assert user.exists
    assert (user.uid, user.group, user.home, user.shell) == (uid, group, home, shell)


@pytest.mark.parametrize("name", q.LOCKED)
def test_locked(host: Any, name: str) -> None:
    assert host.user(name).password[:1] in "!*"


@pytest.mark.parametrize("key", q.SYSCTLS)
def test_sysctl(host: Any, key: str) -> None:
    assert host.sysctl(key) > 0


@pytest.mark.parametrize("path,text", q.CONTAINS)
def test_contains(host: Any, path: str, text: str) -> None:
    assert text in host.file(path).content_string


def test_sshd_listens(host: Any) -> None:
    assert host.socket(f"tcp://{q.ADDRESS}:{q.PORT}").is_listening


def test_root_alone_has_id_0(host: Any) -> None:
    lines = host.file("/etc/passwd").content_string.splitlines()
    assert [line.split(":")[0] for line in lines if line.split(":")[2] == "0"] == ["root"]


def test_nobody_has_an_empty_password(host: Any) -> None:
    assert not re.search(r"^[^:]*::", host.file("/etc/shadow").content_string, re.MULTILINE)


def test_authorized_keys_are_private(host: Any) -> None:
    for line in host.check_output("getent passwd").splitlines():
        home = line.split(":")[5]
        if home.startswith(("/home/", "/root")):
            file = host.file(f"{home}/.ssh/authorized_keys")
            assert not file.exists or file.mode & 0o077 == 0


def test_sudo_has_the_setuid_bit(host: Any) -> None:
    assert "/usr/bin/sudo" in host.check_output("find /usr/bin -xdev -type f -perm /6000")


def test_nothing_in_etc_is_writable_for_everybody(host: Any) -> None:
    assert host.run("find /etc -xdev -type f -perm -0002").stdout == ""


def test_the_machine_has_an_id(host: Any) -> None:
    assert host.file("/etc/machine-id").content_string.strip()


def test_sshd_runs(host: Any) -> None:
    assert host.process.filter(comm="sshd")


def test_the_configuration_of_sshd_is_valid(host: Any) -> None:
    assert host.run("sshd -t").rc == 0

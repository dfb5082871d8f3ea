from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from amigate.errors import ConnectionFailedError, UsageError
from amigate.harden.ssh import SshMachine, connect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.harden.conftest import Computer


def test_a_script_runs_as_root_with_its_input_and_its_exit_code(machine: SshMachine) -> None:
    answer = machine.execute("id -u; cat; echo no >&2; exit 3", b"a\0b'\n")

    assert answer.stdout == b"0\na\0b'\n"
    assert (answer.stderr, answer.exit_code) == (b"no\n", 3)


def test_the_key_that_logged_in_is_known(machine: SshMachine, running: Computer) -> None:
    assert machine.key in running.identity.with_suffix(".pub").read_text().split()


def test_output_is_capped(machine: SshMachine) -> None:
    answer = machine.execute("head -c 3000000 /dev/zero")

    assert len(answer.stdout) == 1024 * 1024
    assert answer.truncated


def test_the_second_login_is_a_login(machine: SshMachine, running: Computer) -> None:
    machine.prove_login()
    running.write("/home/admin/.ssh/authorized_keys", "")
    with pytest.raises(ConnectionFailedError, match="no key was accepted"):
        machine.prove_login()


def test_an_unknown_host_key_is_refused_and_shown(running: Computer) -> None:
    with pytest.raises(ConnectionFailedError, match="not in known_hosts: ssh-ed25519 SHA256:"):
        connect(replace(running.address(), accept_new=False))


def test_a_host_key_other_than_the_known_one_is_refused(running: Computer, tmp_path: Path) -> None:
    key = running.keygen(tmp_path / "other")
    (running.home / "known_hosts").write_text(f"[127.0.0.1]:{running.port} {key}")
    with pytest.raises(ConnectionFailedError, match="host key is not the one"):
        connect(running.address())


def test_a_sudo_that_asks_for_a_password_is_refused(running: Computer) -> None:
    running.write("/etc/sudoers.d/90-admin", "admin ALL=(ALL) ALL\n", 0o440)
    with pytest.raises(ConnectionFailedError, match=r"sudo -n.* is refused") as error:
        connect(running.address())
    assert "NOPASSWD" in error.value.hint


def test_a_missing_key_file_is_the_callers_error(running: Computer, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no key file"):
        connect(replace(running.address(), identity=tmp_path / "none"))


def test_a_machine_that_does_not_answer_is_named() -> None:
    from amigate.harden.ssh import Address  # noqa: PLC0415

    with pytest.raises(ConnectionFailedError, match=r"admin@127.0.0.1:1: "):
        connect(Address(host="127.0.0.1", port=1, user="admin"))

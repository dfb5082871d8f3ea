"""What fails is put back, and named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.errors import ConnectionFailedError, HardenError
from amigate.harden.apply import Applier
from amigate.harden.builder import Plan
from amigate.harden.run import apply, seal, seal_script
from amigate.harden.ssh import connect
from amigate.harden.step import all_steps, choose, step

if TYPE_CHECKING:
    from tests.unit.harden.conftest import Computer

    from amigate.harden.builder import Builder
    from amigate.harden.ssh import SshMachine


@step("broken", meets=["x"])
def broken(builder: Builder) -> None:
    """Fail after changing, making and removing a file."""
    builder.write("/etc/ssh/sshd_config.d/10-place.conf", "PasswordAuthentication no\n")
    builder.write("/etc/new", "new\n")
    builder.remove("/etc/shadow-")
    raise HardenError("it broke")


def test_a_failed_step_is_named_and_leaves_every_file_as_it_was(machine: SshMachine, running: Computer) -> None:
    before = {path: entry[:2] + entry[3:] for path, entry in running.tree().items()}

    with pytest.raises(HardenError, match="step broken failed, and its changes were put back: it broke"):
        list(apply(Applier(machine), [broken]))

    assert {path: entry[:2] + entry[3:] for path, entry in running.tree().items()} == before


def test_a_step_that_would_lock_the_operator_out_is_rolled_back(computer: Computer) -> None:
    key = (computer.upper / "home/admin/.ssh/authorized_keys").read_text()
    (computer.upper / "home/admin/.ssh/authorized_keys").unlink()
    computer.write("/usr/local/bin/keys-from-afar", f"#!/bin/sh\necho '{key.strip()}'\n", 0o755)
    settings = "AuthorizedKeysCommand /usr/local/bin/keys-from-afar\nAuthorizedKeysCommandUser nobody\n"
    computer.write("/etc/ssh/sshd_config.d/40-keys.conf", settings)
    computer.start()
    machine = connect(computer.address())
    try:
        with pytest.raises(HardenError, match="step sshd failed, and its changes were put back: a new login failed"):
            list(apply(Applier(machine), choose(all_steps(), only=["sshd"])))
        connect(computer.address()).close()
    finally:
        machine.close()
        computer.stop()
    assert computer.read("/etc/ssh/sshd_config.d/40-keys.conf") == settings


@pytest.mark.parametrize("first", ["keys", "sshd"])
def test_the_operators_key_moves_to_where_sshd_looks_by_default(computer: Computer, first: str) -> None:
    computer.write("/etc/ssh/sshd_config.d/40-keys.conf", "AuthorizedKeysFile /var/keys/%u\n")
    key = (computer.upper / "home/admin/.ssh/authorized_keys").read_text()
    (computer.upper / "home/admin/.ssh/authorized_keys").unlink()
    (computer.upper / "home/admin/.ssh").rmdir()
    computer.write("/var/keys/admin", key)
    computer.start()
    machine = connect(computer.address())
    try:
        list(apply(Applier(machine), choose(all_steps(), only=[first])))
        connect(computer.address()).close()
        planned = [change for one in apply(Plan(machine), all_steps()) for change in one.log.changes]
    finally:
        machine.close()
        computer.stop()
    assert planned or first == "keys"
    assert computer.read("/home/admin/.ssh/authorized_keys") == key
    assert (computer.read("/var/keys/admin") is None) == (first == "keys")


def test_a_server_without_include_gets_its_settings_at_the_top(computer: Computer) -> None:
    text = f"Port {computer.port}\nListenAddress 127.0.0.1\nPidFile none\nUsePAM yes\nPasswordAuthentication yes\n"
    computer.write("/etc/ssh/sshd_config", text)
    computer.start()
    machine = connect(computer.address())
    try:
        for _ in range(2):
            list(apply(Applier(machine), choose(all_steps(), only=["sshd"])))
    finally:
        machine.close()
        computer.stop()
    after = computer.read("/etc/ssh/sshd_config") or ""
    assert after.startswith("# amigate: begin\nPermitRootLogin no\n")
    assert after.endswith(f"# amigate: end\n{text}")
    assert after.count("# amigate: begin") == 1


def test_content_that_does_not_arrive_in_full_changes_nothing(machine: SshMachine, running: Computer) -> None:
    before = running.read("/etc/passwd")
    real = machine.execute
    machine.execute = lambda script, stdin=b"", **rest: real(script, stdin[: len(stdin) // 2], **rest)  # type: ignore[method-assign]

    with pytest.raises(HardenError, match="did not arrive in full"):
        Applier(machine).write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")

    assert running.read("/etc/passwd") == before
    assert not list((running.upper / "etc").glob(".amigate*"))


def test_a_read_only_etc_is_a_clear_failure_and_no_lock_out(machine: SshMachine, running: Computer) -> None:
    machine.execute("mount --bind /etc /etc && mount -o remount,ro,bind /etc")

    with pytest.raises(HardenError, match=r"step sshd failed.*Read-only file system"):
        list(apply(Applier(machine), choose(all_steps(), only=["sshd"])))

    connect(running.address()).close()


def test_the_seal_refuses_where_no_host_keys_would_come_back(machine: SshMachine, running: Computer) -> None:
    builder = Applier(machine)
    list(apply(builder, choose(all_steps(), only=["keys"])))
    blind = '#!/bin/sh\ncase "$*" in *ssh-keygen*) exit 1 ;; esac\nexec /usr/bin/grep "$@"\n'
    builder.write("/usr/sbin/grep", blind, mode=0o755)

    with pytest.raises(HardenError, match="not sealed: nothing here would make new host keys"):
        seal(machine, seal_script(builder))

    assert running.read("/etc/ssh/ssh_host_ed25519_key")
    connect(running.address()).close()


def test_a_machine_that_dies_in_the_middle_is_said_to_be_gone(machine: SshMachine, running: Computer) -> None:
    running.stop()
    with pytest.raises(ConnectionFailedError, match="step keys"):
        list(apply(Applier(machine), all_steps()))

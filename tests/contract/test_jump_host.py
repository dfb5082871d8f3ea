"""Through a jump host to a machine: two real sshd, and a home of its own for what ssh would look up."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from amigate.errors import ConnectionFailedError, UsageError
from amigate.evidence import questions as asked
from amigate.evidence.collector import collect
from amigate.evidence.keep import Keep
from amigate.evidence.model import Outcome
from amigate.evidence.questions import Needs
from amigate.jump import Jump, jump_host
from amigate.sources.ssh import log_in
from amigate.sources.stranger import offers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.conftest import Machine, Machines

    from amigate.evidence.model import Contact
    from amigate.sources.connection import Connection
    from amigate.sources.login_key import LoginKey
    from amigate.sources.tunnel import JumpHost


ReadFile = partial(asked.ReadFile, keep=Keep.WHOLE)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the user's ~/.ssh, empty, and no agent."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / ".ssh").mkdir(mode=0o700)
    return tmp_path / ".ssh"


@pytest.fixture
def identity(tmp_path: Path, login_key: LoginKey) -> Path:
    path = tmp_path / "key"
    path.write_text(login_key.pem)
    path.chmod(0o600)
    return path


def know(home: Path, machine: Machine) -> None:
    """Add the host key to known_hosts, as a first login with ssh does."""
    scan = ["ssh-keyscan", "-p", str(machine.port), "127.0.0.1"]
    (home / "known_hosts").write_bytes(subprocess.run(scan, check=True, capture_output=True).stdout)


def to(machine: Machine, identity: Path | None = None) -> Jump:
    return Jump(host="127.0.0.1", user="somebody", port=machine.port, identity=identity)


def reached(jump: JumpHost, port: int, key: LoginKey, timeout_s: float = 20) -> tuple[Contact, Connection | None]:
    return log_in(
        "127.0.0.1",
        port,
        users=["somebody"],
        key=key,
        timeout_s=timeout_s,
        cancelled=threading.Event(),
        jump=jump,
    )


def test_a_machine_is_seen_through_a_jump_host(machines: Machines, home: Path, identity: Path) -> None:
    """Even one that gives nobody a shell."""
    with machines(config="ForceCommand /bin/false\nPermitTTY no") as bastion, machines() as machine:
        know(home, bastion)
        with jump_host(to(bastion, identity)) as jump:
            contact, connection = reached(jump, machine.port, machine.key)
            assert connection is not None, contact.detail
            view = collect(connection.execute, [Needs(first=(ReadFile("/etc/shadow"),))], redactor=None)
            connection.close()
            asked = offers(
                "127.0.0.1", machine.port, users=["root"], timeout_s=20, cancelled=threading.Event(), jump=jump
            )
    assert contact.outcome is Outcome.ACCEPTED
    assert contact.host_key
    assert view.content("/etc/shadow")
    assert "publickey" in asked[0].methods


def test_the_agent_opens_a_jump_host(
    machines: Machines, home: Path, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        machines() as bastion,
        subprocess.Popen(["ssh-agent", "-D", "-a", str(home / "agent")], stdout=subprocess.DEVNULL) as agent,
    ):
        know(home, bastion)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "agent"))
        add = ["ssh-add", "-q", str(identity)]
        for _ in range(50):
            if subprocess.run(add, check=False, capture_output=True, env=dict(os.environ)).returncode == 0:
                break
        try:
            with jump_host(to(bastion)) as jump:
                contact, connection = reached(jump, bastion.port, bastion.key)
                assert connection is not None
                connection.close()
        finally:
            agent.terminate()
    assert contact.outcome is Outcome.ACCEPTED


def test_a_name_of_the_ssh_configuration_is_a_jump_host(machines: Machines, home: Path, identity: Path) -> None:
    with machines() as bastion:
        know(home, bastion)
        (home / "config").write_text(
            f"Host door\n  HostName 127.0.0.1\n  Port {bastion.port}\n  User somebody\n  IdentityFile {identity}\n"
        )
        with jump_host(Jump.parse("door")) as jump:
            contact, connection = reached(jump, bastion.port, bastion.key)
            assert connection is not None
            connection.close()
    assert contact.outcome is Outcome.ACCEPTED


def test_a_jump_host_that_is_not_known_is_refused(machines: Machines, home: Path, identity: Path) -> None:
    with (
        machines() as bastion,
        pytest.raises(ConnectionFailedError, match=r"jump host cannot be used: .*not in known_hosts"),
        jump_host(to(bastion, identity)),
    ):
        pytest.fail("nobody is let in")


def test_a_jump_host_with_another_key_than_it_had_is_refused(machines: Machines, home: Path, identity: Path) -> None:
    with machines() as bastion:
        know(home, bastion)
        line = (home / "known_hosts").read_text()
        with machines() as other:
            know(home, other)
            changed = (home / "known_hosts").read_text().replace(str(other.port), str(bastion.port))
        assert changed != line
        (home / "known_hosts").write_text(changed)
        with pytest.raises(ConnectionFailedError, match="not the one that is known"), jump_host(to(bastion, identity)):
            pytest.fail("nobody is let in")


def test_a_jump_host_that_takes_no_key_says_so(machines: Machines, home: Path) -> None:
    with machines() as bastion:
        know(home, bastion)
        with pytest.raises(ConnectionFailedError, match="no key was accepted") as caught, jump_host(to(bastion)):
            pytest.fail("nobody is let in")
    assert "--ssh-jump-identity" in caught.value.hint


@pytest.mark.parametrize(
    "config", ["AllowTcpForwarding no", "DisableForwarding yes", "PermitOpen 127.0.0.1:1", "AllowTcpForwarding remote"]
)
def test_a_jump_host_that_lets_nobody_go_on_says_so(
    machines: Machines, home: Path, identity: Path, config: str
) -> None:
    with machines(config=config) as bastion:
        know(home, bastion)
        with (
            jump_host(to(bastion, identity)) as jump,
            pytest.raises(ConnectionFailedError, match="does not let anybody go on"),
        ):
            reached(jump, bastion.port, bastion.key)


def test_where_nothing_answers_behind_a_jump_host_it_is_silent(machines: Machines, home: Path, identity: Path) -> None:
    """Never closed: it may be the jump host that is in the way."""
    with machines() as bastion:
        know(home, bastion)
        with jump_host(to(bastion, identity)) as jump:
            contact, connection = reached(jump, 1, bastion.key, timeout_s=1.5)
    assert (contact.outcome, connection) == (Outcome.SILENT, None)


def test_a_jump_host_that_goes_away_ends_the_collection(machines: Machines, home: Path, identity: Path) -> None:
    with machines() as machine, machines() as bastion:
        know(home, bastion)
        with jump_host(to(bastion, identity)) as jump:
            _, connection = reached(jump, machine.port, machine.key)
            assert connection is not None
            jump.connection.transport.close()
            with pytest.raises(ConnectionFailedError):
                collect(connection.execute, [Needs(first=(ReadFile("/etc/shadow"),))], redactor=None)
            with pytest.raises(ConnectionFailedError, match="broke"):
                reached(jump, machine.port, machine.key)


def test_a_key_file_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no key file"), jump_host(Jump(host="nowhere", identity=tmp_path / "none")):
        pytest.fail("nobody is let in")


@pytest.mark.parametrize(
    "text,expected",
    [
        ("host", ("", "host", None)),
        ("me@host", ("me", "host", None)),
        ("me@host.example:2222", ("me", "host.example", 2222)),
        ("ssh://me@host:22", ("me", "host", 22)),
        ("me@[2001:db8::1]:22", ("me", "2001:db8::1", 22)),
        ("10.0.0.5", ("", "10.0.0.5", None)),
    ],
)
def test_a_jump_host_is_written_as_for_ssh(text: str, expected: tuple[str, str, int | None]) -> None:
    jump = Jump.parse(text)
    assert (jump.user, jump.host, jump.port) == expected
    assert Jump.parse(str(jump)) == jump


@pytest.mark.parametrize(
    "text", ["", "a,b", "me@", "host:", "host:0", "host:99999", "-oProxyCommand=x", "me@-x", "a b", "host/x"]
)
def test_what_is_no_jump_host_is_a_wrong_call(text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(repr(text))):
        Jump.parse(text)

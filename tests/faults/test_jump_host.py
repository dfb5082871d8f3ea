"""A whole run whose instances are reached through a jump host, and what becomes of it when that is in the way."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amigate.errors import ConnectionFailedError
from amigate.jump import Jump
from amigate.result import Verdict
from amigate.sources import connection, observer

if TYPE_CHECKING:
    from tests.contract.conftest import Machines
    from tests.faults.conftest import Bed

    from amigate.sources.login_key import LoginKey

# Test folders are no packages: the contract tests' machines are loaded by their path.
_spec = importlib.util.spec_from_file_location(
    "amigate_test_machines", Path(__file__).parents[1] / "contract/conftest.py"
)
assert _spec
assert _spec.loader
_machines = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _machines
_spec.loader.exec_module(_machines)
sshd, login_key, machines = _machines.sshd, _machines.login_key, _machines.machines


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STEP_S", 5.0)
    monkeypatch.setattr(observer, "STRANGER_S", 3.0)


@pytest.fixture
def jump(tmp_path: Path, login_key: LoginKey, monkeypatch: pytest.MonkeyPatch) -> Jump:
    """Return a jump host's place but for the port, and the key for it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / ".ssh").mkdir(mode=0o700)
    path = tmp_path / "key"
    path.write_text(login_key.pem)
    path.chmod(0o600)
    return Jump(host="127.0.0.1", user="somebody", identity=path)


def through(jump: Jump, port: int) -> Jump:
    scan = subprocess.run(["ssh-keyscan", "-p", str(port), "127.0.0.1"], check=True, capture_output=True)
    assert jump.identity is not None
    (jump.identity.parent / ".ssh/known_hosts").write_bytes(scan.stdout)
    return Jump(host=jump.host, user=jump.user, port=port, identity=jump.identity)


def test_an_image_is_judged_through_a_jump_host(bed: Bed, machines: Machines, jump: Jump) -> None:
    with machines() as bastion:
        report = bed.validate(jump=through(jump, bastion.port))
    assert report.verdict is Verdict.PASS, [result for result in report.results if result.blocking]
    assert bed.left() == []


def test_a_jump_host_that_lets_nobody_go_on_is_the_reason_of_all_that_was_not_seen(
    bed: Bed, machines: Machines, jump: Jump
) -> None:
    with machines(config="AllowTcpForwarding no") as bastion:
        report = bed.validate(jump=through(jump, bastion.port))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert any("does not let anybody go on" in result.message for result in report.results)
    assert "fail" not in {result.status for result in report.results}
    assert bed.left() == []


def test_nothing_is_launched_when_nobody_gets_into_the_jump_host(bed: Bed, machines: Machines, jump: Jump) -> None:
    with machines() as bastion:
        there = through(jump, bastion.port)
        assert jump.identity is not None
        (jump.identity.parent / ".ssh/known_hosts").write_text("")
        with pytest.raises(ConnectionFailedError, match="not in known_hosts"):
            bed.validate(jump=there)
    assert not bed.sandbox.calls.matching("RunInstances")
    assert bed.left() == []

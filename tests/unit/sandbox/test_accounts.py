"""Whom QEMU runs as, and what it finds in its folder."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amigate.sandbox.machines import account, quarters
from amigate.sandbox.machines.accelerator import Accelerator
from amigate.sandbox.machines.account import Account, Accounts
from amigate.sandbox.machines.imds import Imds

if TYPE_CHECKING:
    from amigate.sandbox.machines.spec import Spec

TCG = Accelerator(name="tcg", reason="measured")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def stranger() -> Account:
    """Return an account for a machine, which is somebody else's."""
    found = Accounts(TCG).new()
    if found.uid is None:
        pytest.skip("this machine lets QEMU run as root only")
    return found


def run(own: Account, folder: Path, *command: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a program as QEMU runs one: under the account, in the folder, without setpriv's last capabilities."""
    prefix = ["setpriv", "--no-new-privs", *own.options(), "--", "env", "--"]
    return subprocess.run([*prefix, *command], cwd=folder, input=given, capture_output=True, check=False)


def test_an_ordinary_user_s_machines_run_as_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    own = Accounts(TCG).new()
    assert own.uid is None
    assert own.options() == []


def test_where_no_other_user_can_be_had_root_keeps_no_capability_and_the_reason_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(account, "_refusal", lambda *_: "python3: Permission denied")
    with caplog.at_level(logging.WARNING):
        own = Accounts(TCG).new()
    assert own.uid is None
    assert own.options() == ["--inh-caps=-all", "--bounding-set=-all"]
    assert "Permission denied" in caplog.text


def test_a_user_namespace_with_few_ids_gives_one_of_those(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda _: "         0     100000      65536\n")
    assert 65520 <= account._free_id() < 65534


def test_a_user_namespace_without_ids_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda _: "         0       1000          1\n")
    with pytest.raises(OSError, match="no ids"):
        account._free_id()


@as_root
def test_each_machine_has_an_account_of_its_own() -> None:
    accounts = Accounts(TCG)
    assert accounts.new() != accounts.new()


@as_root
def test_the_account_has_no_capability_and_is_in_no_group_of_root(stranger: Account, tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    lines = run(stranger, tmp_path, "cat", "/proc/self/status").stdout.decode().splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert status["Uid"].split() == [str(stranger.uid)] * 4
    assert status["Gid"].split() == [str(stranger.uid)] * 4
    assert status["Groups"].strip() == ""
    assert {status[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}


@as_root
def test_the_relay_reaches_the_metadata_service_from_a_closed_folder(
    stranger: Account, tmp_path: Path, spec: Spec
) -> None:
    tmp_path.chmod(0o700)
    folder = tmp_path / "i-1"
    quarters.furnish(folder, stranger)
    request = b"PUT /latest/api/token HTTP/1.0\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n"
    code = 'exec(open("relay.py").read())'
    with Imds(folder / quarters.IMDS, spec):
        done = run(stranger, folder, stranger.python, "-I", "-S", "-c", code, str(quarters.IMDS), given=request)
    assert done.stdout.startswith(b"HTTP/1.1 200"), done.stderr


@as_root
def test_the_account_can_replace_nothing_that_we_read_and_leave_its_folder_by_no_way(
    stranger: Account, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    folder = tmp_path / "i-1"
    quarters.furnish(folder, stranger)
    (tmp_path / "secret").write_text("other machine")
    assert run(stranger, folder, "ln", "-sf", "/etc/shadow", "console").returncode != 0
    assert run(stranger, folder, "cat", "../secret").returncode != 0
    assert run(stranger, folder, "sh", "-c", "echo booting >>console").returncode == 0


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return where a machine of the run would have its backing file."""
    (tmp_path / "run" / "i-1").mkdir(parents=True)
    return tmp_path / "run" / "i-1" / "base.qcow2"


def test_a_disk_that_everybody_may_read_gets_a_second_name(tmp_path: Path, own: Path) -> None:
    disk = tmp_path / "user.qcow2"
    disk.write_bytes(b"disk")
    disk.chmod(0o444)
    assert quarters.keep(disk, own) == own
    assert own.samefile(disk)


@pytest.mark.parametrize("reason", ["closed", "other file system"])
def test_root_copies_a_disk_that_the_account_could_not_read_once_for_all_machines(
    reason: str, tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    disk = tmp_path / "user.qcow2"
    disk.write_bytes(b"disk")
    disk.chmod(0o600)
    if reason == "other file system":
        link = os.link

        def refuse(source: Path, target: Path) -> None:
            if source == disk:
                raise OSError(18, "Invalid cross-device link")
            link(source, target)

        monkeypatch.setattr(os, "link", refuse)
    assert quarters.keep(disk, own) == own
    assert own.read_bytes() == b"disk"
    assert stat.S_IMODE(own.stat().st_mode) == 0o444
    assert stat.S_IMODE(disk.stat().st_mode) == 0o600
    (own.parent.parent / "i-2").mkdir()
    assert quarters.keep(disk, own.parent.parent / "i-2" / "base.qcow2").samefile(own)


def test_anybody_else_takes_a_disk_on_another_file_system_where_it_is(
    tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "link", refuse)
    assert quarters.keep(tmp_path / "user.qcow2", own) == tmp_path / "user.qcow2"

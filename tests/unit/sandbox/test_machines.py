"""How a machine is started, without starting one."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from amigate.errors import SandboxError
from amigate.sandbox import workplace
from amigate.sandbox.machines import accelerator, console, disks, qemu, quarters
from amigate.sandbox.machines.accelerator import Accelerator
from amigate.sandbox.machines.account import Account
from amigate.sandbox.machines.disks import Layers
from amigate.sandbox.machines.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.sandbox.machines.spec import Spec

TCG = Accelerator(name="tcg", reason="measured")


@pytest.fixture(autouse=True)
def _measured_anew() -> Iterator[None]:
    accelerator.fastest.cache_clear()
    yield
    accelerator.fastest.cache_clear()


@pytest.mark.parametrize(
    "kvm,tcg,chosen", [(0.01, 0.11, "kvm"), (4.5, 0.11, "tcg"), (None, 0.11, "tcg"), (0.01, None, "kvm")]
)
def test_the_accelerator_that_was_faster_is_taken_and_the_times_are_told(
    kvm: float | None, tcg: float | None, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = {"kvm": kvm, "tcg": tcg}
    monkeypatch.setattr(accelerator, "_time", lambda name, _: times[name])
    monkeypatch.setattr("os.access", lambda *_: True)
    found = accelerator.fastest()
    assert found.name == chosen
    assert f"{times[chosen]:.2f} s" in found.reason


def test_no_accelerator_at_all_is_an_error_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerator, "_time", lambda *_: None)
    with pytest.raises(SandboxError) as failed:
        accelerator.fastest()
    assert failed.value.hint


def test_a_guest_reaches_the_metadata_service_and_nothing_else(spec: Spec) -> None:
    command = command_for(spec)
    network = command[command.index("-netdev") + 1]
    assert "restrict=on" in network
    assert "hostfwd=tcp:127.0.0.2:20022-172.31.0.4:22" in network
    assert "guestfwd=tcp:169.254.169.254:80-cmd:" in network


def test_no_value_of_the_network_adds_an_option(spec: Spec) -> None:
    command = command_for(dataclasses.replace(spec, private_ip="172.31.0.9,hostfwd=tcp:0.0.0.0:2222-:22"))
    options = command[command.index("-netdev") + 1].replace(",,", "").split(",")
    assert len([one for one in options if one.startswith("hostfwd=")]) == 1


def test_a_disk_under_another_folder_is_named_with_its_commas_written_twice(spec: Spec) -> None:
    command = command_for(spec, backing=Path("/home/a,b/user.qcow2"))
    assert any("backing.file.filename=/home/a,,b/user.qcow2" in part for part in command)


def test_qemu_needs_no_way_through_the_folders_above_its_own(spec: Spec) -> None:
    command = command_for(spec, backing=Path("/root/run/i-1/vol-0123456789abcdef0.base.qcow2"))
    assert any("backing.file.filename=vol-0123456789abcdef0.base.qcow2" in part for part in command)
    assert not any("/root" in part for part in command)


def test_a_machine_without_qemu_leaves_no_metadata_service(spec: Spec, tmp_path: Path) -> None:
    def start(*_: object) -> NoReturn:
        raise OSError("no processes left")

    barren: Any = SimpleNamespace(accounts=SimpleNamespace(new=lambda: Account(uid=None)), start=start)
    bare = dataclasses.replace(spec, disks=())
    machine = Machine(bare, tmp_path / "i-1", nursery=barren, accelerator=TCG, observer=barren)
    for _ in range(2):
        with pytest.raises(OSError, match="no processes left"):
            machine.power_on()
        assert not (tmp_path / "i-1" / quarters.IMDS).exists()


def command_for(spec: Spec, backing: Path = Path("vol-0123456789abcdef0.base.qcow2")) -> list[str]:
    return qemu.command(spec, TCG, python="/usr/bin/python3", backings={"vol-0123456789abcdef0": backing})


def test_serial_and_uuid_are_those_of_ec2(spec: Spec) -> None:
    entry = next(part for part in command_for(spec) if part.startswith("type=1"))
    values = dict(part.split("=", 1) for part in entry.split(","))
    assert values["serial"] == values["uuid"]
    assert values["uuid"].startswith("ec2")


def test_host_names_follow_the_region(spec: Spec) -> None:
    assert spec.private_dns == "ip-172-31-0-4.ec2.internal"
    elsewhere = dataclasses.replace(spec, region="eu-west-1")
    assert elsewhere.private_dns == "ip-172-31-0-4.eu-west-1.compute.internal"


@pytest.mark.parametrize("size,gib", [(1, 1), (1 << 30, 1), ((1 << 30) + 1, 2)])
def test_sizes_are_rounded_up_to_gib(size: int, gib: int) -> None:
    assert disks.gib(size) == gib


def test_a_missing_disk_is_an_error_of_the_sandbox(tmp_path: Path) -> None:
    with pytest.raises(SandboxError):
        disks.virtual_size(tmp_path / "none.qcow2")


def test_only_the_end_of_a_console_is_read_however_much_a_guest_writes(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nursery: Any = SimpleNamespace(accounts=SimpleNamespace(new=lambda: Account(uid=None)))
    bare = dataclasses.replace(spec, disks=())
    observer: Any = None
    machine = Machine(bare, tmp_path / "i-1", nursery=nursery, accelerator=TCG, observer=observer)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("all of it was read"))
    for name in ("console", "qemu.log"):
        with (tmp_path / "i-1" / name).open("wb") as file:
            file.truncate(1 << 40)  # sparse
            file.seek(0, os.SEEK_END)
            file.write(b"the end")
    assert len(machine.console()) == console.KEPT_BYTES
    assert machine.console().endswith(b"the end")
    assert machine.complaint().endswith("the end")


def test_a_console_that_grows_too_long_is_cut_down_while_the_guest_writes(tmp_path: Path) -> None:
    path = tmp_path / "console"
    with path.open("ab", buffering=0) as guest:
        guest.write(b"x" * console.MOST_BYTES)
        console.shorten(path)
        assert path.stat().st_size == console.MOST_BYTES
        guest.write(b"the end")
        console.shorten(path)
        assert path.stat().st_size == console.KEPT_BYTES
        guest.write(b" and more")
    assert console.end_of(path).endswith(b"the end and more")


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img makes the disks")
def test_a_disk_is_copied_with_the_backing_that_it_was_made_with_and_no_other(tmp_path: Path) -> None:
    base, ours = _base(tmp_path / "a,b.base.qcow2"), _base(tmp_path / "ours.qcow2")
    fill(base, 0xA5)
    made, changed = tmp_path / "made.qcow2", tmp_path / "changed.qcow2"
    disks.overlay(base, made, 1 << 20)
    disks.overlay(ours, changed, 1 << 20)
    disks.copy(Layers(file=made, backing=base), tmp_path / "copy.qcow2")
    subprocess.run(["qemu-img", "compare", "-q", tmp_path / "copy.qcow2", base], check=True)
    for backing in (base, None):
        with pytest.raises(SandboxError, match="not the machine's own"):
            disks.copy(Layers(file=changed, backing=backing), tmp_path / "stolen.qcow2")
    assert not (tmp_path / "stolen.qcow2").exists()


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img makes the disks")
def test_a_machine_cannot_have_a_file_copied_by_way_of_one_of_its_own(tmp_path: Path) -> None:
    machine = tmp_path / "i-1"
    machine.mkdir()
    base, ours = _base(machine / "base.qcow2"), _base(tmp_path / "ours.qcow2")
    disks.overlay(ours, machine / "console", 1 << 20)
    disks.overlay(machine / "console", machine / "root.qcow2", 1 << 20)
    with pytest.raises(SandboxError, match="not the machine's own"):
        disks.copy(Layers(file=machine / "root.qcow2", backing=base), tmp_path / "stolen.qcow2")


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img makes the disks")
def test_a_header_that_changes_after_it_was_looked_at_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, ours = _base(tmp_path / "base.qcow2"), _base(tmp_path / "ours.qcow2")
    fill(ours, 0xA5)
    disks.overlay(ours, tmp_path / "root.qcow2", 1 << 20)
    monkeypatch.setattr(disks, "_require_untouched", lambda _: None)
    disks.copy(Layers(file=tmp_path / "root.qcow2", backing=base), tmp_path / "copy.qcow2")
    subprocess.run(["qemu-img", "compare", "-q", tmp_path / "copy.qcow2", base], check=True)


def fill(disk: Path, byte: int) -> None:
    """Write something into all of a disk."""
    run = ["qemu-io", "-f", "qcow2", "-c", f"write -P {byte} 0 1M", str(disk)]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL)


def _base(path: Path) -> Path:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "1M"], check=True)
    return path


def test_the_folder_of_a_killed_run_goes_and_that_of_a_living_one_stays() -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        dead = place / "amigate-sandbox-dead"
        dead.mkdir()
        (dead / "lock").touch()
        with workplace.folder(place) as living:
            assert not dead.exists()
            workplace.sweep(place)
            assert living.is_dir()
        assert list(place.iterdir()) == []


def test_a_path_too_long_for_sockets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="too long"), workplace.folder(tmp_path / ("x" * 90)):
        pass

"""What starts at boot, by its links; live and at rest are compared in tests/contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from amigate.check import InconclusiveError
from amigate.evidence.questions import Needs
from amigate.facts.services import NEEDS, Services
from amigate.sources.directory import read_directory

if TYPE_CHECKING:
    from pathlib import Path

UNITS = "/usr/lib/systemd/system"
OWN = "/etc/systemd/system"


def read(root: Path, links: dict[str, str], files: dict[str, str] | None = None) -> Services:
    (root / "lib").mkdir(parents=True, exist_ok=True)
    for path, target in links.items():
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (root / path[1:]).symlink_to(target)
    for path, text in (files or {}).items():
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (root / path[1:]).write_text(text)
    return Services.read(read_directory(root, [NEEDS], redactor=None))


def test_an_empty_unit_masks_and_a_template_masks_its_instances(tmp_path: Path) -> None:
    wants = f"{OWN}/multi-user.target.wants"
    links = {f"{wants}/{name}": f"{UNITS}/{name}" for name in ("a.service", "b@x.service", "c.service")}
    fact = read(tmp_path, {**links, f"{OWN}/b@.service": "/dev/null"}, {f"{OWN}/a.service": ""})
    assert [each.name for each in fact.enabled] == ["c.service"]
    assert fact.masked == {"a.service": f"{OWN}/a.service", "b@.service": f"{OWN}/b@.service"}


def test_a_unit_is_found_under_its_other_name(tmp_path: Path) -> None:
    links = {
        f"{OWN}/multi-user.target.wants/sshd.service": f"{UNITS}/ssh.service",
        f"{OWN}/sshd.service": f"{UNITS}/ssh.service",
        "/etc/runlevels/default/cron": "/etc/init.d/cron",
    }
    fact = read(tmp_path, links)
    assert [each.name for each in fact.named("ssh")] == ["ssh.service"]
    assert [each.name for each in fact.named("sshd.service", "cron")] == ["cron", "ssh.service"]
    assert fact.named("telnet") == []
    assert fact.enabled[1].finding("x").path == f"{OWN}/multi-user.target.wants/sshd.service"


@pytest.mark.parametrize(
    "machine_id,first", [(None, True), ("uninitialized\n", True), ("", False), ("0123456789abcdef\n", False)]
)
def test_presets_are_applied_where_there_is_no_machine_id_yet(
    tmp_path: Path,
    machine_id: str | None,
    first: bool,  # noqa: FBT001 - from a table
) -> None:
    files = {} if machine_id is None else {"/etc/machine-id": machine_id}
    assert read(tmp_path, {}, files).presets_at_boot is first


def test_the_first_preset_that_fits_decides(tmp_path: Path) -> None:
    files = {
        f"{UNITS}-preset/90-x.preset": "# comment\nenable ssh*\ndisable *\n",
        f"{OWN}-preset/10-x.preset": "disable sshd.service\nenable getty@.service tty1 tty2\n",
        f"{OWN}-preset/90-y.preset": "",
        f"{UNITS}-preset/90-y.preset": "enable shadowed.service\n",
    }
    fact = read(tmp_path, {}, files)
    answers = {name: fact.preset(name) for name in ("sshd.service", "ssh.socket", "getty@tty2.service", "x.service")}
    assert answers == {"sshd.service": False, "ssh.socket": True, "getty@tty2.service": True, "x.service": False}
    assert fact.preset("shadowed.service") is False
    assert read(tmp_path / "other", {}, {}).preset("x.service") is None


def test_a_folder_that_was_not_seen_is_no_answer(at_rest: Any) -> None:
    with pytest.raises(InconclusiveError):
        Services.read(at_rest({}, Needs(first=NEEDS.first[1:])))

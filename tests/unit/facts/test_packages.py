"""What package managers list, and what they do not."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from amigate.check import InconclusiveError
from amigate.evidence.model import Launch
from amigate.facts.packages import APK, DPKG, RPM, Packages

NAMES = ["ec2-ami-tools", "aws-amitools-ec2"]


def read(
    kit: Any, dpkg: tuple[str, int] = ("", 99), rpm: tuple[str, int] = ("", 99), apk: tuple[str, int] = ("", 99)
) -> Packages:
    answers = {DPKG.key: kit.said(*dpkg), RPM.key: kit.said(*rpm), APK.key: kit.said(*apk)}
    return Packages.read(kit.Image(answers=answers).inside(Launch.A))


@pytest.mark.parametrize(
    "status,there",
    [
        ("installed", True),
        ("half-installed", True),
        ("half-configured", True),
        ("unpacked", True),
        ("triggers-awaited", True),
        ("triggers-pending", True),
        ("config-files", False),
        ("not-installed", False),
    ],
)
def test_a_package_is_there_unless_it_is_gone(kit: Any, status: str, there: bool) -> None:  # noqa: FBT001 - from a table
    found = read(kit, dpkg=(f"installed bash 5.2\n{status} ec2-ami-tools 1.4-1\n", 0))
    assert found.named(NAMES) == ({"ec2-ami-tools": ("1.4-1",)} if there else {})


def test_rpm_and_apk_are_listed_too(kit: Any) -> None:
    found = read(
        kit,
        rpm=("installed aws-amitools-ec2 1.5.13-0.amzn1\ninstalled bash 5-1\n", 0),
        apk=("installed musl 1.2.4-r2\n", 0),
    )
    assert found.installed == {"aws-amitools-ec2": ("1.5.13-0.amzn1",), "bash": ("5-1",), "musl": ("1.2.4-r2",)}


def test_every_version_of_a_name_is_compared(kit: Any) -> None:
    found = read(kit, rpm=("installed ec2-ami-tools 1.4-1\ninstalled ec2-ami-tools 1.6-1\n", 0))
    assert [f.detail for f in found.older_than(NAMES, "1.5.19")] == ["version 1.4 is older than 1.5.19"]


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"dpkg": ("", 0)},
        {"dpkg": ("installed bash 5\n", 1)},
        {"dpkg": ("", 0), "rpm": ("installed bash 5-1\n", 0)},
        {"dpkg": ("installed bash 5\n", 0), "rpm": ("error", 1)},
        {"dpkg": (" bash 5.2\n", 0)},
        {"dpkg": ("installed \n", 0)},
        {"apk": ("WARNING: opening /var/cache\n", 0)},
    ],
)
def test_a_list_that_is_missing_broken_or_strange_is_in_doubt(kit: Any, answers: dict[str, tuple[str, int]]) -> None:
    with pytest.raises(InconclusiveError):
        read(kit, **answers)


@pytest.mark.parametrize(
    "version,older",
    [
        ("1.5.7+dfsg-9", True),
        ("1:1.5.18-1", True),
        ("1.5.19-1", False),
        ("1.5.19", False),
        ("1.10-1", False),
        ("2.0~rc1", False),
    ],
)
def test_versions_compare_as_numbers(kit: Any, version: str, older: bool) -> None:  # noqa: FBT001 - from a table
    found = read(kit, dpkg=(f"installed ec2-ami-tools {version}\n", 0))
    assert bool(found.older_than(NAMES, "1.5.19")) is older


def test_a_version_in_no_known_form_is_in_doubt(kit: Any) -> None:
    with pytest.raises(InconclusiveError):
        read(kit, dpkg=("installed ec2-ami-tools git20200101\n", 0)).older_than(NAMES, "1.5.19")


def test_this_machine_lists_its_own_packages() -> None:
    done = subprocess.run(["/bin/sh", "-c", DPKG.command], capture_output=True, text=True, check=True)
    assert "installed bash " in done.stdout


def test_an_apk_that_breaks_does_not_list_nothing(tmp_path: Any) -> None:
    apk = tmp_path / "apk"
    apk.write_text("#!/bin/sh\necho musl-1.2.4-r2\nexit $CODE\n")
    apk.chmod(0o755)
    for code in (0, 1):
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CODE": str(code)}
        done = subprocess.run(
            ["/bin/sh", "-c", APK.command], capture_output=True, text=True, check=False, env=environment
        )
        assert (done.returncode, done.stdout) == ((0, "installed musl 1.2.4-r2\n") if code == 0 else (1, ""))

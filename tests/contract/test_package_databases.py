"""Package databases as the managers themselves make them, sound and damaged, listed by a running machine."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from amigate.check import InconclusiveError
from amigate.evidence.collector import collect
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts.packages import NEEDS, Packages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.conftest import Machines

SPEC = """\
Name: {name}
Epoch: {epoch}
Version: {version}
Release: {release}
Summary: nothing
License: MIT
BuildArch: noarch
%description
%files
"""
BUILT = [
    ("aws-amitools-ec2", "0", "1.5.13", "0.2.amzn1"),
    ("ec2-ami-tools", "0", "1.6", "1"),
    ("ec2-ami-tools", "0", "1.4", "1"),
    ("lib_x-c++", "2", "2.0~rc1", "3.el9_4"),
    ("snapshot", "0", "1.2^git5", "1.amzn2023"),
]
EXPECTED = {
    "aws-amitools-ec2": ("1.5.13-0.2.amzn1",),
    "ec2-ami-tools": ("1.4-1", "1.6-1"),
    "lib_x-c++": ("2.0~rc1-3.el9_4",),
    "snapshot": ("1.2^git5-1.amzn2023",),
}
FOLDER = "var/lib/rpm"


def rpm(root: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["rpm", "--root", root, "--define", f"_dbpath /{FOLDER}", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def rpm_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root whose rpm database has packages; made by rpm from packages that rpmbuild made."""
    assert shutil.which("rpmbuild"), "install the package rpm"
    folder = tmp_path_factory.mktemp("rpm")
    for number, (name, epoch, version, release) in enumerate(BUILT):
        spec = folder / f"{number}.spec"
        spec.write_text(SPEC.format(name=name, epoch=epoch, version=version, release=release))
        subprocess.run(["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {folder}", spec], check=True)
    root = folder / "root"
    rpm(root, "--initdb")
    rpm(root, "--install", "--justdb", "--nodeps", "--force", *map(str, sorted(folder.glob("RPMS/*/*.rpm"))))
    return root


@pytest.fixture
def listed(machines: Machines, rpm_root: Path, tmp_path: Path) -> Callable[..., Packages]:
    """Return what lists the packages of a machine that has dpkg's packages and rpm's, the latter spoilt by `damage`."""

    def read(damage: Callable[[Path], None] = lambda _: None) -> Packages:
        copy = tmp_path / "copy"
        shutil.copytree(rpm_root / FOLDER, copy)
        damage(copy / "rpmdb.sqlite")
        extra = f"rm -rf {FOLDER}; cp -a {copy} {FOLDER}; mkdir -p etc/rpm; echo '%_dbpath /{FOLDER}' >etc/rpm/macros"
        with machines(extra=extra) as machine, closing(machine.log_in()) as connection:
            return Packages.read(collect(connection.execute, [NEEDS], redactor=Redactor()))

    return read


def test_the_packages_of_a_real_rpm_database_are_listed(listed: Callable[..., Packages]) -> None:
    found = listed()
    assert found.named(EXPECTED) == EXPECTED
    assert found.named({"rpm", "bash", "dpkg"}).keys() == {"rpm", "bash", "dpkg"}  # dpkg's
    assert [finding.detail for finding in found.older_than({"ec2-ami-tools"}, "1.5.19")] == [
        "version 1.4 is older than 1.5.19"
    ]


def _sql(statement: str) -> Callable[[Path], None]:
    def run(database: Path) -> None:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute(statement)
            connection.commit()

    return run


def _rename(database: Path) -> None:
    """Change the name of a package in its header alone, which has a digest."""
    content = database.read_bytes()
    assert content.count(b"\0ec2-ami-tools\0") > 1
    database.write_bytes(content.replace(b"\0ec2-ami-tools\0", b"\0oc2-ami-tools\0"))


@pytest.mark.parametrize(
    "damage",
    [
        _sql("UPDATE Packages SET blob = substr(blob, 1, 200) WHERE hnum = 2"),
        _sql("UPDATE Packages SET blob = x'00' WHERE hnum = 2"),
        _rename,
        _sql("DROP TABLE Packages"),
        lambda database: database.write_bytes(database.read_bytes()[:9000]),
        lambda database: database.write_text("no database"),
    ],
    ids=["short header", "no header", "changed header", "no table", "cut", "other file"],
)
def test_a_damaged_rpm_database_is_undecided(listed: Callable[..., Packages], damage: Callable[[Path], None]) -> None:
    """rpm itself leaves out what it cannot read, and exits with 0."""
    with pytest.raises(InconclusiveError, match="packages of rpm could not be listed"):
        listed(damage)


def test_an_rpm_without_packages_is_no_hindrance(listed: Callable[..., Packages]) -> None:
    found = listed(lambda database: [file.unlink() for file in database.parent.iterdir()])
    assert not found.named(EXPECTED)
    assert found.named({"dpkg"})


@pytest.mark.parametrize(
    "damage",
    [
        "rm var/lib/dpkg/status",
        ": >var/lib/dpkg/status",
        "head -c 3000 /var/lib/dpkg/status >var/lib/dpkg/status",
        r"printf 'Package: a\nStatus: install ok installed\nVersion: 1 b\n\n' >var/lib/dpkg/status",
    ],
)
def test_a_damaged_list_of_dpkg_is_undecided(machines: Machines, damage: str) -> None:
    with machines(extra=damage) as machine, closing(machine.log_in()) as connection:
        view = collect(connection.execute, [NEEDS], redactor=Redactor())
    with pytest.raises(InconclusiveError):
        Packages.read(view)

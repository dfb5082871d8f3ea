"""The archive that guests ask for updates: apt itself reads it, checks its signature, and tells what is pending."""

from __future__ import annotations

import http.client
import io
import socket
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from amigate.sandbox.images import archive, cache
from amigate.sandbox.images.tree import Tree
from amigate.sandbox.machines.archive import Archive

if TYPE_CHECKING:
    from pathlib import Path

SUITE = "bookworm"


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the tar of a root file system that has sudo, with the package's file in the cache."""
    monkeypatch.setenv("AMIGATE_CACHE", str(tmp_path / "cache"))
    control = "Package: sudo\nVersion: 1:1.0\nArchitecture: all\nMaintainer: nobody\nDescription: test\n"
    tree = tmp_path / "deb"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(control)
    deb = cache.folder("debs") / "sudo_1%3a1.0_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, deb], check=True, capture_output=True)
    status = control.replace("Version", "Status: install ok installed\nVersion").encode()
    path = cache.folder("base") / "made-up.tar"
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("./var/lib/dpkg/status")
        member.size = len(status)
        tar.addfile(member, io.BytesIO(status))
    return path


@pytest.fixture
def image(base: Path, tmp_path: Path) -> Tree:
    """Return the tree of an image that asks the archive of its base."""
    archive.make(base, SUITE)
    tree = Tree(tmp_path / "tree")
    tree.folder("/usr/share/keyrings")
    archive.lay(tree, base.stem, SUITE)
    return tree


def pending(tree: Tree, status: Path, work: Path) -> str:
    """Return what apt would install, with the image's sources, key and status, reading the archive as files."""
    lists, cached = work / "lists", work / "cache"
    for folder in (lists / "partial", cached / "archives" / "partial"):
        folder.mkdir(parents=True)
    lines = tree.path(archive.SOURCES).read_text()
    keyring = "/usr/share/keyrings/sandbox-archive-keyring.gpg"
    lines = lines.replace(f"http://{archive.ADDRESS}", f"file:{archive.folder()}")
    lines = lines.replace(keyring, str(tree.path(keyring)))
    (work / "sources.list").write_text(lines)
    options = {
        "Dir::Etc::SourceList": work / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": lists,
        "Dir::State::Status": status,
        "Dir::Cache": cached,
        "APT::Architecture": "amd64",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "1",
    }
    chosen = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    refreshed = subprocess.run(["apt-get", *chosen, "-q", "update"], capture_output=True, text=True, check=False)
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    assert not [line for line in (refreshed.stdout + refreshed.stderr).split("\n") if line[:1] in {"W", "E"}]
    targets = ["apt-get", *chosen, "indextargets", "--format", "$(RELEASE)"]
    assert subprocess.run(targets, capture_output=True, text=True, check=True).stdout.split() == [
        SUITE,
        f"{SUITE}-security",
    ]
    said = subprocess.run(["apt-get", *chosen, "-s", "dist-upgrade"], capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in said.split("\n") if line.startswith("Inst "))


@pytest.fixture
def status(base: Path, tmp_path: Path) -> Path:
    """Return dpkg's status file of the base."""
    with tarfile.open(base) as tar:
        member = tar.extractfile("./var/lib/dpkg/status")
        assert member is not None
        path = tmp_path / "status"
        path.write_bytes(member.read())
    return path


def test_nothing_is_pending_where_an_image_is_as_the_archive(image: Tree, status: Path, tmp_path: Path) -> None:
    assert pending(image, status, tmp_path / "apt") == ""


def test_a_newer_security_version_is_pending(image: Tree, status: Path, tmp_path: Path) -> None:
    image.write(archive.SOURCES, archive.with_newer(image.path(archive.SOURCES).read_text()))
    found = pending(image, status, tmp_path / "apt")
    assert found.startswith("Inst sudo [1:1.0] (1:1.0+sandbox1 Debian-Security:bookworm-security ")


def test_an_archive_and_its_key_are_made_once(base: Path) -> None:
    made = archive.make(base, SUITE)
    before = (made / "debian" / "dists" / SUITE / "InRelease").stat().st_mtime_ns
    assert archive.make(base, SUITE) == made
    assert (made / "debian" / "dists" / SUITE / "InRelease").stat().st_mtime_ns == before
    assert archive.key() == archive.key()
    assert (cache.folder("archive-key") / "private.asc").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "path, expected",
    [
        ("/made-up/debian/dists/bookworm/InRelease", 200),
        ("/made-up/", 404),
        ("/", 404),
        ("/../archive-key/private.asc", 404),
        ("/%2e%2e/archive-key/private.asc", 404),
    ],
)
def test_files_of_archives_are_served_and_nothing_else(base: Path, tmp_path: Path, path: str, expected: int) -> None:
    archive.make(base, SUITE)
    with Archive(tmp_path / "socket", archive.folder()):
        connection = http.client.HTTPConnection("archive", timeout=5)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(tmp_path / "socket"))
        connection.request("GET", path)
        assert connection.getresponse().status == expected
        connection.close()

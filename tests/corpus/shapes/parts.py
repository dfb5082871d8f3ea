"""What several distributions have in common, so that each shape says only what is its own."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.corpus.trees import Tree

    Defects = Mapping[str, tuple[Callable[[Tree], object], Sequence[str]]]

ELF = b"\x7fELF\x02\x01\x01"
_SPEC = """\
Name: shape
Version: 1
Release: 1
Summary: nothing
License: MIT
BuildArch: noarch
%description
%files
{parts}
"""
_PART = """\
%package -n {name}
Version: {version}
Release: {release}
Summary: nothing
%description -n {name}
nothing
%files -n {name}
"""
SHA512 = "$6$saltsalt$2fMKQTLCTBFHWkMgHsSxv6JPA4o1dzYNxwWtbMS2PL.8AcEX5hYm3OwqjNqgVKGCJBBXEMJbkXKuuEGh0r1bC0"
YESCRYPT = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"
Explained = dict[str, tuple[str, str]]
ONLY_LIVE = "only live"
"""The answer of a disk to what a running machine alone can tell."""
ALWAYS: Explained = {
    **dict.fromkeys(
        (
            "disk-every-volume-inspected",
            "disk-no-recoverable-secrets",
            "disk-inspected-read-only",
            "disk-free-space-clean",
        ),
        ("not-applicable", "a tree has neither volumes nor free space"),
    ),
    "cloud-init-fallback-key-fetch-sane": ("not-applicable", "no script fetches the key in place of cloud-init"),
    "ssh-config-parses": (ONLY_LIVE, "`sshd -t` runs on a machine alone"),
    "ssh-forwarding-disabled": (
        "fail",
        "sshd forwards as shipped; `hardened` asks for less than any distribution gives",
    ),
    "ssh-login-limits-set": ("fail", "OpenSSH's limits as shipped; `hardened` asks for tighter ones"),
}
"""What is answered alike everywhere."""
NULLOK: Explained = {
    "account-pam-not-weakened": ("warn", "stock PAM takes an empty password where there is one; there is none")
}
NO_RPM: Explained = {
    "network-no-tampered-binaries": (
        "inconclusive",
        "rpm's database is not read at rest, so what packages brought is not told",
    )
}
RPM_JOBS: Explained = {
    "network-scheduled-jobs-accounted-for": (ONLY_LIVE, "rpm's database is not read at rest; the machine asks rpm")
}
NO_CLOUD_INIT: Explained = dict.fromkeys(
    (
        "cloud-init-regenerates-host-keys",
        "cloud-init-password-login-not-enabled",
        "cloud-init-config-without-credentials",
        "cloud-init-can-install-launch-key",
        "cloud-init-root-login-disabled",
        "cloud-init-default-user-password-locked",
        "cloud-init-cache-not-kept",
        "cloud-init-boot-commands-reviewed",
    ),
    ("not-applicable", "another program does what cloud-init does elsewhere"),
)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A distribution's clean image for EC2, as a tree: what it is modelled on, and what is answered other than pass."""

    name: str
    modelled_on: str
    """Where its files were taken from, for the reader."""
    build: Callable[[Tree], None]
    explained: Mapping[str, tuple[str, str]]
    """Rule, to its answer on the clean tree other than pass, and the reason."""
    defects: Defects
    """What goes wrong on images of its kind, how, and the rules that fail for it."""


def replaces(path: str, old: str, new: str) -> Callable[[Tree], object]:
    """Return what writes something else into a file, where it stands first."""

    def spoil(tree: Tree) -> None:
        file = tree.root / path.lstrip("/")
        before = file.read_text()
        assert old in before, path
        file.write_text(before.replace(old, new, 1))

    return spoil


def folders(tree: Tree, *paths: str) -> None:
    """Make empty folders."""
    for path in paths:
        (tree.root / path.lstrip("/")).mkdir(parents=True, exist_ok=True)


def merged_usr(tree: Tree) -> None:
    """Make /bin, /sbin and /lib links into /usr, as they are in all but Alpine."""
    folders(tree, "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64")
    for name in ("bin", "sbin", "lib", "lib64"):
        tree.link(f"/{name}", f"usr/{name}")


def accounts(tree: Tree, passwd: str, shadow: str, group: str) -> None:
    """Write the account files and, as every distribution keeps them, their copies."""
    for name, text, mode in (("passwd", passwd, 0o644), ("shadow", shadow, 0o600), ("group", group, 0o644)):
        tree.write(f"/etc/{name}", text, mode)
        tree.write(f"/etc/{name}-", text, mode)


def systemd(tree: Tree, *, machine_id: str = "") -> None:
    """Let systemd be the init, with an id that first boot makes."""
    tree.write("/usr/lib/systemd/systemd", ELF, 0o755)
    tree.link("/sbin/init" if not (tree.root / "usr/sbin").exists() else "/usr/sbin/init", "/usr/lib/systemd/systemd")
    tree.write("/etc/machine-id", machine_id, 0o444)
    tree.write("/usr/lib/systemd/system/getty@.service", "[Service]\nExecStart=-/sbin/agetty --noclear - $TERM\n")
    tree.link("/etc/systemd/system/getty.target.wants/getty@tty1.service", "/usr/lib/systemd/system/getty@.service")


def shadow_of(passwd: str, locks: Mapping[str, str], *, others: str = "*", changed: int = 19000) -> str:
    """Return a shadow file with the given fields, and `others` for whoever is not named."""
    names = [line.split(":")[0] for line in passwd.splitlines()]
    return "".join(f"{name}:{locks.get(name, others)}:{changed}:0:99999:7:::\n" for name in names)


def units(tree: Tree, *names: str, target: str = "multi-user.target") -> None:
    """Let a target start units of the distribution's."""
    for name in names:
        unit = tree.root / f"usr/lib/systemd/system/{name}"
        if not unit.exists() and "@" not in name:
            tree.write(f"/usr/lib/systemd/system/{name}", f"[Unit]\nDescription={name}\n")
        tree.link(f"/etc/systemd/system/{target}.wants/{name}", f"/usr/lib/systemd/system/{name}")


def cloud_init_units(tree: Tree, *, second: str = "cloud-init.service") -> None:
    """Start cloud-init's four stages at boot."""
    names = ("cloud-init-local.service", second, "cloud-config.service", "cloud-final.service")
    units(tree, *names, target="cloud-init.target")


def privileged(tree: Tree, write: Callable[[str, bytes, int], object], *names: str) -> None:
    """Write programs that run as root."""
    for name in names:
        write(f"/usr/bin/{name}", ELF + name.encode(), 0o4755)


def quiet_logs(tree: Tree, *names: str) -> None:
    """Leave logs as a clean-up leaves them: there, and empty."""
    for name in names:
        tree.write(f"/var/log/{name}", "", 0o640)


def rpm_database(tree: Tree, packages: Mapping[str, str], folder: str = "/var/lib/rpm") -> None:
    """Install packages (name to VERSION-RELEASE) into a database that rpm itself makes."""
    at = tree.root / folder.lstrip("/")
    at.mkdir(parents=True, exist_ok=True)
    for name, content in _database(tuple(packages.items())).items():
        (at / name).write_bytes(content)


@cache
def _database(packages: tuple[tuple[str, str], ...]) -> Mapping[str, bytes]:
    """Return the files of a database, made once for all trees."""
    with TemporaryDirectory() as root:
        rpm = ["rpm", "--root", root, "--define", "_dbpath /db", "--define", "_db_backend sqlite"]
        subprocess.run([*rpm, "--initdb"], check=True, capture_output=True)
        done = [*rpm, "--install", "--justdb", "--nodeps", "--force", "--nodigest", "--nosignature"]
        subprocess.run([*done, *map(str, _packed(packages, Path(root)))], check=True, capture_output=True)
        return {file.name: file.read_bytes() for file in (Path(root) / "db").iterdir() if file.name[0] != "."}


def _packed(packages: tuple[tuple[str, str], ...], folder: Path) -> list[Path]:
    """Return packages without files, made by rpmbuild in `folder`."""
    parts = "".join(
        _PART.format(name=name, version=version, release=release)
        for name, (version, release) in ((name, full.rsplit("-", 1)) for name, full in packages)
    )
    spec = folder / "shape.spec"
    spec.write_text(_SPEC.format(parts=parts))
    command = ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {folder}", str(spec)]
    subprocess.run(command, check=True, capture_output=True)
    names = {name for name, _ in packages}
    return [path for path in sorted(folder.glob("RPMS/*/*.rpm")) if path.name.rsplit("-", 2)[0] in names]

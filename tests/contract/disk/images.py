"""Whole images of machines, made by the real tools: sound ones, and the same ones with secrets planted."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from amigate.evidence.redaction.keys import fingerprint

from .shown import mounted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .conftest import Bench

UNITS = "etc/systemd/system/cloud-init.target.wants"
STAGES = ("cloud-init-local", "cloud-init", "cloud-config", "cloud-final")
DPKG = "Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.2p1-2\n\n"
SOUND: Mapping[str, str | bytes] = {
    "etc/passwd": "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\napp:x:1001:1001::/srv/app:/bin/sh\n",
    "etc/shadow": "root:*:1::::::\nbob:!:1::::::\napp:!:1::::::\n",
    "etc/group": "root:x:0:\nbob:x:1000:\napp:x:1001:\n",
    "etc/machine-id": "",
    "etc/ssh/sshd_config": "PasswordAuthentication no\nKbdInteractiveAuthentication no\n",
    "etc/cloud/cloud.cfg": "datasource_list: [Ec2, None]\ncloud_init_modules: [migrator, ssh]\n",
    "usr/sbin/sshd": b"\x7fELF",
    "usr/bin/cloud-init": "#!/usr/bin/python3\n",
    "usr/lib/systemd/system/ssh.service": "[Service]\nExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n",
    "lib/systemd/system/none": "",
    "var/lib/dpkg/status": DPKG,
    "boot/grub/grub.cfg": "linux /vmlinuz ro console=ttyS0\n",
    "home/bob/.profile": "umask 077\n",
    "srv/app/data": "x" * 5000,
    "root/.profile": "umask 077\n",
}
"""A small machine with OpenSSH and cloud-init, of which every rule is met."""


@dataclass(frozen=True)
class Key:
    """A key pair of OpenSSH; the same for the same name."""

    name: str

    @property
    def _key(self) -> ed25519.Ed25519PrivateKey:
        return ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(self.name.encode()).digest())

    @property
    def private(self) -> str:
        """The private half, as ssh-keygen writes it."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()

    @property
    def public(self) -> str:
        """The public half, as a line of authorized_keys."""
        return self._key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it."""
        return fingerprint(base64.b64decode(self.public.split()[1]))


HOST, TRUSTED, REMOVED = Key("host"), Key("trusted"), Key("removed")
HASH = f"$6$saltsalt${'aB3' * 28}Zz"
PLANTED: Mapping[str, str | bytes] = {
    "etc/ssh/ssh_host_ed25519_key": HOST.private,
    "srv/app/.ssh/authorized_keys": f"{TRUSTED.public} builder\n",
    "etc/shadow": str(SOUND["etc/shadow"]).replace("root:*", f"root:!{HASH}"),
}
SECRETS = (HASH, HASH[12:], *(line for each in (HOST, REMOVED) for line in each.private.split("\n")[2:5]))
"""What nobody may be told."""


@dataclass(frozen=True, kw_only=True)
class Area:
    """A file system that is to be made."""

    make: str
    """The command, without the file."""
    at: str = "/"
    """Where the machine mounts it."""
    mebibytes: int = 48
    more: Mapping[str, str | bytes] = field(default_factory=dict)
    """Files that a mount hides, or that lie in a file system that is mounted nowhere; by their paths within it."""
    is_mounted: bool = True

    @property
    def kind(self) -> str:
        """The file system's name."""
        return self.make.split()[0].removeprefix("mkfs.")

    @property
    def uuid(self) -> str:
        """Of the file system."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, self.at.strip("/") or "root"))


def mounts(areas: Sequence[Area]) -> str:
    """Return an fstab that mounts each area where it says."""
    return "".join(f"UUID={each.uuid} {each.at} {each.kind} defaults 0 1\n" for each in areas if each.is_mounted)


def file_systems(
    bench: Bench, areas: Sequence[Area], tree: Mapping[str, str | bytes], *, removed: str = "", fstab: str = ""
) -> list[Path]:
    """Make the file systems of a machine with this tree, each in a file; `removed` is a file to write and remove.

    Without an `fstab` of its own, the machine mounts each area where it says."""
    every = {**tree, "etc/fstab": fstab or mounts(areas)}
    images = []
    for number, area in enumerate(areas):
        image = bench.image(f"area{number}", area.mebibytes)
        option = ("-m", f"uuid={area.uuid}") if area.kind == "xfs" else ("-U", area.uuid)
        bench.run(*area.make.split(), *option, image)
        mine = {path: text for path, text in every.items() if area.is_mounted and _home(path, areas) is area}
        with mounted(image, kind=area.kind) as root:
            _fill(root, {path.removeprefix(area.at.strip("/")).lstrip("/"): text for path, text in mine.items()})
            _fill(root, area.more)
            if area.at == "/":
                _link_units(root)
                _log_logins(root)
            if removed and _home(removed, areas) is area:
                _remove(root / removed.removeprefix(area.at.strip("/")).lstrip("/"))
        images.append(image)
    return images


def _home(path: str, areas: Sequence[Area]) -> Area:
    """Return the file system that shows a path."""
    around = [each for each in areas if each.is_mounted and f"/{path}".startswith(f"{each.at.rstrip('/')}/")]
    return max(around, key=lambda each: len(each.at))


def _fill(root: Path, files: Mapping[str, str | bytes]) -> None:
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        file.chmod(0o600)


def _link_units(root: Path) -> None:
    (root / UNITS).mkdir(parents=True)
    for stage in STAGES:
        (root / UNITS / f"{stage}.service").symlink_to(f"/usr/lib/systemd/system/{stage}.service")


def _log_logins(root: Path) -> None:
    """Write the log of last logins, which is nearly all hole."""
    log = root / "var/log/lastlog"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        file.seek(1 << 30)
        file.write(b"\1" * 292)


def _remove(file: Path) -> None:
    """Write a private key as far as the disk, and remove its file."""
    with file.open("w") as opened:
        opened.write("#" * 5000 + "\n" + REMOVED.private)
        opened.flush()
        os.fsync(opened.fileno())
    file.unlink()


def disk(bench: Bench, table: str, contents: Sequence[Path | None], mebibytes: int, name: str = "disk.raw") -> Path:
    """Make a disk with the partitions that sfdisk is told of; None leaves one empty."""
    image = bench.image(name, mebibytes)
    bench.run("sfdisk", "-q", image, text=table)
    told = json.loads(bench.run("sfdisk", "--json", image))["partitiontable"]["partitions"]
    parts = [each for each in told if each["type"] != "5"]
    for part, content in zip(parts, contents, strict=True):
        if content is not None:
            assert content.stat().st_size <= part["size"] * 512
            put(bench, content, image, part["start"] * 512)
    return image


def put(bench: Bench, content: Path, image: Path, at: int) -> None:
    """Write a file into a disk, without its holes."""
    bench.run(
        "dd", "status=none", f"if={content}", f"of={image}", "bs=1M", "oflag=seek_bytes", f"seek={at}",
        "conv=notrunc,sparse",
    )  # fmt: skip


def secret_at(image: Path, at: int, text: str) -> None:
    """Write a text over the bytes of a disk."""
    with image.open("r+b") as file:
        file.seek(at)
        file.write(text.encode())

"""A frozen, signed archive of the packages that an image is made of, for its guests to ask for updates.

Format: https://wiki.debian.org/DebianRepository/Format. What an image has is in it, as it was when its base was made;
beside it lies the same with a newer security version of one package. Nothing but the sandbox's own network serves it,
and nothing but the sandbox's own images trusts its key."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING

from amigate.sandbox.images import cache, tools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amigate.sandbox.images.tree import Tree

ADDRESS = "169.254.169.250"
"""Where guests find it, beside the metadata service: no name needs to be resolved, and nothing leads out."""
SOURCES = "/etc/apt/sources.list"
_KEYRING = "/usr/share/keyrings/sandbox-archive-keyring.gpg"
_NEWER = "newer"
_UPDATED = "sudo"
"""The package of which there is a newer security version; every image has it."""
_ARCHITECTURE = "amd64"
_STATUS = "./var/lib/dpkg/status"


def folder() -> Path:
    """Return where the archives are, each under the name of its base."""
    return cache.folder("archives")


def with_newer(sources: str) -> str:
    """Return the same lines of sources.list(5), but for where a newer security version of one package is."""
    return sources.replace("/debian-security ", f"/{_NEWER}/debian-security ")


def lay(tree: Tree, name: str, suite: str) -> None:
    """Let an image ask the archive `name`."""
    shutil.copyfile(_public_key(), tree.path(_KEYRING))
    tree.path(_KEYRING).chmod(0o644)
    options, root = f"[signed-by={_KEYRING}]", f"http://{ADDRESS}/{name}"
    lines = (f"{root}/debian {suite} main", f"{root}/debian-security {suite}-security main")
    tree.write(SOURCES, "".join(f"deb {options} {line}\n" for line in lines))


def key() -> bytes:
    """Return the public key that signs every archive of this cache; made when there is none."""
    with cache.one_builder(_public_key()):
        if not _public_key().exists():
            _make_key()
    return _public_key().read_bytes()


def make(base: Path, suite: str) -> Path:
    """Return the archive of the packages in a base, a tar of a root file system; made when it is missing."""
    path = folder() / base.stem
    with cache.one_builder(path):
        if not path.exists():
            key()
            with tempfile.TemporaryDirectory(dir=folder(), prefix=".making-") as unfinished:
                _fill(Path(unfinished), base, suite)
                Path(unfinished).chmod(0o755)
                Path(unfinished).rename(path)
                Path(unfinished).mkdir()  # for the context to remove
    return path


def _fill(root: Path, base: Path, suite: str) -> None:
    installed = [deb for deb in _debs(base) if deb.exists()]
    updated = next(deb for deb in installed if deb.name.startswith(f"{_UPDATED}_"))
    newer = _newer(updated, root)
    _publish(root / "debian", suite, "Debian", installed)
    _publish(root / "debian-security", f"{suite}-security", "Debian-Security", [updated])
    _publish(root / _NEWER / "debian-security", f"{suite}-security", "Debian-Security", [newer])
    newer.unlink()


def _debs(base: Path) -> Iterator[Path]:
    """Yield the file of each package that is installed in a base, as mmdebstrap left it in the cache."""
    with tarfile.open(base) as tar:
        member = tar.extractfile(_STATUS)
        assert member is not None, "a base has dpkg's status"
        text = member.read().decode()
    for stanza in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.split("\n") if ": " in line and line[0] != " ")
        if fields:
            version = fields["Version"].replace(":", "%3a")
            yield cache.folder("debs") / f"{fields['Package']}_{version}_{fields['Architecture']}.deb"


def _newer(deb: Path, place: Path) -> Path:
    """Pack a package again as a later version, which changes nothing else."""
    with tempfile.TemporaryDirectory() as work:
        tree = Path(work) / "tree"
        tools.run(["dpkg-deb", "-R", str(deb), str(tree)])
        control = tree / "DEBIAN" / "control"
        lines = control.read_text().split("\n")
        control.write_text("\n".join(f"{line}+sandbox1" if line.startswith("Version: ") else line for line in lines))
        made = place / f"{_UPDATED}.deb"
        tools.run(["dpkg-deb", "--root-owner-group", "-b", str(tree), str(made)])
    return made


def _publish(root: Path, suite: str, label: str, debs: list[Path]) -> None:
    """Write an archive of one suite, one component and one architecture."""
    pool = root / "pool"
    pool.mkdir(parents=True)
    index = root / "dists" / suite / "main" / f"binary-{_ARCHITECTURE}" / "Packages"
    index.parent.mkdir(parents=True)
    with index.open("w") as stanzas:
        for deb in debs:
            shutil.copyfile(deb, pool / deb.name)
            control = tools.run(["dpkg-deb", "-f", str(deb)]).strip()
            data = deb.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            stanzas.write(f"{control}\nFilename: pool/{deb.name}\nSize: {len(data)}\nSHA256: {digest}\n\n")
    release = root / "dists" / suite / "Release"
    data, name = index.read_bytes(), index.relative_to(release.parent)
    fields = {
        "Origin": "amigate sandbox",
        "Label": label,
        "Suite": suite,
        "Codename": suite,
        "Date": formatdate(usegmt=True),
        "Architectures": _ARCHITECTURE,
        "Components": "main",
        "SHA256": f"\n {hashlib.sha256(data).hexdigest()} {len(data)} {name}",
    }
    release.write_text("".join(f"{field}: {value}\n" for field, value in fields.items()))
    _sign(release)


def _sign(release: Path) -> None:
    with tempfile.TemporaryDirectory() as home:
        _gpg(home, "--import", str(_private_key()))
        _gpg(home, "--clearsign", "--output", str(release.with_name("InRelease")), str(release))


def _make_key() -> None:
    private, public = _private_key(), _public_key()
    with tempfile.TemporaryDirectory() as home:
        name = "amigate sandbox archive"
        _gpg(home, "--passphrase", "", "--quick-generate-key", name, "ed25519", "sign", "never")
        _gpg(home, "--output", str(public.with_suffix(".partial")), "--export")
        previous = os.umask(0o077)
        try:
            _gpg(home, "--output", str(private), "--yes", "--armor", "--export-secret-keys")
        finally:
            os.umask(previous)
        public.with_suffix(".partial").rename(public)


def _gpg(home: str, *arguments: str) -> None:
    """Run gpg in a home of its own; the agent that it starts ends with that."""
    tools.run(["gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", *arguments])


def _private_key() -> Path:
    return cache.folder("archive-key") / "private.asc"


def _public_key() -> Path:
    return cache.folder("archive-key") / "public.gpg"

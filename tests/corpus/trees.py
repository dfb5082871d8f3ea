"""The corpus at rest: a sound tree, ways to spoil it, and how the judge decides rules on what is left."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from amigate.evidence import codec
from amigate.evidence.model import DISK, Contact, Evidence, Launch, Outcome, Vantage, View, Viewpoint
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts import catalogue as facts
from amigate.judge.places import Place
from amigate.result import Status, Witness
from amigate.sources.directory import read_directory

from .judging import decisions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from amigate.judge.decide import Decision

OWN_KEY = ed25519.Ed25519PrivateKey.generate()
KEY = OWN_KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
PUBLIC = OWN_KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
ON_DISK = Place(Witness.DISK)
STAGES = ("cloud-init-local", "cloud-init", "cloud-config", "cloud-final")
WANTS = "/etc/systemd/system/cloud-init.target.wants"


@dataclass
class Tree:
    """A root file system in the making."""

    root: Path

    def write(self, path: str, content: str | bytes = "", mode: int = 0o644) -> Path:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        file.chmod(mode)
        return file

    def link(self, path: str, target: str) -> None:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(target)

    def remove(self, path: str) -> None:
        file = self.root / path.lstrip("/")
        shutil.rmtree(file) if file.is_dir() else file.unlink()

    def packaged(self, path: str, content: str, package: str = "fixtures") -> None:
        """Write a file that dpkg knows."""
        digest = hashlib.md5(self.write(path, content).read_bytes(), usedforsecurity=False).hexdigest()
        with self.write(f"/var/lib/dpkg/info/{package}.list").with_suffix(".md5sums").open("a") as sums:
            sums.write(f"{digest}  {path.lstrip('/')}\n")


def sound(root: Path) -> Tree:
    """Return a small image with OpenSSH and cloud-init, of which every rule is met."""
    tree = Tree(root)
    tree.write("/etc/passwd", "root:x:0:0::/root:/bin/bash\nbob:x:1000:1000::/srv/bob:/bin/bash\n")
    tree.write("/etc/shadow", "root:*:1::::::\nbob:!:1::::::\n", 0o600)
    tree.write("/etc/group", "root:x:0:\nbob:x:1000:\n")
    tree.write("/etc/ssh/sshd_config", "PasswordAuthentication no\nKbdInteractiveAuthentication no\n")
    tree.write("/usr/sbin/sshd", b"\x7fELF")
    tree.write("/usr/bin/cloud-init", "#!/usr/bin/python3\n")
    tree.write("/etc/cloud/cloud.cfg", "datasource_list: [Ec2, None]\ncloud_init_modules: [migrator, ssh]\n")
    tree.write("/var/lib/dpkg/status", "Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.2p1-2\n\n")
    tree.write("/etc/machine-id")
    tree.write("/boot/grub/grub.cfg", "linux /vmlinuz ro console=ttyS0\n")
    for stage in STAGES:
        tree.link(f"{WANTS}/{stage}.service", f"/usr/lib/systemd/system/{stage}.service")
    for folder in ("root", "srv/bob", "home", "lib/systemd/system", "usr/lib/systemd/system", "tmp"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    return tree


def evidence_of(view: View, *, login: bool = False) -> Evidence:
    """Return the view of a disk beside what a launch showed, as a judge is handed it."""
    outcome = Outcome.ACCEPTED if login else Outcome.DENIED
    contact = Contact(address="192.0.2.1", port=22, outcome=outcome, user="bob")
    views = {DISK: view, Viewpoint(Launch.A, 1, Vantage.OUTSIDE): View(contact=contact)}
    return codec.load(codec.dump(Evidence(witnesses=frozenset({Witness.DISK}), views=views)))


def look(root: Path) -> View:
    return read_directory(root, facts.ALL, redactor=Redactor())


def owned_by_root(view: View, but: str = "") -> View:
    """Return the view as if root had made the tree, whoever it was; `but` is somebody else's."""
    own = os.getuid()
    entries = {
        path: replace(entry, uid=1000 if path == but else 0 if entry.uid == own else entry.uid)
        for path, entry in view.entries.items()
    }
    return replace(view, entries=entries)


def judge(view: View, rules: Iterable[str], *, login: bool = False) -> dict[str, Decision]:
    """Return how each of the rules is decided on the disk."""
    found = decisions(dict.fromkeys(rules, (ON_DISK,)), evidence_of(view, login=login))
    return {rule: decision for (rule, _), (decision, _) in found.items()}


def named(cases: Mapping[str, Any], traps: Mapping[str, Sequence[int]] | None = None) -> list[Any]:
    """Return the names of cases as parameters, each marked with the traps that it is."""
    found = []
    for name, case in cases.items():
        numbers = [*getattr(case, "traps", ()), *(traps or {}).get(name, ())]
        found.append(pytest.param(name, id=name, marks=[pytest.mark.trap(*numbers)] if numbers else []))
    assert not (traps or {}).keys() - cases.keys()
    return found


@dataclass
class Case:
    """How to spoil a sound tree, and what comes of it; rules that are not named keep their sound answer."""

    spoil: Callable[[Tree], object]
    expected: Mapping[str, Status] = field(default_factory=dict)
    findings: Sequence[tuple[str, str, int | None]] = ()
    """Rule, path and line of findings that there must be."""
    traps: Sequence[int] = ()
    """Numbers of the traps (docs/corpus.md) that it is."""


def all_of(*spoilers: Callable[[Tree], object]) -> Callable[[Tree], object]:
    def spoil(tree: Tree) -> None:
        for each in spoilers:
            each(tree)

    return spoil


def writes(path: str, content: str | bytes, mode: int = 0o644) -> Callable[[Tree], object]:
    return lambda tree: tree.write(path, content, mode)


def check(case: Case, root: Path, rules: Iterable[str], sound_answers: Mapping[str, Status]) -> None:
    """Build the case in `root` and see that each rule answers, and finds, what the case says."""
    tree = sound(root)
    case.spoil(tree)
    found, wanted = judge(look(root), rules), {**sound_answers, **case.expected}
    assert {rule: str(each.status) for rule, each in found.items()} == {rule: str(wanted[rule]) for rule in found}, {
        rule: each for rule, each in found.items() if each.status != wanted[rule]
    }
    for rule, path, line in case.findings:
        assert any((each.path, each.line) == (path, line) for each in found[rule].findings), found[rule].findings
    for decision in found.values():
        assert (decision.status in {Status.FAIL, Status.WARN}) == bool(decision.findings)
        assert decision.message or decision.status is Status.PASS

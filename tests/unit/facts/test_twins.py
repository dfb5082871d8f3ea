"""Two launches, seen as a run sees them: what they must not share, and what cannot be told."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Entry, Kind, View
from amigate.evidence.questions import Needs
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts import identities
from amigate.facts.identities import HOST_NAME
from amigate.facts.twins import Twins
from amigate.sources.directory import read_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Files = Mapping[str, bytes | int | str]

    Look = Callable[..., Twins]

ID = b"3f0c2f1e5d6b4a79813e2c4d5f6a7b8c\n"
OTHER = b"aaaabbbbccccdddd0000111122223333\n"
KEY = "/etc/app/key.pem"
SEED = "/var/lib/systemd/random-seed"
MACHINE_IDS = ["/etc/machine-id", "/var/lib/dbus/machine-id"]


def view_of(folder: Path, files: Files, named: Sequence[str], redactor: Redactor, mode: int) -> View:
    folder.mkdir(parents=True)
    for path, content in files.items():
        file = folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            file.symlink_to(content)
        else:
            file.write_bytes(content if isinstance(content, bytes) else b"x" * content)
            file.chmod(mode)
    needs = Needs(first=tuple(map(identities.asked_for, named)))
    return read_directory(folder, [identities.NEEDS, needs], redactor=redactor)


def kernels(path: str, text: str) -> Entry:
    """Return a file of the kernel's: it has content and no size."""
    return Entry(path=path, kind=Kind.FILE, mode=0o444, uid=0, gid=0, size=0, mtime_s=0, content=text.encode())


def running(view: View, host: str | None, redactor: Redactor) -> View:
    """Return the view of a machine that runs, under a host name; None when its kernel tells none."""
    unseen = {path: why for path, why in view.unseen.items() if path != HOST_NAME}
    if host is None:
        return replace(view, unseen=unseen, absent=view.absent | {HOST_NAME})
    name = redactor.entry(kernels(HOST_NAME, f"{host}\n"), Keep.HOST_NAME)
    return replace(view, unseen=unseen, entries={**view.entries, HOST_NAME: name})


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Return a function that looks at two trees as at two launches."""
    number = itertools.count()

    def seen(
        a: Files, b: Files, named: Sequence[str] = (), *, mode: int = 0o600, hosts: tuple[str | None, ...] = ("a", "b")
    ) -> Twins:
        redactor, folder = Redactor(), tmp_path / str(next(number))
        views = (
            view_of(folder / "a", a, named, redactor, 0o600),
            view_of(folder / "b", b, named, redactor, mode),
        )
        one, other = (running(view, host, redactor) for view, host in zip(views, hosts, strict=True))
        return Twins(a=one, b=other)

    return seen


@pytest.mark.parametrize(
    "path,a,b",
    [
        ("/etc/machine-id", ID, ID),
        ("/etc/machine-id", ID, ID.upper().strip()),
        ("/var/lib/dbus/machine-id", ID, ID),
        (SEED, b"\x00\xff" * 256, b"\x00\xff" * 256),
        (SEED, b"#no line ends in it", b"#no line ends in it"),
        (SEED, bytes(512), bytes(512)),
        ("/var/lib/NetworkManager/secret_key", b"nm-v2:\n \t", b"nm-v2:\n \t"),
        (
            "/etc/iscsi/initiatorname.iscsi",
            b"InitiatorName=iqn.1993:01:ab\nInitiatorAlias=one\n",
            b"InitiatorAlias = two\nInitiatorName=iqn.1993:01:ab\n",
        ),
        (
            "/etc/iscsi/initiatorname.iscsi",
            b"# a\nInitiatorName=iqn.1993:01:ab\n",
            b"# b\n\nInitiatorName=iqn.1993:01:ab",
        ),
        ("/etc/nvme/hostnqn", b"nqn.2014-08.org:uuid:1\n", b"nqn.2014-08.org:uuid:1\n"),
    ],
)
def test_an_identity_that_two_launches_have_is_found(look: Look, path: str, a: bytes, b: bytes) -> None:
    (found,) = look({path: a}, {path: b}).shared_identities()
    assert (found.path, found.detail) == (path, "is the same on two launches")


@pytest.mark.parametrize(
    "path,a,b",
    [
        ("/etc/machine-id", ID, OTHER),
        ("/etc/machine-id", b"", b""),
        ("/etc/machine-id", b"uninitialized\n", b"uninitialized\n"),
        (SEED, b"\x00\xff" * 256, b"\xff\x00" * 256),
        (SEED, b"a \n", b"a\n"),
        (SEED, b"", b""),
        ("/etc/iscsi/initiatorname.iscsi", b"# none\nGenerateName=yes\n", b"GenerateName=yes\n"),
    ],
)
def test_none_or_one_of_its_own_is_sound(look: Look, path: str, a: bytes, b: bytes) -> None:
    assert look({path: a}, {path: b}).shared_identities() == []
    assert look({}, {path + ".other": b}).shared_identities() == []


def test_a_link_to_the_same_id_counts_as_that_id(look: Look) -> None:
    tree: Files = {"/etc/machine-id": ID, "/var/lib/dbus/machine-id": "/etc/machine-id"}
    assert [found.path for found in look(tree, tree).shared_identities()] == MACHINE_IDS


def test_what_cannot_be_told_is_no_difference(look: Look) -> None:
    broken = b"not an id\n"
    with pytest.raises(InconclusiveError):
        look({"/etc/machine-id": broken}, {"/etc/machine-id": broken}).shared_identities()
    with pytest.raises(InconclusiveError):
        look({"/etc/nvme/hostid": b"1\n"}, {"/etc/nvme/hostid": 70_000}).shared_identities()
    with pytest.raises(InconclusiveError):
        Twins(a=View(broken="nobody could log in"), b=View()).shared_identities()


def test_what_is_the_same_counts_although_something_else_cannot_be_told(look: Look) -> None:
    tree: Files = {"/etc/machine-id": ID, "/etc/nvme/hostid": 70_000}
    assert [found.path for found in look(tree, tree).shared_identities()] == ["/etc/machine-id"]


@pytest.mark.parametrize("named", ["/opt/agent/id", "/opt/agent/i*"])
def test_a_profile_names_more_identities(look: Look, named: str) -> None:
    twins = look({"/opt/agent/id": b"7\n"}, {"/opt/agent/id": b"7\n"}, [named])
    assert [found.path for found in twins.shared_identities([named])] == ["/opt/agent/id"]
    assert look({"/opt/agent/id": b"7\n"}, {"/opt/agent/id": b"8\n"}, [named]).shared_identities([named]) == []


def test_an_identity_of_a_profile_may_lie_elsewhere_on_each_launch(look: Look) -> None:
    twins = look({"/opt/agent/1/id": b"7\n"}, {"/opt/agent/2/id": b"7\n"}, ["/opt/agent/*/id"])
    assert [found.path for found in twins.shared_identities(["/opt/agent/*/id"])] == ["/opt/agent/1/id"]


def test_a_file_of_the_kernels_has_content_and_no_size(look: Look) -> None:
    twins, redactor = look({}, {}), Redactor()
    same = {"/proc/id": redactor.entry(kernels("/proc/id", "7\n"), Keep.DIGEST)}
    twins = Twins(
        a=replace(twins.a, entries={**twins.a.entries, **same}), b=replace(twins.b, entries={**twins.b.entries, **same})
    )
    assert [found.path for found in twins.shared_identities(["/proc/id"])] == ["/proc/id"]


def test_a_file_that_was_not_asked_for_when_it_was_collected_is_not_known(look: Look) -> None:
    with pytest.raises(InconclusiveError, match="/opt/agent/id was not collected"):
        look({"/opt/agent/id": b"7\n"}, {"/opt/agent/id": b"8\n"}).shared_identities(["/opt/agent/id"])


def test_secrets_that_first_boot_makes_are_random_and_roots_alone(look: Look) -> None:
    twins = look({KEY: b"one"}, {KEY: b"two"}, [KEY])
    assert twins.secret_faults([KEY]) == []


@pytest.mark.parametrize(
    "a,b,details",
    [
        ({KEY: b"one"}, {KEY: b"one"}, ["is the same on two launches"]),
        ({KEY: b"one"}, {}, ["first boot does not make it"]),
        ({KEY: b"one"}, {KEY: b""}, ["is empty"]),
        ({KEY: b"one"}, {KEY + "/sub": b"x"}, ["is no regular file"]),
    ],
)
def test_secrets_that_are_shared_or_missing_are_found(look: Look, a: Files, b: Files, details: list[str]) -> None:
    assert [found.detail for found in look(a, b, [KEY]).secret_faults([KEY])] == details


def test_the_same_secret_under_another_name_is_the_same(look: Look) -> None:
    named = ["/etc/app/*"]
    (found,) = look({"/etc/app/a": b"one"}, {"/etc/app/b": b"one"}, named).secret_faults(named)
    assert found.detail == "is the same on two launches"


def test_secrets_that_others_may_read_are_found(look: Look) -> None:
    (found,) = look({KEY: b"one"}, {KEY: b"two"}, [KEY], mode=0o640).secret_faults([KEY])
    assert (found.detail, found.seen) == ("belongs to user id 0 with mode 0640, not to root with 0600", "B")


def test_secrets_behind_a_link_or_too_large_cannot_be_told(look: Look) -> None:
    with pytest.raises(InconclusiveError, match="link"):
        look({KEY: "/etc/app/real"}, {KEY: "/etc/app/real"}, [KEY]).secret_faults([KEY])
    with pytest.raises(InconclusiveError, match="more of it"):
        look({KEY: 300_000}, {KEY: 300_001}, [KEY]).secret_faults([KEY])


def test_nothing_of_an_identity_or_a_secret_is_kept(look: Look) -> None:
    tree: Files = {"/etc/nvme/hostid": b"SECRET\n", KEY: b"SECRET", "/var/lib/systemd/random-seed": b"SECRET"}
    entries = look(tree, tree, [KEY]).a.entries
    assert set(tree) <= set(entries)
    assert not [path for path, entry in entries.items() if b"SECRET" in (entry.content or b"")]


@pytest.mark.parametrize(
    "name,detail",
    [
        ("golden", "is the same on two launches"),
        ("Localhost.localdomain", "is localhost on two launches: nothing gives the machine a name"),
        ("ip-10-0-0-1.ec2.internal", "is the same on two launches: the name that EC2 gave to an earlier one"),
        ("i-0123456789abcdef0", "is the same on two launches: the name that EC2 gave to an earlier one"),
    ],
)
def test_a_host_name_that_two_launches_have_is_found(look: Look, name: str, detail: str) -> None:
    (found,) = look({}, {}, hosts=(name, name)).shared_identities()
    assert (found.path, found.detail) == (HOST_NAME, detail)


@pytest.mark.parametrize("a,b", [("ip-10-0-0-1", "ip-10-0-0-2"), ("localhost", "golden"), ("(none)", "(none)")])
def test_host_names_that_differ_and_none_are_sound(look: Look, a: str, b: str) -> None:
    assert look({}, {}, hosts=(a, b)).shared_identities() == []


@pytest.mark.parametrize("name", [None, "a\nb", "a" * 65])
def test_a_host_name_that_is_not_seen_is_no_difference(look: Look, name: str | None) -> None:
    with pytest.raises(InconclusiveError):
        look({}, {}, hosts=(name, name)).shared_identities()

"""Two launches, seen as a run sees them: what they must not share, and what cannot be told."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Entry, Evidence, Kind, Launch, Vantage, View, Viewpoint
from amigate.evidence.questions import Needs
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts import identities
from amigate.facts.twins import Twins
from amigate.judge.places import Place
from amigate.judge.process import Judge
from amigate.result import Status, Witness
from amigate.sources.directory import read_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Files = Mapping[str, bytes | int | str]

    Look = Callable[..., Twins]

ID = b"3f0c2f1e5d6b4a79813e2c4d5f6a7b8c\n"
OTHER = b"aaaabbbbccccdddd0000111122223333\n"
KEY = "/etc/app/key.pem"
HOST_NAME = "/proc/sys/kernel/hostname"


def view_of(folder: Path, files: Files, named: Sequence[str], redactor: Redactor, mode: int = 0o600) -> View:
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
    view = read_directory(folder, [identities.NEEDS, needs], redactor=redactor)
    name = Entry(
        path=HOST_NAME, kind=Kind.FILE, mode=0o644, uid=0, gid=0, size=0, mtime_s=0, content=f"{folder}\n".encode()
    )
    entries = {**view.entries, HOST_NAME: redactor.entry(name, Keep.IDENTITY)}
    return replace(view, entries=entries, unseen={path: why for path, why in view.unseen.items() if path != HOST_NAME})


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Return a function that looks at two trees as at two launches."""
    number = itertools.count()

    def seen(a: Files, b: Files, named: Sequence[str] = (), *, mode: int = 0o600) -> Twins:
        redactor, folder = Redactor(), tmp_path / str(next(number))
        return Twins(a=view_of(folder / "a", a, named, redactor), b=view_of(folder / "b", b, named, redactor, mode))

    return seen


@pytest.mark.parametrize(
    "path,a,b",
    [
        ("/etc/machine-id", ID, ID),
        ("/etc/machine-id", ID, ID.upper().strip()),
        ("/var/lib/dbus/machine-id", ID, ID),
        ("/var/lib/systemd/random-seed", b"\x00\xff" * 256, b"\x00\xff" * 256),
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
        ("/var/lib/systemd/random-seed", b"\x00\xff" * 256, b"\xff\x00" * 256),
        ("/etc/iscsi/initiatorname.iscsi", b"# none\nGenerateName=yes\n", b"GenerateName=yes\n"),
    ],
)
def test_none_or_one_of_its_own_is_sound(look: Look, path: str, a: bytes, b: bytes) -> None:
    assert look({path: a}, {path: b}).shared_identities() == []
    assert look({}, {path + ".other": b}).shared_identities() == []


def test_a_link_to_the_same_id_counts_as_that_id(look: Look) -> None:
    tree: Files = {"/etc/machine-id": ID, "/var/lib/dbus/machine-id": "/etc/machine-id"}
    assert [found.path for found in look(tree, tree).shared_identities()] == list(identities.MACHINE_IDS)


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


def test_a_host_name_that_two_launches_have_is_found(look: Look) -> None:
    twins = look({}, {})
    same = replace(twins, b=replace(twins.b, entries=twins.a.entries))
    assert [found.path for found in same.shared_identities()] == [HOST_NAME]


@pytest.mark.parametrize(
    "rule,settings,expected",
    [
        ("boot-identities-unique-per-launch", {}, Status.PASS),
        ("boot-identities-unique-per-launch", {"files": [KEY]}, Status.FAIL),
        ("boot-application-secrets-random", {}, Status.NOT_APPLICABLE),
        ("boot-application-secrets-random", {"files": [KEY]}, Status.FAIL),
        ("boot-application-secrets-random", {"files": ["/etc/app/other.key"]}, Status.INCONCLUSIVE),
    ],
)
def test_the_rules_say_so(look: Look, rule: str, settings: dict[str, list[str]], expected: Status) -> None:
    twins = look({KEY: b"one"}, {KEY: b"one"}, [KEY])
    views = {Viewpoint(launch, 1, Vantage.INSIDE): view for launch, view in ((Launch.A, twins.a), (Launch.B, twins.b))}
    place = Place(Witness.TWIN)
    with Judge({rule: (place,)}, {rule: settings}) as judge:
        decision, _ = judge.judge(Evidence(witnesses=frozenset({Witness.TWIN}), views=views))[rule, place]
    assert decision.status is expected, decision.message

"""A walk leaves out no file of an image, whatever its machine mounts over it; each is read by the name it came by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.root.assemble import assemble
from amigate.disk.witness.files import Files
from amigate.evidence.search import search

from ..root.conftest import DAMAGED, Fake, logical, partition, root  # noqa: TID252 - tests are no package

if TYPE_CHECKING:
    from amigate.disk.root.part import Part

HOME_FSTAB = "UUID=home-uuid /home xfs defaults 0 2\n"


def home(content: bytes = b"shown") -> Fake:
    return Fake({"/bob/key": content}, uuid="home-uuid")


def files_of(fstab: str, *others: Part, **more: bytes | str) -> tuple[Files, Part]:
    """Return the files of an image whose root holds `more`, with `__` for each slash, and that root."""
    first = partition(1, root(fstab, more={f"/{path.replace('__', '/')}": each for path, each in more.items()}))
    parts = [first, *others]
    return Files(assemble(parts), parts), first


def contents(files: Files) -> dict[str, bytes]:
    """Return the content of all files named key, read by the paths that the walk tells."""
    return {path: files.read(path, 99) for path, _ in files.walk() if path.endswith("/key")}


def test_what_a_mount_hides_is_walked_and_read_by_its_volume() -> None:
    files, _ = files_of(HOME_FSTAB, logical("vg/home", home()), home__bob__key=b"hidden", srv__key=b"seen")
    assert contents(files) == {
        "/srv/key": b"seen",
        "/home/bob/key": b"shown",
        "[sda/p1]/home/bob/key": b"hidden",
    }
    assert list(files.damage) == []


def test_a_volume_that_is_mounted_nowhere_is_walked() -> None:
    files, _ = files_of("", partition(2, Fake({"/backup/key": b"apart"})))
    assert contents(files) == {"[sda/p2]/backup/key": b"apart"}
    assert [files.lstat("[sda/p2]/backup").mode, *files.listdir("[sda/p2]/backup")] == [0o40755, "key"]


def test_a_volume_of_which_a_folder_is_mounted_is_walked_as_a_whole() -> None:
    fstab = "UUID=home-uuid /opt xfs X-mount.subdir=bob 0 2\n"
    files, _ = files_of(fstab, partition(2, Fake({"/bob/key": b"shown", "/ann/key": b"not"}, uuid="home-uuid")))
    assert contents(files) == {
        "/opt/key": b"shown",
        "[sda/p2]/bob/key": b"shown",
        "[sda/p2]/ann/key": b"not",
    }


def test_what_is_below_a_place_that_cannot_be_told_is_walked_and_the_place_is_damage() -> None:
    files, _ = files_of("UUID=nobody /srv xfs defaults 0 2\n", srv__key=b"hidden")
    assert contents(files) == {"[sda/p1]/srv/key": b"hidden"}
    (sentence,) = files.damage
    assert sentence == "/srv: /etc/fstab mounts UUID=nobody there, which is none of the volumes read"


def test_a_bind_mount_shows_files_again_and_hides_others() -> None:
    files, _ = files_of("/srv /opt none bind 0 0\n", srv__key=b"shown", opt__key=b"hidden")
    assert contents(files) == {"/srv/key": b"shown", "/opt/key": b"shown", "[sda/p1]/opt/key": b"hidden"}


def test_volumes_of_one_name_are_told_apart() -> None:
    two = (logical("vg/data", Fake({"/key": b"one"})), logical("vg/data", Fake({"/key": b"two"})))
    files, _ = files_of("", *two)
    assert contents(files) == {"[vg/data]/key": b"one", "[vg/data 2]/key": b"two"}
    assert [files.name(part, "/key") for part in two] == ["[vg/data]/key", "[vg/data 2]/key"]


def test_a_file_has_the_name_by_which_the_machine_shows_it_and_a_hidden_one_that_of_its_volume() -> None:
    other = logical("vg/home", home())
    files, first = files_of(HOME_FSTAB, other, home__bob__key=b"hidden", srv__key=b"seen")
    assert files.name(first, "/srv/key") == "/srv/key"
    assert files.name(other, "/bob/key") == "/home/bob/key"
    assert files.name(first, "/home/bob/key") == "[sda/p1]/home/bob/key"


def test_a_file_below_an_unseen_place_has_the_name_of_its_volume() -> None:
    files, first = files_of("UUID=nobody /srv xfs defaults 0 2\n", srv__key=b"hidden")
    assert files.name(first, "/srv/key") == "[sda/p1]/srv/key"


def test_damage_of_every_volume_is_a_gap_of_the_search() -> None:
    damaged = {"/x/key": DAMAGED}
    files, _ = files_of(
        HOME_FSTAB,
        logical("vg/home", Fake(dict(damaged), uuid="home-uuid")),
        partition(3, Fake(dict(damaged))),
        home__old=DAMAGED,
        srv__x=DAMAGED,
    )
    gaps = "\n".join(search(files).gaps)
    for sentence in ("[vg/home]/x/key is damaged", "[sda/p3]/x/key is damaged", "/home/old is damaged", "/srv/x is"):
        assert sentence in gaps

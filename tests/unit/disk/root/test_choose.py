"""Which volume is the root, and when nobody can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import IncompleteError
from amigate.disk.root.choose import choose_root
from amigate.disk.root.devices import Devices
from amigate.disk.root.part import Part
from amigate.disk.volumes.volume import State, Volume

from .conftest import DAMAGED, GPT_ROOT, Fake, logical, partition, root

if TYPE_CHECKING:
    from .conftest import Content


def chosen(*parts: Part) -> str:
    return choose_root(Devices(parts)).volume.name


def test_the_only_file_system_with_etc_and_usr_is_the_root() -> None:
    assert chosen(partition(1, Fake({"/grub/grub.cfg": b""})), partition(2, root())) == "sda/p2"


def test_links_count_as_the_folders_of_a_root() -> None:
    merged = Fake({"/etc/os-release": "-> ../usr/lib/os-release", "/bin": "-> usr/bin"})
    assert chosen(partition(1, merged)) == "sda/p1"


@pytest.mark.parametrize("content", [{"/etc/hosts": b"", "/usr/x": b""}, {"/etc/passwd": b""}, {"/usr/bin/x": b""}, {}])
def test_what_lacks_any_of_it_is_none(content: dict[str, Content]) -> None:
    with pytest.raises(IncompleteError, match="none of the file systems"):
        chosen(partition(1, Fake(content)))


def test_two_roots_that_nothing_tells_apart_are_named() -> None:
    with pytest.raises(IncompleteError, match=r"cannot be told: sda/p1, sda/p2"):
        chosen(partition(1, root()), partition(2, root()))


def test_of_two_roots_the_one_in_fstab_is_it() -> None:
    line = "UUID=b / ext4 defaults 0 1"
    assert chosen(partition(1, root(line, uuid="a")), partition(2, root(line, uuid="b"))) == "sda/p2"


def test_two_roots_that_name_themselves_are_told_by_the_boot_loader_alone() -> None:
    one, two = root("UUID=a / ext4", uuid="a"), root("UUID=b / ext4", uuid="b")
    with pytest.raises(IncompleteError, match=r"several .* by /etc/fstab: sda/p1, sda/p2"):
        chosen(partition(1, one), partition(2, two))
    boot = Fake({"/grub2/grub.cfg": b"  linux /vmlinuz root=UUID=a ro\n#  linux /old root=UUID=b\n"})
    assert chosen(partition(1, one), partition(2, two), partition(3, boot)) == "sda/p1"


def test_a_boot_loader_that_names_both_decides_nothing() -> None:
    both = {"/boot/loader/entries/a.conf": b"options root=UUID=a", "/boot/grub/grub.cfg": b"linux root=UUID=b"}
    one, two = root(uuid="a", more=both), root(uuid="b")
    with pytest.raises(IncompleteError, match="by the boot loader"):
        chosen(partition(1, one), partition(2, two, type=GPT_ROOT))


def test_the_type_of_a_partition_names_a_root() -> None:
    assert chosen(partition(1, root()), partition(2, root(), type=GPT_ROOT)) == "sda/p2"


def test_claims_that_disagree_decide_nothing() -> None:
    with pytest.raises(IncompleteError, match=r"/etc/fstab and their type name different roots: sda/p1, sda/p2"):
        chosen(partition(1, root("UUID=a /", uuid="a")), partition(2, root(), type=GPT_ROOT))


@pytest.mark.parametrize("state", [State.UNSUPPORTED, State.INCOMPLETE, State.READABLE])
def test_a_volume_that_is_not_read_might_be_the_root(state: State) -> None:
    other = partition(2, state=state, kind="btrfs")
    with pytest.raises(IncompleteError, match=r"sda/p1; what is in sda/p2 is not known"):
        chosen(partition(1, root()), other)
    assert chosen(partition(1, root("UUID=root-uuid / ext4")), other) == "sda/p1"


def test_what_is_exempt_is_no_root() -> None:
    assert chosen(partition(1, root()), partition(2, state=State.EXEMPT, kind="swap")) == "sda/p1"


def test_a_rescue_system_beside_an_encrypted_root_is_not_taken_for_it() -> None:
    rescue = root("/dev/mapper/vg-root / ext4")
    with pytest.raises(IncompleteError, match="the root is vg/root, which cannot be read as one"):
        chosen(partition(1, rescue), logical("vg/root"))


def test_a_candidate_that_cannot_be_looked_at_is_not_passed_over() -> None:
    with pytest.raises(IncompleteError, match=r"sda/p1; what is in sda/p2 is not known"):
        chosen(partition(1, root()), partition(2, Fake({"/etc": DAMAGED})))


def test_a_boot_loader_configuration_of_a_candidate_that_cannot_be_read_decides_nothing() -> None:
    with pytest.raises(IncompleteError, match="what it names as root cannot be read"):
        chosen(partition(1, root("UUID=root-uuid /", more={"/boot": DAMAGED})))


def test_a_name_that_two_volumes_have_names_both() -> None:
    one, two = root("LABEL=x /", uuid="a"), root("LABEL=x /", uuid="b")
    one.label = two.label = "x"
    with pytest.raises(IncompleteError, match="several"):
        chosen(partition(1, one), partition(2, two))


def test_a_whole_disk_may_be_the_root() -> None:
    whole = Part(volume=Volume(name="sda", kind="xfs", state=State.READABLE), reader=root("/dev/xvda / ext4"))
    assert chosen(whole) == "sda"

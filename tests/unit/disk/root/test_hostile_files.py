"""Whatever an image writes into the files that say what is mounted, there is a tree or IncompleteError."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from amigate.disk.blocks import IncompleteError
from amigate.disk.root import boot_config
from amigate.disk.root.assemble import assemble

from .conftest import Fake, partition, root

FIELD = st.one_of(
    st.sampled_from(
        rb"""
        / /home /home/bob /etc /etc/../x /l /l/l // none swap UUID=home-uuid UUID= LABEL= /dev/sda2 /dev/mapper/a-b
        \057 \040 /dev/disk/by-label/\x2f xfs vfat tmpfs none bind rbind nofail noauto X-mount.subdir=bob
        X-mount.subdir=/../.. X-mount.subdir=
        """.split()
    ),
    st.binary(max_size=8),
)
LINES = st.lists(st.lists(FIELD, max_size=6).map(b" ".join), max_size=8).map(b"\n".join)


@settings(deadline=None, max_examples=300)
@given(fstab=LINES, unit=LINES, boot=st.binary(max_size=80))
def test_there_is_a_tree_or_it_is_incomplete(fstab: bytes, unit: bytes, boot: bytes) -> None:
    there = root(
        more={
            "/etc/fstab": fstab,
            "/l": "-> l",
            "/etc/systemd/system/a.wants/x.mount": b"[Mount]\nWhat=" + unit.replace(b"\n", b"\nWhere=/"),
            "/boot/grub/grub.cfg": b"root=" + boot,
        }
    )
    home = Fake({"/bob/key": b"secret"}, uuid="home-uuid")
    try:
        tree = assemble([partition(1, there), partition(2, home)])
    except IncompleteError:
        return
    for place in tree.unseen:
        with suppress(IncompleteError):
            list(tree.hidden(place.at))
    paths = [found.path for found in tree.walk()]
    assert all(path.startswith("/") and not path.startswith("//") for path in paths)
    assert any(found.part.volume.name == "sda/p2" for found in tree.walk()) or home in [
        each.reader for each in tree.apart
    ]


@given(st.binary(max_size=300))
def test_configuration_of_boot_loaders_names_roots_or_none(text: bytes) -> None:
    for name in boot_config.roots(Fake({"/grub/grub.cfg": b"linux root=UUID=" + text})):
        assert name.startswith("UUID=")

"""The command line of one virtual machine."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from amigate.sandbox.images import archive
from amigate.sandbox.machines import quarters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from amigate.sandbox.machines.accelerator import Accelerator
    from amigate.sandbox.machines.spec import Disk, Spec

NETWORK = "168.0.0.0/5"
"""Holds the VPC's addresses and 169.254.169.254."""
_HOST, _DNS = "172.31.255.254", "172.31.255.253"
OWN_ADDRESSES = (_HOST, _DNS)
"""Addresses that no guest can have."""
_CPUS = 2


def command(spec: Spec, accelerator: Accelerator, *, python: str, backings: Mapping[str, Path]) -> list[str]:
    """QEMU with EC2's SMBIOS, NVMe disks, a serial console into a file and a closed network.

    It starts in the machine's folder. `backings` is what a volume is an overlay over, by its id; `python` runs the
    relay. The seccomp sandbox lets QEMU spawn and call setsid (which elevateprivileges=deny forbids): the relay to the
    metadata service is a child process for each connection, as a guestfwd to a socket would mix them up."""
    return [
        *("qemu-system-x86_64", "-name", spec.instance_id, "-nodefaults", "-no-user-config", "-display", "none"),
        *("-sandbox", "on,obsolete=deny,spawn=allow,resourcecontrol=deny"),
        *("-machine", "pc", *accelerator.options, "-m", str(spec.memory_mib), "-smp", str(_CPUS)),
        *("-chardev", f"file,id=console,path={quarters.CONSOLE},append=on", "-serial", "chardev:console"),
        *("-qmp", f"unix:{quarters.QMP},server=on,wait=off"),
        *_smbios(spec),
        *_network(spec, python),
        *("-object", "rng-random,id=random,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=random"),
        *_disks(spec, backings),
    ]


def _disks(spec: Spec, backings: Mapping[str, Path]) -> Iterable[str]:
    """Yield an NVMe drive for each volume; the machine boots from the first."""
    for number, disk in enumerate(spec.disks):
        name, backing = f"disk{number}", _backing(disk, backings.get(disk.volume_id))
        file = f"file={escape(disk.file_name)},format=qcow2{backing}"
        yield from ("-drive", f"{file},if=none,id={name},cache=unsafe,discard=unmap")
        yield from ("-device", f"nvme,drive={name},serial={disk.serial},bootindex={number}")


def _backing(disk: Disk, kept: Path | None) -> str:
    """Name what a disk is an overlay over: in the same folder, if it is there, whatever the file itself says.

    QEMU may have no way through the folders above its own."""
    if kept is None:
        return ""
    place = kept.name if kept.name.startswith(f"{disk.volume_id}.") else kept
    return f",backing.driver=qcow2,backing.file.driver=file,backing.file.filename={escape(place)}"


def escape(value: object) -> str:
    """Return a value inside a QEMU option, where a comma is written twice."""
    return str(value).replace(",", ",,")


def _network(spec: Spec, python: str) -> Iterable[str]:
    """One user network that holds the VPC's addresses, the metadata service and the archive; nothing leads out.

    Only port 22 leads in, from the instance's own loopback address."""
    # Python would look for a script under its absolute path, where the account cannot go.
    run = f'exec(open("{quarters.RELAY}").read())'
    relays = {
        address: " ".join(map(_quote, (python, "-I", "-S", "-c", run, str(socket))))
        for address, socket in (("169.254.169.254", quarters.IMDS), (archive.ADDRESS, quarters.ARCHIVE))
    }
    options = (
        *("user", "id=net", f"net={NETWORK}", f"dhcpstart={escape(spec.private_ip)}", f"host={_HOST}", f"dns={_DNS}"),
        "restrict=on",
        f"hostfwd=tcp:{escape(spec.public_ip)}:{spec.ssh_port}-{escape(spec.private_ip)}:22",
        *(f"guestfwd=tcp:{address}:80-cmd:{escape(relay)}" for address, relay in relays.items()),
    )
    return "-netdev", ",".join(options), "-device", f"virtio-net-pci,netdev=net,mac={escape(spec.mac)},romfile="


def _quote(part: str) -> str:
    """For g_shell_parse_argv, which reads the relay's command line."""
    return "'" + part.replace("'", "'\\''") + "'"


def _smbios(spec: Spec) -> Iterable[str]:
    """Yield what makes cloud-init take the machine for EC2: a UUID that starts with ec2 and equals the serial."""
    digits = "ec2" + secrets.token_hex(16)[3:]
    uuid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    maker, asset = "manufacturer=Amazon EC2", f"asset={spec.instance_id}"
    for entry in (
        "type=0,vendor=Amazon EC2,version=1.0",
        f"type=1,{maker},product={escape(spec.instance_type)},serial={uuid},uuid={uuid}",
        f"type=2,{maker},{asset}",
        f"type=3,{maker},{asset}",
    ):
        yield from ("-smbios", entry)

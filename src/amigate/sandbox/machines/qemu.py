"""The command line of one virtual machine."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING

from amigate.sandbox.machines import relay

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from amigate.sandbox.machines.accelerator import Accelerator
    from amigate.sandbox.machines.spec import Spec

_CPUS = 2


def command(spec: Spec, folder: Path, accelerator: Accelerator) -> list[str]:
    """QEMU with EC2's SMBIOS, an NVMe root disk, a serial console into a file and a closed network.

    The seccomp sandbox lets QEMU spawn and call setsid (which elevateprivileges=deny forbids): the relay to the
    metadata service is a child process for each connection, as a guestfwd to a socket would mix them up."""
    return [
        *("qemu-system-x86_64", "-name", spec.instance_id, "-nodefaults", "-no-user-config", "-display", "none"),
        *("-sandbox", "on,obsolete=deny,spawn=allow,resourcecontrol=deny"),
        *("-machine", "pc", *accelerator.options, "-m", str(spec.memory_mib), "-smp", str(_CPUS)),
        *("-chardev", f"file,id=console,path={escape(folder / 'console')},append=on", "-serial", "chardev:console"),
        *("-qmp", f"unix:{escape(folder / 'qmp')},server=on,wait=off"),
        *_smbios(spec),
        *_network(spec, folder),
        *("-object", "rng-random,id=random,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=random"),
        *_disks(spec, folder),
    ]


def _disks(spec: Spec, folder: Path) -> Iterable[str]:
    """Yield an NVMe drive for each volume; the machine boots from the first."""
    for number, disk in enumerate(spec.disks):
        file, name = escape(folder / disk.file_name), f"disk{number}"
        yield from ("-drive", f"file={file},if=none,id={name},format=qcow2,cache=unsafe,discard=unmap")
        yield from ("-device", f"nvme,drive={name},serial={disk.serial},bootindex={number}")


def escape(value: object) -> str:
    """Return a value inside a QEMU option, where a comma is written twice."""
    return str(value).replace(",", ",,")


def _network(spec: Spec, folder: Path) -> Iterable[str]:
    """One user network that holds both the VPC's addresses and 169.254.169.254; nothing leads out.

    Only port 22 leads in, from the instance's own loopback address."""
    shell_safe = [_quote(part) for part in (sys.executable, "-I", "-S", relay.__file__, str(folder / "imds"))]
    options = (
        *(
            "user",
            "id=net",
            "net=168.0.0.0/5",
            f"dhcpstart={spec.private_ip}",
            "host=172.31.255.254",
            "dns=172.31.255.253",
        ),
        *("restrict=on", f"hostfwd=tcp:{spec.public_ip}:{spec.ssh_port}-{spec.private_ip}:22"),
        f"guestfwd=tcp:169.254.169.254:80-cmd:{escape(' '.join(shell_safe))}",
    )
    return "-netdev", ",".join(options), "-device", f"virtio-net-pci,netdev=net,mac={spec.mac},romfile="


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

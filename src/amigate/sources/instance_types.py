"""Which instance types boot an image, the smallest current one first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

X86 = frozenset({"x86_64"})
X86_AND_32 = frozenset({"x86_64", "i386"})
ARM = frozenset({"arm64"})


@dataclass(frozen=True, kw_only=True)
class InstanceType:
    """What decides whether a type boots an image, as DescribeInstanceTypes has it."""

    name: str
    architectures: frozenset[str] = X86
    nitro: bool = True
    """Nitro wants ENA, and has UEFI and NitroTPM; Xen knows BIOS alone."""
    paravirtual: bool = False
    instance_store: bool = False
    """Boots an image whose root is an instance store: C1, C3, D2, I2, M1, M2, M3, R3 and X1 only.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/RootDeviceStorage.html"""

    @property
    def family(self) -> str:
        """What stands before the dot."""
        return family_of(self.name)


def _xen(name: str, architectures: frozenset[str] = X86, *, old: bool = False, store: bool = False) -> InstanceType:
    """Return a type before Nitro; `old` ones are paravirtual too, and boot from an instance store."""
    return InstanceType(
        name=name, architectures=architectures, nitro=False, paravirtual=old, instance_store=old or store
    )


TYPES = (
    *(InstanceType(name=n) for n in ("t3.micro", "t3a.micro", "t3.small", "m7i-flex.large", "m6i.large", "m5.large")),
    *(InstanceType(name=n, architectures=ARM) for n in ("t4g.micro", "t4g.small", "m7g.medium", "m6g.medium")),
    _xen("t2.micro", X86_AND_32),
    _xen("t2.small", X86_AND_32),
    _xen("m4.large"),
    _xen("c4.large"),
    _xen("m3.medium", old=True),
    _xen("c3.large", X86_AND_32, old=True),
    _xen("m1.small", X86_AND_32, old=True),
    _xen("r3.large", store=True),
    _xen("i2.xlarge", store=True),
    _xen("d2.xlarge", store=True),
)
"""In the order in which they are tried. The tests compare this with what EC2 says of each."""
MOST = 7
"""More kinds of machine than this are not tried for one launch."""


def instance_types(image: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the types that can boot `image` (an Image of DescribeImages) in the order to try them.

    Empty for an image that no listed type boots: macOS wants a dedicated host, UEFI does not exist on Xen."""
    fitting = [each for each in TYPES if _boots(each, image)]
    if not image.get("EnaSupport"):  # Nitro would refuse it; where there is nothing else, EC2 has the word
        fitting = [each for each in fitting if not each.nitro] or fitting
    return tuple(each.name for each in fitting[:MOST])


def family_of(instance_type: str) -> str:
    """Return `t3` of `t3.micro`."""
    return instance_type.partition(".")[0]


def _boots(kind: InstanceType, image: Mapping[str, Any]) -> bool:
    if image.get("Architecture", "x86_64") not in kind.architectures:
        return False
    if image.get("VirtualizationType") == "paravirtual" and not kind.paravirtual:
        return False
    if image.get("RootDeviceType") == "instance-store" and not kind.instance_store:
        return False
    needs_nitro = image.get("BootMode") == "uefi" or bool(image.get("TpmSupport"))
    return kind.nitro or not needs_nitro

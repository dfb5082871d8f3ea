"""Where in the network a launch puts its instances, and whether that address can be had."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import EC2ClientError

from amigate.sandbox.api import errors
from amigate.sandbox.machines import qemu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from moto.ec2.models import EC2Backend
    from moto.ec2.models.subnets import Subnet


@dataclass(frozen=True, kw_only=True)
class Network:
    """What one request says of the network."""

    backend: EC2Backend
    subnet_id: str | None
    """None for the default subnet."""
    zone: str
    address: str | None
    interfaces: Sequence[dict[str, Any]]
    count: int

    def check(self) -> None:
        """Refuse a network in which the first interface of each instance would have no address of its own."""
        if self.interfaces and self.address:
            message = (
                "Network interfaces and an instance-level private address may not be specified on the same request"
            )
            raise errors.bad_combination(message)
        self._check_interfaces()
        first = next((one for one in self.interfaces if int(one["DeviceIndex"]) == 0), {})
        if first.get("NetworkInterfaceId"):
            self._check_existing(first["NetworkInterfaceId"])
        else:
            self._check_new(self._subnet(first.get("SubnetId") or self.subnet_id), self.address or _primary(first))

    def _check_interfaces(self) -> None:
        """Refuse interfaces that have not each a place of its own, the first at 0."""
        indices = [one.get("DeviceIndex") for one in self.interfaces]
        if None in indices:
            raise errors.missing("deviceIndex")
        if self.interfaces and (len(set(indices)) < len(indices) or 0 not in {int(str(one)) for one in indices}):
            raise errors.bad_value("Each network interface needs a device index of its own, the first of them 0")
        for one in self.interfaces:
            if one.get("NetworkInterfaceId"):
                self._check_free(one["NetworkInterfaceId"])
            elif one.get("SubnetId"):
                self.backend.get_subnet(one["SubnetId"])

    def _check_free(self, interface_id: str) -> None:
        if self.count > 1:
            raise errors.bad_combination("A network interface ID may not be specified when launching several instances")
        if self.backend.get_network_interface(interface_id).instance is not None:
            raise EC2ClientError("InvalidNetworkInterface.InUse", f"Interface: [{interface_id}] in use.")

    def _check_existing(self, interface_id: str) -> None:
        interface = self.backend.get_network_interface(interface_id)
        check_address(interface.subnet, interface.private_ip_address)

    def _check_new(self, subnet: Subnet, address: str | None) -> None:
        _check_subnet(subnet)
        if address is None:
            return
        if self.count > 1:
            raise errors.bad_combination("A private address may not be specified when launching several instances")
        check_address(subnet, address)
        if address in {one.private_ip_address for one in self.backend.enis.values() if one.subnet is subnet}:
            raise EC2ClientError("InvalidIPAddress.InUse", f"Address {address} is in use.")

    def _subnet(self, subnet_id: str | None) -> Subnet:
        if subnet_id:
            return self.backend.get_subnet(subnet_id)
        subnets = self.backend.get_default_subnets()
        if self.zone not in subnets:
            raise errors.bad_value(f"Invalid availability zone: [{self.zone}]")
        return subnets[self.zone]


def _primary(interface: dict[str, Any]) -> str | None:
    """Return the address that a request gives an interface."""
    listed = [one.get("PrivateIpAddress") for one in interface.get("PrivateIpAddresses", []) if one.get("Primary")]
    return interface.get("PrivateIpAddress") or next(iter(listed), None)


def check_address(subnet: Subnet, address: str | None) -> str:
    """Return an address of a subnet as it is written; moto's model holds whatever a request gave."""
    _check_subnet(subnet)
    try:
        found = IPv4Address(address)
    except ValueError as error:
        raise errors.bad_value(f"Value ({address}) for parameter address is invalid. Not an IPv4 address.") from error
    if found not in subnet.cidr:
        raise errors.bad_value(f"Address {found} does not fall within the subnet's address range")
    if found in {*(subnet.cidr[number] for number in range(4)), subnet.cidr.broadcast_address}:
        raise errors.bad_value(f"Address {found} is in subnet's reserved address range")
    if str(found) in qemu.OWN_ADDRESSES:
        raise errors.unsupported(f"the network itself has {found} here")
    return str(found)


def _check_subnet(subnet: Subnet) -> None:
    """Refuse a subnet that the one network of all machines does not hold."""
    if not isinstance(subnet.cidr, IPv4Network) or not subnet.cidr.subnet_of(IPv4Network(qemu.NETWORK)):
        raise errors.unsupported(f"subnets lie within {qemu.NETWORK} here; {subnet.id} is {subnet.cidr}")

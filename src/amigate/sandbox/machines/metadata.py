"""The tree of instance metadata that a guest can read.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from amigate.sandbox.machines.spec import Spec

Node = dict[str, "Node"] | str
VERSIONS = ("1.0", "2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23", "2021-07-15", "latest")


def tree(spec: Spec) -> dict[str, Node]:
    """Metadata and dynamic data of an instance."""
    document = {
        "accountId": spec.account_id,
        "architecture": "x86_64",
        "availabilityZone": spec.zone,
        "imageId": spec.image_id,
        "instanceId": spec.instance_id,
        "instanceType": spec.instance_type,
        "privateIp": spec.private_ip,
        "region": spec.region,
        "version": "2017-09-30",
    }
    identity: dict[str, Node] = {"document": json.dumps(document, indent=2)}
    return {"dynamic": {"instance-identity": identity}, "meta-data": _meta_data(spec)}


def find(node: Node, path: str) -> Node | None:
    """Return the node at a path, None if there is none; `0=name` is found as `0`."""
    for name in filter(None, path.split("/")):
        children = {key.partition("=")[0]: child for key, child in node.items()} if isinstance(node, dict) else {}
        if name not in children:
            return None
        node = children[name]
    return node


def render(node: Node) -> str:
    """Return a value as it is; a folder as a listing, with a slash after folders, except the public keys.

    cloud-init goes by the `0=name` that EC2 lists those with: a plain folder holds no key for it."""
    if isinstance(node, str):
        return node
    return "\n".join(
        f"{name}/" if isinstance(child, dict) and "=" not in name else name for name, child in node.items()
    )


def _meta_data(spec: Spec) -> dict[str, Node]:
    found: dict[str, Node] = {
        "ami-id": spec.image_id,
        "ami-launch-index": str(spec.launch_index),
        "ami-manifest-path": "(unknown)",
        "block-device-mapping": _devices(spec),
        "hostname": spec.private_dns,
        "instance-action": "none",
        "instance-id": spec.instance_id,
        "instance-life-cycle": "on-demand",
        "instance-type": spec.instance_type,
        "local-hostname": spec.private_dns,
        "local-ipv4": spec.private_ip,
        "mac": spec.mac,
        "network": {"interfaces": {"macs": {spec.mac: _interface(spec)}}},
        "placement": {"availability-zone": spec.zone, "region": spec.region},
        "profile": "default-hvm",
        "public-hostname": "",
        "public-ipv4": spec.public_ip,
        "reservation-id": spec.reservation_id,
        "security-groups": "\n".join(spec.security_groups),
        "services": {"domain": "amazonaws.com", "partition": "aws"},
    }
    if spec.key_name:
        found["public-keys"] = {f"0={spec.key_name}": {"openssh-key": f"{spec.public_key}\n"}}
    return found


def _devices(spec: Spec) -> dict[str, Node]:
    root, *others = (disk.device for disk in spec.disks)
    further = {f"ebs{number}": device.removeprefix("/dev/") for number, device in enumerate(others, 1)}
    return {"ami": root, **further, "root": root}


def _interface(spec: Spec) -> dict[str, Node]:
    return {
        "device-number": "0",
        "interface-id": spec.interface_id,
        "local-hostname": spec.private_dns,
        "local-ipv4s": spec.private_ip,
        "mac": spec.mac,
        "owner-id": spec.account_id,
        "public-ipv4s": spec.public_ip,
        "security-groups": "\n".join(spec.security_groups),
        "subnet-ipv4-cidr-block": "172.31.0.0/20",
        "vpc-ipv4-cidr-block": "172.31.0.0/16",
    }

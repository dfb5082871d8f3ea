"""What an AMI is made of and who may launch it, from EC2's descriptions alone: as JSON, and for a terminal.

Name, description and tags are the owner's words, so everything is escaped on its way to a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from amigate.evidence.model import LAUNCH_PERMISSION
from amigate.report.escape import printable
from amigate.report.links import details_link, launch_link

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from amigate.evidence.model import Ec2Descriptions
    from amigate.result import Target

SCHEMA = "amigate/inspect/1"
EVERYBODY = "group all"


def anatomy(target: Target, ec2: Ec2Descriptions) -> dict[str, Any]:
    """Return the anatomy as JSON's types; keys are stable under their schema, null is what EC2 does not tell."""
    image = ec2.image
    return {
        "schema": SCHEMA,
        "id": target.id,
        "name": image.get("Name"),
        "description": image.get("Description") or None,
        "region": target.region,
        "partition": target.partition,
        "endpoint": target.endpoint or None,
        "sandbox": target.sandbox,
        "owner": {"account": image.get("OwnerId"), "alias": image.get("ImageOwnerAlias"), "you": ec2.caller},
        "state": image.get("State"),
        "platform": image.get("PlatformDetails") or image.get("Platform"),
        "usage_operation": image.get("UsageOperation"),
        "architecture": image.get("Architecture"),
        "virtualization": image.get("VirtualizationType"),
        "hypervisor": image.get("Hypervisor"),
        "boot_mode": image.get("BootMode"),
        "ena": image.get("EnaSupport"),
        "sriov": image.get("SriovNetSupport"),
        "tpm": image.get("TpmSupport"),
        "imds": image.get("ImdsSupport"),
        "kernel": image.get("KernelId"),
        "root": {"type": image.get("RootDeviceType"), "device": image.get("RootDeviceName")},
        "mappings": [_mapping(each, ec2) for each in image.get("BlockDeviceMappings", [])],
        "permissions": _permissions(ec2),
        "product_codes": [str(code.get("ProductCodeId")) for code in image.get("ProductCodes", [])],
        "created": image.get("CreationDate"),
        "deprecated": image.get("DeprecationTime"),
        "last_launched": image.get("LastLaunchedTime"),
        "deregistration_protection": image.get("DeregistrationProtection"),
        "source": {
            "image": image.get("SourceImageId"),
            "region": image.get("SourceImageRegion"),
            "instance": image.get("SourceInstanceId"),
        },
        "tags": {str(tag["Key"]): str(tag["Value"]) for tag in image.get("Tags", [])},
        "console": {
            "path": f"EC2 > Images > AMIs > {_list(ec2)} > {target.id}",
            "link": details_link(target.partition, target.region, target.id) or None,
        },
        "launch_link": launch_link(target.partition, target.region, target.id) or None,
    }


def as_json(found: Mapping[str, Any]) -> str:
    """Return the anatomy as a JSON document, in ASCII."""
    return json.dumps(found, indent=2, default=str) + "\n"


def as_text(found: Mapping[str, Any]) -> str:
    """Return the anatomy as lines for a terminal."""
    lines = ["SANDBOX: this image exists on this machine only."] if found["sandbox"] else []
    lines += [f"{label:<26}{value}" for label, value in _rows(found)]
    lines += ["Block device mappings", *(f"  {_disk(each)}" for each in found["mappings"] or [None])]
    return "".join(f"{printable(line)}\n" for line in lines)


def _mapping(mapping: Mapping[str, Any], ec2: Ec2Descriptions) -> dict[str, Any]:
    ebs = mapping.get("Ebs", {})
    id_ = ebs.get("SnapshotId")
    snapshot = next((each for each in ec2.snapshots if each.get("SnapshotId") == id_), {}) if id_ else {}
    encrypted = ebs.get("Encrypted", snapshot.get("Encrypted"))
    return {
        "device": mapping.get("DeviceName"),
        "kind": "ebs" if "Ebs" in mapping else "ephemeral" if mapping.get("VirtualName") else "none",
        "virtual_name": mapping.get("VirtualName"),
        "snapshot": id_,
        "snapshot_unseen": ec2.unseen.get(id_) if id_ else None,
        "size_gib": ebs.get("VolumeSize", snapshot.get("VolumeSize")),
        "volume_type": ebs.get("VolumeType"),
        "iops": ebs.get("Iops"),
        "throughput": ebs.get("Throughput"),
        "encrypted": encrypted,
        "kms_key": ebs.get("KmsKeyId") or snapshot.get("KmsKeyId"),
        "delete_on_termination": ebs.get("DeleteOnTermination"),
    }


def _permissions(ec2: Ec2Descriptions) -> dict[str, Any]:
    """Say of which kind the launch permission is; https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/AMIs.html.

    The widest kind counts: everybody, an organization or its units, accounts that are named, the owner alone."""
    granted = ec2.permissions
    holders = None if granted is None else sorted(_holder(each) for each in granted)
    if ec2.image.get("Public") or EVERYBODY in (holders or ()):
        kind = "public"
    elif holders is None:
        kind = "unknown"
    elif any(holder.startswith("arn:") for holder in holders):
        kind = "organization"
    else:
        kind = "explicit" if holders else "implicit"
    unseen = ec2.unseen.get(LAUNCH_PERMISSION, "it was not asked for") if holders is None else None
    return {"kind": kind, "with": holders, "unseen": unseen}


def _holder(permission: Mapping[str, str]) -> str:
    return f"group {permission['Group']}" if "Group" in permission else ", ".join(permission.values())


def _list(ec2: Ec2Descriptions) -> str:
    """Return the list of the console that shows the image."""
    if ec2.image.get("OwnerId") == ec2.caller:
        return "Owned by me"
    return "Public images" if ec2.image.get("Public") else "Private images"


def _rows(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    owner, root, source, console = (found[name] for name in ("owner", "root", "source", "console"))
    alias = f" ({owner['alias']})" if owner["alias"] else ""
    yours = ", which is you" if owner["account"] == owner["you"] else ""
    yield "AMI", str(found["id"])
    yield "Name", _told(found["name"])
    yield "Description", _told(found["description"], "none")
    yield "Region", str(found["region"])
    yield "Owner", f"{_told(owner['account'])}{alias}{yours}"
    yield "State", _told(found["state"])
    yield "Operating system", _told(found["platform"])
    yield "Architecture", _told(found["architecture"])
    yield "Root device", f"{_told(root['type'])}, {_told(root['device'])}"
    yield "Virtualization", _told(found["virtualization"])
    yield "Boot mode", _told(found["boot_mode"], "not set: the instance type's own")
    yield "ENA, SR-IOV, TPM", ", ".join(_told(found[name], "no") for name in ("ena", "sriov", "tpm"))
    yield "IMDS", _told(found["imds"], "not set: v1 allowed unless the account says otherwise")
    yield "Launch permission", _who(found["permissions"])
    yield "Product codes", ", ".join(found["product_codes"]) or "none"
    yield "Created", _told(found["created"])
    yield "Deprecated from", _told(found["deprecated"], "not set")
    yield "Deregistration protection", _told(found["deregistration_protection"], "not set")
    yield "Made from", ", ".join(str(each) for each in source.values() if each) or "not told"
    yield "Console", str(console["path"])
    yield "", str(console["link"] or "no console is known for this partition")
    if found["launch_link"]:
        yield "Launch link", str(found["launch_link"])


def _who(permissions: Mapping[str, Any]) -> str:
    meaning = {
        "public": "public: every AWS account",
        "organization": "organization",
        "explicit": "explicit",
        "implicit": "implicit: the owner alone",
        "unknown": "not known",
    }[permissions["kind"]]
    if permissions["unseen"]:
        return f"{meaning}; {permissions['unseen']}"
    named = [holder for holder in permissions["with"] if holder != EVERYBODY]
    if not named:
        return meaning
    return f"{meaning}{', and by name' if permissions['kind'] == 'public' else ''}: {', '.join(named)}"


def _disk(mapping: Mapping[str, Any] | None) -> str:
    """Return one mapping in a line."""
    if mapping is None:
        return "none"
    if mapping["kind"] != "ebs":
        return f"{_told(mapping['device'])}  {mapping['virtual_name'] or 'no device'}"
    key = f" with {mapping['kms_key']}" if mapping["kms_key"] else ""
    encrypted = {True: f"encrypted{key}", False: "not encrypted"}.get(mapping["encrypted"], "encryption not told")
    after = {True: "goes with the instance", False: "outlives the instance"}.get(mapping["delete_on_termination"], "")
    parts = [
        _told(mapping["snapshot"], "no snapshot"),
        f"{_told(mapping['size_gib'])} GiB",
        _told(mapping["volume_type"]),
        encrypted,
        after,
        f"snapshot not seen: {mapping['snapshot_unseen']}" if mapping["snapshot_unseen"] else "",
    ]
    return f"{_told(mapping['device'])}  " + ", ".join(part for part in parts if part)


def _told(value: object, missing: str = "not told") -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return missing if value in {None, ""} else str(value)

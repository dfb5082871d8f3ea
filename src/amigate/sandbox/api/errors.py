"""Errors as EC2 words them: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends

from amigate.sandbox.settings import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Callable

_HEX = re.compile(r"[0-9a-f]{8}|[0-9a-f]{17}")


def check_id(value: str, prefix: str, error: Callable[[str], EC2ClientError]) -> None:
    """Refuse what has not the shape of an id of that kind."""
    kind, _, digits = value.partition("-")
    if kind != prefix or not _HEX.fullmatch(digits):
        raise error(value)


def check_region(name: str) -> None:
    """Refuse a region that AWS has not."""
    if name not in ec2_backends[ACCOUNT_ID]:
        raise EC2ClientError("AuthFailure", f"Credential should be scoped to a valid region, not '{name}'.")


def image_malformed(image_id: str) -> EC2ClientError:
    """Refuse what has not the shape of an AMI id."""
    return EC2ClientError("InvalidAMIID.Malformed", f'Invalid id: "{image_id}" (expecting "ami-...")')


def image_not_found(*image_ids: str) -> EC2ClientError:
    """Refuse: no such image, or none that the caller may see."""
    listed = ", ".join(image_ids)
    subject = f"image id '[{listed}]' does" if len(image_ids) == 1 else f"image ids '[{listed}]' do"
    return EC2ClientError("InvalidAMIID.NotFound", f"The {subject} not exist")


def image_unavailable(image_id: str) -> EC2ClientError:
    """Refuse an image that is not ready to launch."""
    return EC2ClientError("InvalidAMIID.Unavailable", f"The image ID '{image_id}' is not available")


def not_owner(image_id: str) -> EC2ClientError:
    """Refuse an image that others share."""
    return EC2ClientError("AuthFailure", f"Not authorized for image:{image_id}")


def image_name_taken(name: str, image_id: str) -> EC2ClientError:
    """Refuse a second image of one name in an account."""
    return EC2ClientError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {image_id}")


def image_name_malformed() -> EC2ClientError:
    """Refuse a name that no image can have."""
    message = "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, "
    return EC2ClientError("InvalidAMIName.Malformed", f"{message}'(', ')', '.', '-', '/' and '_'")


def bad_attribute_item(value: str, kind: str) -> EC2ClientError:
    """Refuse somebody that a permission cannot name."""
    message = f'Invalid attribute item value "{value}" for {kind} item type.'
    return EC2ClientError("InvalidAMIAttributeItemValue", message)


def not_permitted(message: str) -> EC2ClientError:
    """Refuse what a setting of the account or the resource forbids."""
    return EC2ClientError("OperationNotPermitted", message)


def bad_mapping(message: str) -> EC2ClientError:
    """Refuse an entry of a block device mapping."""
    return EC2ClientError("InvalidBlockDeviceMapping", message)


def bad_combination(message: str) -> EC2ClientError:
    """Refuse parameters that do not go together."""
    return EC2ClientError("InvalidParameterCombination", message)


def needs(parameter: str, other: str) -> EC2ClientError:
    """Refuse a parameter that needs another one."""
    message = f"The parameter {parameter} requires the parameter {other} to be set."
    return EC2ClientError("InvalidParameterDependency", message)


def missing(parameter: str) -> EC2ClientError:
    """Refuse a request that lacks something."""
    return EC2ClientError("MissingParameter", f"The request must contain the parameter {parameter}")


def invalid_request(message: str) -> EC2ClientError:
    """Refuse what EC2 calls an invalid request."""
    return EC2ClientError("InvalidRequest", message)


def bad_token() -> EC2ClientError:
    """Refuse a page that nobody was told of."""
    return EC2ClientError("InvalidNextToken", "The specified NextToken is not valid.")


def token_reused() -> EC2ClientError:
    """Refuse another request with the same client token."""
    message = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."
    return EC2ClientError("IdempotentParameterMismatch", message)


def key_not_found(name: str) -> EC2ClientError:
    """Refuse: no key pair of that name."""
    return EC2ClientError("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")


def group_not_found(group: str) -> EC2ClientError:
    """Refuse: no security group of that id or name."""
    return EC2ClientError("InvalidGroup.NotFound", f"The security group '{group}' does not exist")


def group_in_use(group_id: str) -> EC2ClientError:
    """Refuse a security group that an instance still has."""
    return EC2ClientError("DependencyViolation", f"resource {group_id} has a dependent object")


def snapshot_not_found(snapshot_id: str) -> EC2ClientError:
    """Refuse: no such snapshot, or none that the caller may see."""
    return EC2ClientError("InvalidSnapshot.NotFound", f"The snapshot '{snapshot_id}' does not exist.")


def snapshot_malformed(snapshot_id: str) -> EC2ClientError:
    """Refuse what has not the shape of a snapshot id."""
    message = f"Value ({snapshot_id}) for parameter snapshotId is invalid. Expected: 'snap-...'."
    return EC2ClientError("InvalidSnapshotID.Malformed", message)


def not_snapshot_owner(snapshot_id: str) -> EC2ClientError:
    """Refuse a snapshot that others share."""
    return EC2ClientError("AuthFailure", f"Not authorized for snapshot:{snapshot_id}")


def instance_malformed(instance_id: str) -> EC2ClientError:
    """Refuse what has not the shape of an instance id."""
    return EC2ClientError("InvalidInstanceID.Malformed", f'Invalid id: "{instance_id}"')


def volume_malformed(volume_id: str) -> EC2ClientError:
    """Refuse what has not the shape of a volume id."""
    message = f"Value ({volume_id}) for parameter volumeId is invalid. Expected: 'vol-...'."
    return EC2ClientError("InvalidParameterValue", message)


def volume_not_found(volume_id: str) -> EC2ClientError:
    """Refuse: no such volume."""
    return EC2ClientError("InvalidVolume.NotFound", f"The volume '{volume_id}' does not exist.")


def volume_in_use(volume_id: str, instance_id: str) -> EC2ClientError:
    """Refuse to delete a volume that an instance has."""
    return EC2ClientError("VolumeInUse", f"Volume {volume_id} is currently attached to {instance_id}")


def wrong_volume_state(message: str) -> EC2ClientError:
    """Refuse a volume that is in no state for this."""
    return EC2ClientError("IncorrectState", message)


def wrong_snapshot_state(snapshot_id: str) -> EC2ClientError:
    """Refuse a snapshot that is not complete."""
    return EC2ClientError("IncorrectState", f"The snapshot '{snapshot_id}' is not 'completed'")


def snapshot_in_use(snapshot_id: str, image_id: str) -> EC2ClientError:
    """Refuse what an image is still made of."""
    return EC2ClientError("InvalidSnapshot.InUse", f"The snapshot {snapshot_id} is currently in use by {image_id}")


def wrong_state(instance_id: str, state: str, wanted: str) -> EC2ClientError:
    """Refuse an instance that is in no state for this."""
    return EC2ClientError(
        "IncorrectInstanceState", f"The instance '{instance_id}' is in state '{state}', not in '{wanted}'"
    )


def no_capacity(error: Exception) -> EC2ClientError:
    """Refuse: there is no machine to be had."""
    return EC2ClientError("InsufficientInstanceCapacity", f"SANDBOX: {error}")


def bad_value(message: str) -> EC2ClientError:
    """Refuse a parameter that EC2 would refuse."""
    return EC2ClientError("InvalidParameterValue", message)


def unsupported(message: str) -> EC2ClientError:
    """Refuse what EC2 can and the sandbox cannot."""
    return EC2ClientError("UnsupportedOperation", f"SANDBOX: {message}")


def unsupported_by_ec2(message: str) -> EC2ClientError:
    """Refuse what EC2 itself refuses everybody."""
    return EC2ClientError("UnsupportedOperation", message)


def protected(instance_id: str, done: str, attribute: str) -> EC2ClientError:
    """Refuse what an attribute of the instance forbids."""
    message = f"The instance '{instance_id}' may not be {done}. "
    return not_permitted(f"{message}Modify its '{attribute}' instance attribute and try again.")

"""Errors as EC2 words them: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""

from __future__ import annotations

from moto.ec2.exceptions import EC2ClientError


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


def snapshot_in_use(snapshot_id: str, image_id: str) -> EC2ClientError:
    """Refuse what an image is still made of."""
    return EC2ClientError("InvalidSnapshot.InUse", f"The snapshot {snapshot_id} is currently in use by {image_id}")


def wrong_state(instance_id: str, state: str, wanted: str) -> EC2ClientError:
    """Refuse an instance that is in no state for this."""
    return EC2ClientError(
        "IncorrectInstanceState", f"The instance '{instance_id}' is in state '{state}', not in '{wanted}'"
    )


def bad_value(message: str) -> EC2ClientError:
    """Refuse a parameter that EC2 would refuse."""
    return EC2ClientError("InvalidParameterValue", message)


def unsupported(message: str) -> EC2ClientError:
    """Refuse what EC2 can and the sandbox cannot."""
    return EC2ClientError("UnsupportedOperation", f"SANDBOX: {message}")

"""The EC2 of the sandbox: moto's, with the actions that need a real machine or a real disk replaced."""

from __future__ import annotations

from amigate.sandbox.api.describing import ImageDescriptions
from amigate.sandbox.api.dry_run import DryRun
from amigate.sandbox.api.encryption import Encryption
from amigate.sandbox.api.fleets import Fleets
from amigate.sandbox.api.groups import SecurityGroups
from amigate.sandbox.api.image_attributes import ImageAttributes
from amigate.sandbox.api.imaging import Imaging
from amigate.sandbox.api.instance_attributes import InstanceAttributes
from amigate.sandbox.api.instances import Instances
from amigate.sandbox.api.launching import Launching
from amigate.sandbox.api.lifecycle import Lifecycle
from amigate.sandbox.api.origins import Origins
from amigate.sandbox.api.registering import Registering
from amigate.sandbox.api.snapshot_attributes import SnapshotAttributes
from amigate.sandbox.api.snapshots import Snapshots


class Ec2(
    DryRun,
    Launching,
    Fleets,
    Instances,
    InstanceAttributes,
    ImageDescriptions,
    ImageAttributes,
    Imaging,
    Registering,
    Lifecycle,
    Origins,
    Snapshots,
    SnapshotAttributes,
    Encryption,
    SecurityGroups,
):
    """Answers one EC2 request."""

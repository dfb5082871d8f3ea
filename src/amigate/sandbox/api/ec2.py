"""The EC2 of the sandbox: moto's, with the actions that need a real machine or a real disk replaced."""

from __future__ import annotations

from amigate.sandbox.api.dry_run import DryRun
from amigate.sandbox.api.groups import SecurityGroups
from amigate.sandbox.api.images import Images
from amigate.sandbox.api.instances import Instances
from amigate.sandbox.api.launching import Launching
from amigate.sandbox.api.snapshots import Snapshots


class Ec2(DryRun, Launching, Instances, Images, Snapshots, SecurityGroups):
    """Answers one EC2 request."""

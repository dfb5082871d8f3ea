"""What is installed."""

from amigate import check
from amigate.check import Settings, inconclusive, not_applicable
from amigate.facts.ami import Ami
from amigate.facts.packages import Packages


@check(
    "package-ami-tools-current",
    severity="medium",
    guideline="aws-shared-ami/update-ami-tools",
    source="https://github.com/awsdocs/amazon-ec2-user-guide",
    evidence=["instance"],
    remedy="packages",
    applies_when="the AMI is instance-store backed or the AMI tools are installed",
    names=["aws-amitools-ec2", "ec2-ami-tools"],
    at_least="1.5.19",
)
def test_ami_tools_current(packages: Packages, ami: Ami, rule_settings: Settings) -> None:
    """The AMI tools are current.

    They bundle instance-store images and have no part in others; AWS dropped the advice with the last
    instance-store guides. 1.5.19 is the last version that AWS published."""
    installed = packages.named(rule_settings["names"])
    if not installed and ami.root_device_type == "ebs":
        not_applicable("the image is EBS-backed and has no AMI tools")
    if not installed:
        inconclusive("the image is not known to be EBS-backed, and no package of the AMI tools is known here")
    assert not packages.older_than(rule_settings["names"], rule_settings["at_least"])

"""Trying a call as a dry run, and what EC2's answer says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import ClientError

from amigate.errors import AmigateError
from amigate.sources.aws_errors import DENIED, aws_errors, code_of

if TYPE_CHECKING:
    from amigate.doctor.probes import Probe
    from amigate.sources.aws import Aws

ALLOWED = "DryRunOperation"
OURS = re.compile(r"on resource: \S+:(?:security-group|key-pair)/")
"""A denial about these says nothing: the policy of docs/iam allows a launch with those of a run alone."""


class Allowed(StrEnum):
    """Whether a call is allowed."""

    YES = "yes"
    NO = "no"
    UNTOLD = "untold"
    """Its policy may allow it for what a run makes; there is nothing here to try it on."""
    UNCLEAR = "unclear"
    """EC2 gave another answer, or none."""
    CARRIED_OUT = "carried out"
    """It was no dry run: this endpoint does not know them."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What came of trying a call."""

    probe: Probe
    allowed: Allowed
    why: str = ""
    """The error, where it is neither YES nor CARRIED_OUT; of the latter, what stays and how to remove it."""


def tried(aws: Aws, probe: Probe) -> Trial:
    """Try a call; what an endpoint without dry runs makes of it is removed where that can be."""
    call: Any = getattr(aws.ec2, xform_name(probe.action))
    try:
        with aws_errors(f"try {probe.action}"):
            call(**probe.parameters, DryRun=True)
    except AmigateError as error:
        return Trial(probe=probe, allowed=_said(error, probe), why=str(error))
    return Trial(probe=probe, allowed=Allowed.CARRIED_OUT, why=_undo(aws, probe))


def _said(error: AmigateError, probe: Probe) -> Allowed:
    code = code_of(error)
    if code == ALLOWED:
        return Allowed.YES
    if code in DENIED:
        text = str(error.__cause__)
        conditional = probe.tagged or (probe.action == "RunInstances" and OURS.search(text))
        return Allowed.UNTOLD if conditional and "explicit deny" not in text else Allowed.NO
    if probe.tagged and isinstance(error.__cause__, ClientError) and "NotFound" in code:
        return Allowed.UNTOLD
    return Allowed.UNCLEAR


def _undo(aws: Aws, probe: Probe) -> str:
    """Remove what a call has made; return what is left, with the command that removes it."""
    if probe.action != "ImportKeyPair":
        return ""
    name = probe.parameters["KeyName"]
    try:
        with aws_errors("delete a key pair"):
            aws.ec2.delete_key_pair(KeyName=name)
    except AmigateError:
        return f"the key pair {name} is left: aws ec2 delete-key-pair --key-name {name} --region {aws.region}"
    return ""

"""The keys of all accounts and regions, in moto's model, and who may use them."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING

from moto.kms.models import kms_backends
from moto.utilities.utils import get_partition

from amigate.sandbox.api.kms_policy import Answer, callers, evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from moto.kms.models import Key

MANAGED_ALIAS = "alias/aws/ebs"
"""AWS's own key for EBS, one for each account and region; no other account can use it."""
_ARN = re.compile(r"arn:[a-z-]+:kms:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):(key/)?(?P<name>.+)")
_VIA_EC2 = ("Encrypt", "Decrypt", "ReEncrypt*", "GenerateDataKey*", "CreateGrant", "DescribeKey")


@contextlib.contextmanager
def fresh() -> Iterator[None]:
    """Provide no keys at the start, and leave none."""
    kms_backends.reset()
    try:
        yield
    finally:
        kms_backends.reset()


def find(key_id: str, *, account: str, region: str) -> Key | None:
    """Return a key by id, alias or ARN, as an account names it; None if there is none in the region."""
    if arn := _ARN.fullmatch(key_id):
        if arn["region"] != region:
            return None
        account, key_id = arn["account"], arn["name"]
    if key_id == MANAGED_ALIAS:
        return managed(account, region)
    keys = kms_backends[account][region].keys
    if key_id.startswith("alias/"):
        return next((key for key in keys.values() if key_id in key.aliases), None)
    return keys.get(key_id)


def managed(account: str, region: str) -> Key:
    """Return AWS's own key for EBS of an account, which is made when it is first asked for."""
    key = kms_backends[account][region].describe_key(MANAGED_ALIAS)
    key.key_manager = "AWS"
    key.description = "Default key that protects my EBS volumes when no other key is defined"
    key.policy = json.dumps(_managed_policy(account, region))
    return key


def allows(key: Key | str, account: str, action: str, *, via: str = "") -> Answer:
    """Say whether an account may do something with a key (kms:Decrypt, kms:CreateGrant…), by its policy and grants.

    `key` may be an ARN; a key that does not exist allows nothing. `via` names the service that does it for the
    account (ec2.eu-west-1.amazonaws.com), which policies may ask for. The key's state is another matter: `enabled`."""
    found = _by_arn(key) if isinstance(key, str) else key
    if found is None:
        return Answer.NO
    grants = {
        operation
        for grant in found.grants.values()
        if grant.grantee_principal in callers(account)
        for operation in grant.operations
    }
    return evaluate(str(found.policy), account=account, action=action, via=via, grants=grants)


def via_ec2(region: str) -> str:
    """Return how a key policy calls EC2 and EBS."""
    return f"ec2.{region}.amazonaws.com"


def _by_arn(arn: str) -> Key | None:
    parts = _ARN.fullmatch(arn)
    return find(arn, account=parts["account"], region=parts["region"]) if parts else None


def _managed_policy(account: str, region: str) -> dict[str, object]:
    used = {
        "Sid": "Allow access through EBS for all principals in the account that are authorized to use EBS",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"kms:{action}" for action in _VIA_EC2],
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:CallerAccount": account, "kms:ViaService": via_ec2(region)}},
    }
    looked_at = {
        "Sid": "Allow direct access to key metadata to the account",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{get_partition(region)}:iam::{account}:root"},
        "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Id": "auto-ebs-2", "Statement": [used, looked_at]}

"""Keys of volumes and snapshots, and encryption by default. Disks here are plain files; the flags and keys are kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from moto.core.responses import ActionResult
from moto.kms.models import kms_backends

from amigate.sandbox.api import errors
from amigate.sandbox.api.base import CloudResponse

if TYPE_CHECKING:
    from moto.ec2.models import EC2Backend
    from moto.kms.models import Key

MANAGED_ALIAS = "alias/aws/ebs"
_ARN_PARTS = 6
_ACCOUNT = re.compile(r"[0-9]{12}")


def default_key(backend: EC2Backend) -> str:
    """Return the ARN of the key that an account encrypts with when it names none."""
    return str(backend.default_kms_key_id or _managed(backend.account_id, backend.region_name).arn)


def find_key(backend: EC2Backend, key_id: str) -> str | None:
    """Return the ARN of a key that is named by id, alias or ARN, of any account; None if there is no such key."""
    parts = key_id.split(":", _ARN_PARTS - 1)
    account_id, name = backend.account_id, key_id
    if len(parts) == _ARN_PARTS:
        region, account_id, name = parts[3], parts[4], parts[5].removeprefix("key/")
        if region != backend.region_name or not account_id.isdecimal():
            return None
    if name == MANAGED_ALIAS:
        return str(_managed(account_id, backend.region_name).arn)
    keys = kms_backends[account_id][backend.region_name]
    key_name = keys.get_key_id_from_alias(name) if name.startswith("alias/") else name
    key = keys.keys.get(key_name or "")
    return None if key is None else str(key.arn)


def is_managed(arn: str | None) -> bool:
    """Whether that is AWS's own key for EBS, which nobody else can be allowed to use."""
    parts = (arn or "").split(":", _ARN_PARTS - 1)
    if len(parts) != _ARN_PARTS or not _ACCOUNT.fullmatch(parts[4]) or parts[3] not in kms_backends[parts[4]]:
        return False  # a key that is not there, as it was written
    region, account_id, name = parts[3:]
    key = kms_backends[account_id][region].keys.get(name.removeprefix("key/"))
    return key is not None and MANAGED_ALIAS in key.aliases


def _managed(account_id: str, region: str) -> Key:
    key = kms_backends[account_id][region].describe_key(MANAGED_ALIAS)
    key.key_manager = "AWS"
    return key


class Encryption(CloudResponse):
    """Encryption by default, and its key."""

    def enable_ebs_encryption_by_default(self) -> ActionResult:
        """Let everything new be encrypted."""
        self.error_on_dryrun()
        self.backend.ebs_encryption_by_default = True
        return ActionResult({"EbsEncryptionByDefault": True})

    def disable_ebs_encryption_by_default(self) -> ActionResult:
        """Let new things be encrypted when asked only."""
        self.error_on_dryrun()
        self.backend.ebs_encryption_by_default = False
        return ActionResult({"EbsEncryptionByDefault": False})

    def get_ebs_default_kms_key_id(self) -> ActionResult:
        """Return the key that is used when nobody names one."""
        self.error_on_dryrun()
        return ActionResult({"KmsKeyId": self.backend.default_kms_key_id or MANAGED_ALIAS})

    def modify_ebs_default_kms_key_id(self) -> ActionResult:
        """Choose that key."""
        arn = find_key(self.backend, self.required("KmsKeyId"))
        if arn is None:
            raise errors.bad_value(f"The KMS key '{self.required('KmsKeyId')}' does not exist")
        self.error_on_dryrun()
        self.backend.default_kms_key_id = arn
        return ActionResult({"KmsKeyId": arn})

    def reset_ebs_default_kms_key_id(self) -> ActionResult:
        """Go back to AWS's own key."""
        self.error_on_dryrun()
        self.backend.default_kms_key_id = ""
        return ActionResult({"KmsKeyId": MANAGED_ALIAS})

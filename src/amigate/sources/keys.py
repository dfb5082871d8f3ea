"""What KMS says of the keys of snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amigate.sources.clients import Service

if TYPE_CHECKING:
    from amigate.sources.aws import Aws

_KEPT = ("Arn", "KeyManager", "KeyState", "DeletionDate", "MultiRegion")
_OF_GRANTS = ("GranteePrincipal", "GranteeServicePrincipal", "Operations", "Constraints")


def described(aws: Aws, key: str) -> dict[str, Any]:
    """Return the KeyMetadata of a key, by its ARN."""
    metadata = Service.of(aws, "kms").ask("describe_key", f"describe the key {key}", KeyId=key)["KeyMetadata"]
    return {name: metadata[name] for name in _KEPT if name in metadata}


def policy(aws: Aws, key: str) -> dict[str, Any]:
    """Return the policy of a key, as the text that it is, and its grants."""
    kms = Service.of(aws, "kms")
    text = kms.ask("get_key_policy", f"read the policy of the key {key}", KeyId=key, PolicyName="default")
    grants = kms.pages(
        "list_grants", f"list the grants of the key {key}", "Grants", token=("NextMarker", "Marker"), most=50, KeyId=key
    )
    kept = [{name: grant[name] for name in _OF_GRANTS if name in grant} for grant in grants]
    return {"Policy": text["Policy"], "Grants": kept}

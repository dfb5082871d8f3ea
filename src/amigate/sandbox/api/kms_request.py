"""A KMS request: which key it is about, whether the policy allows it, and whether the key's state does."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import JsonRESTError
from moto.core.utils import camelcase_to_underscores, get_service_model
from moto.kms.models import KmsBackend, kms_backends
from moto.kms.responses import KmsResponse

from amigate.sandbox.api import kms_keys
from amigate.sandbox.api.kms_policy import Answer

if TYPE_CHECKING:
    from moto.kms.models import Key

    from amigate.sandbox.cloud import Cloud

USES = frozenset(
    {"CreateGrant", "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GetPublicKey"}
    | {"Sign", "Verify"}
)
"""What needs an enabled key."""
_ON_A_KEY = USES | {
    "CancelKeyDeletion",
    "DescribeKey",
    "DisableKey",
    "EnableKey",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "ListGrants",
    "ListKeyPolicies",
    "ListResourceTags",
    "PutKeyPolicy",
    "RevokeGrant",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateKeyDescription",
}
ACTIONS = _ON_A_KEY | {"CreateAlias", "CreateKey", "DeleteAlias", "ListAliases", "ListKeys", "UpdateAlias"}
"""What there is; the rest of KMS is refused."""
_OWN_ONLY = frozenset({"CancelKeyDeletion", "DisableKey", "EnableKey", "ScheduleKeyDeletion", "UpdateKeyDescription"})


class KmsRequest(KmsResponse):
    """What the actions stand on."""

    use_raw_body = True
    """Bytes that are no text are answered here, not by moto's reader."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self.cloud = cloud
        self.given: dict[str, Any] = {}
        self._key: Key | None = None

    def get_current_account(self) -> str:
        """Return the account of the access key."""
        environ = self.normalized_request.environ
        return str(environ.get("amigate.account") or self.cloud.settings.account_id)

    def get_region_from_url(self, request: Any, full_url: str) -> str:  # noqa: ARG002 - moto's signature
        """Return the region of the credential scope."""
        return str(request.headers["Authorization"].split("/")[2])

    def call_action(self) -> Any:
        """Carry an action out if its key is there, its policy allows it and its state does."""
        try:
            self._prepare(self._get_action())
        except JsonRESTError as refusal:
            setattr(self, camelcase_to_underscores(self._get_action()), lambda refusal=refusal: _raise(refusal))
        return super().call_action()

    def _prepare(self, action: str) -> None:
        self.given = _read(self.body)
        _require_all(self.given, action)
        for name in ("KeyId", "TargetKeyId"):
            if named := self.given.get(name):
                self._key = self._found(str(named), action)
                if not str(named).startswith("alias/"):
                    self.given[name] = self._key.id
        if action == "Decrypt" and self._key is None:
            self._key = kms_keys.find(_key_of(self._get_param("CiphertextBlob")), **self.place)
        if self._key is not None:
            _require_permission(self._key, self.current_account, action)
            _require_state(self._key, action)

    def _found(self, named: str, action: str) -> Key:
        key = kms_keys.find(named, **self.place)
        if key is None:
            thing = "Alias" if "alias/" in named else "Key"
            raise error("NotFoundException", f"{thing} '{self._display_arn(named)}' does not exist")
        is_alias = named.startswith("alias/") or ":alias/" in named
        if is_alias and action not in {*USES, "DescribeKey"} - {"CreateGrant"}:
            raise error("NotFoundException", f"Invalid keyId {named}")
        if action in _OWN_ONLY and key.account_id != self.current_account:
            raise error("AccessDeniedException", f"A key of another account cannot be changed by {action}")
        return key

    @property
    def place(self) -> dict[str, str]:
        """Return account and region of the caller."""
        return {"account": self.current_account, "region": self.region}

    @property
    def kms_backend(self) -> KmsBackend:
        """Return the model of the account whose key is asked for."""
        account = self._key.account_id if self._key else self.current_account
        found: KmsBackend = kms_backends[account][self.region]
        return found

    def _get_param(self, param_name: str, if_none: Any = None) -> Any:
        """Return a parameter, bytes where KMS has bytes."""
        value = self.given.get(param_name, if_none)
        if param_name in {"Plaintext", "CiphertextBlob", "Message", "Signature"} and isinstance(value, str):
            try:
                return base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError) as broken:
                raise error("SerializationException", f"{param_name} is not base64") from broken
        return value

    def required_key(self) -> Key:
        """Return the key that the request must name."""
        if self._key is None:
            raise error("ValidationException", "KeyId is missing")
        return self._key


def _read(body: Any) -> dict[str, Any]:
    try:
        found = json.loads(body or "{}")
    except (ValueError, RecursionError) as broken:
        raise error("SerializationException", "The request is not JSON") from broken
    if not isinstance(found, dict):
        raise error("SerializationException", "The request is not a JSON object")
    return found


def _require_all(given: dict[str, Any], action: str) -> None:
    """Refuse a request that lacks what KMS's model says it must have."""
    shape = get_service_model("kms").operation_model(action).input_shape
    for name in shape.required_members if shape else []:
        if not given.get(name):
            field = name[0].lower() + name[1:]
            raise error("ValidationException", f"1 validation error detected: Value at '{field}' must not be null")


def _require_permission(key: Key, account: str, action: str) -> None:
    match kms_keys.allows(key, account, f"kms:{action}"):
        case Answer.NO:
            message = f"The caller is not authorized to perform kms:{action} on {key.arn}: its policy does not allow it"
            raise error("AccessDeniedException", message)
        case Answer.UNKNOWN:
            message = f"SANDBOX: the policy of {key.arn} asks for what is not known here, such as an organization"
            raise error("AccessDeniedException", message)


def _require_state(key: Key, action: str) -> None:
    if key.key_state == "Enabled":
        return
    if action in USES and key.key_state == "Disabled":
        raise error("DisabledException", f"{key.arn} is disabled.")
    pending = key.key_state == "PendingDeletion"
    if pending and action in {*USES, "EnableKey", "DisableKey", "ScheduleKeyDeletion", "CreateAlias", "UpdateAlias"}:
        raise error("KMSInvalidStateException", f"{key.arn} is pending deletion.")


def _key_of(ciphertext: Any) -> str:
    """Return the key that moto's ciphertext names in its first bytes."""
    return ciphertext[:36].decode(errors="replace") if isinstance(ciphertext, bytes) else ""


def error(code: str, message: str) -> JsonRESTError:
    """Return an error in KMS's shape."""
    return JsonRESTError(code, message)


def _raise(refusal: Exception) -> None:
    raise refusal

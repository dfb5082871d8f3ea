"""KMS: moto's keys, with policies and states that count, keys of other accounts, and signatures of digests."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from amigate.sandbox.api import kms_keys, kms_signing
from amigate.sandbox.api.kms_policy import Answer, evaluate
from amigate.sandbox.api.kms_request import ACTIONS, KmsRequest, error

if TYPE_CHECKING:
    from moto.kms.models import Key

__all__ = ["ACTIONS", "Kms"]
_LONGEST_POLICY = 32 * 1024


class Kms(KmsRequest):
    """Answers one KMS request."""

    def create_key(self) -> str:
        """Make a key with the policy given, else with one that lets its account do everything."""
        self._check_policy()
        self.given.setdefault("KeyUsage", "ENCRYPT_DECRYPT")
        return str(super().create_key())

    def put_key_policy(self) -> str:
        """Replace a key's policy."""
        self._check_policy()
        self.given.setdefault("PolicyName", "default")
        return str(super().put_key_policy())

    def get_key_policy(self) -> str:
        """Return a key's policy."""
        self.given.setdefault("PolicyName", "default")
        answer = json.loads(super().get_key_policy())
        return json.dumps({**answer, "PolicyName": "default"})

    def _check_policy(self) -> None:
        """Refuse a policy that is none, or that would lock the caller out."""
        policy = self._get_param("Policy")
        if policy is None and self._get_action() == "CreateKey":
            return
        try:
            statements = json.loads(str(policy))["Statement"]
        except (ValueError, LookupError, TypeError, RecursionError) as broken:
            raise error("MalformedPolicyDocumentException", "The policy is not a policy document") from broken
        if not isinstance(statements, (list, dict)) or len(str(policy)) > _LONGEST_POLICY:
            raise error("MalformedPolicyDocumentException", "The policy has no statements, or is too long")
        if not self._get_param("BypassPolicyLockoutSafetyCheck") and not self._keeps_caller(str(policy)):
            message = "The new key policy will not allow you to update the key policy in the future."
            raise error("MalformedPolicyDocumentException", message)

    def _keeps_caller(self, policy: str) -> bool:
        answer = evaluate(policy, account=self.current_account, action="kms:PutKeyPolicy")
        return answer is not Answer.NO

    def list_keys(self) -> str:
        """Return the account's keys."""
        keys = [{"KeyArn": key.arn, "KeyId": key.id} for key in self.kms_backend.list_keys()]
        return json.dumps({"Keys": keys, "Truncated": False})

    def list_aliases(self) -> str:
        """Return aliases; of AWS's own keys, the one for EBS."""
        managed = kms_keys.managed(**self.place)
        answer = json.loads(super().list_aliases())
        known = {key.id for key in self.kms_backend.list_keys()} | {managed.id}
        return json.dumps({"Truncated": False, "Aliases": [a for a in answer["Aliases"] if a["TargetKeyId"] in known]})

    def create_grant(self) -> str:
        """Let somebody else use a key."""
        self.given.setdefault("Constraints", {})
        if not self._get_param("Operations") or not self._get_param("GranteePrincipal"):
            raise error("ValidationException", "A grant has a grantee and operations")
        return str(super().create_grant())

    def cancel_key_deletion(self) -> str:
        """Keep a key that was to be deleted, disabled."""
        super().cancel_key_deletion()
        return json.dumps({"KeyId": self.required_key().arn})

    def schedule_key_deletion(self) -> str:
        """Let a key go after a while; nobody can use it from now on."""
        days = self._get_param("PendingWindowInDays", 30)
        if not isinstance(days, int) or not 7 <= days <= 30:  # noqa: PLR2004 - KMS's own limits
            raise error("ValidationException", "PendingWindowInDays must be from 7 to 30")
        answer = json.loads(super().schedule_key_deletion())
        key = self.required_key()
        return json.dumps({**answer, "KeyId": key.arn, "KeyState": key.key_state, "PendingWindowInDays": days})

    def get_public_key(self) -> str:
        """Return the public half."""
        key = self.required_key()
        answer = json.loads(super().get_public_key())
        return json.dumps({**answer, "KeyId": key.arn, "KeySpec": key.key_spec})

    def sign(self) -> str:
        """Sign a message, or a digest that the caller made of one."""
        key, digest, algorithm = self._signing()
        signature = base64.b64encode(kms_signing.sign(_private(key), digest, algorithm)).decode()
        return json.dumps({"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": algorithm})

    def verify(self) -> str:
        """Say that a signature is right; KMSInvalidSignatureException when it is not."""
        key, digest, algorithm = self._signing()
        if not kms_signing.verify(_private(key), digest, algorithm, self._get_param("Signature", b"")):
            raise error("KMSInvalidSignatureException", "")
        return json.dumps({"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": algorithm})

    def _signing(self) -> tuple[Key, bytes, str]:
        """Return key, digest and algorithm of a request that makes sense."""
        key, algorithm = self.required_key(), str(self._get_param("SigningAlgorithm"))
        message = self._get_param("Message", b"")
        if key.key_usage != "SIGN_VERIFY" or algorithm not in key.signing_algorithms:
            raise error("InvalidKeyUsageException", f"{key.arn} does not sign with {algorithm}")
        if self._get_param("MessageType", "RAW") != "DIGEST":
            if not 1 <= len(message) <= 4096:  # noqa: PLR2004 - KMS's own limit
                raise error("ValidationException", "A message to sign has from 1 to 4096 bytes")
            return key, kms_signing.digest_of(message, algorithm), algorithm
        if not kms_signing.fits(message, algorithm):
            raise error("ValidationException", f"Digest is invalid length for algorithm {algorithm}.")
        return key, message, algorithm


def _private(key: Key) -> Any:
    """Return the private half as cryptography has it."""
    half: Any = key.private_key
    return half.private_key

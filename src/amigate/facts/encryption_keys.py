"""The keys under which the snapshots of an image are encrypted, and who may use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.check import Ask, InconclusiveError, NotApplicableError
from amigate.facts.ami import Ami, descriptions
from amigate.facts.key_policy import KeyPolicy, Receiver, Told
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import Ec2Descriptions, Evidence

NEEDED = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""What EBS does with the key for whoever launches or copies the image.

https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html"""
_REGION = 3
_ARN_PARTS = 6


@dataclass(frozen=True, kw_only=True)
class EncryptionKeys:
    """The encrypted snapshots, and what KMS says of their keys."""

    ami: Ami
    region: str
    keys: dict[str, str]
    """Snapshot to the ARN of its key; empty where EC2 does not say."""
    ec2: Ec2Descriptions

    @classmethod
    def read(cls, evidence: Evidence) -> EncryptionKeys:
        """Read the answers; raises NotApplicableError without an encrypted snapshot, InconclusiveError if not seen."""
        ec2, ami = descriptions(evidence), Ami.read(evidence)
        if not ami.encrypted_snapshots():
            raise NotApplicableError("no snapshot of the image is encrypted")
        known = {str(each.get("SnapshotId", "")): str(each.get("KmsKeyId", "")) for each in ec2.snapshots}
        return cls(
            ami=ami,
            region=evidence.target.region if evidence.target else "",
            keys={snapshot: known.get(snapshot, "") for snapshot in ami.encrypted},
            ec2=ec2,
        )

    def unfit(self) -> list[Finding]:
        """Find keys that no other account can be allowed to use; raises InconclusiveError where it cannot be told."""
        found: list[Finding] = []
        unseen = self._unseen()
        for key in self._named():
            try:
                found += self._faults(key)
            except InconclusiveError as error:
                unseen = unseen or str(error)
        if unseen and not found:
            raise InconclusiveError(unseen)
        return found

    def shut_out(self) -> list[Finding]:
        """Find receivers whom neither the policy nor a grant of a key lets use it.

        Raises NotApplicableError where nobody is named, InconclusiveError where it cannot be told."""
        receivers = [who for who in sorted(self.ami.receivers) if who != "all"]
        if not receivers:
            raise NotApplicableError("nobody is named with whom the image is to be shared")
        found: list[Finding] = []
        unsure = self._unseen()
        for key in self._named():
            for who in receivers:
                try:
                    found += self._refused(key, who)
                except InconclusiveError as error:
                    unsure = unsure or str(error)
        if unsure and not found:
            raise InconclusiveError(unsure)
        return found

    def _named(self) -> list[str]:
        return sorted({key for key in self.keys.values() if key})

    def _unseen(self) -> str:
        """Say why some key is not known; empty where all are."""
        without = [snapshot for snapshot, key in self.keys.items() if not key]
        if without:
            return f"EC2 does not say under which key {without[0]} is encrypted"
        return self.ami.unseen_snapshots[0] if self.ami.unseen_snapshots else ""

    def _faults(self, key: str) -> list[Finding]:
        place = key.split(":")
        if not self.region or len(place) != _ARN_PARTS:
            raise InconclusiveError(f"it cannot be told in which region {key} is")
        if place[_REGION] != self.region:
            return [Finding(subject=key, detail=f"it is a key of {place[_REGION]}, and the image is in {self.region}")]
        metadata = self.ec2.answer(Ask.KEYS, key)
        manager, state = metadata.get("KeyManager"), metadata.get("KeyState")
        if not manager or not state:
            raise InconclusiveError(f"KMS does not say who manages {key}, or what state it is in")
        found = []
        if manager != "CUSTOMER":
            found.append(Finding(subject=key, detail="AWS manages it: no other account can be allowed to use it"))
        if state != "Enabled":
            found.append(Finding(subject=key, detail=f"it is not enabled: its state is {state}"))
        return found

    def _refused(self, key: str, who: str) -> list[Finding]:
        receiver = Receiver.parse(who)
        if receiver is None:
            raise InconclusiveError(f"{who} is neither an account nor the ARN of an organization or unit")
        answer = self.ec2.answer(Ask.KEY_POLICIES, key)
        policy = KeyPolicy.parse(key, self.region, str(answer.get("Policy", "")), answer.get("Grants") or ())
        if policy is None or not self.region:
            raise InconclusiveError(f"the policy of {key} cannot be read")
        told = {action: policy.lets(receiver, action) for action in NEEDED}
        if refused := [action for action, answer in told.items() if answer is Told.NO]:
            return [Finding(subject=key, detail=f"its policy does not let {who} do {', '.join(refused)}")]
        if unsure := [action for action, answer in told.items() if answer is Told.UNKNOWN]:
            raise InconclusiveError(
                f"whether {key} lets {who} do {', '.join(unsure)} hangs on a condition or on single principals"
            )
        return []

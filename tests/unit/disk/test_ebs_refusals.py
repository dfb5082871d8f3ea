"""Snapshots that may not be read: the error says why, and what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from amigate.disk.blocks import IncompleteError
from amigate.disk.ebs import Ebs
from amigate.disk.ebs_client import ebs_client
from amigate.errors import AwsError
from amigate.sandbox.api import kms_keys
from amigate.sandbox.fault import DENIED, THROTTLED, Error
from amigate.sources.aws import Aws

if TYPE_CHECKING:
    from tests.unit.disk.conftest import Bed

BLOCK = 1 << 19
WRITTEN = [*range(0, 40, 2), *range(100, 300)]
REGION = "us-east-1"


def test_a_snapshot_that_is_not_there_or_not_completed(bed: Bed) -> None:
    with pytest.raises(AwsError, match="it is not there, or belongs to an account") as missing:
        Ebs(bed.client, "snap-0123456789abcdef0")
    assert "the region" in missing.value.hint
    bed.snapshot.status = "pending"
    with pytest.raises(AwsError, match="it is not completed") as pending:
        bed.open()
    assert pending.value.hint.endswith(f"--snapshot-ids {bed.snapshot_id}")


def test_a_snapshot_of_another_account(server: Bed) -> None:
    bed = server.with_snapshot(owner="999999999999")
    bed.snapshot.permissions.append({"Group": "all"})
    with pytest.raises(AwsError, match="belongs to another account") as refused:
        bed.open()
    assert "copy-snapshot" in refused.value.hint


def test_an_encrypted_snapshot_whose_key_cannot_be_used(bed: Bed) -> None:
    key = str(bed.kms.create_key()["KeyMetadata"]["Arn"])
    bed.snapshot.encrypted, bed.snapshot.kms_key_id = True, key
    with bed.open() as disk:
        assert disk.read(0, 5) == bed.content[:5]
        bed.kms.disable_key(KeyId=key)
        with pytest.raises(IncompleteError, match=r"key that is disabled .*; enable the key: aws kms enable-key"):
            disk.read(2 * BLOCK, 5)
    with pytest.raises(AwsError, match="disabled"):
        bed.open()
    bed.kms.enable_key(KeyId=key)
    statement = {"Effect": "Allow", "Principal": {"AWS": "999999999999"}, "Action": "kms:*", "Resource": "*"}
    found = kms_keys.find(key, account=key.split(":")[4], region=REGION)
    assert found is not None
    found.policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    with pytest.raises(AwsError, match="a KMS key that these credentials may not use") as refused:
        bed.open()
    assert "kms:Decrypt" in refused.value.hint
    bed.snapshot.kms_key_id = key[:-12] + "000000000000"
    with pytest.raises(AwsError, match="a KMS key that is gone"):
        bed.open()


def test_a_permission_that_is_missing_is_named(bed: Bed) -> None:
    with (
        bed.fault("ListSnapshotBlocks", error=Error(DENIED)),
        pytest.raises(AwsError, match="needs the permission ebs:ListSnapshotBlocks"),
    ):
        bed.open()
    message = "User: arn:aws:iam::123456789012:user/x is not authorized to perform: ebs:GetSnapshotBlock on resource: y"
    with (
        bed.fault("GetSnapshotBlock", error=Error(DENIED, message=message)),
        bed.open() as disk,
        pytest.raises(IncompleteError, match="needs the permission ebs:GetSnapshotBlock; add ebs:GetSnapshotBlock"),
    ):
        disk.read(0, 5)


def test_messages_hold_no_tokens_and_no_credentials(bed: Bed) -> None:
    token = bed.client.list_snapshot_blocks(SnapshotId=bed.snapshot_id)["Blocks"][0]["BlockToken"]
    for error in (Error(DENIED), Error(THROTTLED), Error("InternalServerException"), Error("ExpiredTokenException")):
        with bed.fault("GetSnapshotBlock", times=None, error=error), bed.open() as disk:
            with pytest.raises(IncompleteError) as raised:
                disk.read(0, 5)
            assert token not in str(raised.value)
            assert bed.client._request_signer._credentials.access_key not in str(raised.value)


def test_the_client_of_an_account_in_the_sandbox(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = bed.client._request_signer._credentials
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", frozen.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", frozen.secret_key)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    aws = Aws(ec2=None, region=REGION, account="1", partition="aws", arn="arn", endpoint=bed.url, sandbox=True)  # type: ignore[arg-type]
    with Ebs(ebs_client(aws), bed.snapshot_id) as disk:
        assert disk.read(0, 5) == bed.content[:5]

"""The EBS direct APIs, asked by boto3: what they give is the disk, and to whom they give it."""

from __future__ import annotations

import base64
import hashlib
import random
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from amigate.sandbox import DENIED, THROTTLED, Error, Fault
from amigate.sandbox.api.ebs_tokens import Tokens
from amigate.sandbox.blocks import Blocks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.sandbox.conftest import Endpoint

BLOCK = 524_288
OTHER = "999999999999"
BLOCKS = 250
SIZE = BLOCKS * BLOCK * 2 + 512
"""Every second block is written; the last one is a sector."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a disk with holes, of 250 and one written blocks, and a size that is no multiple of a block."""
    path = tmp_path_factory.mktemp("disk") / "disk.raw"
    seed = random.Random(1)  # noqa: S311 - content of a disk
    with path.open("wb") as file:
        for index in range(BLOCKS):
            file.seek(2 * index * BLOCK + seed.randrange(BLOCK - 40))
            file.write(seed.randbytes(40))
        file.seek(SIZE - 512)
        file.write(seed.randbytes(512))
    return path


@pytest.fixture(scope="module")
def disk(plain: Path) -> Path:
    return qcow2(plain)


def qcow2(plain: Path) -> Path:
    out = plain.with_suffix(".qcow2")
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(plain), str(out)], check=True)
    return out


def changed(plain: Path, out: Path, *indexes: int) -> Path:
    """Make a copy of a disk with something else in some blocks."""
    subprocess.run(["cp", "--sparse=always", str(plain), str(out)], check=True)
    with out.open("r+b") as file:
        for index in indexes:
            file.seek(index * BLOCK)
            file.write(b"changed")
    return qcow2(out)


def listed(ebs: Any, snapshot: str, **more: Any) -> list[dict[str, Any]]:
    """Every block of a snapshot, page by page."""
    pages = [ebs.list_snapshot_blocks(SnapshotId=snapshot, **more)]
    while token := pages[-1].get("NextToken"):
        pages.append(ebs.list_snapshot_blocks(SnapshotId=snapshot, NextToken=token, **more))
    return [block for page in pages for block in page["Blocks"]]


def read(ebs: Any, snapshot: str, block: dict[str, Any]) -> bytes:
    """One block, whose checksum is right."""
    given = {name: block[name] for name in ("BlockIndex", "BlockToken")}
    got = ebs.get_snapshot_block(SnapshotId=snapshot, **given)
    data: bytes = got["BlockData"].read()
    assert (got["DataLength"], len(data), got["ChecksumAlgorithm"]) == (BLOCK, BLOCK, "SHA256")
    assert base64.b64decode(got["Checksum"]) == hashlib.sha256(data).digest()
    return data


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, str, int]:
    """Code, reason and status of an error."""
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    answer: Any = refused.value.response
    return answer["Error"]["Code"], answer.get("Reason", ""), answer["ResponseMetadata"]["HTTPStatusCode"]


def test_the_blocks_read_at_once_are_the_disk_byte_for_byte(endpoint: Endpoint, plain: Path, disk: Path) -> None:
    ebs, snapshot = endpoint.client("ebs"), endpoint.add_disk(disk)
    blocks = listed(ebs, snapshot, MaxResults=100)
    with ThreadPoolExecutor(32) as pool:
        data = list(pool.map(lambda block: read(ebs, snapshot, block), blocks))
    found = bytearray(-(-SIZE // BLOCK) * BLOCK)
    for block, content in zip(blocks, data, strict=True):
        found[block["BlockIndex"] * BLOCK : (block["BlockIndex"] + 1) * BLOCK] = content
    assert bytes(found[:SIZE]) == plain.read_bytes()
    assert not any(found[SIZE:])


def test_written_blocks_are_listed_in_order_in_pages(endpoint: Endpoint, disk: Path) -> None:
    ebs, snapshot = endpoint.client("ebs"), endpoint.add_disk(disk)
    first = ebs.list_snapshot_blocks(SnapshotId=snapshot, MaxResults=100)
    assert [block["BlockIndex"] for block in first["Blocks"]] == list(range(0, 200, 2))
    assert (first["BlockSize"], first["VolumeSize"]) == (BLOCK, 1)
    in_a_week = datetime.now(UTC) + timedelta(days=7)
    assert abs(first["ExpiryTime"] - in_a_week) < timedelta(minutes=5)
    wanted = [2 * index for index in range(BLOCKS + 1)]
    assert [block["BlockIndex"] for block in listed(ebs, snapshot, MaxResults=100)] == wanted
    assert [block["BlockIndex"] for block in listed(ebs, snapshot)] == wanted


def test_a_list_starts_where_it_is_asked_to(endpoint: Endpoint, disk: Path) -> None:
    ebs, snapshot = endpoint.client("ebs"), endpoint.add_disk(disk)
    assert listed(ebs, snapshot, StartingBlockIndex=201)[0]["BlockIndex"] == 202
    assert listed(ebs, snapshot, StartingBlockIndex=2 * BLOCKS + 1) == []


def test_a_snapshot_of_nothing_has_no_blocks(endpoint: Endpoint, tmp_path: Path) -> None:
    empty = tmp_path / "empty.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(empty), "3G"], check=True)
    answer = endpoint.client("ebs").list_snapshot_blocks(SnapshotId=endpoint.add_disk(empty))
    assert (answer["Blocks"], answer["VolumeSize"], "NextToken" in answer) == ([], 3, False)


def test_a_token_opens_its_own_block_and_no_other(endpoint: Endpoint, disk: Path) -> None:
    ebs, snapshot = endpoint.client("ebs"), endpoint.add_disk(disk)
    other = endpoint.add_disk(disk, "other")
    token = listed(ebs, snapshot)[0]["BlockToken"]
    wrong = ("ValidationException", "INVALID_BLOCK_TOKEN", 400)
    get = ebs.get_snapshot_block
    assert refusal(get, SnapshotId=snapshot, BlockIndex=2, BlockToken=token) == wrong
    assert refusal(get, SnapshotId=other, BlockIndex=0, BlockToken=token) == wrong
    assert refusal(get, SnapshotId=snapshot, BlockIndex=0, BlockToken=token[::-1]) == wrong
    assert refusal(get, SnapshotId=snapshot, BlockIndex=0, BlockToken="nonsense") == wrong


def test_tokens_expire(endpoint: Endpoint, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ebs, snapshot = endpoint.client("ebs"), endpoint.add_disk(disk)
    page = ebs.list_snapshot_blocks(SnapshotId=snapshot, MaxResults=100)
    now = time.time()
    monkeypatch.setattr(Tokens, "now", lambda _: now + 3590)
    assert ebs.list_snapshot_blocks(SnapshotId=snapshot, NextToken=page["NextToken"])["Blocks"]
    monkeypatch.setattr(Tokens, "now", lambda _: now + 3610)
    wrong = ("ValidationException", "INVALID_PAGE_TOKEN", 400)
    assert refusal(ebs.list_snapshot_blocks, SnapshotId=snapshot, NextToken=page["NextToken"]) == wrong
    read(ebs, snapshot, page["Blocks"][0])
    monkeypatch.setattr(Tokens, "now", lambda _: now + 7 * 24 * 3600 + 10)
    assert refusal(ebs.get_snapshot_block, SnapshotId=snapshot, **page["Blocks"][0])[1] == "INVALID_BLOCK_TOKEN"


@pytest.mark.parametrize(
    "parameters,reason",
    [
        ({"MaxResults": 10_001}, "INVALID_PARAMETER_VALUE"),
        ({"NextToken": "AAAA"}, "INVALID_PAGE_TOKEN"),
        ({"NextToken": "?"}, "INVALID_PAGE_TOKEN"),
    ],
)
def test_a_list_that_is_asked_wrongly_is_refused(
    endpoint: Endpoint, disk: Path, parameters: dict[str, Any], reason: str
) -> None:
    ebs, snapshot = endpoint.client("ebs"), endpoint.add_disk(disk)
    assert refusal(ebs.list_snapshot_blocks, SnapshotId=snapshot, **parameters) == ("ValidationException", reason, 400)


def test_a_page_token_of_another_list_is_refused(endpoint: Endpoint, disk: Path) -> None:
    ebs, snapshot = endpoint.client("ebs"), endpoint.add_disk(disk)
    token = ebs.list_snapshot_blocks(SnapshotId=snapshot, MaxResults=100)["NextToken"]
    other = endpoint.add_disk(disk, "other")
    assert refusal(ebs.list_snapshot_blocks, SnapshotId=other, NextToken=token)[1] == "INVALID_PAGE_TOKEN"


def test_snapshots_that_the_caller_may_not_read_are_refused(endpoint: Endpoint, disk: Path) -> None:
    ebs, snapshot = endpoint.client("ebs"), endpoint.add_disk(disk)
    missing = ("ResourceNotFoundException", "SNAPSHOT_NOT_FOUND", 404)
    assert refusal(ebs.list_snapshot_blocks, SnapshotId="snap-0123456789abcdef0") == missing
    assert refusal(endpoint.client("ebs", "eu-west-1").list_snapshot_blocks, SnapshotId=snapshot) == missing
    malformed = ("ValidationException", "INVALID_SNAPSHOT_ID", 400)
    assert refusal(ebs.list_snapshot_blocks, SnapshotId="vol-0123456789abcdef0") == malformed
    endpoint.snapshot(snapshot).status = "pending"
    assert refusal(ebs.list_snapshot_blocks, SnapshotId=snapshot) == malformed


def test_snapshots_that_are_public_only_cannot_be_read(endpoint: Endpoint, disk: Path) -> None:
    ebs, snapshot = endpoint.client("ebs"), endpoint.add_disk(disk, owner=OTHER)
    assert refusal(ebs.list_snapshot_blocks, SnapshotId=snapshot)[1] == "SNAPSHOT_NOT_FOUND"
    permissions = endpoint.snapshot(snapshot).permissions
    permissions.append({"Group": "all"})
    denied = ("AccessDeniedException", "UNAUTHORIZED_ACCOUNT", 403)
    assert refusal(ebs.list_snapshot_blocks, SnapshotId=snapshot) == denied
    permissions.append({"UserId": endpoint.cloud.settings.account_id})
    assert listed(ebs, snapshot)


def test_nothing_is_left_of_a_snapshot_that_is_deleted(endpoint: Endpoint, disk: Path) -> None:
    ebs, ec2, snapshot = endpoint.client("ebs"), endpoint.client("ec2"), endpoint.add_disk(disk)
    block = listed(ebs, snapshot)[0]
    ami = ec2.describe_images()["Images"][0]["ImageId"]
    ec2.deregister_image(ImageId=ami)
    read(ebs, snapshot, block)
    ec2.delete_snapshot(SnapshotId=snapshot)
    assert refusal(ebs.get_snapshot_block, SnapshotId=snapshot, **block)[1] == "SNAPSHOT_NOT_FOUND"


def test_writing_is_refused_in_the_services_own_words(endpoint: Endpoint, disk: Path) -> None:
    ebs, snapshot = endpoint.client("ebs"), endpoint.add_disk(disk)
    data = bytes(BLOCK)
    checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
    sealed = {"Checksum": checksum, "ChecksumAlgorithm": "SHA256", "DataLength": BLOCK}
    assert refusal(ebs.start_snapshot, VolumeSize=1)[0] == "ValidationException"
    write = ebs.put_snapshot_block
    assert refusal(write, SnapshotId=snapshot, BlockIndex=0, BlockData=data, **sealed)[0] == "ValidationException"
    assert refusal(ebs.complete_snapshot, SnapshotId=snapshot, ChangedBlocksCount=0)[0] == "ValidationException"
    assert [call.action for call in endpoint.watch.calls.all()][-3:] == [
        "StartSnapshot",
        "PutSnapshotBlock",
        "CompleteSnapshot",
    ]


def test_blocks_that_differ_are_found_by_content(endpoint: Endpoint, plain: Path, disk: Path, tmp_path: Path) -> None:
    ebs = endpoint.client("ebs")
    first = endpoint.add_disk(disk)
    second = endpoint.add_disk(changed(plain, tmp_path / "changed.raw", 0, 301, 440), "second")
    endpoint.snapshot(second).volume_id = endpoint.snapshot(first).volume_id
    asked = {"FirstSnapshotId": first, "SecondSnapshotId": second, "MaxResults": 100}
    pages = [ebs.list_changed_blocks(**asked)]
    while token := pages[-1].get("NextToken"):
        pages.append(ebs.list_changed_blocks(**asked, NextToken=token))
    assert [[block["BlockIndex"] for block in page["ChangedBlocks"]] for page in pages] == [[0], [301], [440]]
    (new,) = pages[1]["ChangedBlocks"]
    assert "FirstBlockToken" not in new
    found = read(ebs, second, {"BlockIndex": 301, "BlockToken": new["SecondBlockToken"]})
    assert found.startswith(b"changed")
    old = pages[0]["ChangedBlocks"][0]
    assert not read(ebs, first, {"BlockIndex": 0, "BlockToken": old["FirstBlockToken"]}).startswith(b"changed")


def test_a_page_of_comparisons_may_be_empty_before_the_end(
    endpoint: Endpoint, plain: Path, disk: Path, tmp_path: Path
) -> None:
    ebs = endpoint.client("ebs")
    first = endpoint.add_disk(disk)
    second = endpoint.add_disk(changed(plain, tmp_path / "changed.raw", 500), "second")
    endpoint.snapshot(second).volume_id = endpoint.snapshot(first).volume_id
    page = ebs.list_changed_blocks(FirstSnapshotId=first, SecondSnapshotId=second, MaxResults=100)
    assert page["ChangedBlocks"] == []
    assert page["NextToken"]


def test_a_snapshot_of_a_volume_descends_from_the_one_the_volume_was_made_of(endpoint: Endpoint, disk: Path) -> None:
    ebs, ec2, first = endpoint.client("ebs"), endpoint.client("ec2"), endpoint.add_disk(disk)
    volume = ec2.create_volume(SnapshotId=first, AvailabilityZone="us-east-1a")["VolumeId"]
    second = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    assert [block["BlockIndex"] for block in listed(ebs, second)] == [2 * index for index in range(BLOCKS + 1)]
    assert ebs.list_changed_blocks(FirstSnapshotId=first, SecondSnapshotId=second)["ChangedBlocks"] == []


def test_snapshots_of_different_lineage_are_not_compared(endpoint: Endpoint, disk: Path) -> None:
    first, second = endpoint.add_disk(disk), endpoint.add_disk(disk, "second")
    compare = endpoint.client("ebs").list_changed_blocks
    unrelated = ("ValidationException", "UNRELATED_SNAPSHOTS", 400)
    assert refusal(compare, FirstSnapshotId=first, SecondSnapshotId=second) == unrelated
    assert refusal(compare, SecondSnapshotId=second)[0] == "ValidationException"


@pytest.fixture
def key(endpoint: Endpoint) -> str:
    return str(endpoint.client("kms").create_key()["KeyMetadata"]["Arn"])


def test_an_encrypted_snapshot_is_read_with_its_key(endpoint: Endpoint, disk: Path, key: str) -> None:
    ebs, kms, snapshot = endpoint.client("ebs"), endpoint.client("kms"), endpoint.add_disk(disk)
    own = endpoint.snapshot(snapshot)
    own.encrypted = True
    assert listed(ebs, snapshot)
    own.kms_key_id = key
    assert listed(ebs, snapshot)
    kms.disable_key(KeyId=key)
    unusable = ("ValidationException", "INVALID_CUSTOMER_KEY", 400)
    assert refusal(ebs.list_snapshot_blocks, SnapshotId=snapshot) == unusable
    own.kms_key_id = key[:-12] + "000000000000"
    missing = ("ResourceNotFoundException", "DEPENDENCY_RESOURCE_NOT_FOUND", 404)
    assert refusal(ebs.list_snapshot_blocks, SnapshotId=snapshot) == missing


@pytest.mark.parametrize("condition", [{"StringEquals": {"aws:PrincipalOrgID": "o-example"}}, None])
def test_a_key_that_the_caller_may_not_use_hides_the_blocks(
    endpoint: Endpoint, disk: Path, key: str, condition: dict[str, Any] | None
) -> None:
    ebs, snapshot = endpoint.client("ebs"), endpoint.add_disk(disk)
    own = endpoint.snapshot(snapshot)
    own.encrypted, own.kms_key_id = True, key
    endpoint.set_policy(key, OTHER if condition is None else "*", condition)
    denied = ("AccessDeniedException", "DEPENDENCY_ACCESS_DENIED", 403)
    assert refusal(ebs.list_snapshot_blocks, SnapshotId=snapshot) == denied


def test_faults_reach_this_service_too(endpoint: Endpoint, disk: Path) -> None:
    ebs, snapshot = endpoint.client("ebs"), endpoint.add_disk(disk)
    block = listed(ebs, snapshot)[0]
    with endpoint.watch.faults.add(Fault("GetSnapshotBlock", error=Error(THROTTLED))):
        throttled = ("RequestThrottledException", "ACCOUNT_THROTTLED", 400)
        assert refusal(ebs.get_snapshot_block, SnapshotId=snapshot, **block) == throttled
    with endpoint.watch.faults.add(Fault("GetSnapshotBlock", error=Error(DENIED))):
        denied = ("AccessDeniedException", "UNAUTHORIZED_ACCOUNT", 403)
        assert refusal(ebs.get_snapshot_block, SnapshotId=snapshot, **block) == denied
    logged = endpoint.watch.calls.matching("GetSnapshotBlock", code="*Denied*")[0].parameters
    assert logged == {"SnapshotId": snapshot, "BlockIndex": 0, "BlockToken": "<hidden>"}


def test_the_model_is_not_locked_while_blocks_are_read(
    endpoint: Endpoint, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ebs, snapshot = endpoint.client("ebs"), endpoint.add_disk(disk)
    block = listed(ebs, snapshot)[0]
    real, free = Blocks.read, []

    def reading(blocks: Blocks, index: int) -> bytes:
        with ThreadPoolExecutor(1) as pool:
            free.append(pool.submit(endpoint.cloud.lock.acquire, timeout=5).result())
        return real(blocks, index)

    monkeypatch.setattr(Blocks, "read", reading)
    data = ebs.get_snapshot_block(SnapshotId=snapshot, **block)["BlockData"].read()
    assert (len(data), free) == (BLOCK, [True])

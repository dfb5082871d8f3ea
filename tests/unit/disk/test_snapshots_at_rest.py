"""The snapshots of an AMI, by the EBS direct APIs: seen as the same disks are in files; what cannot be had is told."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from amigate.check import InconclusiveError
from amigate.disk import ebs_client
from amigate.disk.budget import Budget
from amigate.evidence import codec
from amigate.facts.disks import Disks
from amigate.sandbox.api import kms_keys
from amigate.sandbox.fault import DENIED, THROTTLED, Error
from amigate.sources.aws import Aws
from amigate.sources.disks import look_at_image, look_at_snapshots

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.disk.conftest import Bed

    from amigate.evidence.model import View
    from amigate.sandbox.fault import Asked

REGION = "us-east-1"
GIBIBYTE = 1 << 30
KEY = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
ROOT = {
    "etc/passwd": b"root:x:0:0::/root:/bin/bash\n",
    "etc/shadow": b"root:*:1::::::\n",
    "etc/fstab": b"LABEL=root / ext4 defaults 0 1\n",
    "etc/os-release": b"ID=debian\n",
    "root/.ssh/id_ed25519": KEY,
    "usr/bin/true": b"\x7fELF",
}


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account with the snapshots of an AMI: of its root, and of a volume of data with a secret."""

    aws: Aws
    root: Bed
    data: Bed
    file: Path
    """The root's disk as a file."""

    def look(self, *more: str) -> View:
        """Return what is seen of both snapshots, and of more."""
        snapshots = (self.root.snapshot_id, self.data.snapshot_id, *more)
        return look_at_snapshots(self.aws, snapshots, Budget()).view


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return two disks of whole gibibytes, as snapshots have them."""
    folder = tmp_path_factory.mktemp("disks")
    return disk(folder / "root", ROOT), disk(folder / "data", {"backup/id_ed25519": KEY})


def disk(path: Path, tree: dict[str, bytes]) -> Path:
    for name, content in tree.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    image = path.with_suffix(".raw")
    command = ["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-L", path.name, "-d", str(path), str(image), "1G"]
    subprocess.run(command, check=True)
    with image.open("r+b") as opened:
        opened.seek(GIBIBYTE // 2 + 100_000)
        opened.write(KEY)  # nobody's, in free space
    convert = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(image), str(image.with_suffix(".qcow2"))]
    subprocess.run(convert, check=True)
    return image


@pytest.fixture
def account(bed: Bed, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Account:
    frozen = bed.client._request_signer._credentials
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", frozen.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", frozen.secret_key)
    aws = Aws(ec2=None, region=REGION, account="1", partition="aws", arn="arn", endpoint=bed.url, sandbox=True)  # type: ignore[arg-type]
    root, data = (replace(bed, disk=file.with_suffix(".qcow2")).with_snapshot() for file in files)
    return Account(aws=aws, root=root, data=data, file=files[0])


def why_not(view: View) -> str:
    """Return why it is open whether every volume was inspected; fails where it is not."""
    with pytest.raises(InconclusiveError) as raised:
        Disks.read(view).require_every_volume()
    return str(raised.value)


def states(view: View) -> dict[str, str]:
    assert view.inspection is not None
    return {each.name: each.state for each in view.inspection.volumes}


def told(view: View) -> Any:
    """Return a view without the names of its disks, and without sizes of what was written, which differ in grain."""
    plain = json.loads(codec.written(codec.plain(view)))
    for each in plain["inspection"]["volumes"]:
        del each["name"], each["written_bytes"]
    for each in plain["inspection"]["recovered"]:
        del each["volume"]
    del plain["inspection"]["searched_bytes"]
    return plain


def test_a_snapshot_is_seen_as_its_disk_is_in_a_file(account: Account) -> None:
    budget = Budget()
    seen = look_at_snapshots(account.aws, [account.root.snapshot_id], budget)
    assert told(seen.view) == told(look_at_image(account.file).view)
    assert states(seen.view) == {account.root.snapshot_id: "read"}
    assert seen.view.entries["/etc/passwd"].content
    assert budget.blocks > 0


def test_all_snapshots_are_inspected_and_one_is_the_root(account: Account) -> None:
    view = account.look()
    assert states(view) == {account.root.snapshot_id: "read", account.data.snapshot_id: "read"}
    Disks.read(view).require_every_volume()
    found = {each.path for searched in view.searches.values() for each in searched.found}
    assert found == {"/root/.ssh/id_ed25519", f"[{account.data.snapshot_id}]/backup/id_ed25519"}


def missing(account: Account) -> str:
    del account
    return "snap-0123456789abcdef0"


def pending(account: Account) -> str:
    bed = account.data.with_snapshot()
    bed.snapshot.status = "pending"
    return bed.snapshot_id


def foreign(account: Account) -> str:
    return account.data.with_snapshot(owner="999999999999").snapshot_id


def denied(account: Account) -> str:
    bed = account.data.with_snapshot()
    key = str(bed.kms.create_key()["KeyMetadata"]["Arn"])
    bed.snapshot.encrypted, bed.snapshot.kms_key_id = True, key
    statement = {"Effect": "Allow", "Principal": {"AWS": "999999999999"}, "Action": "kms:*", "Resource": "*"}
    found = kms_keys.find(key, account=key.split(":")[4], region=REGION)
    assert found is not None
    found.policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return bed.snapshot_id


UNREADABLE: dict[str, tuple[Callable[[Account], str], str]] = {
    "missing": (missing, "check the region"),
    "pending": (pending, "aws ec2 wait snapshot-completed"),
    "foreign": (foreign, "the owner can share the snapshot"),
    "denied": (denied, "allow kms:Decrypt"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_snapshot_that_cannot_be_opened_leaves_it_open_and_the_others_are_read(name: str, account: Account) -> None:
    make, what_to_do = UNREADABLE[name]
    snapshot = make(account)
    view = account.look(snapshot)
    assert view.broken == ""
    assert states(view) == {account.root.snapshot_id: "read", account.data.snapshot_id: "read", snapshot: "incomplete"}
    why = why_not(view)
    assert why.startswith(f"{snapshot} (unknown) is incomplete: cannot read the snapshot {snapshot}: ")
    assert what_to_do in why
    assert view.inspection is not None
    with pytest.raises(InconclusiveError, match="cannot read the snapshot"):
        view.inspection.require_whole()


@pytest.mark.parametrize("code,what", [(THROTTLED, "RequestThrottledException"), (DENIED, "add ebs:GetSnapshotBlock")])
def test_blocks_that_are_refused_leave_it_open_and_the_other_snapshot_is_read(
    code: str, what: str, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ebs_client, "ebs_client", lambda _: account.root.client)  # which is not so patient

    def is_data(asked: Asked) -> bool:
        return asked.parameters.get("SnapshotId") == account.data.snapshot_id

    with account.root.fault("GetSnapshotBlock", times=None, when=is_data, error=Error(code)):
        view = account.look()
    assert states(view)[account.root.snapshot_id] == "read"
    assert what in why_not(view)


def test_a_block_with_a_wrong_checksum_leaves_it_open(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ebs_client.ebs_client

    def spoilt(aws: Aws) -> Any:
        client = whole(aws)
        get = client.get_snapshot_block

        def spoil(**asked: Any) -> Any:
            answer = get(**asked)
            return {**answer, "Checksum": "A" * 43 + "="} if asked["SnapshotId"] == account.data.snapshot_id else answer

        client.get_snapshot_block = spoil  # type: ignore[method-assign] # the network between us and AWS
        return client

    monkeypatch.setattr(ebs_client, "ebs_client", spoilt)
    view = account.look()
    assert states(view) == {account.root.snapshot_id: "read", account.data.snapshot_id: "incomplete"}
    assert "its checksum is wrong" in why_not(view)

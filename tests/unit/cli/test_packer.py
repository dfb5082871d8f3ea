"""`amigate packer` on an account: what it judges, shares, refuses and deregisters, and how it ends."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from amigate.cli import _run
from amigate.errors import AmigateError, AwsError
from amigate.gate.share import permissions
from amigate.result import Report, Result, Severity, Status, Witness
from amigate.sources.ec2 import describe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amigate.sources.aws import Aws

RUN = "8c7fbda6-9055-2d61-c631-ec66473cc35e"
FRIEND, OTHER = "111122223333", "444455556666"


@dataclass
class Judge:
    """Stands in for the run, which needs machines: the verdict on each image is set here."""

    statuses: dict[str, Status | AmigateError] = field(default_factory=dict)
    asked: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)

    def __call__(self, aws: Aws, ami: str, profile: Any, **options: Any) -> Report:
        self.asked.append((aws.region, ami, tuple(options["receivers"])))
        status = self.statuses.get(ami, Status.PASS)
        if isinstance(status, AmigateError):
            raise status
        target, _ = describe(aws, ami)
        result = Result(
            id="ssh-no-password-login", status=status, severity=Severity.HIGH, blocking=status is not Status.PASS,
            title="", guideline="", source="", witness=(Witness.INSTANCE,), message="",
        )  # fmt: skip
        return Report(
            target=target, audience="accounts", profile=profile.name, profile_digest="", witnesses=(Witness.INSTANCE,),
            collected_at="", evidence_digest="", results=(result,),
        )  # fmt: skip


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judge:
    judge = Judge()
    monkeypatch.setattr("amigate.run.validate", judge)
    return judge


@pytest.fixture
def regions(aws: Aws, clients: dict[str, Aws]) -> Callable[[str], Aws]:
    """Return what gives the account in a region."""
    del aws
    from amigate.sources import aws as source  # noqa: PLC0415 - what the fixture has put there

    return lambda region: source.connect(region=region)


@pytest.fixture
def built(
    regions: Callable[[str], Aws], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, str]]:
    """Return what does as Packer does: an image in each region, a manifest, and its environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PACKER_RUN_UUID", RUN)
    monkeypatch.setenv("PACKER_BUILD_NAME", "golden")
    monkeypatch.setenv("PACKER_BUILDER_TYPE", "amazon-ebs")

    def build(*names: str) -> dict[str, str]:
        made = {name: image(regions(name)) for name in names}
        artifact = ",".join(f"{region}:{ami}" for region, ami in made.items())
        entry = {"name": "golden", "builder_type": "amazon-ebs", "artifact_id": artifact, "packer_run_uuid": RUN}
        (tmp_path / "packer-manifest.json").write_text(json.dumps({"builds": [entry], "last_run_uuid": RUN}))
        return made

    return build


def image(aws: Aws) -> str:
    """Return an image made of an instance, as amazon-ebs does."""
    base = aws.ec2.register_image(Name="base", Architecture="x86_64")["ImageId"]
    instance = aws.ec2.run_instances(ImageId=base, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    return aws.ec2.create_image(InstanceId=instance, Name="golden")["ImageId"]


def snapshot_of(aws: Aws, ami: str) -> str:
    [snapshot] = describe(aws, ami)[0].snapshots
    return snapshot


@pytest.mark.trap(69)
def test_the_image_of_each_region_is_judged_on_its_own_and_shared(
    built: Any, regions: Any, judge: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    made = built("eu-central-1", "us-east-1")
    assert _run(["packer", "--account", FRIEND, "--account", OTHER]) == 0
    assert judge.asked == [(region, ami, (FRIEND, OTHER)) for region, ami in made.items()]
    said = capsys.readouterr().out
    for region, ami in made.items():
        assert permissions(regions(region), ami) == (FRIEND, OTHER)
        assert f"{ami} is now shared with {FRIEND}, {OTHER}." in said


@pytest.mark.trap(71)
@pytest.mark.parametrize(
    "statuses,code",
    [
        ((Status.PASS, Status.FAIL), 1),
        ((Status.FAIL, Status.INCONCLUSIVE), 1),
        ((Status.INCONCLUSIVE, Status.PASS), 3),
        ((Status.PASS, Status.NOT_ASKED), 3),
        ((AwsError("no capacity"), Status.PASS), 3),
        ((AwsError("no capacity"), Status.FAIL), 1),
    ],
)
def test_one_image_that_does_not_pass_keeps_all_from_being_shared_and_all_are_judged(
    built: Any, regions: Any, judge: Judge, statuses: Any, code: int
) -> None:
    made = built("eu-central-1", "us-east-1")
    judge.statuses = dict(zip(made.values(), statuses, strict=True))
    assert _run(["packer", "--account", FRIEND]) == code
    assert [ami for _, ami, _ in judge.asked] == list(made.values())
    assert [permissions(regions(region), ami) for region, ami in made.items()] == [(), ()]


def test_without_an_account_nothing_is_shared_and_a_pass_is_a_pass(
    built: Any, regions: Any, judge: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    [(region, ami)] = built("eu-central-1").items()
    assert _run(["packer"]) == 0
    assert permissions(regions(region), ami) == ()
    assert "no --account was given" in capsys.readouterr().out


@pytest.mark.trap(70)
@pytest.mark.parametrize("what", ["image", "public image", "snapshot"])
def test_an_image_that_the_template_has_shared_is_refused_with_advice_before_it_is_judged(
    built: Any, regions: Any, judge: Judge, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = built("eu-central-1", "us-east-1")
    aws, ami = regions("us-east-1"), made["us-east-1"]
    snapshot = snapshot_of(aws, ami)
    if what == "snapshot":
        aws.ec2.modify_snapshot_attribute(SnapshotId=snapshot, OperationType="add", UserIds=[FRIEND])
    else:
        given: Any = {"UserId": FRIEND} if what == "image" else {"Group": "all"}
        aws.ec2.modify_image_attribute(ImageId=ami, LaunchPermission={"Add": [given]})
    assert _run(["packer", "--account", FRIEND, "--deregister-failed"]) == 1
    assert judge.asked == []
    said = capsys.readouterr().err
    assert f"{ami} in us-east-1 was shared before it was judged" in said
    assert "ami_users" in said
    reset = (
        f"reset-snapshot-attribute --region us-east-1 --snapshot-id {snapshot} --attribute createVolumePermission"
        if what == "snapshot"
        else f"reset-image-attribute --region us-east-1 --image-id {ami} --attribute launchPermission"
    )
    assert reset in said
    assert describe(aws, ami)[0].id == ami  # nothing was deregistered
    assert permissions(regions("eu-central-1"), made["eu-central-1"]) == ()


def test_what_failed_is_deregistered_when_that_is_asked_and_nothing_else(
    built: Any, regions: Any, judge: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    made = built("eu-central-1", "eu-west-1", "us-east-1")
    snapshots = {region: snapshot_of(regions(region), ami) for region, ami in made.items()}
    judge.statuses = {made["eu-west-1"]: Status.FAIL, made["us-east-1"]: Status.INCONCLUSIVE}
    assert _run(["packer", "--deregister-failed"]) == 1
    left = {region: regions(region).ec2.describe_images(Owners=["self"])["Images"] for region in made}
    kept = {region: {image["ImageId"] for image in found} for region, found in left.items()}
    assert [made[region] in kept[region] for region in made] == [True, False, True]
    said = f"Deregistered {made['eu-west-1']} in eu-west-1; deleted {snapshots['eu-west-1']}."
    assert said in capsys.readouterr().out
    for region, snapshot in snapshots.items():
        ids = [each["SnapshotId"] for each in regions(region).ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]]
        assert (snapshot in ids) is (region != "eu-west-1")


def test_reports_of_each_image_go_to_a_file_of_their_own(built: Any, judge: Judge, tmp_path: Path) -> None:
    made = built("eu-central-1", "us-east-1")
    assert _run(["packer", "--report", "json={region}.{ami}.json", "--report", "console"]) == 0
    for region, ami in made.items():
        assert json.loads((tmp_path / f"{region}.{ami}.json").read_text())["target"]["id"] == ami


@pytest.mark.parametrize("report", ["json=one.json", "json"])
def test_reports_that_would_overwrite_each_other_are_a_wrong_call(
    built: Any, judge: Judge, report: str, capsys: pytest.CaptureFixture[str]
) -> None:
    built("eu-central-1", "us-east-1")
    assert _run(["packer", "--report", report]) == 2
    assert "{region}" in capsys.readouterr().err
    assert judge.asked == []


@pytest.mark.parametrize("name", ["PACKER_RUN_UUID", "PACKER_BUILD_NAME"])
def test_outside_of_a_run_of_packer_it_is_a_wrong_call(
    built: Any, monkeypatch: pytest.MonkeyPatch, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    built("eu-central-1")
    monkeypatch.delenv(name)
    assert _run(["packer"]) == 2
    assert "shell-local" in capsys.readouterr().err


def test_a_manifest_of_another_run_is_a_wrong_call(
    built: Any, monkeypatch: pytest.MonkeyPatch, judge: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    built("eu-central-1")
    monkeypatch.setenv("PACKER_RUN_UUID", "a31eaa0a-00bc-4db1-419c-6f10cdbd3857")
    assert _run(["packer", "--account", FRIEND]) == 2
    assert "is of this run" in capsys.readouterr().err
    assert judge.asked == []


def test_an_image_that_these_credentials_do_not_see_is_a_wrong_call(
    built: Any, regions: Any, judge: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    [(region, ami)] = built("eu-central-1").items()
    regions(region).ec2.deregister_image(ImageId=ami)
    assert _run(["packer", "--account", FRIEND]) == 2
    assert f"there is no {ami}" in capsys.readouterr().err
    assert judge.asked == []

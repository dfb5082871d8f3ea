"""`amigate doctor` against the sandbox's endpoint: what it says of what is wrong, and that it changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.loaders import Loader, create_loader

from amigate.cli import _run
from amigate.doctor import machine, probes
from amigate.doctor.finding import Finding, State
from amigate.doctor.network import _is_open
from amigate.doctor.trial import Allowed, tried
from amigate.sandbox import DENIED, Error, Fault
from amigate.sandbox.api.base import CloudResponse
from amigate.sandbox.api.dry_run import DryRun
from amigate.sandbox.machines.accelerator import Accelerator
from amigate.sources.aws import connect

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Endpoint

IAM = Path(__file__).parents[3] / "docs" / "iam"
Findings = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def loader() -> Loader:
    """Return botocore's loader of models, which takes a second for that of EC2 and then knows it."""
    return create_loader()


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loader: Loader) -> None:
    """Leave nothing of the environment that leads to an account, and no settings."""
    monkeypatch.setattr("botocore.loaders.create_loader", lambda _=None: loader)
    for name in [name for name in os.environ if name.startswith(("AWS_", "AMIGATE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("disk") / "disk.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), "1M"], check=True)
    return path


@pytest.fixture
def sandbox(endpoint: Endpoint, disk: Path, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    """Give the endpoint, with an image, as `amigate sandbox up` says to use it."""
    endpoint.add_disk(disk)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", endpoint.cloud.settings.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", endpoint.cloud.settings.secret_access_key)
    return endpoint


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return what runs the doctor: its exit code, and its findings by topic."""

    def run(*arguments: str) -> tuple[int, Findings]:
        code = _run(["doctor", "--only", "account", "--format", "json", *arguments])
        told = json.loads(capsys.readouterr().out)
        assert (told["schema"], told["exit_code"]) == ("amigate/doctor/1", code)
        assert all(bool(each["next_step"]) is (each["state"] != "ok") for each in told["findings"])
        return code, {each["topic"]: each for each in told["findings"]}

    return run


def state(ec2: Any) -> list[Any]:
    asked = ("key_pairs", "security_groups", "volumes", "instances", "images", "snapshots")
    answers = [getattr(ec2, f"describe_{name}")() for name in asked]
    return [{name: value for name, value in answer.items() if name != "ResponseMetadata"} for answer in answers]


def policies() -> set[str]:
    """Return every action of the policies for validating and sharing."""
    statements = [
        statement
        for name in ("validate.json", "share.json")
        for statement in json.loads((IAM / name).read_text())["Statement"]
    ]
    actions = [statement["Action"] for statement in statements]
    return {each for one in actions for each in ([one] if isinstance(one, str) else one)}


def test_a_sandbox_is_in_order_every_action_is_tried_and_nothing_changes(sandbox: Endpoint, doctor: Any) -> None:
    ec2 = sandbox.client("ec2")
    before = state(ec2)
    code, found = doctor()
    assert [(topic, each["untellable"]) for topic, each in found.items() if each["state"] != "ok"] == [
        ("may use and remove what runs made", True)  # there is nothing yet to try it on
    ]
    assert code == 0
    assert state(ec2) == before
    changing = [call for call in sandbox.watch.calls.all() if not call.action.startswith(("Describe", "Get", "List"))]
    assert changing
    assert all(call.parameters["DryRun"] is True for call in changing)
    assert policies() - {f"{call.service}:{call.action}" for call in sandbox.watch.calls.all()} == {
        "ec2:CreateTags"  # wanted for the tags in the calls that make something
    }


@pytest.mark.parametrize(
    "action,topic,code",
    [
        ("RunInstances", "may launch", 1),
        pytest.param("ImportKeyPair", "may make key and group", 1, marks=pytest.mark.slow),
        pytest.param("CreateSecurityGroup", "may make key and group", 1, marks=pytest.mark.slow),
        pytest.param("DescribeInstanceStatus", "may look", 1, marks=pytest.mark.slow),
        pytest.param(
            "DescribeKeyPairs", "may look (optional)", 3, marks=pytest.mark.slow
        ),  # nor can it be told then what runs left
        pytest.param("ModifyImageAttribute", "may share", 0, marks=pytest.mark.slow),
        ("TerminateInstances", "may use and remove what runs made", 0),
        pytest.param("ListSnapshotBlocks", "may read snapshots", 1, marks=pytest.mark.slow),
    ],
)
def test_a_role_that_lacks_a_permission_is_told_which(
    sandbox: Endpoint, doctor: Any, action: str, topic: str, code: int
) -> None:
    sandbox.watch.faults.add(Fault(action, error=Error(DENIED), times=None))
    got, found = doctor()
    assert got == code
    assert found[topic]["state"] == {0: found[topic]["state"], 1: "fail", 3: "warn"}[code]
    assert found[topic]["state"] != "ok"
    assert action in found[topic]["found"]
    assert action in found[topic]["next_step"] or "docs/iam" in found[topic]["next_step"]
    assert code != 1 or [name for name, each in found.items() if each["state"] == "fail"] == [topic]


def denied(sandbox: Endpoint, probe: probes.Probe, message: str) -> Allowed:
    error = Error("UnauthorizedOperation", 403, message)
    with sandbox.watch.faults.add(Fault(probe.action, error=error, times=None)):
        return tried(connect(), probe).allowed


def test_a_denial_about_a_group_that_is_no_runs_own_tells_nothing(sandbox: Endpoint) -> None:
    """docs/iam/validate.json allows launches with groups alone that have the tag of a run."""
    text = "User: u is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:us-east-1:1:{}"
    run = probes.Probe(action="RunInstances", parameters={"MinCount": 1, "MaxCount": 1})
    assert denied(sandbox, run, text.format("security-group/sg-1 because no …")) is Allowed.UNTOLD
    assert denied(sandbox, run, text.format("instance/* because no …")) is Allowed.NO
    assert denied(sandbox, run, text.format("security-group/sg-1 with an explicit deny in a …")) is Allowed.NO
    terminate = probes.removing()[5]
    assert denied(sandbox, terminate, "You are not authorized") is Allowed.UNTOLD
    assert denied(sandbox, terminate, "with an explicit deny in a service control policy") is Allowed.NO


@pytest.mark.slow
def test_another_error_is_not_taken_for_leave(sandbox: Endpoint, doctor: Any) -> None:
    sandbox.watch.faults.add(Fault("RunInstances", error=Error("InternalError", 400), times=None))
    code, found = doctor()
    assert (code, found["may launch"]["state"]) == (3, "unknown")


def test_no_default_vpc(sandbox: Endpoint, doctor: Any) -> None:
    ec2 = sandbox.client("ec2")
    [vpc] = ec2.describe_vpcs()["Vpcs"]
    made = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=made, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    for each in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=each["SubnetId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])
    code, found = doctor()
    assert code == 1
    assert "no default VPC" in found["network"]["found"]
    assert "--subnet" in found["network"]["next_step"]
    assert found["may launch"]["state"] == "unknown"
    assert doctor("--subnet", subnet)[1]["network"]["state"] == "ok"
    assert doctor("--subnet", "subnet-00000000")[1]["network"]["state"] == "fail"


@pytest.mark.parametrize(
    "code,next_step", [("ExpiredToken", "log in again"), ("InvalidClientTokenId", "aws sts get-caller-identity")]
)
def test_credentials_that_do_not_work(sandbox: Endpoint, doctor: Any, code: str, next_step: str) -> None:
    sandbox.watch.faults.add(Fault("GetCallerIdentity", service="sts", error=Error(code, 403), times=None))
    got, found = doctor()
    assert got == 1
    assert found["credentials"]["state"] == "fail"
    assert next_step in found["credentials"]["next_step"]
    assert found["permissions"]["state"] == "unknown"


def test_no_region_and_no_credentials(doctor: Any, sandbox: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    del sandbox
    monkeypatch.delenv("AWS_REGION")
    code, found = doctor()
    assert (code, found["region"]["state"], found["credentials"]["state"]) == (1, "fail", "ok")
    assert "--region" in found["region"]["next_step"]
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    code, found = doctor("--region", "us-east-1")
    assert (code, found["region"]["state"], found["credentials"]["state"]) == (1, "ok", "fail")
    assert "AWS_PROFILE" in found["credentials"]["next_step"]


@pytest.mark.slow
def test_an_endpoint_that_does_not_answer_is_unknown(
    sandbox: Endpoint, doctor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    del sandbox
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    code, found = doctor()
    assert (code, found["credentials"]["state"]) == (3, "unknown")


@pytest.mark.slow
def test_no_image_to_try_with(endpoint: Endpoint, sandbox: Endpoint, doctor: Any) -> None:
    ec2 = sandbox.client("ec2")
    [image] = ec2.describe_images(Owners=["self"])["Images"]
    code, found = doctor("--ami", image["ImageId"])
    assert (code, found["image"]["state"]) == (0, "ok")
    ec2.deregister_image(ImageId=image["ImageId"])
    code, found = doctor()
    assert (code, found["may launch"]["state"]) == (3, "unknown")
    assert "--ami" in found["may launch"]["next_step"]
    assert endpoint is sandbox


def test_an_image_id_that_is_none_is_a_wrong_call(sandbox: Endpoint, capsys: pytest.CaptureFixture[str]) -> None:
    del sandbox
    assert _run(["doctor", "--only", "account", "--ami", "ami-x"]) == 2
    assert "is no AMI id" in capsys.readouterr().err


def test_an_endpoint_without_dry_runs_is_found_out_before_anything_is_made(
    sandbox: Endpoint, doctor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DryRun, "call_action", CloudResponse.call_action)
    monkeypatch.setattr(CloudResponse, "error_on_dryrun", lambda _: None)
    ec2 = sandbox.client("ec2")
    before = state(ec2)
    code, found = doctor()
    assert (code, found["may launch"]["state"], found["may share"]["state"]) == (3, "unknown", "unknown")
    assert state(ec2) == before


@pytest.mark.slow
def test_what_runs_left_is_told(sandbox: Endpoint, doctor: Any) -> None:
    key = {"Key": "amigate:run", "Value": "r"}, {"Key": "amigate:expires", "Value": "2020-01-01T00:00:00+00:00"}
    tags = [{"ResourceType": "key-pair", "Tags": list(key)}]
    sandbox.client("ec2").create_key_pair(KeyName="left", TagSpecifications=tags)
    code, found = doctor()
    assert (code, found["left behind"]["state"]) == (0, "warn")
    assert "amigate reap" in found["left behind"]["next_step"]


@pytest.mark.slow
def test_private_addresses_and_jump_hosts(sandbox: Endpoint, doctor: Any, tmp_path: Path) -> None:
    del sandbox
    arguments = (
        "--ssh-jump",
        "u@127.0.0.1:1",
        "--runner-cidr",
        "10.0.0.5/32",
        "--ssh-jump-identity",
        str(tmp_path / "k"),
    )
    code, found = doctor(*arguments)
    assert (code, found["way of SSH"]["state"]) == (1, "fail")
    assert "--ssh-jump-identity" in found["way of SSH"]["next_step"]
    assert "10.0.0.5/32" in found["security group"]["found"]
    assert doctor("--runner-cidr", "0.0.0.0/0")[1]["security group"]["state"] == "fail"


def test_a_way_in_is_a_route_of_the_subnets_own_table_or_of_the_main_one() -> None:
    way = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}
    nat = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1"}
    main = {"Associations": [{"Main": True}], "Routes": [way]}
    own = {"Associations": [{"SubnetId": "subnet-1", "Main": False}], "Routes": [nat]}
    assert not _is_open([main, own], "subnet-1")
    assert _is_open([main, own], "subnet-2")
    assert not _is_open([], "subnet-1")


def told(findings: list[Finding]) -> dict[str, tuple[str, str]]:
    return {each.topic: (each.state, each.next_step) for each in findings}


def test_a_machine_without_tools_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    found = told(machine.machine(State.WARN))
    assert found["programs"][0] == "warn"
    assert "apt-get install" in found["programs"][1]
    assert "mmdebstrap" in found["programs"][1]
    assert found["sandbox"] == ("warn", "pip install 'amigate[sandbox]' (only the sandbox needs it)")
    assert found["accelerator"][0] == "unknown"
    assert told(machine.machine(State.FAIL))["programs"][0] == "fail"


def test_the_accelerator_is_the_one_that_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: "/usr/bin/it")
    monkeypatch.setattr(machine, "fastest", lambda: Accelerator(name="kvm", reason="KVM ran the test loop in 0.01 s"))
    [finding] = [each for each in machine.machine(State.WARN) if each.topic == "accelerator"]
    assert finding.found == "kvm: KVM ran the test loop in 0.01 s"


def test_the_console_shows_what_was_found_with_next_steps(
    sandbox: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.watch.faults.add(Fault("RunInstances", error=Error(DENIED), times=None))
    assert _run(["doctor", "--only", "account"]) == 1
    lines = capsys.readouterr().out.splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith("fail    may launch")]
    assert "not allowed: ec2:RunInstances" in lines[at]
    assert lines[at + 1].strip().startswith("→ add ec2:RunInstances to the policy")
    assert lines[-1].startswith("amigate cannot do all that was asked about")
    assert "(SANDBOX at http://127.0.0.1" in " ".join(" ".join(lines).split())

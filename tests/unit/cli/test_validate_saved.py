"""`amigate validate FILE`: saved evidence judged with nothing but the file."""

from __future__ import annotations

import builtins
import json
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from amigate.cli import _run
from amigate.evidence import saved
from amigate.profile import shipped
from amigate.result import Target, Witness

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AMI = "ami-0123456789abcdef0"
Judged = tuple[int, dict[str, Any]]


@pytest.fixture
def save(kit: Any, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that saves what a run would have collected of an image."""

    def write(**spoilt: Any) -> Path:
        path = tmp_path / "image.evidence"
        target = Target(kind="ami", id=AMI, account=kit.ACCOUNT, region="eu-west-1")
        saved.save(replace(kit.Image(**spoilt).evidence(), target=target), path)
        return path

    return write


@pytest.fixture
def judged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Judged]:
    """Return a function that judges a file, in a process that may neither connect nor import boto3."""
    real = builtins.__import__

    def imported(name: str, *arguments: Any, **options: Any) -> Any:
        assert name.partition(".")[0] not in {"boto3", "botocore", "paramiko"}
        return real(name, *arguments, **options)

    def connect(*_: object) -> None:
        raise AssertionError("nothing connects to anywhere")

    monkeypatch.setattr(builtins, "__import__", imported)
    monkeypatch.setattr(socket.socket, "connect", connect)

    def run(path: Path, *options: str) -> Judged:
        report = tmp_path / "report.json"
        report.unlink(missing_ok=True)
        code = _run(["validate", str(path), "--profile", "first-gate", "--report", f"json={report}", *options])
        return code, json.loads(report.read_text()) if report.exists() else {"error": capsys.readouterr().err}

    return run


def profile(folder: Path, **changes: Any) -> str:
    whole = yaml.safe_load(shipped()["first-gate"].read_text()) | {"name": "other"} | changes
    path = folder / "other.yaml"
    path.write_text(yaml.safe_dump(whole))
    return str(path)


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {result["id"]: result["status"] for result in report["results"]}


def test_a_sound_image_passes_and_the_report_says_that_it_does_not_allow_sharing(
    save: Callable[..., Path], judged: Callable[..., Judged]
) -> None:
    path = save()
    code, report = judged(path)
    assert (code, report["verdict"], report["scope"], report["may_share"]) == (0, "pass", "full", False)
    assert (report["target"]["kind"], report["target"]["id"]) == ("evidence", AMI)
    assert report["evidence"]["digest"] == saved.digest(saved.load(path))
    assert any("does not allow sharing" in note for note in report["notes"])


def test_the_console_says_when_it_was_looked_at_and_not_that_it_may_be_shared(
    save: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["validate", str(save()), "--profile", "first-gate"]) == 0
    shown = capsys.readouterr().out
    assert f"VERDICT PASS: {AMI} met profile first-gate when it was looked at (2026-01-01T00:00:00+00:00)." in shown
    assert "MAY BE SHARED" not in shown


def test_a_violation_is_found_again(save: Callable[..., Path], judged: Callable[..., Judged]) -> None:
    code, report = judged(save(shadow="root::19000:0:99999:7:::\nadmin:!:::\n"))
    assert (code, statuses(report)["account-no-empty-passwords"]) == (1, "fail")


def test_audience_and_strictness_are_those_of_the_profile_it_is_judged_under(
    save: Callable[..., Path], judged: Callable[..., Judged], tmp_path: Path
) -> None:
    path = save(snapshots=[{"SnapshotId": "snap-0123456789abcdef0", "Encrypted": True}])
    assert judged(path)[0] == 0
    code, report = judged(path, "--profile", profile(tmp_path, audience="public"))
    assert (code, statuses(report)["ami-unencrypted-when-public"]) == (1, "fail")
    code, _ = judged(path, "--profile", profile(tmp_path, audience="public", waivers=[
        {"rule": "ami-unencrypted-when-public", "reason": "r", "owner": "o", "expires": "2999-01-01"}
    ]))  # fmt: skip
    assert code == 0


def secrets(files: object) -> dict[str, Any]:
    return {"boot-application-secrets-random": {"settings": {"files": files}}}


def test_files_that_another_profile_names_were_not_collected(
    save: Callable[..., Path], judged: Callable[..., Judged], tmp_path: Path
) -> None:
    path = save(identities={"/etc/app/key": "{launch}"})
    for named, expected in (("/etc/app/key", (0, "pass")), ("/etc/app/other", (3, "inconclusive"))):
        code, report = judged(path, "--profile", profile(tmp_path, rules=secrets([named])))
        (result,) = report["results"]
        assert (code, result["status"]) == expected
    assert "/etc/app/other was not collected" in result["message"]


def test_files_that_cannot_be_asked_for_are_a_wrong_call(
    save: Callable[..., Path], judged: Callable[..., Judged], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wrong = profile(tmp_path, rules=secrets("/etc/app/key"))
    code, report = judged(save(), "--profile", wrong)
    assert code == 2
    assert "boot-application-secrets-random wants a list of absolute paths as files" in report["error"]
    assert _run(["profiles", "lint", wrong]) == 2
    assert "wants a list of absolute paths as files" in capsys.readouterr().err


def test_a_witness_that_was_not_asked_is_partial_and_never_a_pass(
    save: Callable[..., Path], judged: Callable[..., Judged]
) -> None:
    path = save(asked=(Witness.EC2, Witness.INSTANCE))
    code, report = judged(path)
    assert code == 3
    assert "collected without twin, probe" in report["error"]
    code, report = judged(path, "--accept-partial")
    assert (code, report["scope"]) == (0, "partial")
    assert statuses(report)["boot-host-keys-unique-per-launch"] == "not-asked"


def test_fewer_witnesses_may_be_asked_of_the_same_evidence(
    save: Callable[..., Path], judged: Callable[..., Judged]
) -> None:
    path = save()
    assert judged(path, "--evidence", "ec2")[0] == 3
    code, report = judged(path, "--evidence", "ec2", "--accept-partial")
    assert (code, report["scope"], report["evidence"]["witnesses"]) == (0, "partial", ["ec2"])
    assert report["evidence"]["digest"] == saved.digest(saved.load(path))


@pytest.mark.parametrize(
    "option",
    [
        ("--keep",),
        ("--save-evidence", "x"),
        ("--region", "eu-west-1"),
        ("--endpoint-url", "http://x"),
        ("--user", "a"),
        ("--ssh-port", "22"),
        ("--timeout", "9"),
        ("--runner-cidr", "x"),
        ("--subnet", "x"),
        ("--instance-type", "x"),
        ("--ssh-address", "public"),
    ],
    ids=" ".join,
)
def test_an_option_that_means_nothing_here_is_refused(
    save: Callable[..., Path], judged: Callable[..., Judged], option: tuple[str, ...]
) -> None:
    code, report = judged(save(), *option)
    assert code == 2
    assert f"{option[0]} means nothing with saved evidence" in report["error"]


def test_what_the_environment_says_of_aws_does_not_matter(
    save: Callable[..., Path], judged: Callable[..., Judged], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AMIGATE_SSH_PORT", "2222")
    assert judged(save())[0] == 0


def test_a_changed_file_is_refused_with_one_error(save: Callable[..., Path], judged: Callable[..., Judged]) -> None:
    path = save()
    path.write_bytes(path.read_bytes()[:-20])
    code, report = judged(path)
    assert code == 2
    assert report["error"].count("amigate: error: ") == 1
    assert "hint: " in report["error"]
    assert "cut off" in report["error"]

"""The gate as a user meets it: leaky images refused with reasons, clean ones passed and shared, nothing left."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from amigate.sandbox import images

from .reports import RECEIVER, failed, read

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Account, CommandLine

    from amigate.sandbox import Sandbox

pytestmark = pytest.mark.vm

UNKNOWN = "ami-0123456789abcdef0"
STRANGER = "999999999999"
FROM_OUTSIDE = {"boot-passes-status-checks"}
"""What can be told of an instance that nobody can log in to."""


def test_a_leaky_image_is_refused_for_each_of_its_defects_and_not_shared(
    cli: CommandLine, leaky_ami: str, ec2: Any, tmp_path: Path, account: Account
) -> None:
    reports = ("--report", f"json={tmp_path / 'r.json'}", "--report", "console")
    done = cli("share", leaky_ami, "--account", RECEIVER, "--profile", "first-gate", *reports)
    report = read(tmp_path / "r.json")
    assert done.returncode == 1, done.stderr
    assert report["verdict"] == "fail"
    assert failed(report) == {rule for name in images.LEAKY for rule in images.DEFECTS[name].violates}
    assert all(result["findings"] for result in report["results"] if result["status"] == "fail")
    assert f"amigate bake --from {leaky_ami}" in done.stdout
    assert "The disk at rest was not inspected" in done.stdout
    assert "Not shared." in done.stdout
    assert ec2.describe_image_attribute(ImageId=leaky_ami, Attribute="launchPermission")["LaunchPermissions"] == []
    assert "$6$" not in done.stdout + done.stderr + (tmp_path / "r.json").read_text()


@pytest.mark.slow
def test_sharing_again_changes_nothing_and_says_so(
    cli: CommandLine, clean_ami: str, ec2: Any, account: Account
) -> None:
    assert cli("share", clean_ami, "--account", RECEIVER).returncode == 0
    permissions = ec2.describe_image_attribute(ImageId=clean_ami, Attribute="launchPermission")["LaunchPermissions"]
    again = cli("share", clean_ami, "--account", RECEIVER)
    assert again.returncode == 0, again.stderr
    assert f"already shared with {RECEIVER}: nothing changed" in again.stdout
    assert (
        ec2.describe_image_attribute(ImageId=clean_ami, Attribute="launchPermission")["LaunchPermissions"]
        == permissions
        == [{"UserId": RECEIVER}]
    )


@pytest.mark.slow
def test_an_image_whose_sshd_never_starts_fails_and_shows_its_console(
    cli: CommandLine, ami: Callable[..., str], tmp_path: Path, account: Account
) -> None:
    done = cli("validate", ami("no-sshd"), "--timeout", "25", "--report", f"json={tmp_path / 'r.json'}")
    report = read(tmp_path / "r.json")
    assert done.returncode == 1, done.stderr
    assert failed(report) == {"boot-fresh-key-logs-in"}
    inside = {r["status"] for r in report["results"] if "instance" in r["witness"] and r["id"] not in FROM_OUTSIDE}
    assert inside == {"fail", "inconclusive"}
    assert report["console"]["A"].strip()


@pytest.mark.parametrize(
    "how", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)], ids=lambda signum: signum.name
)
def test_an_interrupted_run_says_so_and_leaves_nothing(
    cli: CommandLine, clean_ami: str, account: Account, how: signal.Signals
) -> None:
    with cli.start("validate", clean_ami) as process:
        wait_for(process, "launched")
        process.send_signal(how)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert err.count("amigate: error: ") == 1
    assert "interrupted" in err
    assert "Traceback" not in err
    assert out == ""


def wait_for(process: subprocess.Popen[str], word: str) -> None:
    """Read standard error until `word` comes; fails when the process ends without it."""
    assert process.stderr is not None
    for line in process.stderr:
        if word in line:
            return
    pytest.fail(f"ended without saying {word!r}")


def test_an_unknown_image_is_one_message_and_nothing_is_launched(cli: CommandLine, account: Account) -> None:
    done = cli("validate", UNKNOWN)
    assert done.returncode == 2
    assert UNKNOWN in done.stderr
    assert "region" in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert done.stdout == ""


def test_an_image_of_another_account_that_is_not_shared_does_not_exist_for_us(
    cli: CommandLine, sandbox: Sandbox, account: Account
) -> None:
    theirs = sandbox.add_image(images.build("lean"), name="theirs", owner=STRANGER)
    done = cli("share", theirs, "--account", RECEIVER)
    assert done.returncode == 2
    assert theirs in done.stderr


def test_an_image_of_another_account_that_we_can_see_fails_before_anything_is_launched(
    cli: CommandLine, sandbox: Sandbox, account: Account, tmp_path: Path
) -> None:
    theirs = sandbox.add_image(
        images.build("lean"), name="shared by them", owner=STRANGER, shared_with=[sandbox.account_id]
    )
    done = cli("share", theirs, "--account", RECEIVER, "--report", f"json={tmp_path / 'r.json'}")
    report = read(tmp_path / "r.json")
    assert done.returncode == 1, done.stderr
    assert failed(report) == {"ami-owned-and-available"}
    assert "launched" not in done.stderr.replace("not launched", "")
    assert report["cost"] == {}


def test_credentials_that_are_not_the_sandboxs_are_refused(cli: CommandLine, clean_ami: str, account: Account) -> None:
    stranger = type(cli)({**cli.environment, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"})
    done = stranger("validate", clean_ami)
    assert done.returncode == 2
    assert "credentials" in done.stderr
    assert "EXAMPLE" not in done.stderr


@pytest.mark.slow
def test_a_partial_run_passes_in_part_and_never_allows_sharing(
    cli: CommandLine, clean_ami: str, tmp_path: Path, account: Account
) -> None:
    done = cli(
        "validate", clean_ami, "--evidence", "ec2", "--accept-partial", "--report", f"json={tmp_path / 'r.json'}"
    )
    report = read(tmp_path / "r.json")
    assert done.returncode == 0, done.stderr
    assert (report["verdict"], report["scope"], report["may_share"]) == ("pass", "partial", False)

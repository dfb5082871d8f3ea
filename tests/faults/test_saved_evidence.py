"""A run whose evidence is saved, against planted secrets of every kind; judged again without an account."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from amigate.profile import shipped
from amigate.sandbox.demo import environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Bed

SECRETS = {
    "sha512": "$6$Kr4tzSalz0001$H4shPlantedSha512AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "yescrypt": "$y$j9T$PlantedSalt0000000000$PlantedYescryptHash000000000000000000000000",
    "des": "plAntedDES.13",
    "in passwd": "$1$Planted1$PlantedMd5HashInPasswd",
    "variable of a session": "PlantedSetEnvValue",
    "variable of a key": "PlantedEnvironmentValue",
    "command of a key": "PlantedTokenOfACommand",
    "comment": "PlantedInAComment",
    "real name": "PlantedInARealName",
    "included history": "PlantedPasswordInAHistory",
    "unknown line of keys": "PlantedLineOfAKeyFile",
    "private key as authorized": "b3BlbnNzaC1rZXktdjEAAAAAPlanted",
    "forced command": "PlantedForcedCommand",
}
PLANT = f"""
echo 'sha:{SECRETS["sha512"]}:19000:0:99999:7:::' >>etc/shadow
echo 'yes:!{SECRETS["yescrypt"]}:19000:0:99999:7:::' >>etc/shadow
echo 'des:{SECRETS["des"]}:19000:0:99999:7:::' >>etc/shadow
for u in sha yes des; do echo "$u:x:2001:2001:{SECRETS["real name"]}:/home/$u:/usr/sbin/nologin" >>etc/passwd; done
echo 'old:{SECRETS["in passwd"]}:2009:2009::/nowhere:/bin/false' >>etc/passwd
printf 'mysql -p{SECRETS["included history"]}\\n' >root/.bash_history
cat >etc/ssh/sshd_config.d/50-planted.conf <<'END'
# {SECRETS["comment"]}
SetEnv TOKEN={SECRETS["variable of a session"]}
Match User sha
  ForceCommand /bin/echo {SECRETS["forced command"]}
END
mkdir -p home/sha/.ssh
cat >home/sha/.ssh/authorized_keys <<'END'
# {SECRETS["comment"]}
environment="A={SECRETS["variable of a key"]}",command="/x --token {SECRETS["command of a key"]}" {{key}} somebody@home
{SECRETS["unknown line of keys"]}
-----BEGIN OPENSSH PRIVATE KEY-----
{SECRETS["private key as authorized"]}
-----END OPENSSH PRIVATE KEY-----
END
ln -sf /root/.bash_history home/sha/.ssh/authorized_keys2
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE5vYm9keUtub3dzVGhlUHJpdmF0ZUhhbGZPZlRoaXM="


LIVE = ("--profile", "first-gate")
"""The images of these machines have no disk that could be read."""


def amigate(bed: Bed | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command: with the sandbox's account, or without any account and any endpoint."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AMIGATE_"))}
    if bed is not None:
        known = environment(bed.sandbox.environment()) | {"AMIGATE_SSH_PORT": str(bed.sandbox.ssh_port)}
    return subprocess.run(
        [sys.executable, "-m", "amigate", *arguments], env=known, capture_output=True, text=True, check=False
    )


def collected(bed: Bed, folder: Path, *, code: int) -> tuple[Path, dict[str, Any]]:
    """Judge the image and save its evidence; return that file and the report."""
    file, report = folder / "image.evidence", folder / "live.json"
    done = amigate(
        bed, "validate", bed.ami, "--user", "admin", "--timeout", "20", "--report", f"json={report}",
        *LIVE, "--save-evidence", str(file),
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return file, json.loads(report.read_text())


def again(file: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Judge saved evidence where no network is: in a network namespace of its own."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AMIGATE_"))}
    done = subprocess.run(
        [
            *("unshare", "--net", sys.executable, "-m", "amigate"),
            *("validate", str(file), *LIVE, "--report", "json", *arguments),
        ],
        env=known, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def answers(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results, without what depends on the clock."""
    return [{name: value for name, value in result.items() if name != "duration_s"} for result in report["results"]]


def test_a_sound_image_is_judged_again_alike_and_in_a_small_file(
    bed: Bed, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    file, live = collected(bed, tmp_path, code=0)
    started = time.monotonic()
    code, report = again(file)
    record_property("seconds", time.monotonic() - started)
    assert (code, report["verdict"], report["scope"]) == (0, "pass", "full")
    assert answers(report) == answers(live)
    assert (live["may_share"], report["may_share"]) == (True, False)
    began = [phase["started_s"] for phase in live["timeline"]]
    assert began == sorted(began)
    assert 0 <= began[0] <= began[-1] <= live["timings"]["total"]
    assert {phase["name"] for phase in live["timeline"]} >= {"describe", "A launch", "A login", "B login", "judge"}
    assert report["evidence"] == live["evidence"]
    assert report["target"] == live["target"] | {"kind": "evidence"}
    size = file.stat().st_size
    print(f"{size} bytes, {len(gzip.decompress(file.read_bytes()))} of JSON, {time.monotonic() - started:.2f} s")  # noqa: T201 - measured
    assert size < 5_000_000
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob(".amigate-*")) == []


def test_no_planted_secret_is_in_the_evidence_or_the_report_and_every_finding_stays(bed: Bed, tmp_path: Path) -> None:
    bed.machine.extra = PLANT.replace("{key}", KEY)
    file, live = collected(bed, tmp_path, code=1)
    text = gzip.decompress(file.read_bytes()).decode("ascii")
    for haystack in (text, _inside(text), json.dumps(live), file.read_bytes().decode("latin-1")):
        assert [what for what, secret in SECRETS.items() if secret in haystack or secret.lstrip("$") in haystack] == []
    by_id = {result["id"]: result for result in live["results"]}
    found = {each["subject"] for each in by_id["account-no-usable-password-hash"]["findings"]}
    assert {"sha", "des", "old"} <= found
    assert by_id["key-live-only-launch-key"]["status"] == "fail"
    code, report = again(file)
    assert (code, answers(report)) == (1, answers(live))


def _inside(text: str) -> str:
    """Return every content and stream that the document holds as base64."""
    import base64  # noqa: PLC0415

    blocks = re.findall(r'"(?:content|stdout|stderr)":"([A-Za-z0-9+/=]+)"', text)
    return "\n".join(base64.b64decode(block).decode("utf-8", "replace") for block in blocks)


def test_a_hash_that_two_launches_share_is_told_from_another_without_being_kept(bed: Bed, tmp_path: Path) -> None:
    bed.machine.extra = PLANT.replace("{key}", KEY)
    file, _ = collected(bed, tmp_path, code=1)
    lines = re.findall(r"sha:(\$amigate\$6\$\d+\$[0-9a-f]{32}):", _inside(gzip.decompress(file.read_bytes()).decode()))
    other = re.findall(r"des:(\$amigate\$des\$13\$[0-9a-f]{32}):", _inside(gzip.decompress(file.read_bytes()).decode()))
    assert len(lines) == 2
    assert len(set(lines)) == 1
    assert not set(lines) & set(other)


def test_evidence_is_saved_of_a_machine_that_nobody_could_log_in_to(bed: Bed, tmp_path: Path) -> None:
    bed.machine.extra = "rm -f home/admin/.ssh/authorized_keys"
    file, report = tmp_path / "image.evidence", tmp_path / "live.json"
    done = amigate(
        bed, "validate", bed.ami, "--user", "admin", "--timeout", "6", "--report", f"json={report}",
        *LIVE, "--save-evidence", str(file),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    code, found = again(file)
    assert (code, answers(found)) == (1, answers(json.loads(report.read_text())))


def other_profile(folder: Path, **changes: Any) -> str:
    profile = yaml.safe_load(shipped()["first-gate"].read_text()) | {"name": "other"} | changes
    path = folder / "other.yaml"
    path.write_text(yaml.safe_dump(profile))
    return str(path)


def test_another_profile_judges_the_same_evidence_by_its_own_measure(bed: Bed, tmp_path: Path) -> None:
    file, _ = collected(bed, tmp_path, code=0)
    public = other_profile(tmp_path, audience="public")
    code, report = again(file, "--profile", public)
    by_id = {result["id"]: result["status"] for result in report["results"]}
    assert (code, report["audience"], report["profile"]["name"]) == (0, "public", "other")
    assert by_id["ami-unencrypted-when-public"] == "pass"


def test_what_was_not_looked_at_answers_no_rule_of_another_profile(bed: Bed, tmp_path: Path) -> None:
    """Collected under a profile that neither reboots nor launches without a key nor compares two launches."""
    few = {"ssh-no-password-login": None, "ami-root-device-is-ebs": None, "boot-fresh-key-logs-in": None}
    narrow = other_profile(tmp_path, rules=few)
    file = tmp_path / "image.evidence"
    done = amigate(bed, "validate", bed.ami, "--user", "admin", "--profile", narrow, "--save-evidence", str(file), "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    code, report = again(file)
    by_id = {result["id"]: result["status"] for result in report["results"]}
    assert code == 3
    assert {rule: by_id[rule] for rule in few} == dict.fromkeys(few, "pass")
    for rule in (
        "boot-survives-reboot", "boot-without-key-no-password-path", "boot-host-keys-unique-per-launch",
        "boot-passes-status-checks", "ssh-offers-no-password-method",
    ):  # fmt: skip
        assert by_id[rule] == "inconclusive", rule


def test_a_witness_that_was_not_asked_makes_the_verdict_partial(bed: Bed, tmp_path: Path) -> None:
    file = tmp_path / "image.evidence"
    done = amigate(
        bed, "validate", bed.ami, *LIVE, "--evidence", "ec2", "--accept-partial", "--save-evidence", str(file), "-q"
    )
    assert done.returncode == 0, done.stderr
    refused = amigate(None, "validate", str(file), *LIVE)
    assert refused.returncode == 3
    assert "collected without instance, twin, probe" in refused.stderr
    code, report = again(file, "--accept-partial")
    assert (code, report["scope"], report["may_share"]) == (0, "partial", False)
    statuses = {result["status"] for result in report["results"] if result["witness"] != ["ec2"]}
    assert statuses == {"not-asked"}


@pytest.mark.parametrize("where", ["/nonexistent/x.evidence", "/proc/x.evidence", "."])
def test_a_path_that_cannot_be_written_is_refused_before_anything_is_launched(bed: Bed, where: str) -> None:
    done = amigate(bed, "validate", bed.ami, "--save-evidence", where)
    if where.startswith("/proc"):  # root may write everywhere, says the system; told after the report
        assert (done.returncode, "was not saved" in done.stderr) == (2, True)
        assert "VERDICT" in done.stdout
        return
    assert (done.returncode, "no file can be written there" in done.stderr) == (2, True)
    assert bed.sandbox.calls.matching("RunInstances") == []

"""Whole images are judged as they are, whatever the layout of their disks: each secret is found, a sound one passes."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from amigate.at_rest import judge_at_rest
from amigate.cli import _run
from amigate.profile import load
from amigate.result import Scope, Status, Verdict

from .images import HOST, PLANTED, REMOVED, SECRETS, SOUND, TRUSTED
from .layouts import LAYOUTS

if TYPE_CHECKING:
    from amigate.result import Report

    from .conftest import Bench

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")

BYTES = "disk-no-recoverable-secrets"
EXPECTED = {
    ("key-no-host-keys-at-rest", "/etc/ssh/ssh_host_ed25519_key", HOST.fingerprint),
    ("key-no-authorized-keys-at-rest", "/srv/app/.ssh/authorized_keys", TRUSTED.fingerprint),
    ("secret-no-signing-material", "/srv/app/.ssh/authorized_keys", ""),
    (BYTES, "/etc/shadow", ""),
    (BYTES, "", REMOVED.fingerprint),
}
QUICK = {"ext4 of 1k, no table", "gpt with /boot and /home", "mbr, extended"}
"""Of the layouts; the others are made of the same parts."""
BASE64 = rb'"((?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)"'
EVERY = [pytest.param(each, marks=[] if each in QUICK else pytest.mark.slow) for each in LAYOUTS]


def told(report: Report) -> set[tuple[str, str, str]]:
    """Return rule, path and fingerprint of each finding."""
    return {(each.id, found.path or "", found.fingerprint) for each in report.results for found in each.findings}


@pytest.mark.parametrize("name", EVERY)
def test_every_planted_secret_is_found(name: str, bench: Bench) -> None:
    image = LAYOUTS[name].image(bench, {**SOUND, **PLANTED}, removed=True)
    report = judge_at_rest(image, load("aws-shared"))
    assert report.verdict is Verdict.FAIL
    assert told(report) == EXPECTED
    details = [found.detail for each in report.results for found in each.findings if found.fingerprint]
    assert sum("in free space" in each for each in details) == 1
    assert {each.status for each in report.results} <= {
        Status.PASS,
        Status.FAIL,
        Status.NOT_ASKED,
        Status.NOT_APPLICABLE,
    }


@pytest.mark.parametrize("name", EVERY)
def test_the_same_image_without_secrets_passes(name: str, bench: Bench) -> None:
    image = LAYOUTS[name].image(bench, SOUND, removed=False)
    path = bench.folder / "report.json"
    code = _run(["validate", str(image), "--profile", "aws-shared", "--report", f"json={path}"])
    report = json.loads(path.read_text())
    assert code == 0, {each["id"]: each["message"] for each in report["results"] if each["status"] != Status.PASS}
    assert (report["verdict"], report["scope"]) == (Verdict.PASS, Scope.PARTIAL)
    assert not [each for each in report["results"] if each["status"] in {Status.INCONCLUSIVE, Status.FAIL}]


def test_saved_evidence_is_judged_alike_and_holds_no_secret(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    image = LAYOUTS["ext4 of 4k, no table"].image(bench, {**SOUND, **PLANTED}, removed=True)
    kept, first, second = (bench.folder / each for each in ("image.evidence", "first.json", "second.json"))
    profile = ("--profile", "aws-shared")
    assert _run(["validate", str(image), *profile, "--save-evidence", str(kept), "--report", f"json={first}"]) == 1
    assert _run(["validate", str(kept), *profile, "--accept-partial", "--report", f"json={second}"]) == 1
    assert _run(["validate", str(kept), *profile, "--accept-partial"]) == 1
    answers = [
        {each["id"]: answer(each) for each in json.loads(path.read_text())["results"]} for path in (first, second)
    ]
    assert answers[0] == answers[1]
    shown = capfd.readouterr()
    evidence = gzip.decompress(kept.read_bytes())
    contents = b"".join(base64.b64decode(each) for each in re.findall(BASE64, evidence))
    assert b"kbdinteractiveauthentication no" in contents
    every = evidence + contents + first.read_bytes() + second.read_bytes() + (shown.out + shown.err).encode()
    assert [secret for secret in SECRETS if secret.encode() in every] == []


def answer(result: dict[str, Any]) -> tuple[object, ...]:
    return tuple(result[each] for each in ("status", "severity", "blocking", "message", "findings"))

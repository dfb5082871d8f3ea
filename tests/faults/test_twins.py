"""Two launches of a whole run, compared: what each made for itself, and what came with the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.sandbox.images.defects.identities import APP_SECRET

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Bed

IDENTITIES, SECRETS = "boot-identities-unique-per-launch", "boot-application-secrets-random"
SEED = "/var/lib/systemd/random-seed"
PROFILE = f"""\
name: twins
description: What two launches must not share.
audience: accounts
evidence: [twin]
rules:
  {IDENTITIES}: {{settings: {{files: [/opt/agent/*/id]}}}}
  {SECRETS}: {{settings: {{files: [{APP_SECRET}]}}}}
"""
FIRST_BOOT = f"""
umask 077
mkdir -p etc/golden var/lib/systemd opt/agent/$NAME
tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
head -c 512 /dev/urandom >.{SEED}
head -c 32 /dev/urandom >.{APP_SECRET}
echo "agent of $NAME" >opt/agent/$NAME/id
"""


@pytest.mark.parametrize(
    "extra,defects,identities,secrets",
    [
        (FIRST_BOOT, (), set(), set()),
        ("", ("machine-id-baked",), {"/etc/machine-id"}, {APP_SECRET}),
        (
            "hostname golden; mkdir -p opt/agent/$NAME; echo 7 >opt/agent/$NAME/id",
            ("random-seed-baked", "app-secret-baked"),
            {SEED, "/proc/sys/kernel/hostname", "/opt/agent/"},
            {APP_SECRET},
        ),
    ],
)
def test_what_two_launches_share_is_found(  # noqa: PLR0913, PLR0917 - what is spoilt, and what is found
    bed: Bed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    extra: str,
    defects: tuple[str, ...],
    identities: set[str],
    secrets: set[str],
) -> None:
    profile = tmp_path / "twins.yaml"
    profile.write_text(PROFILE)
    monkeypatch.setattr(bed.machine, "extra", extra)
    monkeypatch.setattr(bed.machine, "defects", defects)
    results = {result.id: result for result in bed.validate(str(profile)).results}
    paths = {rule: {found.path for found in result.findings} for rule, result in results.items()}
    assert {
        next((each for each in identities if path.startswith(each)), path) for path in paths[IDENTITIES]
    } == identities
    assert paths[SECRETS] == secrets
    for rule, result in results.items():
        assert result.status == ("fail" if paths[rule] else "pass"), result

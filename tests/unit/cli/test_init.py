"""What `amigate init` writes works, and nothing is overwritten unasked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from amigate import settings
from amigate.cli import _run
from amigate.judge import catalogue
from amigate.profile import load
from amigate.settings import SETTINGS
from amigate.starter import PROFILE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def uncommented(text: str) -> str:
    """Return the text with every example in it in force."""
    return re.sub(r"^# (?=(?:[a-z-]+(?: =|:)| +[a-z-]+:| +- ))", "", text, flags=re.MULTILINE)


def test_what_is_written_lints_loads_and_requires_what_aws_shared_does(folder: Path) -> None:
    assert _run(["init"]) == 0
    assert _run(["profiles", "lint", PROFILE]) == 0
    known = catalogue.checks()
    own, shipped = load(PROFILE, known), load("aws-shared", known)
    assert (own.rules, own.evidence, own.blocking, own.audience) == (
        shipped.rules,
        shipped.evidence,
        shipped.blocking,
        shipped.audience,
    )
    found = settings.find(folder)
    assert found is not None
    assert found.values == {"profile": str(folder / PROFILE)}


def test_every_example_in_what_is_written_is_right(folder: Path) -> None:
    assert _run(["init"]) == 0
    for name in ("amigate.toml", PROFILE):
        path = folder / name
        path.write_text(uncommented(path.read_text()))
    found = settings.load(folder / "amigate.toml")
    assert found is not None
    assert found.values.keys() == SETTINGS.keys()
    text = (folder / PROFILE).read_text().replace("  ssh-no-dns-checks: {severity: low}\n", "")
    (folder / PROFILE).write_text(text.replace("checks: [tests/image]\n", ""))
    profile = load(PROFILE, catalogue.checks())
    assert (profile.ssh.users, len(profile.launch.egress), len(profile.waivers)) == (("admin",), 1, 1)


def test_files_that_are_there_stay_unless_forced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "amigate.toml").write_text("# mine")
    assert _run(["init"]) == 2
    assert "amigate.toml" in capsys.readouterr().err
    assert (folder / "amigate.toml").read_text() == "# mine"
    assert not (folder / PROFILE).exists()
    assert _run(["init", "--force"]) == 0
    assert "mine" not in (folder / "amigate.toml").read_text()


def test_a_folder_that_is_not_there_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["init", "nowhere"]) == 2
    assert "no file can be written" in capsys.readouterr().err

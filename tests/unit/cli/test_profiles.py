"""`amigate profiles`: what is shown, and one message for each mistake."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from amigate.cli import _run
from amigate.profile import shipped

if TYPE_CHECKING:
    from pathlib import Path

SOUND = """\
name: mine
description: My own.
audience: accounts
evidence: [ec2, instance]
rules:
  ssh-no-dns-checks:
  package-ami-tools-current:
    settings: {at_least: "1.5.19"}
waivers:
  - {rule: ssh-no-dns-checks, reason: known, owner: ops, expires: 2999-12-31}
"""


def test_a_sound_profile_needs_no_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.yaml").write_text(SOUND)
    assert _run(["profiles", "lint", str(tmp_path / "mine.yaml"), *shipped()]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "change,place,said",
    [
        (("  ssh-no-dns-checks:", "  ssh-no-dns-chekcs:"), "6:3", "there is no rule 'ssh-no-dns-chekcs'"),
        (("2999-12-31", "2001-12-31"), "10:67", "the waiver of ops for ssh-no-dns-checks expired on 2001-12-31"),
        (("  package-ami-tools-current:", "  ssh-no-dns-checks:"), "7:3", "'ssh-no-dns-checks' stands here twice"),
        (("{at_least:", "{at_lest:"), "8:16", "has no setting 'at_lest' (did you mean 'at_least'?)"),
        (('"1.5.19"', "1.5"), "8:26", "package-ami-tools-current wants a text as at_least"),
        (("name: mine", "name: mine\nextends: publc"), "2:10", "no profile 'publc' (did you mean 'public'?)"),
    ],
)
def test_each_mistake_gets_one_message_with_line_and_column(
    change: tuple[str, str], place: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SOUND.replace(*change, 1))
    assert _run(["profiles", "lint", str(path)]) == 2
    message, hint = capsys.readouterr().err.splitlines()
    assert message.startswith(f"amigate: error: {path}:{place}: ")
    assert said in message
    assert hint.startswith("  hint: ")


def test_what_the_file_does_not_name_is_shown_after_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    text = "name: mine\nextends: aws-shared\nrules:\n  disk-*:\n  ssh-no-dns-checks: {severity: high}"
    path.write_text(text)
    assert _run(["profiles", "show", str(path)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{text}\n# ")
    remarks = shown[len(text) + 1 :].splitlines()
    assert any(line.startswith("# critical  ami-owned-and-available  ") for line in remarks)
    assert any(line.startswith("# medium    disk-free-space-clean  ") for line in remarks)
    assert not any("ssh-no-dns-checks" in line for line in remarks)
    assert _run(["profiles", "show", "public"]) == 0
    assert capsys.readouterr().out == shipped()["public"].read_text()


def test_shipped_profiles_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["profiles", "list"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert set(names) >= {"aws-shared", "public", "org", "marketplace", "consumer", "hardened"}


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["profiles", "schema"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["$schema"].endswith("2020-12/schema")
    assert "ssh-no-dns-checks" in made["properties"]["rules"]["properties"]

"""Options from the command line, the environment and a file, in that order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import pytest

from amigate.cli import COMMANDS, _run, amigate, configured
from amigate.cli.configured import configured as configure
from amigate.settings import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the working directory, above which nothing is configured."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def values(command: click.Command, *arguments: str) -> dict[str, Any]:
    """Return what the command is called with."""
    return command.make_context("x", list(arguments)).params


def validate() -> click.Command:
    with click.Context(amigate) as context:
        found = amigate.get_command(context, "validate")
    assert found is not None
    return found


def test_flags_win_over_the_environment_and_that_over_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "amigate.toml").write_text('region = "from-file"\nprofile = "first-gate"\nssh-port = 2200\nuser = "a"')
    assert values(validate(), "ami-1")["region"] == "from-file"
    monkeypatch.setenv("AMIGATE_REGION", "from-env")
    monkeypatch.setenv("AMIGATE_USER", "b c")
    found = values(validate(), "ami-1")
    assert (found["region"], found["users"], found["profile_name"]) == ("from-env", ("b", "c"), "first-gate")
    found = values(validate(), "ami-1", "--region", "from-flag", "--user", "d")
    assert (found["region"], found["users"], found["ssh_port"]) == ("from-flag", ("d",), 2200)


def test_every_setting_is_a_flag_of_validate_and_can_come_from_the_environment() -> None:
    flags = {flag.removeprefix("--"): option for option in validate().params for flag in option.opts}
    for name in SETTINGS:
        assert flags[name].envvar == "AMIGATE_" + name.upper().replace("-", "_")


def test_settings_reach_every_command_that_is_configured(folder: Path) -> None:
    (folder / "amigate.toml").write_text('region = "r"\nprofile = "first-gate"\nquiet = true\nreport = "json"')
    expected = {"region": "r", "regions": ("r",), "profile_name": "first-gate", "quiet": True, "reports": ("json",)}
    arguments = {
        "validate": ["a"],
        "share": ["a"],
        "bake": ["--from", "a", "--name", "n"],
        "reap": [],
        "inspect": ["a"],
    }
    with click.Context(amigate) as context:
        for name in sorted(arguments):
            found = values(amigate.get_command(context, name), *arguments[name])  # type: ignore[arg-type] # it is there
            assert {key: found[key] for key in expected if key in found}.items() <= expected.items()
            assert set(found) & set(expected), name
    assert set(COMMANDS) >= configured.COMMANDS


@pytest.mark.parametrize(
    "text,said",
    [
        ("ssh-port = 70000", "amigate.toml:1:1: 'ssh-port': 70000 is not in the range"),
        ("\nssh-address = 'both'", "amigate.toml:2:1: 'ssh-address': 'both' is not one of"),
        ("timeout = 1", "amigate.toml:1:1: 'timeout': 1.0 is not in the range"),
        ("regoin = 'x'", "did you mean 'region'?"),
    ],
)
def test_a_value_that_a_flag_would_refuse_is_refused_with_its_place(
    folder: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "amigate.toml").write_text(text)
    assert _run(["validate", "ami-0123456789abcdef0"]) == 2
    assert said in capsys.readouterr().err


def test_another_file_can_be_named_and_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "amigate.toml").write_text("nonsense = 1")
    (folder / "other.toml").write_text('region = "other"')
    assert values(validate(), "a", "--config", "other.toml")["region"] == "other"
    monkeypatch.setenv("AMIGATE_CONFIG", "other.toml")
    assert values(validate(), "a")["region"] == "other"
    assert values(validate(), "a", "--config", "/dev/null")["region"] is None


def test_a_file_that_was_named_and_is_not_there_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["validate", "ami-0123456789abcdef0", "--config", "none.toml"]) == 2
    assert "none.toml: No such file" in capsys.readouterr().err


def test_help_does_not_mind_a_file_that_is_wrong(folder: Path) -> None:
    (folder / "amigate.toml").write_text("nonsense = 1")
    assert _run(["validate", "--help"]) == 0


def test_settings_that_mean_nothing_here_are_no_error_and_the_file_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "amigate.toml").write_text('region = "eu-west-1"\nssh-port = 22')
    image = folder / "root"
    image.mkdir()
    assert _run(["validate", str(image)]) == 2  # it holds no root file system: the region was no reason
    said = capsys.readouterr().err
    assert "means nothing" not in said
    assert f"settings from {folder}/amigate.toml" in said


def test_reap_everywhere_takes_no_flag_for_a_region_but_a_setting(
    folder: Path, aws: object, capsys: pytest.CaptureFixture[str]
) -> None:
    del aws
    assert _run(["reap", "--all-regions", "--region", "eu-west-1"]) == 2
    assert "exclude each other" in capsys.readouterr().err
    (folder / "amigate.toml").write_text('region = "eu-west-1"')
    command = configure(click.Command("x"))
    assert command.params[-1].name == "config"
    assert _run(["reap"]) == 0
    assert "eu-west-1: nothing to remove" in capsys.readouterr().out

"""What a configuration file may set, and what is said of one that is wrong."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from amigate.errors import Exit, UsageError
from amigate.settings import FLAG_ONLY, SETTINGS, find, load

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, text: str, name: str = "amigate.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_nearest_file_counts_alone(tmp_path: Path) -> None:
    written(tmp_path, 'region = "eu-west-1"\nsubnet = "subnet-1"')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    written(inner.parent, '[project]\nname = "x"', "pyproject.toml")  # says nothing of amigate
    assert find(inner).values == {"region": "eu-west-1", "subnet": "subnet-1"}  # type: ignore[union-attr] # it is there
    near = written(inner.parent, '[tool.amigate]\nregion = "eu-north-1"', "pyproject.toml")
    found = find(inner)
    assert found is not None
    assert (found.path, found.values) == (near, {"region": "eu-north-1"})
    own = written(inner.parent, "quiet = true")
    assert find(inner).path == own  # type: ignore[union-attr] # it is there


def test_paths_lead_from_the_file_and_names_of_profiles_stay(tmp_path: Path) -> None:
    text = 'profile = "p/own.yaml"\nssh-jump-identity = "key"\nreport = ["console", "html=out/r.html", "json=/x.json"]'
    found = load(written(tmp_path, text))
    assert found is not None
    assert found.values == {
        "profile": f"{tmp_path}/p/own.yaml",
        "ssh-jump-identity": f"{tmp_path}/key",
        "report": ["console", f"html={tmp_path}/out/r.html", "json=/x.json"],
    }
    assert load(written(tmp_path, 'profile = "first-gate"')).values == {"profile": "first-gate"}  # type: ignore[union-attr] # it is there


@pytest.mark.parametrize(
    "text,said",
    [
        ('region = "a"\npofile = "x"', "amigate.toml:2:1: unknown setting 'pofile' (did you mean 'profile'?)"),
        ("ssh_port = 22", "amigate.toml:1:1: unknown setting 'ssh_port' (did you mean 'ssh-port'?)"),
        ("xyzzy = 1", "amigate.toml:1:1: unknown setting 'xyzzy'"),
        ('ssh-port = "22"', "amigate.toml:1:1: 'ssh-port' has to be an integer"),
        ("ssh-port = true", "amigate.toml:1:1: 'ssh-port' has to be an integer"),
        ('timeout = "long"', "amigate.toml:1:1: 'timeout' has to be a number"),
        ("quiet = 1", "amigate.toml:1:1: 'quiet' has to be a boolean"),
        ("user = [1]", "amigate.toml:1:1: 'user' has to be a string or a list of strings"),
        ("report = [1]", "amigate.toml:1:1: 'report' has to be a string or a list of strings"),
        ('profile = ["a"]', "amigate.toml:1:1: 'profile' has to be a string"),
        ("[profile]\na = 1", "amigate.toml:1:2: 'profile' has to be a string"),
        ('region = "a"\nregion = "b"', "amigate.toml:2:"),
        ("region = ", "amigate.toml:1:10: Invalid value"),
        ('region = "\x1b"', "amigate.toml:1:11: "),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(written(tmp_path, text))
    assert said in str(caught.value)
    assert caught.value.exit_code == Exit.USAGE
    assert caught.value.hint
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(FLAG_ONLY))
def test_no_file_says_what_an_answer_is_worth_or_whom_to_trust(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, f"[tool.amigate]\n{name} = true", "pyproject.toml")
    with pytest.raises(UsageError, match=rf"pyproject\.toml:2:1: '{name}' can be given on the command line alone"):
        load(path)
    assert name not in SETTINGS


def test_every_mistake_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load(written(tmp_path, "quiet = 1\nregio = 'x'\ntimeout = []"))
    assert [line.split("amigate.toml:")[1].split(":")[0] for line in str(caught.value).splitlines()] == ["1", "2", "3"]


def test_a_pyproject_whose_tool_is_no_table(tmp_path: Path) -> None:
    assert load(written(tmp_path, "tool = 1", "pyproject.toml")) is None
    with pytest.raises(UsageError, match=r":2:1: 'tool.amigate' has to be a table"):
        load(written(tmp_path, "[tool]\namigate = 1", "pyproject.toml"))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    big = tmp_path / "amigate.toml"
    big.write_bytes(b"#" * (1 << 20) + b"#")
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'region = "\xe4"')
    for path, said in (
        (big, "larger"),
        (latin, "not UTF-8 at byte 10"),
        (tmp_path / "none", "No such"),
        (tmp_path, "directory"),
    ):
        with pytest.raises(UsageError, match=said):
            load(path)


def test_a_file_of_somebody_else_that_was_only_found_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, 'profile = "/tmp/lenient.yaml"')
    uid = path.stat().st_uid
    if uid == 0:
        os.chown(path, 4711, -1)
    else:
        monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    with pytest.raises(UsageError, match="belongs to another user") as caught:
        find(tmp_path)
    assert f"--config {path}" in caught.value.hint
    assert load(path) is not None

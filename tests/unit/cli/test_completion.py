"""Completion, asked as the shells do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from amigate.cli import _run

PROGRAM = Path(sys.executable).parent / "amigate"


def offered(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """Return what is offered for the last of `words`."""
    monkeypatch.setenv("_AMIGATE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(("amigate", *words)))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    with pytest.raises(SystemExit):
        _run([])
    return [line.partition(",")[2] for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    "words,expected",
    [
        (("val",), "validate"),
        (("validate", "--prof"), "--profile"),
        (("validate", "--profile", "aws"), "aws-shared"),
        (("validate", "--report", "sar"), "sarif"),
        (("report", "diff", "--format", "mark"), "markdown"),
        (("checks", "show", "ssh-no-dns"), "ssh-no-dns-checks"),
        (("checks", "list", "--topic", "clo"), "cloud-init"),
        (("checks", "list", "--witness", "pr"), "probe"),
        (("checks", "list", "--severity", "cr"), "critical"),
        (("checks", "list", "--profile", "har"), "hardened"),
        (("profiles", "show", "first"), "first-gate"),
        (("profiles", "diff", "public", "mark"), "marketplace"),
        (("profiles", "lint", "con"), "consumer"),
        (("completion", "fi"), "fish"),
    ],
)
def test_words_are_completed(
    words: tuple[str, ...],
    expected: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "amigate.toml").write_text("nonsense = 1")  # which is nothing to completion
    monkeypatch.chdir(tmp_path)
    assert expected in offered(capsys, monkeypatch, *words)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_takes_its_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_AMIGATE_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_bash_completes_with_the_script_alone() -> None:
    text = (
        'source /dev/stdin; COMP_WORDS=(amigate val); COMP_CWORD=1; _amigate_completion amigate; echo "${COMPREPLY[@]}"'
    )
    script = subprocess.run([PROGRAM, "completion", "bash"], capture_output=True, text=True, check=True).stdout
    environment = {**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", text], input=script, capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "validate"

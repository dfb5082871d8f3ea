"""The example in examples/own-checks: its rules are named, and its folder runs under plain pytest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "own-checks"
PROFILE = str(EXAMPLE / "profile.yaml")
IDS = [
    "user:our-checks/test_system.py::test_mode",
    "user:our-checks/test_system.py::test_no_compiler",
    "user:our-checks/test_system.py::TestAdmin::test_home",
    "user:our-checks/test_system.py::TestAdmin::test_shell",
    "our-sudoers-parse",
]


def said(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "amigate", *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "arguments",
    [("checks", "list", "--profile", PROFILE), ("profiles", "lint", PROFILE), ("profiles", "show", PROFILE)],
)
def test_a_profile_names_its_own_tests(arguments: tuple[str, ...]) -> None:
    text = said(*arguments)
    assert [line for line in IDS if line in text] == IDS
    rows = [line.removeprefix("# ") for line in text.splitlines() if line.endswith("There is no compiler")]
    assert [row.split()[0] for row in rows] == ["low"]


def test_one_of_them_is_shown_by_its_id() -> None:
    text = said("checks", "show", "our-sudoers-parse", "--profile", PROFILE)
    assert "The sudo rules can be read." in text
    assert "witnesses:    instance" in text


def test_the_same_folder_runs_under_plain_pytest() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "our-checks", "--hosts=local://", "-q", "-rA"]
    done = subprocess.run(command, cwd=EXAMPLE, capture_output=True, text=True, check=False, timeout=120)
    assert "test_mode[local-/etc/passwd-420]" in done.stdout, done.stdout
    assert "PASSED our-checks/test_system.py::test_mode[local-/etc/passwd-420]" in done.stdout

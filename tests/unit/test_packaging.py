"""What is installed is what stands in the tree: checks, hardening and profiles too."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "src/amigate": "amigate",
    "checks": "amigate/checks",
    "hardening": "amigate/hardening",
    "profiles": "amigate/profiles",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel built from the sdist, as it would be published."""
    out = tmp_path_factory.mktemp("dist")
    source = out / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    for name in filter(None, tracked.decode().split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, source], check=True, capture_output=True
    )
    return next(out.glob("*.whl"))


def in_tree() -> set[str]:
    return {
        f"{package}/{path.relative_to(ROOT / folder)}"
        for folder, package in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.parts)
    }


def test_the_wheel_made_from_the_sdist_holds_exactly_the_files_of_the_tree(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == in_tree()


def test_a_plain_install_finds_checks_steps_and_profiles(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import amigate, amigate.judge.catalogue as c, amigate.profile as p, amigate.harden.step as s;"
        "print(amigate.__file__, len(c.checks()), sorted(p.shipped()), len(s.all_steps()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    where, rules, rest = done.stdout.split(" ", 2)
    assert Path(where).is_relative_to(tmp_path)
    assert int(rules) >= 12
    assert "first-gate" in rest

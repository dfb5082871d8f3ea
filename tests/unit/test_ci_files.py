"""What others' CI reads of this repository: the action, examples and the pre-commit hook, against their schemas."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.corpus.trees import sound

ROOT = Path(__file__).parents[2]
SCHEMAS = {
    "action.yml": ("vendor.github-actions",),
    "examples/ci/github.yml": ("vendor.github-workflows",),
    "examples/ci/gitlab-ci.yml": ("vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
}
HOOK = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["id", "name", "entry", "language"],
        "properties": {
            **{name: {"type": "string"} for name in ("id", "name", "description", "entry")},
            "language": {"enum": ["python"]},
            "files": {"type": "string", "format": "regex"},
            "types": {"type": "array", "items": {"enum": ["yaml"]}},
        },
        "additionalProperties": False,
    },
}
"""Of what https://pre-commit.com/#creating-new-hooks lists, what is used here."""


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def lint(schema: tuple[str, ...], file: Path) -> int:
    command = [sys.executable, "-m", "check_jsonschema", "--no-cache", "--builtin-schema", *schema, str(file)]
    return subprocess.run(command, capture_output=True, check=False, timeout=300).returncode


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_file_is_what_its_reader_takes(name: str, tmp_path: Path) -> None:
    assert lint(SCHEMAS[name], ROOT / name) == 0
    damaged = tmp_path / "damaged.yml"
    text = (ROOT / name).read_text(encoding="utf-8")
    damaged.write_text(re.sub("^(runs|jobs|amigate):", r"\1: 7\nx-\1:", text, flags=re.MULTILINE), encoding="utf-8")
    assert lint(SCHEMAS[name], damaged) == 1


def test_the_hook_of_pre_commit_lints_profiles_where_they_lie(tmp_path: Path) -> None:
    hooks = load(".pre-commit-hooks.yaml")
    jsonschema.validate(hooks, HOOK, format_checker=jsonschema.FormatChecker())
    (hook,) = hooks
    assert all(re.search(hook["files"], name) for name in ("profiles/golden.yaml", "gate/profiles/a.yml"))
    assert not re.search(hook["files"], "profiles/README.md")
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: [", encoding="utf-8")
    program, *arguments = shlex.split(hook["entry"])
    for files, code in (([*ROOT.glob("profiles/*.yaml")], 0), ([bad], 2)):
        command = [str(Path(sys.executable).with_name(program)), *arguments, *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == code, done.stderr
    assert f"{bad}:1:" in done.stderr


def test_the_workflow_uses_what_the_action_has() -> None:
    action, workflow = load("action.yml"), load("examples/ci/github.yml")
    steps = workflow["jobs"]["amigate"]["steps"]
    (step,) = [each for each in steps if "/amigate@" in each.get("uses", "")]
    assert step["with"].keys() <= action["inputs"].keys()
    used = set(re.findall(r"steps\.amigate\.outputs\.([\w-]+)", str(workflow)))
    assert used
    assert used <= action["outputs"].keys()
    assert not [each for each in steps if "${{" in each.get("run", "")]


def test_the_docs_name_each_input_and_output() -> None:
    action = load("action.yml")
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    named = {name for line in text.splitlines() if line.startswith("| `") for name in re.findall("`([^`]+)`", line)}
    assert (action["inputs"].keys() | action["outputs"].keys()) <= named


def test_the_script_of_the_gitlab_job_runs_and_leaves_its_artifacts(tmp_path: Path) -> None:
    job = load("examples/ci/gitlab-ci.yml")["amigate"]
    sound(tmp_path / "image")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "golden.yaml").write_text(
        "name: golden\ndescription: One rule.\naudience: accounts\nevidence: [disk]\n"
        "rules:\n  key-no-authorized-keys-at-rest: {}\n",
        encoding="utf-8",
    )
    environment = {"AMI": "./image", "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    kept = [*job["artifacts"]["paths"], *job["artifacts"]["reports"].values()]
    assert all((tmp_path / name).stat().st_size for name in kept)

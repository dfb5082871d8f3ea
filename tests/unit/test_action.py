"""action.yml: its steps, run as a runner of GitHub does, on directories and images that are there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.corpus.trees import PUBLIC, Tree, sound

from amigate.report import sarif

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
EXPRESSION = re.compile(r"\$\{\{ (\S+) \}\}")


@dataclass
class Runner:
    """Runs the steps of a composite action: https://docs.github.com/en/actions/reference/workflows-and-actions."""

    folder: Path
    inputs: dict[str, str]
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    log: str = ""
    code: int = 0

    def run(self, **environment: str) -> Runner:
        for name in ("work", "temp"):
            (self.folder / name).mkdir(exist_ok=True)
        self.file("summary").touch()
        for step in ACTION["runs"]["steps"]:
            self._step(step, environment)
            if self.code:
                break
        return self

    def file(self, name: str) -> Path:
        return self.folder / name

    @property
    def summary(self) -> str:
        return self.file("summary").read_text(encoding="utf-8")

    def output(self, name: str) -> str:
        """Return an output of the action; that of a step that did not set it is empty."""
        return self._value(ACTION["outputs"][name]["value"])

    def commands(self) -> list[str]:
        """Return the workflow commands that the runner obeys in the log."""
        obeyed, token = [], ""
        for line in map(str.lstrip, self.log.splitlines()):
            if token:
                token = "" if line == f"::{token}::" else token
            elif line.startswith("::stop-commands::"):
                token = line.removeprefix("::stop-commands::")
            elif line.startswith("::"):
                obeyed.append(line)
        assert not token, "commands are obeyed again at the end"
        return obeyed

    def _step(self, step: dict[str, Any], environment: dict[str, str]) -> None:
        assert step["shell"] == "bash"
        script, output = self.file("script.sh"), self.file(f"output-{step['id']}")
        script.write_text(step["run"], encoding="utf-8")
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.folder / "work",
            env={
                **kept,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                **{name: self._value(str(value)) for name, value in step["env"].items()},
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(self.file("summary")),
                "RUNNER_TEMP": str(self.folder / "temp"),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
        self.log += done.stdout.decode()
        self.code = done.returncode
        lines = output.read_text(encoding="utf-8").splitlines() if output.exists() else []
        self.outputs[step["id"]] = dict(line.split("=", 1) for line in lines)

    def _value(self, text: str) -> str:
        def of(match: re.Match[str]) -> str:
            scope, *names = match[1].split(".")
            if scope == "inputs":
                return self.inputs.get(names[0], str(ACTION["inputs"][names[0]].get("default", "")))
            step, _, name = names
            return self.outputs.get(step, {}).get(name, "")

        return EXPRESSION.sub(of, text)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path, {"version": "installed", "target": "image", "profile": "profile.yaml"})


@pytest.fixture
def tree(runner: Runner) -> Tree:
    """Return a sound tree that is the target, to be judged by two rules."""
    work = runner.folder / "work"
    work.mkdir()
    rules = "  key-no-authorized-keys-at-rest: {}\n  account-root-has-no-usable-password: {}\n"
    (work / "profile.yaml").write_text(
        f"name: two\ndescription: Two rules.\naudience: accounts\nevidence: [disk]\nrules:\n{rules}", encoding="utf-8"
    )
    return sound(work / "image")


def test_a_sound_image_passes_and_says_so_in_outputs_summary_and_annotation(runner: Runner, tree: Tree) -> None:
    runner.run()
    assert runner.code == 0, runner.log
    assert runner.output("verdict") == "pass"
    assert runner.output("may-share") == "false", "a directory is no AMI"
    assert json.loads(Path(runner.output("report")).read_text(encoding="utf-8"))["verdict"] == "pass"
    assert Path(runner.output("markdown")).read_text(encoding="utf-8") == runner.summary
    assert runner.output("sarif") == ""
    assert [command.partition(" ")[0] for command in runner.commands()] == ["::notice"]
    assert tree.root.name in runner.log


def test_a_leaky_image_fails_with_each_report_that_was_asked_for(runner: Runner, tree: Tree) -> None:
    tree.write("/root/.ssh/authorized_keys", f"{PUBLIC} builder\n")
    runner.inputs |= {"sarif": "a b.sarif", "reports": "junit=junit.xml\n\nhtml=page.html\n"}
    runner.run()
    assert runner.code == 1, runner.log
    assert (runner.output("verdict"), runner.output("may-share")) == ("fail", "false")
    assert runner.output("sarif") == "a b.sarif"
    work = runner.folder / "work"
    assert json.loads((work / "a b.sarif").read_text(encoding="utf-8"))["$schema"] == sarif.SCHEMA
    assert (work / "junit.xml").is_file()
    assert (work / "page.html").is_file()
    verdict, rule = runner.commands()
    assert verdict.startswith("::error title=amigate::FAIL: 1 rule")
    assert rule.startswith("::error title=key-no-authorized-keys-at-rest (critical),file=")
    assert "/root/.ssh/authorized_keys:1" in rule
    assert runner.summary.startswith("## ❌ FAIL")


def test_an_image_file_that_cannot_be_decided_is_no_pass(runner: Runner, tree: Tree) -> None:
    shutil.rmtree(tree.root)
    tree.root.write_bytes(bytes(1 << 20))
    runner.run()
    assert runner.code == 3, runner.log
    assert (runner.output("verdict"), runner.output("may-share")) == ("inconclusive", "false")
    assert {command.partition(" ")[0] for command in runner.commands()} == {"::error"}
    assert "INCONCLUSIVE" in runner.summary


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    "inputs,code",
    [({"target": "nowhere.img"}, 2), ({"arguments": "--help"}, 3), ({"profile": "no-such-profile"}, 2)],
    ids=["no image", "nothing judged", "no profile"],
)
def test_without_a_report_nothing_is_decided(runner: Runner, inputs: dict[str, str], code: int) -> None:
    runner.inputs |= inputs
    runner.run()
    assert runner.code == code, runner.log
    assert (runner.output("verdict"), runner.output("may-share"), runner.output("report")) == (
        "inconclusive",
        "false",
        "",
    )
    assert [command.partition("::")[2].partition(" ")[0] for command in runner.commands()] == ["error"]


@pytest.mark.usefixtures("tree")
def test_inputs_are_words_and_never_scripts_or_commands(runner: Runner) -> None:
    planted = '$(touch planted)`touch planted`"; touch planted; "\n::set-output name=verdict::pass'
    runner.inputs |= dict.fromkeys(ACTION["inputs"].keys() - {"version", "python", "summary"}, planted)
    runner.run()
    assert runner.code == 2, runner.log
    assert not (runner.folder / "work" / "planted").exists()
    assert all(command.startswith("::error title=amigate::Nothing was decided") for command in runner.commands())


def test_no_script_has_an_expression_in_it() -> None:
    """Which would make an input a part of the script."""
    assert not [step["name"] for step in ACTION["runs"]["steps"] if "${{" in step["run"]]


@pytest.mark.usefixtures("tree")
def test_summary_and_annotations_can_be_left_out(runner: Runner) -> None:
    runner.inputs |= {"summary": "false", "annotations": "false", "arguments": "--quiet"}
    runner.run()
    assert (runner.code, runner.output("verdict")) == (0, "pass")
    assert (runner.summary, runner.commands()) == ("", [])


def test_the_installed_version_is_the_one_asked_for_or_that_of_the_action(runner: Runner) -> None:
    """pip is told to show what it would do: what it does is its own affair."""
    recorder = runner.folder / "python"
    recorder.write_text('#!/bin/sh\nmkdir -p "$3/bin"; cp "$0.pip" "$3/bin/python"; cp "$0.amigate" "$3/bin/amigate"\n')
    (runner.folder / "python.pip").write_text('#!/bin/sh\nfor last; do :; done; echo "pip installs <$last>"\n')
    (runner.folder / "python.amigate").write_text('#!/bin/sh\necho "amigate says $*"; exit 3\n')
    for each in runner.folder.glob("python*"):
        each.chmod(0o755)
    for version, what in (("", str(ROOT)), ("0.1.0", "amigate==0.1.0")):
        runner.inputs |= {"version": version, "python": str(recorder)}
        runner.log, runner.outputs = "", {}
        runner.run()
        assert f"pip installs <{what}>" in runner.log
        assert "amigate says --version" in runner.log
    runner.inputs["version"] = "0.1.0 --index-url=http://evil.example"
    runner.log, runner.outputs = "", {}
    runner.run()
    assert runner.code == 2
    assert "pip installs" not in runner.log

"""The command line as a whole: what it shows, what it imports, how it fails."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from typing import Any

import click
import pytest

from amigate.cli import COMMANDS, _run, amigate
from amigate.cli.options import launch_options

HEAVY = {"boto3", "botocore", "paramiko", "fabric", "pytest", "testinfra", "pydantic", "yaml", "moto", "jinja2"}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own that knows no AWS account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AMIGATE_"))}
    nothing = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return subprocess.run(
        [sys.executable, "-m", "amigate", *arguments],
        capture_output=True,
        text=True,
        env={**kept, **nothing, **environment},
        timeout=60,
        check=False,
    )


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    with click.Context(group) as context:
        names = group.list_commands(context)
        found: list[tuple[str, ...]] = []
        for name in names:
            command = group.get_command(context, name)
            found.append((*path, name))
            if isinstance(command, click.Group):
                found += every_command(command, (*path, name))
        return found


def test_help_names_every_command_that_is_built_and_no_other() -> None:
    shown = run("--help").stdout
    assert all(f"\n  {name}" in shown for name in COMMANDS)
    assert not any(word in shown for word in ("audit", "unshare"))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    command: click.Command = importlib.import_module(f"amigate.cli.{name}").command
    assert command.name == name
    assert (command.help or "").splitlines()[0] == COMMANDS[name]


@pytest.mark.parametrize("path", every_command(amigate), ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert _run([*path, "--help"]) == 0
    assert "Usage: amigate" in capsys.readouterr().out


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from amigate.cli import _run; _run(['--help']); print(*sys.modules, sep='\\n', file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    "arguments,said",
    [
        (("validate",), "Missing argument 'TARGET'"),
        (("validate", "ami-xyz"), "'ami-xyz' is no AMI id"),
        (("validate", "i-0123456789abcdef0"), "is no AMI id"),
        (("validate", "ami-0123456789abcdef0\x1b[31m"), r"\x1b"),
        (("validate", "ami-0123456789abcdef0", "--profile", "frist-gate"), "there is no profile 'frist-gate'"),
        (("validate", "ami-0123456789abcdef0", "--report", "pdf"), "that is no report format"),
        (("validate", "ami-0123456789abcdef0", "--report", "json=/nowhere/at/all.json"), "no file can be written"),
        (("validate", "ami-0123456789abcdef0", "--report", "json", "--report", "console"), "two reports"),
        (("validate", "ami-0123456789abcdef0", "--evidence", "ec2,moon"), "moon"),
        (("validate", "ami-0123456789abcdef0", "--region", "us-east-1"), "credentials"),
        (("validate", "/nowhere/image.evidence"), "there is no such file"),
        (("validate", "image\x1b[31m.evidence"), r"\x1b"),
        (("validate", "/dev"), "it holds no root file system"),
        (("validate", "/dev/null"), "it is no disk image"),
        (("validate", __file__), "it is no disk image"),
        (("validate", __file__, "--keep"), "--keep means nothing with an image file"),
        (("validate", "/", "--evidence", "instance"), "a directory has the disk alone"),
        (("validate", "/", "--profile", "first-gate"), "profile first-gate does not ask the disk"),
        (("validate", "ami-0123456789abcdef0", "--save-evidence", "/nowhere/x"), "no file can be written"),
        (("validate", "ami-0123456789abcdef0", "--save-evidence", "/tmp"), "no file can be written"),
        (
            (
                "validate",
                "ami-0123456789abcdef0",
                "--save-evidence",
                "/tmp/amigate-report-and-evidence",
                "--report",
                "json=/tmp/amigate-report-and-evidence",
            ),
            "a report goes",
        ),
        (("share", "ami-0123456789abcdef0"), "nobody to share with"),
        (("share", "ami-0123456789abcdef0", "--account", "12345"), "'12345' is no account id"),
        (("checks", "show", "ssh-no-dns-check"), "there is no rule"),
        (("checks", "list", "--topic", "shs"), "there is no topic 'shs'"),
        (("checks", "list", "--severity", "huge"), "huge"),
        (("profiles", "show", "nothing"), "there is no profile"),
        (("profiles", "diff", "public", "markteplace"), "there is no profile 'markteplace'"),
        (("vaildate",), "vaildate"),
    ],
)
def test_a_wrong_call_gets_one_message_that_says_what_and_exit_code_2(arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2, done.stderr
    told = re.sub(r"^\[.*s\] still working: .*\n", "", done.stderr, flags=re.MULTILINE)  # where the machine is loaded
    assert said in told
    assert told.startswith("amigate: error: ")
    assert told.count("amigate: error: ") == 1
    assert "hint: " in told
    assert "Traceback" not in told
    assert done.stdout == ""


def test_no_terminal_escape_of_an_argument_reaches_the_terminal() -> None:
    for arguments in (("validate", "\x1b]0;x\x07"), ("share", "ami-00000000", "--account", "\x1b[2J"), ("\x1b[2J",)):
        assert "\x1b" not in run(*arguments).stderr


def test_a_narrowed_run_is_refused_as_undecided_unless_partial_is_accepted() -> None:
    done = run(
        "validate", "ami-0123456789abcdef0", "--evidence", "ec2", "--endpoint-url", "http://127.0.0.1:9",
        AWS_DEFAULT_REGION="us-east-1", AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b",
    )  # fmt: skip
    assert done.returncode == 3
    assert "--accept-partial" in done.stderr


def test_a_defect_shows_neither_its_text_nor_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def defective(*_: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr("amigate.profile.shipped", defective)
    assert _run(["profiles", "list"]) == 3
    said = capsys.readouterr().err
    assert "RuntimeError" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("option", [("--fault", "RunInstances:0=Unavailable"), ("--log-calls", "/nonexistent/calls")])
def test_a_sandbox_is_not_started_with_options_that_mean_nothing(option: tuple[str, str]) -> None:
    done = run("sandbox", "up", *option)
    assert (done.returncode, done.stdout) == (2, "")
    assert option[1] in done.stderr
    assert "hint: " in done.stderr


@pytest.mark.parametrize(
    "options,said",
    [
        (["--ssh-jump", "me@bastion"], "name it with --runner-cidr"),
        (["--ssh-jump-identity", "key"], "add --ssh-jump"),
        (["--ssh-jump", "a,b", "--runner-cidr", "10.0.0.5/32"], "is no jump host"),
    ],
)
def test_options_of_a_jump_host_that_do_not_go_together_are_a_wrong_call(options: list[str], said: str) -> None:
    done = run("validate", "ami-0123456789abcdef0", *options, AWS_REGION="eu-central-1")
    assert done.returncode == 2
    assert said in done.stderr


def test_through_a_jump_host_instances_have_private_addresses_unless_it_is_said_otherwise() -> None:
    given: dict[str, Any] = {"users": (), "ssh_port": None, "timeout": None, "ssh_jump_identity": None}
    given |= {"runner_cidr": "10.0.0.5/32", "subnet": None, "instance_type": None}
    assert launch_options(**given, ssh_address=None, ssh_jump="me@bastion").ssh_address == "private"
    assert launch_options(**given, ssh_address="public", ssh_jump="me@bastion").ssh_address == "public"
    assert launch_options(**given, ssh_address=None, ssh_jump=None).ssh_address == "public"

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from amigate.cli.harden import _tell, command
from amigate.errors import UsageError
from amigate.harden.builder import Change, Deed, Log
from amigate.harden.diff import unified
from amigate.harden.run import Applied
from amigate.harden.step import all_steps

if TYPE_CHECKING:
    from tests.unit.harden.conftest import Computer


def harden(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output


def options(computer: Computer) -> list[str]:
    known = str(computer.home / "known_hosts")
    target = f"ssh://admin@127.0.0.1:{computer.port}"
    return [target, "-i", str(computer.identity), "--known-hosts", known, "--accept-new-host-key", "-q"]


@pytest.mark.parametrize(
    "target", ["", "host", "ssh://host", "http://a@b", "ssh://a:secret@b", "ssh://a@b:99999", "ssh://a@b/c", "ami-1"]
)
def test_any_other_target_is_a_usage_error(target: str) -> None:
    with pytest.raises(UsageError) as error:
        harden(target)
    assert "secret" not in f"{error.value}{error.value.hint}"


def test_the_steps_are_listed_with_their_rules() -> None:
    assert "sshd: sshd takes keys and nothing else" in harden("--list")


def test_no_line_of_a_machine_is_a_command_to_a_runner_of_ci(capsys: pytest.CaptureFixture[str]) -> None:
    diff = unified("/etc/x", "::error::a\n::stop-commands::b\n##[error]c\nold\ttab", "::error::a\n##[error]c\nnew")
    log = Log(changes=[Change(deed=Deed.WRITE, what="/etc/x", diff=diff)])
    _tell(Applied(step=next(iter(all_steps())), log=log), diffs=True)
    shown = capsys.readouterr().out.splitlines()
    assert not [line for line in shown if line.lstrip().startswith("::") or "##[" in line]
    assert "-old\ttab" in shown


def test_a_dry_run_shows_diffs_and_applying_says_what_changed(running: Computer) -> None:
    before = running.tree()
    planned = harden(*options(running), "--dry-run", "--seal")
    assert running.tree() == before
    assert "+PasswordAuthentication no" in planned
    assert "-root:<hash>:" in planned
    assert "rm -f /etc/ssh/ssh_host_*" in planned
    assert "nothing was changed" in planned

    assert "  write: /etc/shadow\n" in harden(*options(running))
    again = harden(*options(running))
    assert "keys: nothing to change\n" in again
    assert again.endswith("Nothing had to be changed.\n")

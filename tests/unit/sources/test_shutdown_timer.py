"""The timer that powers a test instance off: real shells, and programs that only note how they were called."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING, cast

import pytest

from amigate.errors import ConnectionFailedError
from amigate.sources import shutdown_timer
from amigate.sources.shutdown_timer import arm_shutdown

if TYPE_CHECKING:
    from pathlib import Path

    from amigate.sources.connection import Connection

SHELLS = ("/usr/bin/dash", "/usr/bin/bash")
"""Not busybox: it takes its own id and sleep, whatever PATH says."""


class Program:
    """The standard output of a program on this machine."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def receive(self, timeout_s: float) -> bytes:
        assert timeout_s > 0
        assert self.process.stdout is not None
        return os.read(self.process.stdout.fileno(), 1 << 16)

    def close(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.wait(20)


class Login:
    """A login on this machine whose PATH holds nothing but made-up programs and the tools that are named."""

    def __init__(self, folder: Path, shell: str) -> None:
        self.folder, self._shell = folder, shell
        self.notes = folder / "notes"
        for tool in ("sh", "cat", "sleep", "id"):
            (folder / tool).symlink_to(f"/usr/bin/{tool}" if tool != "sh" else "/usr/bin/dash")

    def program(self, name: str, script: str) -> None:
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/usr/bin/dash\n{script.replace('NOTE', f'echo {name} $* >>{self.notes}')}\n")
        path.chmod(0o755)

    def execute(self, command: str) -> Program:
        # A login's program has a terminal that may hang up; a session of its own is as near as that.
        process = subprocess.Popen(
            [self._shell, "-c", command],
            stdout=subprocess.PIPE,
            env={"PATH": str(self.folder)},
            start_new_session=True,
        )
        return Program(process)

    def noted(self, words: str) -> bool:
        """Wait until a program has noted its call."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if self.notes.exists() and words in self.notes.read_text():
                return True
            time.sleep(0.02)
        return False


@pytest.fixture(params=SHELLS)
def login(request: pytest.FixtureRequest, tmp_path: Path) -> Login:
    made = Login(tmp_path, request.param)
    made.program("id", "echo 0")
    made.program("sleep", "NOTE")
    return made


def arm(login: object, minutes: int = 7) -> str | None:
    return arm_shutdown(cast("Connection", login), minutes)


@pytest.fixture
def systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this machine pass for one that runs systemd."""
    monkeypatch.setattr(shutdown_timer, "SCRIPT", shutdown_timer.SCRIPT.replace("/run/systemd/system", "/"))


@pytest.fixture
def no_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this machine pass for one without systemd."""
    monkeypatch.setattr(shutdown_timer, "SCRIPT", shutdown_timer.SCRIPT.replace("/run/systemd/system", "/nowhere"))


@pytest.mark.usefixtures("systemd")
def test_systemd_keeps_the_time_itself(login: Login) -> None:
    login.program("shutdown", "NOTE")
    assert arm(login) is None
    assert login.noted("shutdown -P +7")


@pytest.mark.usefixtures("no_systemd")
def test_without_systemd_a_sleep_outlives_the_login_and_then_takes_the_power(login: Login) -> None:
    login.program("poweroff", "NOTE")
    assert arm(login) is None
    assert login.noted("poweroff")
    assert login.notes.read_text().splitlines()[0] == "sleep 420"


@pytest.mark.usefixtures("systemd")
def test_a_shutdown_that_refuses_is_made_up_for_by_a_sleep(login: Login) -> None:
    login.program("shutdown", "exit 1")
    login.program("poweroff", "NOTE")
    assert arm(login) is None
    assert login.noted("poweroff")


@pytest.mark.usefixtures("no_systemd")
def test_a_machine_without_poweroff_is_shut_down_in_another_way(login: Login) -> None:
    login.program("busybox", "NOTE")
    assert arm(login) is None
    assert login.noted("busybox poweroff")


@pytest.mark.usefixtures("no_systemd")
@pytest.mark.parametrize("way", ["sudo", "doas"])
def test_a_user_who_is_not_root_becomes_root_without_a_password(login: Login, way: str) -> None:
    login.program("id", "echo 1000")
    login.program("true", "exit 0")
    login.program(way, 'NOTE\nshift\nexec "$@"')
    login.program("poweroff", "NOTE")
    assert arm(login) is None
    assert login.noted("poweroff")
    assert f"{way} -n true" in login.notes.read_text()


def test_a_user_who_cannot_become_root_is_noted_and_nothing_else(login: Login) -> None:
    login.program("id", "echo 1000")
    login.program("sudo", "exit 1")
    assert "cannot become root" in (arm(login) or "")
    assert not login.notes.exists()


class Talker:
    """A machine that answers with anything, for ever."""

    def __init__(self, answer: bytes | OSError) -> None:
        self._answer = answer
        self.closed = False

    def execute(self, _: str) -> Talker:
        return self

    def receive(self, _: float) -> bytes:
        if isinstance(self._answer, OSError):
            raise self._answer
        return self._answer

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    "answer,said",
    [(b"x" * 1000, "too much"), (TimeoutError(), "in time"), (OSError("gone"), "in time"), (b"", "no timer")],
)
def test_whatever_the_machine_answers_ends_soon_and_is_a_note(answer: bytes | OSError, said: str) -> None:
    talker = Talker(answer)
    assert said in (arm(talker) or "")
    assert talker.closed


def test_noise_around_the_word_does_no_harm() -> None:
    assert arm(Talker(b"\x1b[2JWelcome!\namigate-timer-armed\nbye")) is None


def test_a_login_that_runs_no_commands_is_a_note() -> None:
    class Refusing:
        def execute(self, _: str) -> None:
            raise ConnectionFailedError("192.0.2.1 let admin log in and then refused to run a command")

    assert "refused to run" in (arm(Refusing()) or "")


@pytest.mark.parametrize("minutes", [0, -5])
def test_there_is_always_a_minute_left(minutes: int) -> None:
    asked: list[str] = []

    class Noting(Talker):
        def execute(self, command: str) -> Talker:
            asked.append(command)
            return self

    arm(Noting(b""), minutes)
    assert "shutdown -P +1 " in asked[0]
    assert "sleep 60\n" in asked[0]

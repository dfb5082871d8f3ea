"""The collector over a real sshd, on machines that are set up in every wrong way."""

from __future__ import annotations

import shutil
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from amigate.check import InconclusiveError
from amigate.errors import AmigateError
from amigate.evidence import frames
from amigate.evidence import questions as asked
from amigate.evidence.collector import Collector, collect
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs
from amigate.sources.shutdown_timer import taken_out, timer

if TYPE_CHECKING:
    from tests.contract.conftest import Machine, Machines

    from amigate.evidence.model import View
    from amigate.evidence.questions import Question

Glob = partial(asked.Glob, keep=Keep.WHOLE)
ReadFile = partial(asked.ReadFile, keep=Keep.WHOLE)
Run = partial(asked.Run, keep=Keep.WHOLE)

WHO = Run("who", "id -u")


def seen(machine: Machine, *questions: Question, deadline_s: float = 30) -> View:
    connection = machine.log_in()
    try:
        return collect(connection.execute, [Needs(first=questions)], redactor=None, deadline_s=deadline_s)
    finally:
        connection.close()


def assert_whole(view: View) -> None:
    """Make sure that it was root who looked, and saw."""
    assert view.broken == ""
    assert view.answer("who").text == "0\n"
    assert view.content("/etc/shadow")
    assert view.entry("/root/missing") is None


QUESTIONS = (WHO, ReadFile("/etc/shadow"), ReadFile("/root/missing"))


@pytest.mark.parametrize("shell", ["bash", "dash", "tcsh", "fish", "rbash"])
def test_any_login_shell_will_do(machines: Machines, shell: str) -> None:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    with machines(shell=path) as machine:
        view = seen(machine, *QUESTIONS)
    if shell == "rbash":  # it runs no program whose name has a slash
        assert "no /bin/sh" in view.broken
    else:
        assert_whole(view)


@pytest.mark.parametrize("shell", ["/usr/bin/dash", "/bin/bash", "/usr/bin/busybox"])
def test_any_system_shell_will_do(machines: Machines, shell: str) -> None:
    with machines(extra=f"ln -sf {shell} usr/bin/sh") as machine:
        assert_whole(seen(machine, *QUESTIONS))


def test_busybox_in_place_of_all_tools_will_do(machines: Machines) -> None:
    tools = "sh stat head wc cat mkdir rm id readlink timeout env ls"
    with machines(extra=f"for tool in {tools}; do ln -sf busybox usr/bin/$tool; done") as machine:
        assert_whole(seen(machine, *QUESTIONS))


@pytest.mark.parametrize(
    "extra,reason",
    [
        ("echo 'somebody ALL=(ALL) ALL' >etc/sudoers.d/somebody", "`sudo -n` was refused"),
        ("echo 'Defaults requiretty' >etc/sudoers.d/tty; chmod 440 etc/sudoers.d/tty", "`sudo -n` was refused"),
        ("rm etc/sudoers.d/somebody", "`sudo -n` was refused"),
        ("rm usr/bin/sudo", "`sudo -n` was refused"),
        ("echo broken >etc/sudoers", "`sudo -n` was refused"),
        ("echo 'somebody ALL=(nobody) NOPASSWD:ALL' >etc/sudoers.d/somebody", "`sudo -n` was refused"),
        ("printf '#!/bin/sh\\nshift\\nexec \"$@\"\\n' >usr/bin/sudo; chmod 755 usr/bin/sudo", "does not run as root"),
        ("rm usr/bin/sh", "no /bin/sh"),
        ("ln -sf /bin/false usr/bin/sh", "no /bin/sh"),
    ],
)
def test_a_machine_on_which_nobody_becomes_root_gives_one_reason(machines: Machines, extra: str, reason: str) -> None:
    with machines(extra=extra) as machine:
        view = seen(machine, *QUESTIONS)
    assert reason in view.broken


@pytest.mark.parametrize(
    "extra",
    [
        "echo 'PATH=/nowhere; export PATH' >etc/bash.bashrc",
        "echo 'Defaults use_pty, log_output, !env_reset' >etc/sudoers.d/odd; chmod 440 etc/sudoers.d/odd",
        "echo 'Defaults secure_path=/nowhere' >etc/sudoers.d/odd; chmod 440 etc/sudoers.d/odd",
        "mount -t tmpfs -o size=64k none dev/shm",
        "for d in dev/shm tmp var/tmp; do mount -t tmpfs -o ro none $d; done",
        "for d in dev/shm run tmp; do mount -o remount,ro,bind $d 2>/dev/null || :; done",
        "echo 'head -c 100000 /dev/urandom; printf \"\\\\033]0;x\\\\007\\\\n\"; echo amigate/1 0 0' >etc/bash.bashrc",
        "echo 'alias stat=false; set -eu; umask 0; ulimit -n 20' >etc/bash.bashrc",
    ],
    ids=["path", "pty", "secure_path", "full", "read-only", "read-only-run", "noise", "bashrc"],
)
def test_what_is_odd_about_a_machine_changes_nothing(machines: Machines, extra: str) -> None:
    with machines(extra=extra) as machine:
        assert_whole(seen(machine, *QUESTIONS))


def test_a_machine_without_any_room_is_unseen(machines: Machines) -> None:
    extra = "for d in dev/shm run tmp var/tmp; do mount -t tmpfs -o size=8k none $d; done; mkdir -m 755 run/sshd"
    with machines(extra=extra) as machine:
        view = seen(machine, *QUESTIONS)
    assert (view.entries, view.answers, view.absent) == ({}, {}, frozenset())
    assert all("no folder in which" in view.unseen[question.key] for question in QUESTIONS)


def test_one_command_that_stops_the_machine_costs_its_own_answer(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "SILENCE_S", 1.0)
    stop = "p=$PPID; while grep -q '^Name:.\\(timeout\\|sh\\|sudo\\)$' /proc/$p/status; do kill -STOP $p; "
    stop += "p=$(cut -d' ' -f4 /proc/$p/stat); done; kill -STOP $$"
    with machines() as machine:
        started = time.monotonic()
        view = seen(machine, WHO, Run("stops", stop, timeout_s=1), *QUESTIONS[1:], deadline_s=90)
        took_s = time.monotonic() - started
    assert_whole(view)
    assert took_s < 60
    with pytest.raises(InconclusiveError, match="stopped answering"):
        view.answer("stops")


def test_a_file_system_that_hangs_costs_its_own_answer(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a mount of a network file system whose server is gone: `stat` itself never returns."""
    monkeypatch.setattr(frames, "SILENCE_S", 1.5)
    stat = "mv usr/bin/stat usr/bin/stat.real; "
    stat += (
        'printf \'#!/bin/sh\\ncase "$*" in */dead/*) exec sleep 60;; esac\\nexec stat.real "$@"\\n\' >usr/bin/stat; '
    )
    stat += "chmod 755 usr/bin/stat; mkdir srv/dead; touch srv/dead/file"
    with machines(extra=stat) as machine:
        view = seen(machine, ReadFile("/srv/dead/file"), *QUESTIONS)
    assert_whole(view)
    with pytest.raises(InconclusiveError, match="stopped answering"):
        view.entry("/srv/dead/file")


@pytest.mark.parametrize(
    "command",
    [
        "yes",
        "yes >&2",
        "cat /dev/urandom",
        "cat /dev/zero | tr '\\0' '\\n'",
        "while :; do printf 'END x\\nE 1 1 1 1 1\\n'; done",
    ],
)
def test_output_without_end_costs_its_own_answer(machines: Machines, command: str) -> None:
    with machines() as machine:
        view = seen(machine, Run("endless", command, timeout_s=5, cap_bytes=64 * 1024), *QUESTIONS)
    assert_whole(view)
    with pytest.raises(InconclusiveError):
        view.answer("endless")


def test_a_daemon_keeps_neither_the_channel_nor_the_next_answer(machines: Machines) -> None:
    daemon = Run("daemon", "(trap '' HUP TERM; while sleep 0.05; do echo late; done) & echo started")
    with machines() as machine:
        started = time.monotonic()
        view = seen(machine, daemon, Run("next", "sleep 0.3; echo fine"), *QUESTIONS, deadline_s=90)
        took_s = time.monotonic() - started
    assert_whole(view)
    assert view.answer("next").text == "fine\n"
    assert took_s < 60


@pytest.mark.parametrize("sudoers", ["Defaults !use_pty", "Defaults use_pty"])
def test_the_shutdown_timer_of_a_collection_outlives_it(machines: Machines, sudoers: str) -> None:
    with machines(extra=f"(umask 337; echo '{sudoers}' >etc/sudoers.d/00)") as machine:
        connection = machine.log_in()
        view, armed = taken_out(collect(connection.execute, [timer(77), Needs(first=QUESTIONS)], redactor=None))
        connection.close()
        assert_whole(view)
        assert armed
        assert set(view.answers) == {"who"}
        running = seen(machine, Run("processes", "ps -A -o args=")).answer("processes").text
    assert "sleep 4620" in running.splitlines()


def test_names_of_every_kind_come_through(machines: Machines) -> None:
    extra = "cd home/somebody && printf 'a\\nb\\0c\\033[31m\\0latin\\351\\0' | xargs -0 touch"
    names = ["a\nb", "c\x1b[31m", "latin\udce9"]
    with machines(extra=f"({extra})") as machine:
        view = seen(machine, Glob("/home/somebody/*"), *QUESTIONS)
    assert_whole(view)
    assert [entry.path for entry in view.glob("/home/somebody/*")] == [f"/home/somebody/{name}" for name in names]


@pytest.mark.parametrize(
    "config",
    [
        "MaxSessions 1",
        "Subsystem sftp /bin/false",
        "DisableForwarding yes\nAllowTcpForwarding no\nAllowAgentForwarding no\nX11Forwarding no\nPermitTunnel no",
        "PermitTTY no",
        "Compression yes",
        "Ciphers aes256-gcm@openssh.com",
        "Ciphers aes128-ctr\nMACs hmac-sha2-512-etm@openssh.com\nKexAlgorithms ecdh-sha2-nistp384",
        "KexAlgorithms diffie-hellman-group16-sha512\nCiphers aes256-ctr",
        "PubkeyAcceptedAlgorithms ssh-ed25519\nHostKeyAlgorithms ssh-ed25519",
        "MaxAuthTries 1",
        "MaxStartups 1:100:1",
        "PermitUserRC no\nPrintMotd yes\nBanner /etc/passwd",
        "ClientAliveInterval 1\nClientAliveCountMax 1",
        "RekeyLimit 64K 1",
    ],
)
def test_a_server_that_forbids_what_is_not_needed_is_no_hindrance(machines: Machines, config: str) -> None:
    with machines(config=config) as machine:
        connection = machine.log_in()
        try:
            with Collector(connection.execute, None) as collector:
                assert_whole(collector.collect([Needs(first=QUESTIONS)]))
                view = collector.ask([Run("more", "head -c 200000 /dev/zero")])
        finally:
            connection.close()
    assert len(view.answer("more").stdout) == 200_000


@pytest.mark.parametrize(
    "config,reason",
    [
        ("ForceCommand echo Please login as somebody else", "a forced command"),
        ("ForceCommand internal-sftp", "a forced command"),
        ("MaxSessions 0", "refused to run a command"),
    ],
)
def test_a_server_that_forbids_what_is_needed_gives_one_reason(machines: Machines, config: str, reason: str) -> None:
    with machines(config=config) as machine:
        try:
            told = seen(machine, *QUESTIONS, deadline_s=10).broken
        except AmigateError as error:
            told = str(error)
    assert reason in told


def test_a_server_with_no_algorithm_in_common_says_so(machines: Machines) -> None:
    with (
        machines(config="Ciphers chacha20-poly1305@openssh.com") as machine,
        pytest.raises(AssertionError, match="no algorithm that paramiko knows"),
    ):
        machine.log_in(timeout_s=3)


def test_no_compression_is_agreed_on_so_nothing_of_the_machine_is_decompressed(machines: Machines) -> None:
    with machines(config="Compression yes") as machine:
        connection = machine.log_in()
        assert connection.transport.get_security_options().compression == ("none",)
        assert connection.transport.remote_compression == "none"  # type: ignore[attr-defined] # not in the stubs
        connection.close()

"""Whatever a launched machine does to whoever looks at it: never a pass, and nothing left."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from amigate.errors import RemovalError
from amigate.evidence import frames
from amigate.result import Status, Verdict
from amigate.sandbox.fault import Error, Fault
from amigate.sources import connection, handshake, knock, observer, shutdown_timer

if TYPE_CHECKING:
    from tests.faults.conftest import Bed

    from amigate.result import Report

SERVER = """
cat >server.py <<'END'
import os, socket, threading
def serve(client):
    {body}
listener = socket.create_server((os.environ["ADDRESS"], int(os.environ["PORT"])))
while True:
    client, _ = listener.accept()
    threading.Thread(target=serve, args=(client,)).start()
END
exec "$PYTHON" server.py
"""
"""Another server in sshd's place."""


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten every limit; the order of them stays."""
    monkeypatch.setattr(connection, "STEP_S", 3.0)
    monkeypatch.setattr(handshake, "STEP_S", 3.0)
    monkeypatch.setattr(knock, "BANNER_S", 3.0)
    monkeypatch.setattr(frames, "GREETING_S", 3.0)
    monkeypatch.setattr(shutdown_timer, "ANSWER_S", 2.0)
    monkeypatch.setattr(observer, "STRANGER_S", 3.0)


def judged(bed: Bed, extra: str, **options: float) -> Report:
    """Judge an image whose machines run `extra`; whatever came of it, nothing is left and it is no pass."""
    bed.machine.extra = extra
    report = bed.validate(**{"timeout_s": 6, **options})
    assert bed.left() == []
    assert not report.may_share
    return report


def statuses(report: Report) -> dict[str, str]:
    return {result.id: str(result.status) for result in report.results}


INSIDE = "account-root-has-no-usable-password"
FRESH = "boot-fresh-key-logs-in"


@pytest.mark.parametrize(
    "name,body",
    [
        ("accepts and says nothing", "client.recv(1)\n    import time; time.sleep(3600)"),
        ("names itself and hangs", 'client.sendall(b"SSH-2.0-OpenSSH_9.2\\r\\n")\n    import time; time.sleep(3600)'),
        ("hangs up at once", "client.close()"),
        ("talks without end", 'while True: client.sendall(b"x" * 4096)'),
        ("is no SSH server", 'client.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n")\n    client.close()'),
    ],
)
def test_a_server_that_never_lets_anybody_in(bed: Bed, name: str, body: str) -> None:
    found = statuses(judged(bed, SERVER.replace("{body}", body)))
    assert found[FRESH] in {"inconclusive", "fail"}, name
    assert found[INSIDE] == "inconclusive"
    assert "pass" not in {found[rule] for rule in found if rule.startswith(("ssh-", "account-", "key-"))}


def test_a_login_that_hangs_once_it_is_in(bed: Bed) -> None:
    report = judged(bed, "echo 'ForceCommand sleep 3600' >etc/ssh/sshd_config.d/00-force.conf")
    found = statuses(report)
    assert found[FRESH] == "pass"
    assert found[INSIDE] == "inconclusive"
    assert report.verdict is Verdict.INCONCLUSIVE


def test_a_forced_command_that_talks(bed: Bed) -> None:
    text = "Please login as somebody else"
    report = judged(bed, f"echo 'ForceCommand echo \"{text}\"' >etc/ssh/sshd_config.d/00-force.conf")
    assert statuses(report)[INSIDE] == "inconclusive"
    assert report.verdict is Verdict.INCONCLUSIVE


def test_a_key_that_is_refused(bed: Bed) -> None:
    report = judged(bed, "rm -f home/admin/.ssh/authorized_keys")
    found = statuses(report)
    assert (found[FRESH], found["boot-works-with-imdsv2-only"]) == ("fail", "fail")
    assert found[INSIDE] == "inconclusive"


def test_sudo_that_asks_for_a_password(bed: Bed) -> None:
    report = judged(bed, "(umask 337; echo 'admin ALL=(ALL) ALL' >etc/sudoers.d/90-login)")
    assert statuses(report)[INSIDE] == "inconclusive"
    assert report.verdict is Verdict.INCONCLUSIVE
    assert any("sudo -n" in result.message for result in report.results)


@pytest.mark.parametrize(
    "noise",
    [
        "echo 'Banner /etc/issue' >etc/ssh/sshd_config.d/00.conf; head -c 60000 /dev/urandom | base64 >etc/issue",
        "printf 'echo welcome\\necho amigate/1 0 0\\n' >etc/profile.d/00.sh; cp etc/profile.d/00.sh etc/bash.bashrc",
        "printf 'printf \"\\\\033]0;owned\\\\007\\\\377\\\\000\"\\n' >etc/bash.bashrc",
    ],
)
def test_noise_around_a_login_changes_nothing(bed: Bed, noise: str) -> None:
    bed.machine.extra = noise
    report = bed.validate()
    assert report.verdict is Verdict.PASS, [r for r in report.results if r.blocking]
    assert bed.left() == []


def test_noise_without_end_is_given_up(bed: Bed) -> None:
    report = judged(bed, "echo 'yes noise' >etc/bash.bashrc")
    assert statuses(report)[INSIDE] == "inconclusive"
    assert report.verdict is Verdict.INCONCLUSIVE


def test_a_machine_that_powers_itself_off_before_anybody_is_in(bed: Bed) -> None:
    report = judged(bed, "exit 0", timeout_s=20)
    found = statuses(report)
    assert found[FRESH] == "fail"
    assert "shut itself down" in next(r.findings[0].detail for r in report.results if r.id == FRESH)


def test_a_machine_that_dies_while_it_is_looked_at(bed: Bed) -> None:
    """Somebody terminates the instances as soon as they are logged in to."""
    over = threading.Event()

    def terminate() -> None:
        while not over.wait(0.05):
            if bed.sandbox.calls.matching("GetConsoleOutput"):  # the first thing that is asked after collecting
                break
        reservations = bed.ec2.describe_instances()["Reservations"]
        ids = [instance["InstanceId"] for reservation in reservations for instance in reservation["Instances"]]
        bed.ec2.terminate_instances(InstanceIds=ids)

    killer = threading.Thread(target=terminate)
    killer.start()
    try:
        report = judged(bed, "", timeout_s=10)
    finally:
        over.set()
        killer.join()
    assert report.verdict is Verdict.INCONCLUSIVE
    assert statuses(report)["boot-survives-reboot"] == "inconclusive"


def test_collecting_from_a_machine_that_dies_meanwhile(bed: Bed) -> None:
    report = judged(
        bed, "printf '#!/bin/sh\\nkill -9 -1; kill -9 1\\n' >usr/bin/stat; chmod 755 usr/bin/stat", timeout_s=8
    )
    assert statuses(report)[INSIDE] == "inconclusive"


def test_no_capacity_anywhere_is_no_verdict(bed: Bed) -> None:
    with bed.sandbox.faults.add(Fault.no_capacity()):
        report = judged(bed, "")
    assert report.verdict is Verdict.INCONCLUSIVE
    assert statuses(report)["ami-owned-and-available"] == "pass"
    assert "InsufficientInstanceCapacity" in next(r.message for r in report.results if r.id == INSIDE)


def test_one_launch_that_fails_costs_what_it_would_have_shown_alone(bed: Bed) -> None:
    """The second of them; the first goes on, and EC2's hint is told."""
    with bed.sandbox.faults.add(Fault("RunInstances", nth=2, error=Error("UnauthorizedOperation"))):
        report = judged(bed, "")
    assert report.verdict is Verdict.INCONCLUSIVE
    found = {result.status for result in report.results}
    assert found <= {Status.PASS, Status.NOT_APPLICABLE, Status.INCONCLUSIVE}
    assert any("add ec2:RunInstances to the policy" in result.message for result in report.results)


def test_ec2_that_says_no_more_of_the_instances_costs_no_finding(bed: Bed) -> None:
    """What the image's own description violates is told nevertheless."""
    bed.ec2.modify_image_attribute(ImageId=bed.ami, LaunchPermission={"Add": [{"UserId": "222222222222"}]})
    denied = Fault("DescribeInstances", times=None, error=Error("UnauthorizedOperation"))
    try:
        with bed.sandbox.faults.add(denied), pytest.raises(RemovalError) as caught:
            bed.validate()
    finally:
        bed.ec2.reset_image_attribute(ImageId=bed.ami, Attribute="launchPermission")
    bed.reap()
    assert bed.left() == []
    report = caught.value.report
    assert report is not None
    assert statuses(report)["ami-not-shared-before-gate"] == "fail"
    assert "pass" not in {status for rule, status in statuses(report).items() if rule.startswith("ssh-")}
    assert any("left behind" in note for note in report.notes)


def test_capacity_is_looked_for_elsewhere(bed: Bed) -> None:
    with bed.sandbox.faults.add(Fault.no_capacity(instance_types=("t3.micro",))) as fault:
        report = bed.validate()
    assert fault.fired
    assert report.verdict is Verdict.PASS
    assert {r.status for r in report.results} <= {Status.PASS, Status.NOT_APPLICABLE}
    assert bed.left() == []

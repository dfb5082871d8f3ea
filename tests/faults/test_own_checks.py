"""A user's own testinfra tests in whole runs: recorded on machines, judged from evidence, beside the shipped rules."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from amigate import run
from amigate.live import Options
from amigate.profile import load
from amigate.result import Status, Verdict
from amigate.sources import observer

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from tests.faults.conftest import Bed

    from amigate.result import Report, Result

PROFILE = """\
name: mine
description: The first gate, and tests of our own.
audience: accounts
evidence: [ec2, instance, twin]
rules:
  ssh-no-password-login:
  boot-fresh-key-logs-in:
checks: [our-checks]
"""

TESTS = '''
import pytest
from amigate import check


def test_file(host):
    passwd = host.file("/etc/passwd")
    assert passwd.exists and passwd.is_file
    assert (passwd.user, passwd.group, passwd.mode) == ("root", "root", 0o644)
    assert passwd.contains("^root:")
    assert not host.file("/no/such/file").exists


def test_user(host):
    assert host.user().name == "root"
    assert host.user("admin").exists
    assert host.user("admin").home == "/home/admin"
    assert not host.user("nobody-such").exists
    assert "admin" in host.user().get_local_users
    assert host.group("root").gid == 0


def test_package(host):
    assert host.package("openssh-server").is_installed
    assert not host.package("telnetd").is_installed


def test_run(host):
    answer = host.run("printf 'gr\\\\303\\\\274n'; echo bad >&2; exit 3")
    assert (answer.rc, answer.stdout, answer.stderr) == (3, "gr\\u00fcn", "bad\\n")
    assert host.check_output("echo %s", "a b; c'd") == "a b; c'd"
    assert host.run("""
        echo one
        echo two
    """).stdout.split() == ["one", "two"]


def test_sudo(host):
    assert host.check_output("id -un") == "root"
    with host.sudo("admin"):
        assert host.check_output("id -un") == "admin"


@pytest.fixture(scope="module")
def kernel(host):
    return host.system_info.type


@pytest.mark.parametrize("path,mode", [("/etc/passwd", 0o644), ("/etc/shadow", 0o640)])
def test_mode(host, kernel, path, mode):
    assert kernel == "linux"
    assert host.file(path).mode == mode


class TestApp:
    def test_shell(self, host):
        assert host.user("admin").shell == "/bin/bash"

    def test_of_root_fails(self, host):
        assert host.user("root").uid == 1


def test_with_facts(host, sshd, accounts):
    assert not sshd.sessions_where("passwordauthentication", is_not="no")
    assert host.file("/etc/ssh/sshd_config").exists


def test_that_skips(host):
    pytest.skip("not today")


def test_asked_twice(host):
    host.run("rm -f /run/once")
    first = host.file("/run/once").exists
    host.run("touch /run/once")
    assert not first and host.file("/run/once").exists


@check("our-remark-only", severity="low")
def test_low(host):
    """Nothing listens on port 9999.

    It never did."""
    assert not host.file("/etc/passwd").exists
'''

EXPECTED = {
    "file": "pass",
    "user": "pass",
    "package": "pass",
    "run": "pass",
    "sudo": "pass",
    "mode": "pass",
    "with_facts": "pass",
    "that_skips": "inconclusive",
    "asked_twice": "pass",
}


def validated(bed: Bed, folder: Path, tests: str, **options: object) -> Report:
    """Judge the image under a profile with these tests, written to `folder`."""
    (folder / "our-checks").mkdir(exist_ok=True)
    (folder / "our-checks" / "test_ours.py").write_text(textwrap.dedent(tests))
    path = folder / "mine.yaml"
    path.write_text(PROFILE)
    chosen: dict[str, object] = {"ssh_port": bed.sandbox.ssh_port, "ssh_users": ["admin"], "timeout_s": 20} | options
    report = run.validate(bed.aws, bed.ami, load(str(path)), options=Options(**chosen))  # type: ignore[arg-type]
    assert bed.left() == []
    return report


def by_name(report: Report) -> dict[str, Result]:
    return {result.id.rpartition("::test_")[2]: result for result in report.results}


def test_tests_of_testinfra_are_judged_beside_the_shipped_rules(bed: Bed, tmp_path: Path) -> None:
    report = validated(bed, tmp_path, TESTS)
    found = by_name(report)
    said = {name: str(result.status) for name, result in found.items()}
    assert said == EXPECTED | {
        "shell": "pass",
        "of_root_fails": "fail",
        "our-remark-only": "fail",
        "ssh-no-password-login": "pass",
        "boot-fresh-key-logs-in": "pass",
    }, [(r.id, r.message) for r in report.results]
    assert report.verdict is Verdict.FAIL
    assert {name for name, result in found.items() if result.blocking} == {"of_root_fails", "that_skips"}
    assert found["of_root_fails"].id == "user:our-checks/test_ours.py::TestApp::test_of_root_fails"
    assert found["our-remark-only"].title == "Nothing listens on port 9999"


def test_a_command_that_hangs_costs_its_own_answer(bed: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "FURTHER_S", 2)
    tests = """
    def test_before(host): assert host.run("true").rc == 0
    def test_hangs(host): host.run("sleep 600")
    def test_floods(host): host.run("yes")
    def test_kills_its_shell(host): host.run("kill -9 $PPID")
    def test_after(host): assert host.file("/etc/passwd").exists
    """
    found = by_name(validated(bed, tmp_path, tests))
    assert {name: str(found[name].status) for name in ("before", "hangs", "floods", "after")} == {
        "before": "pass",
        "hangs": "inconclusive",
        "floods": "inconclusive",
        "after": "pass",
    }, found
    assert found["hangs"].message == "`sleep …`: no answer within 2 s"
    assert found["ssh-no-password-login"].status is Status.PASS


def test_one_session_at_a_time_is_enough(bed: Bed, tmp_path: Path) -> None:
    bed.machine.extra = "echo 'MaxSessions 1' >etc/ssh/sshd_config.d/00-max.conf"
    found = by_name(validated(bed, tmp_path, "def test_a(host): assert host.run('true').rc == 0\n"))
    assert found["a"].status is Status.PASS


def test_what_a_conftest_does_stays_with_its_own_tests(bed: Bed, tmp_path: Path) -> None:
    """It replaces facts, empties the collection and ends the process: no shipped rule is any the better for it."""
    (tmp_path / "our-checks").mkdir()
    (tmp_path / "our-checks" / "conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef sshd(): pytest.skip('stray')\n"
        "def pytest_collection_modifyitems(items): items.clear()\n"
    )
    bed.machine.extra = "echo 'PasswordAuthentication yes' >etc/ssh/sshd_config.d/00-open.conf"
    report = validated(bed, tmp_path, "def test_a(host): pass\n")
    found = by_name(report)
    assert found["ssh-no-password-login"].status is Status.FAIL
    assert found["a"].status is Status.INCONCLUSIVE


def test_a_connection_that_is_lost_while_tests_are_recorded_costs_the_rest(bed: Bed, tmp_path: Path) -> None:
    tests = """
    def test_before(host): assert host.run("true").rc == 0
    def test_cuts(host): host.run("pkill -9 sshd; sleep 5")
    def test_after(host): assert host.run("true").rc == 0
    """
    found = by_name(validated(bed, tmp_path, tests))
    assert str(found["before"].status) == "pass"
    assert {str(found[name].status) for name in ("cuts", "after")} == {"inconclusive"}
    assert found["ssh-no-password-login"].status is Status.PASS


def test_nobody_could_log_in_so_nothing_of_ours_passes(bed: Bed, tmp_path: Path) -> None:
    bed.machine.extra = "rm -f home/admin/.ssh/authorized_keys"
    found = by_name(validated(bed, tmp_path, "def test_a(host): host.run('true')\n", timeout_s=6))
    assert found["a"].status is Status.INCONCLUSIVE
    assert "nobody could log in" in found["a"].message


def test_services_sockets_and_processes_are_seen(bed: Bed, tmp_path: Path) -> None:
    tests = f"""
    def test_service(host): assert not host.service("no-such-service").is_running
    def test_socket(host):
        assert any(each.endswith(":{bed.sandbox.ssh_port}") for each in host.socket.get_listening_sockets())
    def test_nothing_listens(host): assert not host.socket("tcp://127.0.0.1:1").is_listening
    def test_process(host): assert host.process.filter(comm="sshd")
    def test_mount(host): assert host.mount_point("/proc").exists
    """
    found = by_name(validated(bed, tmp_path, tests))
    said = {
        name: (str(found[name].status), found[name].message)
        for name in ("service", "socket", "nothing_listens", "process", "mount")
    }
    assert set(said.values()) == {("pass", "")}, said

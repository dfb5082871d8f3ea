"""The steps on a machine with everything wrong: what holds afterwards, and that it goes on working."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from amigate.facts.sshd import NEEDS, Sshd
from amigate.harden.apply import Applier
from amigate.harden.builder import Builder, Deed, Plan
from amigate.harden.run import Applied, apply, seal, seal_script
from amigate.harden.ssh import connect
from amigate.harden.step import all_steps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.harden.conftest import Computer

    from amigate.harden.ssh import SshMachine


@pytest.fixture
def leaky(computer: Computer, tmp_path: Path) -> Computer:
    """Put a bad line in each place where sshd reads one, and keys where nobody looks."""
    builder = computer.keygen(tmp_path / "builder", "packer_5f1c2b7a")
    main = computer.read("/etc/ssh/sshd_config") or ""
    tail = "\nUseDNS yes\nMatch Address 10.0.0.0/8\n    PasswordAuthentication yes\n    X11Forwarding no\n"
    computer.write("/etc/ssh/sshd_config", f"PermitEmptyPasswords yes\n{main}{tail}")
    files = {
        "00-aaa": "PasswordAuthentication yes\nMaxSessions 7\n",
        "20-root": "PermitRootLogin yes\nPasswordAuthentication yes\n",
        "30-pam": "KbdInteractiveAuthentication=yes\n",
        "40-keys": "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u\n",
        "90-match": "Match User admin\n  PubkeyAuthentication yes\n  kbdinteractiveauthentication yes\n",
    }
    for name, text in files.items():
        computer.write(f"/etc/ssh/sshd_config.d/{name}.conf", text)
    operator = computer.identity.with_suffix(".pub").read_text()
    computer.write("/home/admin/.ssh/authorized_keys", f"{builder}# mine\n{operator}", 0o600, 1000)
    computer.write("/root/.ssh/authorized_keys", f'command="echo no" {operator}{builder}', 0o600)
    computer.write("/srv/deploy/.ssh/authorized_keys2", builder, 0o600, 1020)
    computer.write("/etc/ssh/keys/deploy", builder)
    computer.write("/etc/ssh/keys/nobody", "# none\n")
    computer.write("/home/admin/.bash_history", "aws configure\n", 0o600, 1000)
    computer.write("/srv/deploy/.python_history", "1\n", 0o600, 1020)
    computer.write("/home/admin/.ssh/id_ed25519", computer.identity.read_text(), 0o600, 1000)
    computer.write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    computer.write("/var/log/auth.log", "admin logged in\n")
    computer.write("/var/log/syslog.1", "older\n")
    computer.write("/var/lib/cloud/instances/i-1/user-data.txt", "#!/bin/sh\n")
    computer.write("/usr/local/bin/first-boot", "#!/bin/sh\nssh-keygen -A\n", 0o755)
    return computer


@pytest.fixture
def session(leaky: Computer) -> Iterator[SshMachine]:
    leaky.start()
    machine = connect(leaky.address())
    yield machine
    machine.close()
    leaky.stop()


def harden(builder: Builder) -> dict[str, Applied]:
    return {applied.step.name: applied for applied in apply(builder, all_steps())}


def test_every_session_takes_keys_only(session: SshMachine) -> None:
    harden(Applier(session))

    server = Sshd.read(Applier(session).look(NEEDS))
    assert len(server.sessions) > 3
    for keyword, wanted in {
        "passwordauthentication": "no",
        "kbdinteractiveauthentication": "no",
        "permitemptypasswords": "no",
        "permitrootlogin": "no",
        "usedns": "no",
        "pubkeyauthentication": "yes",
        "authorizedkeysfile": ".ssh/authorized_keys .ssh/authorized_keys2",
    }.items():
        assert {session.value(keyword) for session in server.sessions} == {wanted}, keyword


def test_the_running_server_offers_no_password(session: SshMachine, leaky: Computer) -> None:
    harden(Applier(session))

    ssh = ["ssh", "-F", "none", "-o", "PreferredAuthentications=none", "-o", "StrictHostKeyChecking=no"]
    known = ["-o", "UserKnownHostsFile=/dev/null", "-p", str(leaky.port), "admin@127.0.0.1"]
    said = subprocess.run([*ssh, *known], capture_output=True, text=True, check=False).stderr
    assert "Permission denied (publickey)." in said


def test_lines_that_do_no_harm_stay(session: SshMachine, leaky: Computer) -> None:
    harden(Applier(session))

    assert leaky.read("/etc/ssh/sshd_config.d/00-aaa.conf") == "MaxSessions 7\n"
    assert leaky.read("/etc/ssh/sshd_config.d/20-root.conf") == "PermitRootLogin yes\nPasswordAuthentication yes\n"
    main = leaky.read("/etc/ssh/sshd_config") or ""
    assert main.endswith("UseDNS yes\nMatch Address 10.0.0.0/8\n    X11Forwarding no\n")


def test_no_account_file_holds_a_password(session: SshMachine, leaky: Computer) -> None:
    harden(Applier(session))

    for path in ("/etc/shadow", "/etc/shadow-"):
        fields = {line.split(":")[0]: line.split(":")[1] for line in (leaky.read(path) or "").splitlines()}
        assert fields == {"root": "*", "daemon": "*", "nobody": "*", "sshd": "!", "admin": "*", "deploy": "*"}
    assert "admin:*:" in (leaky.read("/etc/shadow") or "")
    assert ":0:99999:7:::" in (leaky.read("/etc/shadow") or "").splitlines()[4]


def test_only_the_operators_key_is_left(session: SshMachine, leaky: Computer) -> None:
    harden(Applier(session))

    operator = leaky.identity.with_suffix(".pub").read_text()
    assert leaky.read("/home/admin/.ssh/authorized_keys") == operator
    for path in ("/root/.ssh/authorized_keys", "/srv/deploy/.ssh/authorized_keys2", "/etc/ssh/keys/deploy"):
        assert leaky.read(path) is None, path
    connect(leaky.address()).close()


def test_the_second_time_nothing_changes(session: SshMachine, leaky: Computer) -> None:
    harden(Applier(session))
    before = leaky.tree()

    again = harden(Applier(session))

    assert [change for applied in again.values() for change in applied.log.changes] == []
    assert leaky.tree() == before


def test_a_dry_run_changes_nothing_and_says_what_applying_does(session: SshMachine, leaky: Computer) -> None:
    before = leaky.tree()

    planned = harden(Plan(session))

    assert leaky.tree() == before
    done = harden(Applier(session))
    assert {name: one.log.changes for name, one in planned.items()} == {
        name: one.log.changes for name, one in done.items()
    }


def test_no_diff_shows_a_hash_or_a_whole_key(session: SshMachine) -> None:
    changes = [change for applied in harden(Plan(session)).values() for change in applied.log.changes]

    text = "\n".join(change.diff for change in changes)
    assert "saltsalt" not in text
    assert "AAAA" not in text
    assert "-root:<hash>:19000" in text
    assert "SHA256:" in text
    assert {change.deed for change in changes} == {Deed.WRITE, Deed.REMOVE, Deed.RUN}


def test_the_seal_leaves_no_key_no_history_and_no_power(session: SshMachine, leaky: Computer) -> None:
    builder = Applier(session)
    harden(builder)

    seal(session, seal_script(builder))

    gone = [
        "/home/admin/.bash_history",
        "/srv/deploy/.python_history",
        "/home/admin/.ssh/authorized_keys",
        "/home/admin/.ssh/id_ed25519",
        "/etc/ssh/ssh_host_ed25519_key",
        "/etc/ssh/ssh_host_rsa_key.pub",
        "/var/log/syslog.1",
        "/var/lib/cloud/instances/i-1/user-data.txt",
    ]
    assert [path for path in gone if leaky.read(path) is not None] == []
    assert (leaky.read("/etc/machine-id"), leaky.read("/var/log/auth.log")) == ("", "")
    assert not list(leaky.upper.rglob(".amigate*"))
    assert leaky.process is not None
    assert leaky.process.wait(20) == 0


@pytest.mark.parametrize(
    "starter,text,left",
    [
        ("/usr/lib/open-iscsi/startup-checks.sh", 'grep -q "^GenerateName=yes" $NAMEFILE\n', "GenerateName=yes\n"),
        ("/usr/lib/systemd/system/iscsi-init.service", "[Unit]\n", None),
        ("/usr/lib/open-iscsi/other", "", "InitiatorName=iqn.1\n"),
    ],
)
def test_the_seal_takes_names_of_initiators_where_the_next_machine_makes_its_own(
    leaky: Computer, starter: str, text: str, left: str | None
) -> None:
    leaky.write("/etc/iscsi/initiatorname.iscsi", "InitiatorName=iqn.1\n", 0o600)
    leaky.write("/etc/nvme/hostnqn", "nqn.1\n")
    leaky.write(starter, text, 0o755)
    leaky.start()
    session = connect(leaky.address())
    builder = Applier(session)
    harden(builder)

    seal(session, seal_script(builder))

    assert (leaky.read("/etc/iscsi/initiatorname.iscsi"), leaky.read("/etc/nvme/hostnqn")) == (left, None)
    session.close()
    leaky.stop()

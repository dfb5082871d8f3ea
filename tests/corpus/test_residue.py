"""Each rule about traces of the build host, judged over trees: sound, spoilt, and hostile ones."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.model import Entry, Kind, View
from amigate.evidence.questions import Glob
from amigate.evidence.redaction.redactor import Redactor
from amigate.facts import catalogue as facts
from amigate.facts import residue, secrets
from amigate.facts.residue import Residue
from amigate.judge import catalogue
from amigate.result import Status

from .judging import decide_at
from .trees import KEY, ON_DISK, Case, Tree, all_of, check, evidence_of, judge, look, named, sound, writes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RULES = tuple(rule for rule in catalogue.checks() if rule.startswith("residue-"))
MACHINE_ID = "residue-machine-id-reset"
SEED = "residue-random-seed-removed"
LOGS = "residue-logs-cleared"
TEMPORARY = "residue-temp-directories-empty"
HOST = "residue-no-builder-host-identity"
SPOOLS = "residue-spools-empty"
SUBSCRIPTIONS = "residue-no-subscriptions"
INSTALLER = "residue-no-installer-files"
BUILD_TOOLS = "residue-no-build-tools"
HISTORY = "residue-no-package-history"
AGENTS = "residue-no-agent-state"
BACKUPS = "residue-no-editor-backups"
PASS, FAIL, UNSURE, NONE, WARN = (
    Status.PASS,
    Status.FAIL,
    Status.INCONCLUSIVE,
    Status.NOT_APPLICABLE,
    Status.WARN,
)
SOUND = dict.fromkeys(RULES, PASS)
ID = "0123456789abcdef0123456789abcdef\n"


def found(rule: str, *paths: str) -> list[tuple[str, str, None]]:
    return [(rule, path, None) for path in paths]


def fills(rule: str, *paths: str) -> Case:
    """Return the case of files with something in them, each of which violates `rule`."""
    return Case(all_of(*(writes(path, "something\n") for path in paths)), {rule: FAIL}, found(rule, *paths))


def removes(path: str) -> Callable[[Tree], object]:
    return lambda tree: tree.remove(path)


def links(path: str, target: str) -> Callable[[Tree], object]:
    return lambda tree: tree.link(path, target)


def folder(path: str) -> Callable[[Tree], object]:
    return lambda tree: (tree.root / path.lstrip("/")).mkdir(parents=True)


def stock(tree: Tree) -> None:
    """Write what a stock image has in the places that are looked at."""
    tree.write(
        "/etc/hosts",
        "127.0.0.1 localhost\n127.0.1.1\tdebian # x\n::1 ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\n",
    )
    tree.write("/etc/hostname", "localhost\n")
    tree.link("/etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf")
    tree.link("/var/spool/mail", "../mail")
    tree.write("/var/mail/bob")
    tree.write("/var/spool/cron/crontabs/bob", "# m h dom mon dow command\n")
    tree.write("/var/spool/cron/atjobs/.SEQ", "0\n")
    tree.link("/var/log/README", "../../usr/share/doc/systemd/README.logs")
    tree.write("/var/log/apt/eipp.log.xz", "\xfd7zXZ")
    for path in ("/var/log/wtmp", "/var/log/btmp", "/var/log/lastlog", "/var/log/faillog", "/var/log/audit/audit.log"):
        tree.write(path)
    tree.write("/var/cache/debconf/passwords.dat", "Name: passwd/root-password\nTemplate: passwd/root-password\n")
    tree.write("/etc/network/interfaces", "auto lo\niface lo inet loopback\nsource /etc/network/interfaces.d/*\n")
    tree.write("/etc/passwd-", "root:x:0:0::/root:/bin/bash\n")
    tree.write("/usr/share/perl/5.36/x.orig", "x")
    for path in ("/tmp/.X11-unix", "/tmp/systemd-private-a-b.service-c/tmp", "/var/tmp/dir", "/var/lib/amazon/ssm"):
        folder(path)(tree)


CASES = {
    "a sound tree": Case(lambda tree: None),
    "a stock image": Case(stock),
    "an id": Case(writes("/etc/machine-id", ID), {MACHINE_ID: FAIL}, found(MACHINE_ID, "/etc/machine-id"), traps=[57]),
    "an id that is not initialised": Case(writes("/etc/machine-id", "uninitialized\n"), traps=[57]),
    "no file for the id": Case(
        removes("/etc/machine-id"), {MACHINE_ID: WARN}, found(MACHINE_ID, "/etc/machine-id"), traps=[57]
    ),
    "an id that D-Bus has a copy of": Case(
        writes("/var/lib/dbus/machine-id", ID),
        {MACHINE_ID: FAIL},
        found(MACHINE_ID, "/var/lib/dbus/machine-id"),
        traps=[57],
    ),
    "an id that D-Bus has a link to": Case(links("/var/lib/dbus/machine-id", "/etc/machine-id"), traps=[57]),
    "an id that D-Bus has a link to, and nothing there": Case(
        all_of(removes("/etc/machine-id"), links("/var/lib/dbus/machine-id", "../../../etc/machine-id")),
        {MACHINE_ID: WARN},
    ),
    "an id behind another link": Case(
        all_of(links("/var/lib/dbus/machine-id", "/srv/id"), writes("/srv/id", ID)), {MACHINE_ID: FAIL}
    ),
    "an id in no known form": Case(writes("/etc/machine-id", "\xff\x00 what"), {MACHINE_ID: UNSURE}),
    "no systemd": Case(removes("/usr/lib/systemd/systemd"), {MACHINE_ID: NONE}),
    "seeds": fills(
        SEED,
        "/var/lib/systemd/random-seed",
        "/var/lib/urandom/random-seed",
        "/var/lib/random-seed",
        "/boot/efi/loader/random-seed",
        "/var/lib/seedrng/seed.credit",
    ),
    "an empty seed": Case(writes("/var/lib/systemd/random-seed", "")),
    "a seed behind a link": Case(
        all_of(links("/var/lib/systemd/random-seed", "../../../srv/seed"), writes("/srv/seed", "x")), {SEED: FAIL}
    ),
    "a seed that leads nowhere": Case(links("/var/lib/random-seed", "/dev/null")),
    "a seed behind links without end": Case(links("/var/lib/random-seed", "random-seed"), {SEED: UNSURE}),
    "logs": fills(
        LOGS,
        "/var/log/auth.log",
        "/var/log/secure",
        "/var/log/messages",
        "/var/log/audit/audit.log",
        "/var/log/wtmp",
        "/var/log/lastlog",
        "/var/log/sa/sa07",
        "/var/log/syslog.1",
        "/var/log/messages-20240101",
        "/var/log/nginx/access.log.2.gz",
        "/var/log/old/app.log.zst",
        "/var/log/.hidden/cloud-init.log",
        "/var/lib/lastlog/lastlog2.db",
    ),
    "journals": Case(
        all_of(
            writes("/var/log/journal/ec2a0000000000000000000000000000/system.journal", "LPKSHHRH"),
            writes("/var/log/journal/ec2a0000000000000000000000000000/user-1000.journal", "LPKSHHRH"),
            folder("/var/log/journal/ec2b0000000000000000000000000000"),
        ),
        {LOGS: FAIL},
        found(LOGS, "/var/log/journal/ec2a0000000000000000000000000000"),
        traps=[58],
    ),
    "many logs of nobody's": Case(
        all_of(*(writes(f"/var/log/app/{number}", bytes(600_000)) for number in range(2))),
        {LOGS: FAIL},
        found(LOGS, "/var/log"),
    ),
    "folders of logs that are deeper than is looked": Case(folder("/var/log/" + "d/" * 50), {LOGS: UNSURE}),
    "a folder of logs that no pattern means": Case(writes("/var/log/a[b/x", "x"), {LOGS: UNSURE}),
    "things in temporary folders": Case(
        all_of(
            writes("/tmp/answers", ""),
            writes("/var/tmp/a/b/c", "x"),
            links("/tmp/.link", "/nowhere"),
            writes("/tmp/systemd-private-a/tmp/x", KEY),
        ),
        {TEMPORARY: FAIL},
        found(TEMPORARY, "/tmp/answers", "/var/tmp/a", "/tmp/.link", "/tmp/systemd-private-a"),
    ),
    "the build host's names and leases": Case(
        all_of(
            writes("/etc/hostname", "# x\nip-10-0-0-1\n"),
            writes("/etc/resolv.conf", "# NetworkManager\nnameserver 10.0.0.2\n"),
            writes("/etc/hosts", "127.0.0.1 localhost\n10.0.0.7 db.internal\n"),
            writes("/var/lib/dhcp/dhclient.eth0.leases", "lease {}\n"),
            writes("/var/lib/NetworkManager/secret_key", "x"),
            writes("/var/lib/NetworkManager/internal-1-eth0.lease", "x"),
            writes("/etc/udev/rules.d/70-persistent-net.rules", "SUBSYSTEM==\n"),
            writes("/etc/NetworkManager/system-connections/a.nmconnection", "[connection]\nuuid=0a0b0c0d-0000-0000\n"),
            writes("/etc/netplan/50-cloud-init.yaml", "network:\n  a:\n    macaddress: 0a:1b:2c:3d:4e:5f\n"),
        ),
        {HOST: FAIL},
        [
            (HOST, "/etc/hostname", 2),
            (HOST, "/etc/resolv.conf", 2),
            (HOST, "/etc/hosts", 2),
            (HOST, "/var/lib/dhcp/dhclient.eth0.leases", None),
            (HOST, "/var/lib/NetworkManager/secret_key", None),
            (HOST, "/var/lib/NetworkManager/internal-1-eth0.lease", None),
            (HOST, "/etc/udev/rules.d/70-persistent-net.rules", None),
            (HOST, "/etc/NetworkManager/system-connections/a.nmconnection", 2),
            (HOST, "/etc/netplan/50-cloud-init.yaml", 3),
        ],
    ),
    "a name of this machine's own": Case(
        writes("/etc/hosts", "127.0.0.1 localhost build-7.corp\n"), {HOST: FAIL}, [(HOST, "/etc/hosts", 1)]
    ),
    "hosts that are larger than is read": Case(writes("/etc/hosts", "# x\n" * 100_000), {HOST: UNSURE}),
    "spools": Case(
        all_of(
            writes("/var/spool/cron/root", "* * * * * /bin/true\n"),
            writes("/var/spool/cron/crontabs/bob", "# x\n\n@reboot /bin/true\n"),
            writes("/var/spool/cron/tabs/bob", "@daily x\n"),
            writes("/var/spool/at/a0001", "#!/bin/sh\n"),
            writes("/var/spool/cron/atjobs/a0001", "#!/bin/sh\n"),
            writes("/var/spool/mail/root", "From cron\n"),
            writes("/var/mail/bob", "From cron\n"),
            writes("/var/spool/postfix/maildrop/A1", "x"),
            writes("/var/spool/postfix/deferred/A/A1", "x"),
            writes("/var/spool/mqueue/x", "x"),
        ),
        {SPOOLS: FAIL},
        [
            (SPOOLS, "/var/spool/cron/root", 1),
            (SPOOLS, "/var/spool/cron/crontabs/bob", 3),
            (SPOOLS, "/var/spool/cron/tabs/bob", 1),
            *found(
                SPOOLS,
                "/var/spool/at/a0001",
                "/var/spool/cron/atjobs/a0001",
                "/var/spool/mail/root",
                "/var/mail/bob",
                "/var/spool/postfix/maildrop/A1",
                "/var/spool/postfix/deferred/A/A1",
                "/var/spool/mqueue/x",
            ),
        ],
    ),
    "Alpine's own crontab": Case(
        all_of(
            links("/var/spool/cron/crontabs", "../../../etc/crontabs"), writes("/etc/crontabs/root", "* * * * * x\n")
        )
    ),
    "crontabs somewhere else": Case(
        all_of(links("/var/spool/cron/crontabs", "/srv/crontabs"), writes("/srv/crontabs/root", "* * * * * x\n")),
        {SPOOLS: FAIL},
        [(SPOOLS, "/var/spool/cron/crontabs/root", 1)],
    ),
    "a crontab without end": Case(
        lambda tree: os.truncate(tree.write("/var/spool/cron/root", "x"), 1 << 40), {SPOOLS: UNSURE}
    ),
    "subscriptions": fills(
        SUBSCRIPTIONS,
        "/etc/pki/consumer/key.pem",
        "/etc/pki/entitlement/1-key.pem",
        "/var/lib/rhsm/facts/facts.json",
        "/etc/sysconfig/rhn/systemid",
        "/var/lib/ubuntu-advantage/private/machine-token.json",
        "/etc/zypp/credentials.d/SCCcredentials",
    ),
    "a cloud's own certificates": Case(writes("/etc/pki/rhui/product/content-rhel9.crt", "x")),
    "installer files": fills(
        INSTALLER,
        "/root/anaconda-ks.cfg",
        "/root/original-ks.cfg",
        "/root/initial-setup-ks.cfg",
        "/var/log/anaconda/ks-script.log",
        "/var/log/installer/autoinstall-user-data",
        "/root/preseed.cfg",
        "/etc/cloud/cloud.cfg.d/99-installer.cfg",
    ),
    "answers of debconf": Case(
        writes("/var/cache/debconf/passwords.dat", "Name: mysql/root\nTemplate: x\nValue: hunter2\nOwners: mysql\n"),
        {INSTALLER: FAIL},
        [(INSTALLER, "/var/cache/debconf/passwords.dat", 3)],
    ),
    "build tools": Case(
        all_of(
            writes("/tmp/script_1234.sh", ""),
            folder("/var/tmp/packer-provisioner-ansible-local"),
            folder("/srv/bob/.ansible/tmp"),
            folder("/home/gone/.vagrant.d"),
            folder("/tmp/imagebuilder_service"),
            folder("/var/lib/amazon/toe/TOE_2024"),
            writes("/usr/local/bin/goss", "\x7fELF"),
            writes("/etc/sudoers.d/99_vagrant", "x"),
            folder("/var/tmp/.amigate-1"),
        ),
        {BUILD_TOOLS: FAIL, TEMPORARY: FAIL},
        found(
            BUILD_TOOLS,
            "/tmp/script_1234.sh",
            "/var/tmp/packer-provisioner-ansible-local",
            "/srv/bob/.ansible",
            "/home/gone/.vagrant.d",
            "/tmp/imagebuilder_service",
            "/var/lib/amazon/toe/TOE_2024",
            "/usr/local/bin/goss",
            "/etc/sudoers.d/99_vagrant",
            "/var/tmp/.amigate-1",
        ),
        traps=[7],
    ),
    "Vagrant's account": Case(
        writes("/etc/passwd", "root:x:0:0::/root:/bin/bash\nvagrant:x:1000:1000::/home/vagrant:/bin/bash\n"),
        {BUILD_TOOLS: FAIL},
        [(BUILD_TOOLS, "/etc/passwd", 2)],
    ),
    "no accounts": Case(removes("/etc/passwd"), {BUILD_TOOLS: UNSURE}),
    "histories of package managers": fills(
        HISTORY,
        "/var/lib/dnf/history.sqlite",
        "/var/log/dpkg.log",
        "/var/log/apt/history.log",
        "/var/lib/yum/history/x",
        "/var/log/dnf.rpm.log",
    ),
    "caches of package managers": Case(
        all_of(
            writes("/var/cache/apt/archives/x.deb", bytes(700_000)), writes("/var/cache/dnf/a/b.rpm", bytes(700_000))
        ),
        {HISTORY: FAIL},
        found(HISTORY, "/var/cache/dnf"),
    ),
    "state of agents": Case(
        all_of(
            writes("/var/lib/amazon/ssm/Vault/Store/EC2RegistrationKey", "x"),
            writes("/var/log/amazon/ssm/amazon-ssm-agent.log", "x"),
            writes("/opt/aws/amazon-cloudwatch-agent/logs/state/_var_log_messages", "x"),
            writes("/var/lib/ecs/data/agent.db", "x"),
            writes("/var/lib/rsyslog/imjournal.state", "s=1"),
        ),
        {AGENTS: FAIL},
        found(
            AGENTS,
            "/var/lib/amazon/ssm/Vault",
            "/var/log/amazon/ssm",
            "/var/lib/ecs/data/agent.db",
            "/opt/aws/amazon-cloudwatch-agent/logs/state/_var_log_messages",
            "/var/lib/rsyslog/imjournal.state",
        ),
    ),
    "the id of an instance": Case(
        folder("/var/lib/amazon/ssm/i-0123456789abcdef0"),
        {AGENTS: FAIL},
        found(AGENTS, "/var/lib/amazon/ssm/i-0123456789abcdef0"),
    ),
    "files of agents that are empty": Case(writes("/var/lib/rsyslog/imjournal.state", "")),
    "what editors leave": fills(
        BACKUPS,
        "/etc/app.conf~",
        "/root/.config.swo",
        "/srv/bob/#notes#",
        "/var/www/html/config.php.bak",
        "/etc/ssh/sshd_config.orig",
        "/usr/local/etc/x.save",
    ),
    "what a package brought": Case(lambda tree: tree.packaged("/etc/app.conf.orig", "x")),
    "a tree that is not looked through": Case(
        all_of(folder("/srv/" + "d/" * 300), folder("/tmp/x")), {BACKUPS: UNSURE}
    ),
}


@pytest.fixture(autouse=True)
def own_facts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for what these rules need and nothing else, which takes half the time."""
    monkeypatch.setattr(facts, "NEEDS", (residue.NEEDS, secrets.NEEDS))


@pytest.mark.parametrize("name", named(CASES))
def test_each_rule_answers_as_the_tree_is(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    spoil = all_of(writes("/usr/lib/systemd/systemd", b"\x7fELF"), case.spoil)
    check(replace(case, spoil=spoil), tmp_path, RULES, SOUND)


def test_nothing_seen_decides_nothing() -> None:
    assert {each.status for each in judge(View(broken="nothing could be read"), RULES).values()} == {UNSURE}


def test_nothing_collected_decides_nothing(tmp_path: Path) -> None:
    sound(tmp_path)
    view = replace(look(tmp_path), entries={}, absent=frozenset(), globbed=frozenset(), searches={})
    assert {each.status for each in judge(view, RULES).values()} == {UNSURE}


def test_nothing_of_what_is_counted_is_kept(tmp_path: Path) -> None:
    tree = sound(tmp_path)
    for path in ("/etc/hosts", "/etc/resolv.conf", "/var/spool/cron/root", "/etc/netplan/x", "/etc/hostname"):
        tree.write(path, "hunter2 hunter2\n0a:1b:2c:3d:4e:5f hunter2")
    tree.write("/var/cache/debconf/passwords.dat", "Value: hunter2\n")
    seen = look(tmp_path)
    assert "hunter2" not in repr(seen)
    assert not [path for path, entry in seen.entries.items() if b"hunter2" in (entry.content or b"")]


@pytest.mark.parametrize("value", [-1, True, "1", 1.5])
def test_a_limit_that_is_none_decides_nothing(value: Any, tmp_path: Path) -> None:
    sound(tmp_path)
    with pytest.raises(InconclusiveError, match="at_most_kib"):
        Residue(view=look(tmp_path)).log_size(value)


@pytest.mark.parametrize("allowed,status", [("/var/spool/cron/root", PASS), ("/var/spool/cron/bob", FAIL)])
def test_what_a_profile_allows_may_lie_in_spools(allowed: str, status: Status, tmp_path: Path) -> None:
    sound(tmp_path).write("/var/spool/cron/root", "@daily x\n")
    evidence = evidence_of(look(tmp_path))
    assert decide_at(SPOOLS, ON_DISK, evidence, {"allowed": [allowed]}).status is status


def running(lines: str) -> View:
    """Return what a running machine tells of its spools, with a crontab of `lines`."""
    crontab = Entry(
        path="/var/spool/cron/root",
        kind=Kind.FILE,
        mode=0o600,
        uid=0,
        gid=0,
        size=len(lines),
        mtime_s=0,
        content=lines.encode(),
    )
    asked = [question for question in residue.NEEDS.first if isinstance(question, Glob)]
    return View(
        entries={crontab.path: Redactor().entry(crontab, Keep.SETTINGS)},
        globbed=frozenset(question.key for question in asked),
        absent=frozenset(("/var/mail", "/var/spool/mail", "/var/spool/cron/crontabs")),
    )


@pytest.mark.parametrize("lines,count", [("# x\n@daily x\n", 1), ("# x\n", 0)])
def test_a_running_machine_is_asked_about_spools_alone(lines: str, count: int) -> None:
    view = running(lines)
    assert [each.line for each in Residue.read(view).traces("spools")] == [2] * count
    assert residue.NEEDS.then is not None
    assert {question.key for question in residue.NEEDS.then(view)} <= {each.key for each in residue.NEEDS.first}
    with pytest.raises(InconclusiveError):
        Residue.read(view).traces("logs")


def test_a_spool_that_was_not_seen_decides_nothing() -> None:
    view = running("")
    with pytest.raises(InconclusiveError):
        Residue.read(replace(view, unseen={"/var/mail/*": "unreadable"})).traces("spools")

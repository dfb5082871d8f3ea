"""The same of running machines and of whole disks: what listens, runs and has failed, and what was looked at."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from amigate.evidence.frames import SUDO_REFUSED
from amigate.evidence.inspection import InspectedVolume, Inspection
from amigate.evidence.model import Launch, Vantage, Viewpoint
from amigate.evidence.questions import CONTENT_CAP_BYTES
from amigate.facts import connections, host_firewall, kernels, listeners, pending_updates, provisioning, session_port
from amigate.judge.places import Place
from amigate.result import Status, Witness
from amigate.sources.console import BEGIN, CONSOLE_CAP_CHARS, END
from amigate.sources.identity import with_console

from .judging import decisions
from .test_system import stock
from .trees import KEY, evidence_of, look, sound

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from amigate.judge.decide import Decision

LISTENS = "network-only-declared-listeners"
HARDENED = "network-firewall-and-sysctl-hardened"
KERNEL = "package-newest-kernel-running"
CALLS = "network-no-unexpected-egress"
SAID = "boot-console-output-without-secrets"
UPDATES = "package-no-pending-security-updates"
ROOT = "boot-default-user-becomes-root"
UNITS = "boot-no-failed-units"
ENCRYPTED = "disk-no-encrypted-filesystems"
READ_ONLY = "disk-inspected-read-only"
PASS, FAIL, UNSURE, NONE = Status.PASS, Status.FAIL, Status.INCONCLUSIVE, Status.NOT_APPLICABLE
ON_A, ON_DISK = Place(Witness.INSTANCE, Launch.A), Place(Witness.DISK)
HEADER = "/proc/net/tcp:  sl  local_address\n/proc/net/udp:  sl  local_address\n"
TAIL = "00000000:00000000 00:00000000 00000000     0        0"


def listening(*addresses: str, table: str = "tcp", state: str = "0A") -> str:
    """Return lines of the kernel's table; addresses are hexadecimal with their port."""
    zero = "0" * len(addresses[0].split(":")[0])
    return "".join(
        f"/proc/net/{table}: {n}: {each} {zero}:0000 {state} {TAIL} {100 + n} 1 0 100 0 0 10 0\n"
        for n, each in enumerate(addresses)
    )


SSH = listening("00000000:0016", "0100007F:0277") + listening("0" * 32 + ":0016", table="tcp6")
DHCP = listening("0F02000A:0044", table="udp", state="07")


def sysctls(**changed: str) -> str:
    values = {name: str(allowed[0]) for name, allowed in host_firewall.SYSCTLS.items()}
    return "".join(f"sysctl {name} {value}\n" for name, value in {**values, **changed}.items())


def judged(kit: Any, rule: str, answers: Mapping[str, Any], **settings: Any) -> Decision:
    """Return how a rule is decided on a launch that answers so."""
    image = kit.Image()
    image.answers |= {key: each if each is None else kit.said(*each) for key, each in answers.items()}
    found = decisions({rule: [ON_A]}, image.evidence(), {rule: settings})
    return found[rule, ON_A][0]


@pytest.mark.parametrize(
    "sockets,settings,expected,subjects",
    [
        (SSH + DHCP, {}, PASS, []),
        (SSH + listening("00000000:1F90"), {}, FAIL, ["tcp port 8080"]),
        (SSH + listening("0" * 32 + ":006F", table="udp6", state="07"), {}, FAIL, ["udp port 111"]),
        (SSH + listening("00000000:1F90"), {"declared": ["tcp/8080"]}, PASS, []),
        (SSH + DHCP, {"declared": []}, FAIL, ["udp port 68"]),
        (SSH, {"declared": ["8080"]}, UNSURE, []),
        (SSH, {"declared": "tcp/8080"}, UNSURE, []),
        ("/proc/net/tcp: 0: nonsense\n", {}, UNSURE, []),
    ],
)
def test_what_listens(sockets: str, settings: Any, expected: Status, subjects: list[str], kit: Any) -> None:
    found = judged(kit, LISTENS, {listeners.SOCKETS.key: (HEADER + sockets,)}, **settings)
    assert (found.status, [each.subject for each in found.findings]) == (expected, subjects)


def test_ssh_may_come_in_at_another_port_than_was_called(kit: Any) -> None:
    """Where something between forwards, what listens is told by the session's own word."""
    sockets = HEADER + listening("00000000:08AE")
    answers: dict[str, Any] = {listeners.SOCKETS.key: (sockets,), session_port.SESSION.key: ("2222\n",)}
    assert judged(kit, LISTENS, answers).status is PASS
    assert judged(kit, LISTENS, answers | {session_port.SESSION.key: ("22\n",)}).status is FAIL
    comes_in = {connections.CONNECTIONS.key: (calling("08AE", "010200C0:D431", state="01"),)}
    assert judged(kit, CALLS, answers | comes_in).status is UNSURE
    assert judged(kit, CALLS, comes_in).status is FAIL


def calling(local: str, remote: str, table: str = "tcp", state: str = "02") -> str:
    return f"/proc/net/{table}: 1: 0F02000A:{local} {remote} {state} {TAIL} 1 1 0 100 0 0 10 0\n"


@pytest.mark.parametrize(
    "sockets,settings,expected,details",
    [
        (calling("0016", "010200C0:D431", state="01"), {}, UNSURE, []),  # whoever looks
        (calling("D431", "08080808:0035", "udp", "01") + calling("D432", "FEA9FEA9:0050"), {}, UNSURE, []),
        (calling("D431", "22D8B85D:01BB"), {}, UNSURE, []),
        (calling("D431", "22D8B85D:115C"), {}, FAIL, ["the machine calls 93.184.216.34"]),
        (calling("D431", "22D8B85D:115C"), {"declared": ["tcp/4444"]}, UNSURE, []),
        (calling("D431", "22D8B85D:0202", "udp", "01"), {}, FAIL, ["the machine calls 93.184.216.34"]),
        ("", {}, UNSURE, []),
        ("/proc/net/tcp: 1: nonsense\n", {}, UNSURE, []),
    ],
)
def test_calls(sockets: str, settings: Any, expected: Status, details: list[str], kit: Any) -> None:
    found = judged(kit, CALLS, {connections.CONNECTIONS.key: (sockets,)}, **settings)
    assert (found.status, [each.detail for each in found.findings]) == (expected, details)


def test_tables_that_were_not_seen_decide_nothing(kit: Any) -> None:
    assert judged(kit, LISTENS, {listeners.SOCKETS.key: None}).status is UNSURE
    assert judged(kit, LISTENS, {listeners.SOCKETS.key: (SSH,)}).status is UNSURE  # no header: not the whole table


@pytest.mark.parametrize(
    "answer,settings,expected",
    [
        (("running\n",), {}, PASS),
        (("degraded\nx.service loaded failed failed\n",), {}, FAIL),
        (("degraded\nx.service loaded failed failed\n",), {"allowed": ["x.*"]}, PASS),
        (("degraded\nx.service loaded failed failed\ny.timer loaded failed failed\n",), {"allowed": ["x.*"]}, FAIL),
        (("degraded\n",), {}, UNSURE),
        (("starting\n",), {}, UNSURE),
        (("starting\nx.service loaded failed failed\n",), {"allowed": ["x.service"]}, UNSURE),
        (("", 1), {}, UNSURE),
        (("", provisioning.ABSENT), {}, NONE),
        (None, {}, UNSURE),
    ],
)
def test_failed_units(answer: Any, settings: Any, expected: Status, kit: Any) -> None:
    assert judged(kit, UNITS, {provisioning.FAILED_UNITS.key: answer}, **settings).status is expected


@pytest.mark.parametrize(
    "text,expected",
    [
        ("running 6.1.0-28-cloud-amd64\ninstalled 6.1.0-28-cloud-amd64\ninstalled 6.1.0-9-cloud-amd64\n", PASS),
        ("running 6.1.0-9-cloud-amd64\ninstalled 6.1.0-28-cloud-amd64\ninstalled 6.1.0-9-cloud-amd64\n", FAIL),
        ("running 6.1.0-9-cloud-amd64\ninstalled 6.1.0-28-amd64\ninstalled 6.1.0-9-cloud-amd64\n", PASS),
        ("running 5.14.0-427.13.1.el9_4.x86_64\ninstalled 5.14.0-503.11.1.el9_5.x86_64\n", FAIL),
        ("running 6.1.0-9\ninstalled 6.1.0-9\nreboot-required /run/reboot-required\n", FAIL),
        ("running 6.1.0-9\n", UNSURE),
        ("running \ninstalled 6.1.0-9\n", UNSURE),
        ("running custom\ninstalled 6.1.0-9\n", UNSURE),
    ],
)
def test_kernels(text: str, expected: Status, kit: Any) -> None:
    assert judged(kit, KERNEL, {kernels.KERNELS.key: (text,)}).status is expected


@pytest.mark.parametrize(
    "states,values,settings,expected",
    [
        ("firewalld running\nnft 0\n", sysctls(), {}, PASS),
        ("nft 3\n", sysctls(), {}, PASS),
        ("iptables 0\nip6tables 1\n", sysctls(), {}, PASS),
        pytest.param("firewalld not running\nnft 0\niptables 0\n", sysctls(), {}, FAIL, marks=pytest.mark.trap(73)),
        ("", sysctls(), {}, FAIL),
        ("", sysctls(), {"firewall": False}, PASS),
        ("nft error\niptables 0\n", sysctls(), {}, UNSURE),
        ("nft 3\n", sysctls(**{"net.ipv4.ip_forward": "1"}), {}, FAIL),
        ("nft 3\n", sysctls(**{"net.ipv4.ip_forward": "1"}), {"sysctl": {"net.ipv4.ip_forward": 1}}, PASS),
        ("nft 3\n", sysctls().replace("sysctl net.ipv6", "absent net.ipv6"), {}, PASS),
        ("nft 3\n", sysctls().replace("sysctl kernel.dmesg", "absent kernel.dmesg"), {}, UNSURE),
        ("nft 3\n", sysctls(), {"sysctl": {"vm.swappiness": 1}}, UNSURE),
    ],
)
def test_firewall_and_sysctl(states: str, values: str, settings: Any, expected: Status, kit: Any) -> None:
    answers = {host_firewall.FIREWALL.key: (states,), host_firewall.VALUES.key: (values,)}
    assert judged(kit, HARDENED, answers, **settings).status is expected


@pytest.mark.parametrize(
    "answer,expected",
    [
        (("asked apt\n",), PASS),
        (("pending openssl 3.0.15-1~deb12u1\nasked apt\n",), FAIL),
        (("pending updates\nasked yum\n",), FAIL),
        pytest.param(("", 3), UNSURE, marks=pytest.mark.trap(5)),  # no network, a lock, no repository
        (("", 4), UNSURE),
        (("", 5), UNSURE),
        (("", 99), UNSURE),
        (("", 137), UNSURE),
        (("",), UNSURE),
        (("pending openssl 3\n",), UNSURE),
        (("Reading package lists...\nasked apt\n",), UNSURE),
        (None, UNSURE),
    ],
)
def test_pending_updates(answer: Any, expected: Status, kit: Any) -> None:
    assert judged(kit, UPDATES, {pending_updates.UPDATES.key: answer}).status is expected


APT = """case "$*" in
*indextargets*) echo "trixie-security x";;
*upgrade)
  echo "Inst libc6 [2.1] (2.2 Debian-Security:13/stable-security [amd64])"
  echo "Inst bash [5.1] (5.2 Debian:13/stable [amd64])"
  echo "Inst vim (9 Debian-Security:13 [amd64])";;
esac"""
HOLDING = f"""case "$*" in *upgrade) case "$*" in *APT::Ignore-Hold=true*) ;; *) exit 0;; esac;; esac
{APT}"""
YUM = 'echo "libc.x86_64   2.2-1   amzn2-core"; exit 100'
APK = """case "$*" in
*search*) echo apk-tools;;
*) echo "Installed:   Available:"; echo "musl-1.2.4-r1   < 1.2.4-r2";;
esac"""


def manager(folder: Path, name: str, script: str) -> None:
    """Put a package manager of ours into a folder of programs."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    "name,script,expected",
    [
        ("apt-get", 'case "$*" in *update) echo "W: Failed to fetch x";; esac', (3, "")),
        ("apt-get", 'case "$*" in *update) exit 100;; esac', (3, "")),
        ("apt-get", 'case "$*" in *indextargets*) echo "stable x.example.com";; esac', (5, "")),
        ("apt-get", APT, (0, "pending libc6 2.2\npending vim 9\nasked apt\n")),
        ("apt-get", HOLDING, (0, "pending libc6 2.2\npending vim 9\nasked apt\n")),
        ("dnf", "exit 1", (3, "")),
        ("dnf", 'case "$*" in *.skip_if_unavailable=0*) exit 1;; esac', (3, "")),
        ("dnf", 'echo "Ignoring repositories: base" >&2', (3, "")),
        ("dnf", "exit 0", (0, "asked dnf\n")),
        ("dnf", 'case "$*" in *check-update) exit 100;; esac', (5, "")),
        (
            "dnf",
            'case "$*" in *check-update) exit 100;; *) echo "ALAS-1 Important/Sec. libc-2.2-1.x86_64";; esac',
            (0, "pending libc-2.2-1.x86_64\nasked dnf\n"),
        ),
        ("yum", "exit 1", (3, "")),
        ("yum", 'case "$*" in *.skip_if_unavailable=0*) exit 1;; esac', (3, "")),
        ("yum", 'echo "failure: repodata/repomd.xml from base: [Errno 256] No more mirrors to try."', (3, "")),
        (
            "yum",
            YUM,
            (0, "pending updates\npending libc 2.2-1\nasked yum\n"),
        ),
        ("zypper", 'case "$*" in *refresh) exit 4;; esac', (3, "")),
        (
            "zypper",
            'case "$*" in *list-patches*) echo "SLES | SUSE-1 | security | important";; esac',
            (0, "pending SUSE-1\nasked zypper\n"),
        ),
        ("apk", "exit 0", (3, "")),
        ("apk", 'echo "WARNING: opening x: temporary error" >&2', (3, "")),
        (
            "apk",
            APK,
            (0, "pending musl-1.2.4-r1 1.2.4-r2\nasked apk\n"),
        ),
        ("none", "", (99, "")),
    ],
)
def test_managers_that_fail_are_not_believed(name: str, script: str, expected: tuple[int, str], tmp_path: Path) -> None:
    for tool in ("mktemp", "rm", "mkdir", "grep", "sed", "awk", "sort", "timeout"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    manager(tmp_path, name, script)
    done = subprocess.run(
        ["/bin/sh", "-c", pending_updates.UPDATES.command],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == expected, done.stderr


def test_lists_may_be_larger_than_what_a_question_may_write(tmp_path: Path) -> None:
    manager(
        tmp_path, "apt-get", f'case "$*" in *update) head -c 2000000 /dev/zero >>"$0.lists" || exit 100;; esac\n{APT}'
    )
    collector = f'ulimit -Sf {CONTENT_CAP_BYTES // 512 + 2}; exec /bin/sh -c "$0"'
    done = subprocess.run(
        ["/bin/sh", "-c", collector, pending_updates.UPDATES.command],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "pending libc6 2.2\npending vim 9\nasked apt\n"), done.stderr


@pytest.mark.parametrize(
    "console,expected,lines",
    [
        (
            "[ 1.0] Linux\r\n[ 2.0] Started systemd-ask-password-wall.path - Forward Password Requests to Wall.\r\n",
            PASS,
            [],
        ),
        (
            "Linux\n" + f"{BEGIN}\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIET2aaQCviGAThmlze3i root@ip\n{END}\nlogin: ",
            PASS,
            [],
        ),
        (f"Linux\n\x1b[0m{KEY}".replace("\n", "\r\n"), FAIL, [2]),
        ("Linux\nThe password for admin is: Xy7-words\n", FAIL, [2]),
        ("Linux\nSet the following 'random' passwords\nadmin:Xy7words\n", FAIL, [2]),
        ("ip-10-0-0-1 login: root\nPassword: \nsshd: password authentication is disabled\n", PASS, []),
        ("systemd-ask-password-console.path: Deactivated successfully.\n", PASS, []),
        ("", UNSURE, []),
        (" \r\n", UNSURE, []),
        ("x" * (CONSOLE_CAP_CHARS + 1), UNSURE, []),
    ],
)
def test_consoles(console: str, expected: Status, lines: list[int], kit: Any) -> None:
    evidence, key = kit.Image().evidence(), Viewpoint(Launch.A, 1, Vantage.OUTSIDE)
    seen = with_console(evidence.view(key), FakeMachine(console))  # type: ignore[arg-type] # a console is all it needs
    found = decisions({SAID: [ON_A]}, replace(evidence, views={**evidence.views, key: seen}))[SAID, ON_A][0]
    assert (found.status, [each.line for each in found.findings]) == (expected, lines)
    assert "PRIVATE KEY-----" not in repr(seen)


def test_a_console_that_nobody_looked_at_decides_nothing(kit: Any) -> None:
    assert decisions({SAID: [ON_A]}, kit.Image().evidence())[SAID, ON_A][0].status is UNSURE


@dataclass
class FakeMachine:
    said: str

    def console(self) -> str:
        return self.said


def test_who_becomes_root(kit: Any) -> None:
    image = kit.Image()
    assert decisions({ROOT: [ON_A]}, image.evidence())[ROOT, ON_A][0].status is PASS
    for reason, expected in ((SUDO_REFUSED, FAIL), ("nobody could log in", UNSURE)):
        image.broken = {Launch.A: reason}
        assert decisions({ROOT: [ON_A]}, image.evidence())[ROOT, ON_A][0].status is expected


def volume(kind: str = "ext4", state: str = "read", reason: str = "") -> InspectedVolume:
    return InspectedVolume(name="disk/p1", kind=kind, state=state, reason=reason)


@pytest.mark.parametrize(
    "volumes,expected",
    [
        ((volume(),), PASS),
        ((volume(), volume("crypto_LUKS", "unsupported", "it is encrypted (LUKS)")), FAIL),
        ((volume("ext4", "unsupported", "ext4 feature encrypt (incompatible bit 16) is not read"),), FAIL),
        ((volume("vfat", "unsupported", "it looks like vfat and crypto_LUKS at once"),), FAIL),
        ((volume(), volume("zfs_member", "unsupported", "ZFS is not read")), UNSURE),
        ((), UNSURE),
    ],
)
def test_encrypted_file_systems(volumes: tuple[InspectedVolume, ...], expected: Status, tmp_path: Path) -> None:
    sound(tmp_path)
    assert on_disk(tmp_path, ENCRYPTED, volumes).status is expected


def on_disk(root: Path, rule: str, volumes: tuple[InspectedVolume, ...]) -> Decision:
    view = replace(look(root), inspection=Inspection(volumes=volumes))
    return decisions({rule: [ON_DISK]}, evidence_of(view))[rule, ON_DISK][0]


def test_a_folder_of_ecryptfs(tmp_path: Path) -> None:
    sound(tmp_path).write("/home/bob/.ecryptfs/auto-mount")
    found = on_disk(tmp_path, ENCRYPTED, (volume(),))
    assert [each.path for each in found.findings] == ["/home/bob/.ecryptfs"]


def test_an_image_that_nobody_tested_was_only_read(tmp_path: Path) -> None:
    sound(tmp_path)
    assert on_disk(tmp_path, READ_ONLY, (volume(),)).status is PASS
    assert on_disk(tmp_path, READ_ONLY, ()).status is UNSURE


@pytest.mark.parametrize(
    "path,line",
    [("/srv/bob/.ssh/authorized_keys", 2), ("/tmp/.amigate-0123/o1", None), ("/root/.ssh/authorized_keys", 2)],
)
def test_an_image_of_a_tested_instance_shows_it(path: str, line: int | None, tmp_path: Path, kit: Any) -> None:
    """Trap 7: the instance was imaged after it had been checked."""
    tree = sound(tmp_path)
    stock(tree)
    tree.write(path, f"# x\n{kit.key('launch')} amigate-0123456789-A\n")
    found = on_disk(tmp_path, READ_ONLY, (volume(),))
    assert [(each.path, each.line) for each in found.findings] == [(path.removesuffix("/o1"), line)]

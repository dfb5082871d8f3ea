"""Situations in which a naive check errs and whose truth takes two witnesses, or whose case stands nowhere else.

The list with all 75, and where each is held, is docs/corpus.md."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from amigate.evidence.inspection import InspectedVolume, Inspection
from amigate.evidence.model import DISK, Launch, Outcome
from amigate.facts.sshd_sessions import Criterion
from amigate.judge.places import Place
from amigate.result import Status, Witness

from .judging import decide_at
from .trees import KEY, ON_DISK, PUBLIC, Tree, all_of, judge, look, sound, writes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amigate.judge.decide import Decision

PASS, FAIL, UNSURE, NONE, WARN = Status.PASS, Status.FAIL, Status.INCONCLUSIVE, Status.NOT_APPLICABLE, Status.WARN
CONFIG = "/etc/ssh/sshd_config"
TWIN, INSTANCE, PROBE = Place(Witness.TWIN), Place(Witness.INSTANCE, Launch.A), Place(Witness.PROBE, Launch.A)
AT_REST, HOST_KEYS = "key-no-authorized-keys-at-rest", "key-no-host-keys-at-rest"
LIVE_KEY, UNIQUE = "key-live-only-launch-key", "boot-host-keys-unique-per-launch"
PASSWORD, INTERACTIVE, ROOT = "ssh-no-password-login", "ssh-no-keyboard-interactive-login", "ssh-no-root-password-login"
MATCH, DNS, HISTORIES = "ssh-match-blocks-evaluated", "ssh-no-dns-checks", "secret-no-histories"
FORCED = (
    'no-port-forwarding,no-agent-forwarding,command="echo \'Please login as the user \\"admin\\" rather than the '
    'user \\"root\\".\';echo;sleep 10;exit 142" '
)


def at_rest(root: Path, spoil: Callable[[Tree], object], *rules: str) -> dict[str, Decision]:
    """Return how rules are decided on a sound tree that was spoilt."""
    spoil(sound(root))
    return judge(look(root), rules)


def live(image: Any, rule: str, place: Place) -> Decision:
    """Return how a rule is decided on the launches of an image."""
    return decide_at(rule, place, image.evidence(), {})


@pytest.mark.trap(1)
def test_host_keys_in_the_snapshot_that_first_boot_replaces(kit: Any, tmp_path: Path) -> None:
    found = at_rest(tmp_path, writes("/etc/ssh/ssh_host_ed25519_key", KEY, 0o600), HOST_KEYS)
    assert found[HOST_KEYS].status is FAIL
    assert live(kit.Image(), UNIQUE, TWIN).status is PASS


@pytest.mark.trap(2)
def test_what_is_normal_for_an_instance_is_residue_at_rest(kit: Any, tmp_path: Path) -> None:
    machine_id, data = "residue-machine-id-reset", "cloud-init-no-instance-data-left"
    spoil = all_of(
        writes("/usr/lib/systemd/systemd", b"\x7fELF"),
        writes("/etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
        writes("/var/lib/cloud/instances/i-0123456789abcdef0/user-data.txt", "#!/bin/sh\n", 0o600),
        writes("/srv/bob/.ssh/authorized_keys", f"{PUBLIC}\n", 0o600),
    )
    found = at_rest(tmp_path, spoil, machine_id, data, AT_REST)
    assert {decision.status for decision in found.values()} == {FAIL}
    assert live(kit.Image(), LIVE_KEY, INSTANCE).status is PASS


@pytest.mark.trap(3)
def test_an_ebs_image_without_ami_tools_is_not_asked_for_them(kit: Any) -> None:
    assert live(kit.Image(), "package-ami-tools-current", INSTANCE).status is NONE


@pytest.mark.trap(4)
def test_an_instance_store_image_is_not_fit(kit: Any) -> None:
    image = kit.Image()
    image.ec2 |= {"RootDeviceType": "instance-store"}
    assert live(image, "ami-root-device-is-ebs", Place(Witness.EC2)).status is FAIL


@pytest.mark.trap(6)
@pytest.mark.trap(15)
def test_the_key_of_the_build_session_is_no_special_case(tmp_path: Path) -> None:
    line = f"{PUBLIC} packer_65f1c2d3-1111-2222-3333-444455556666\n"
    spoil = all_of(writes("/srv/bob/.ssh/authorized_keys", line), writes("/root/.ssh/authorized_keys", line))
    found = at_rest(tmp_path, spoil, AT_REST, "key-no-builder-signature-keys")
    for decision in found.values():
        assert decision.status is FAIL
        assert {each.path for each in decision.findings} == {
            "/srv/bob/.ssh/authorized_keys",
            "/root/.ssh/authorized_keys",
        }


@pytest.mark.trap(7)
def test_an_instance_that_was_tested_and_then_imaged_gives_itself_away(tmp_path: Path) -> None:
    tree = sound(tmp_path)
    tree.write("/srv/bob/.ssh/authorized_keys", f"{PUBLIC} amigate-0123456789-A\n")
    tree.write("/usr/local/bin/goss", b"\x7fELF", 0o755)
    root = InspectedVolume(name="disk/p1", kind="ext4", state="read")
    view = replace(look(tmp_path), inspection=Inspection(volumes=(root,)))
    found = judge(view, ["disk-inspected-read-only", "residue-no-build-tools"])
    assert {decision.status for decision in found.values()} == {FAIL}


@pytest.mark.trap(9)
def test_an_image_whose_first_boot_makes_no_host_keys_lets_nobody_in(kit: Any) -> None:
    image = kit.Image(contact={"outcome": Outcome.CLOSED, "detail": "the server ends before it proves a host key"})
    assert live(image, "boot-fresh-key-logs-in", INSTANCE).status is FAIL


@pytest.mark.trap(10)
def test_types_of_host_keys_that_an_image_does_not_have_are_not_missed(kit: Any) -> None:
    image = kit.Image()
    image.effective |= {"hostkey": "/etc/ssh/ssh_host_ecdsa_key"}
    evidence = image.evidence()
    ecdsa, usual = "/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_ed25519_key"
    views = {}
    for at, view in evidence.views.items():
        entries = {
            path.replace(usual, ecdsa): replace(each, path=each.path.replace(usual, ecdsa))
            for path, each in view.entries.items()
        }
        answers = {name.replace(usual, ecdsa): each for name, each in view.answers.items()}
        views[at] = replace(view, entries=entries, answers=answers)
    assert decide_at(UNIQUE, TWIN, replace(evidence, views=views), {}).status is PASS


@pytest.mark.trap(12)
@pytest.mark.parametrize("name", ["ssh_host_dsa_key", "ssh_host_key"])
def test_host_keys_of_types_that_nobody_uses_any_more(name: str, tmp_path: Path) -> None:
    assert at_rest(tmp_path, writes(f"/etc/ssh/{name}", KEY, 0o600), HOST_KEYS)[HOST_KEYS].status is FAIL


@pytest.mark.trap(13)
def test_host_keys_that_change_at_reboot(kit: Any) -> None:
    decision = live(
        kit.Image(host_key_after="another {launch}"), "boot-survives-reboot", Place(Witness.INSTANCE, Launch.B)
    )
    assert decision.status is FAIL


@pytest.mark.trap(14)
def test_the_line_that_cloud_init_gives_root_is_a_leftover_at_rest(kit: Any, tmp_path: Path) -> None:
    image = kit.Image(keys={"/root/.ssh/authorized_keys": f"{FORCED}{{own}} launch\n"})
    assert live(image, LIVE_KEY, INSTANCE).status is PASS
    found = at_rest(tmp_path, writes("/root/.ssh/authorized_keys", f"{FORCED}{PUBLIC} launch\n", 0o600), AT_REST)
    assert found[AT_REST].status is FAIL


@pytest.mark.trap(16)
def test_a_key_of_a_default_user_that_came_late(tmp_path: Path) -> None:
    def late(tree: Tree) -> None:
        passwd = tree.root / "etc/passwd"
        tree.write("/etc/passwd", f"{passwd.read_text()}admin:x:1001:1001::/home/admin:/bin/bash\n")
        tree.write("/home/admin/.ssh/authorized_keys", f"{PUBLIC} build\n", 0o600)

    assert at_rest(tmp_path, late, AT_REST)[AT_REST].status is FAIL


@pytest.mark.trap(17)
@pytest.mark.trap(18)
@pytest.mark.trap(64)
@pytest.mark.trap(65)
def test_homes_come_from_passwd_and_hidden_names_are_looked_at(tmp_path: Path) -> None:
    """What a shell writes back at logout is in the finished image, which is what is judged."""
    spoil = all_of(
        writes("/srv/bob/.ssh/authorized_keys", f"{PUBLIC}\n", 0o600),
        writes("/srv/bob/.bash_history", "sudo -i\n", 0o600),
    )
    found = at_rest(tmp_path, spoil, AT_REST, HISTORIES)
    assert {rule: (decision.status, [each.path for each in decision.findings]) for rule, decision in found.items()} == {
        AT_REST: (FAIL, ["/srv/bob/.ssh/authorized_keys"]),
        HISTORIES: (FAIL, ["/srv/bob/.bash_history"]),
    }


@pytest.mark.trap(19)
@pytest.mark.parametrize("text", ["", "\n", "# none\n\n"])
def test_a_key_file_without_keys(text: str, tmp_path: Path) -> None:
    assert at_rest(tmp_path, writes("/srv/bob/.ssh/authorized_keys", text, 0o600), AT_REST)[AT_REST].status is PASS


BOTH_OFF = "PasswordAuthentication no\nChallengeResponseAuthentication no\n"
OLD = "Package: openssh-server\nStatus: install ok installed\nVersion: 1:7.7p1-4\n\n"
SSHD: dict[str, tuple[int, Callable[[Tree], object], dict[str, Status]]] = {
    "PAM takes passwords where keyboard-interactive is not switched off": (
        26,
        writes(CONFIG, "PasswordAuthentication no\nUsePAM yes\n"),
        {PASSWORD: PASS, INTERACTIVE: FAIL},
    ),
    "the first value wins: a drop-in that is included on top": (
        27,
        all_of(
            writes(CONFIG, "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication no\n"),
            writes("/etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication yes\n"),
        ),
        {PASSWORD: FAIL, "cloud-init-password-login-not-enabled": FAIL},
    ),
    "the first value wins: an earlier drop-in": (
        28,
        all_of(
            writes(CONFIG, "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication yes\nUsePAM no\n"),
            writes("/etc/ssh/sshd_config.d/00-own.conf", "PasswordAuthentication no\n"),
        ),
        {PASSWORD: PASS},
    ),
    "a Match block beats what stands outside": (
        29,
        writes(CONFIG, "PasswordAuthentication no\nMatch Address 10.0.0.0/8\n  PasswordAuthentication yes\n"),
        {PASSWORD: FAIL, MATCH: FAIL},
    ),
    "a Match block that runs a command": (
        30,
        writes(CONFIG, 'PasswordAuthentication no\nMatch exec "test -e /x"\n  PasswordAuthentication yes\n'),
        {PASSWORD: UNSURE, MATCH: UNSURE},
    ),
    "a Match block for a group, of an old sshd": (
        31,
        all_of(
            writes(CONFIG, f"{BOTH_OFF}Match Group bob\n  X11Forwarding no\n"),
            writes("/var/lib/dpkg/status", OLD),
        ),
        {PASSWORD: PASS, MATCH: PASS},
    ),
    "an image without host keys": (
        32,
        writes(CONFIG, "PasswordAuthentication no\n"),
        {PASSWORD: PASS, HOST_KEYS: PASS},
    ),
    "prohibit-password is without-password": (
        34,
        writes(CONFIG, "PermitRootLogin prohibit-password\nPasswordAuthentication yes\n"),
        {ROOT: PASS, PASSWORD: FAIL},
    ),
    "root may log in, and nothing takes a password": (
        35,
        writes(CONFIG, "PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"),
        {ROOT: PASS},
    ),
    "UseDNS is not set": (38, writes(CONFIG, "PasswordAuthentication no\n"), {DNS: PASS}),
    "no sshd": (39, lambda tree: tree.remove("/usr/sbin/sshd"), dict.fromkeys((ROOT, PASSWORD, DNS), NONE)),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.trap(SSHD[name][0])) for name in SSHD])
def test_sshds_truth(name: str, tmp_path: Path) -> None:
    _, spoil, expected = SSHD[name]
    found = at_rest(tmp_path, spoil, *expected)
    assert {rule: str(each.status) for rule, each in found.items()} == {r: str(each) for r, each in expected.items()}, (
        found
    )


@pytest.mark.trap(31)
def test_sshd_is_asked_for_a_session_where_match_blocks_tell_them_apart(kit: Any) -> None:
    image = kit.Image(
        config="PasswordAuthentication no\nMatch Group sudo\nX11Forwarding no\n",
        sessions={Criterion(user="root"): {}, Criterion(user="admin"): {}},
    )
    assert live(image, PASSWORD, INSTANCE).status is PASS


@pytest.mark.trap(36)
def test_a_drop_in_that_could_not_be_read_leaves_it_open(kit: Any) -> None:
    part = "/etc/ssh/sshd_config.d/60-own.conf"
    image = kit.Image(
        config="Include /etc/ssh/sshd_config.d/*.conf\n", unseen={part: f"{part}: permission denied"}, keys={part: "x"}
    )
    evidence = image.evidence()
    views = {
        at: replace(
            view,
            globbed=view.globbed - {"/etc/ssh/sshd_config.d/*.conf"},
            unseen={**view.unseen, "/etc/ssh/sshd_config.d/*.conf": "permission denied"},
        )
        for at, view in evidence.views.items()
    }
    for rule in (PASSWORD, "ssh-config-parses"):
        assert decide_at(rule, INSTANCE, replace(evidence, views=views), {}).status is UNSURE


@pytest.mark.trap(62)
def test_an_image_that_modern_instances_cannot_boot_is_not_called_broken(kit: Any) -> None:
    """Its own fields say so, and what EC2 then says of a launch on AWS's side decides nothing."""
    image = kit.Image(standing={"system": "impaired", "instance": "not-applicable"})
    image.ec2 |= {"VirtualizationType": "paravirtual", "EnaSupport": False, "Architecture": "x86_64"}
    assert live(image, "ami-modern-virtualization-and-boot", Place(Witness.EC2)).status is FAIL
    assert live(image, "boot-passes-status-checks", INSTANCE).status is UNSURE


def test_the_disk_is_a_view_of_its_own(kit: Any, tmp_path: Path) -> None:
    """What a launch shows answers for no snapshot."""
    sound(tmp_path)
    evidence = kit.Image().evidence()
    assert decide_at(AT_REST, ON_DISK, evidence, {}).status is UNSURE
    views = {**evidence.views, DISK: look(tmp_path)}
    assert decide_at(AT_REST, ON_DISK, replace(evidence, views=views), {}).status is PASS

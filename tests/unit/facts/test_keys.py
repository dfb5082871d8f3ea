"""Authorized keys, host keys and what two launches have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amigate.check import AnswerError, InconclusiveError
from amigate.evidence.model import Launch, Vantage, Viewpoint
from amigate.evidence.redaction.keys import fingerprint
from amigate.facts import host_keys
from amigate.facts.accounts import Account, Password
from amigate.facts.authorized_keys import AuthorizedKeys, parse, paths
from amigate.facts.host_keys import HostKeys
from amigate.facts.twins import Twins

CLOUD_INIT = (
    'no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command="echo \'Please login as the user \\"admin\\" '
    'rather than the user \\"root\\".\';echo;sleep 10;exit 142" '
)


def identified(line: str) -> tuple[str, str]:
    found = parse(line + "\n", user="u", path="/k")
    assert len(found) == 1
    return found[0].type, found[0].fingerprint


@pytest.mark.parametrize(
    "before,after",
    [
        ("", ""),
        ("", " comment with blanks"),
        ("  \t", "\r"),
        ("restrict ", " x"),
        ('from="10.0.0.0/8,!10.1.0.0/16",no-pty ', ""),
        ('command="a \\"b\\" c" ', ""),
        (CLOUD_INIT, " key"),
        ('cert-authority,principals="a b" ', ""),
        ('environment="A=ssh-ed25519 AAAA" ', ""),
    ],
)
@pytest.mark.parametrize(
    "kind",
    [
        "ssh-ed25519",
        "ssh-rsa",
        "ecdsa-sha2-nistp256",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    ],
)
def test_a_key_is_known_behind_any_options(kit: Any, before: str, after: str, kind: str) -> None:
    expected = (kind, fingerprint(kit.blob("somebody", kind)))
    assert identified(f"{before}{kit.key('somebody', kind)}{after}") == expected


def test_a_key_within_the_quotes_of_an_option_is_not_the_key(kit: Any) -> None:
    line = f'command=" {kit.key("decoy")} " {kit.key("real")} c'
    assert identified(line) == ("ssh-ed25519", fingerprint(kit.blob("real")))


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-ed25519 " + "A" * 68,
        "ssh-rsa " + "B" * 43,
        "1024 35 1234567890 rsa1@old",
        'command="never closed ssh-ed25519 AAAA',
        "\x0c",
    ],
)
def test_a_line_in_no_known_form_counts_as_a_key(line: str) -> None:
    found = parse(line + "\n", user="u", path="/k")
    assert len(found) == (1 if line.strip() else 0)
    assert all(key.fingerprint == "" for key in found)
    assert len(AuthorizedKeys(all=tuple(found)).other_than("SHA256:launch")) == len(found)
    assert len(AuthorizedKeys(all=tuple(found)).other_than("")) == len(found)


def test_comments_and_blank_lines_are_no_keys(kit: Any) -> None:
    text = f"# {kit.key('a')}\n\n   \r\n  # b\n{kit.key('c')}\r\n"
    assert [key.line for key in parse(text, user="u", path="/k")] == [5]


def test_a_finding_holds_no_key(kit: Any) -> None:
    finding = parse(kit.key("a") + " SECRET comment", user="u", path="/k")[0].finding("a key")
    assert "SECRET" not in repr(finding)
    assert kit.key("a").split()[1] not in repr(finding)


def account(**changes: Any) -> Account:
    fields: dict[str, Any] = {
        "name": "bob",
        "uid": 1000,
        "gid": 1000,
        "home": "/srv/bob",
        "shell": "/bin/sh",
        "password": Password.NONE,
        "line": 1,
    }
    return Account(**fields | changes)


@pytest.mark.parametrize(
    "pattern,path",
    [
        (".ssh/authorized_keys", "/srv/bob/.ssh/authorized_keys"),
        ("/etc/ssh/keys/%u", "/etc/ssh/keys/bob"),
        ("%h/keys", "/srv/bob/keys"),
        ("/k/%U", "/k/1000"),
        ("/k/100%%/%%u", "/k/100%/%u"),
        ("/k/%x", "/k/%x"),
        ("/k//./a", "/k/a"),
        ("//k/a", "/k/a"),
    ],
)
def test_tokens_are_expanded_as_sshd_does(pattern: str, path: str) -> None:
    assert paths(account(), (pattern,)) == [path]


@pytest.mark.parametrize("changes", [{"home": "/srv/link/../bob"}, {"home": ".."}])
def test_a_path_that_leads_through_a_parent_is_in_doubt(changes: dict[str, str]) -> None:
    with pytest.raises(InconclusiveError):
        paths(account(**changes), (".ssh/authorized_keys",))


def keys_of(image: Any, launch: Launch = Launch.A) -> list[tuple[str, str, int]]:
    return [(key.user, key.path, key.line) for key in AuthorizedKeys.read(image.inside(launch)).all]


def test_every_file_that_sshd_is_told_to_read_is_read(kit: Any) -> None:
    image = kit.Image(effective=kit.EFFECTIVE | {"authorizedkeysfile": ".ssh/authorized_keys /etc/ssh/keys/%u"})
    image.passwd = "root:x:0:0::/root:/bin/sh\nsvc:x:7:7::/opt/svc:/usr/sbin/nologin\n"
    image.keys = {
        "/etc/ssh/keys/root": "# nothing\n",
        "/etc/ssh/keys/svc": f"\n{kit.key('b')}\n",
        "/opt/svc/.ssh/authorized_keys2": kit.key("c"),
    }
    assert keys_of(image) == [("svc", "/opt/svc/.ssh/authorized_keys2", 1), ("svc", "/etc/ssh/keys/svc", 2)]


def test_a_path_with_a_blank_is_read_whole(kit: Any) -> None:
    image = kit.Image(config='AuthorizedKeysFile "/etc/ssh/my keys/%u"\n')
    image.effective["authorizedkeysfile"] = "/etc/ssh/my keys/%u"
    image.keys = {f"/etc/ssh/my keys/{user}": kit.key("b") for user in ("root", "admin")}
    with pytest.raises(InconclusiveError):  # what `sshd -T` seems to name was not collected
        keys_of(image)
    view = image.inside(Launch.A)
    halves = {
        path for user in ("root", "admin") for path in ("/etc/ssh/my", f"/root/keys/{user}", f"/home/admin/keys/{user}")
    }
    found = AuthorizedKeys.read(replace(view, absent=view.absent | halves)).all
    assert ("root", "/etc/ssh/my keys/root") in [(key.user, key.path) for key in found]


def test_a_key_file_that_could_not_be_seen_is_in_doubt(kit: Any) -> None:
    image = kit.Image(unseen={"/root/.ssh/authorized_keys": "its folder cannot be searched"})
    with pytest.raises(InconclusiveError):
        keys_of(image)


def test_host_keys_come_with_their_age(kit: Any) -> None:
    found = HostKeys.read(kit.Image().inside(Launch.A))
    assert [(key.path, key.type) for key in found.all] == [("/etc/ssh/ssh_host_ed25519_key", "ssh-ed25519")]
    assert (found.booted_s, found.older_than_this_boot()) == (1_700_000_100, [])
    assert HostKeys.read(kit.Image(host_key_age_s=6).inside(Launch.A)).older_than_this_boot()


@pytest.mark.parametrize("age_s", [-106, -(10**9), -(2**63)])
def test_a_host_key_from_the_future_cannot_be_dated(kit: Any, age_s: int) -> None:
    """As one that came with the image has, on a machine whose clock starts in 1970: it would count as new."""
    found = HostKeys.read(kit.Image(host_key_age_s=age_s).inside(Launch.A))
    with pytest.raises(InconclusiveError, match="from the future"):
        found.older_than_this_boot()
    with pytest.raises(InconclusiveError, match="from the future"):
        twins(kit.Image(host_key_age_s=age_s)).host_key_faults()


def test_a_host_key_from_the_future_hides_no_other(kit: Any) -> None:
    view = kit.Image(host_key_age_s=3600).inside(Launch.A)
    path = "/etc/ssh/ssh_host_ed25519_key"
    clone = replace(view.entries[path], path="/etc/ssh/ssh_host_x_key", mtime_s=2**40)
    answers = {host_keys.public_half(clone.path).key: kit.said(kit.key("x"))}
    both = replace(view, entries={**view.entries, clone.path: clone}, answers={**view.answers, **answers})
    assert [finding.path for finding in HostKeys.read(both).older_than_this_boot()] == [path]


@pytest.mark.parametrize("age_s", [-105, -100, 0, 5])
def test_a_host_key_made_between_the_boot_and_now_is_new(kit: Any, age_s: int) -> None:
    assert HostKeys.read(kit.Image(host_key_age_s=age_s).inside(Launch.A)).older_than_this_boot() == []


@pytest.mark.parametrize("answer", [("", 255), ("nonsense", 0), ("", 0), ("{key}\n{key}", 0), ("{key}", 1)])
def test_a_host_key_whose_public_half_cannot_be_told_is_in_doubt(kit: Any, answer: tuple[str, int]) -> None:
    text = answer[0].replace("{key}", kit.key("h"))
    image = kit.Image(answers={host_keys.public_half("/etc/ssh/ssh_host_ed25519_key").key: kit.said(text, answer[1])})
    with pytest.raises(InconclusiveError):
        HostKeys.read(image.inside(Launch.A))


@pytest.mark.parametrize("clock", ["", "1\n", "x\n1.0 1.0\n", "1700000200\n", "-5\n1.0 2.0\n"])
def test_a_clock_that_says_nothing_is_in_doubt(kit: Any, clock: str) -> None:
    with pytest.raises(InconclusiveError):
        HostKeys.read(kit.Image(answers={host_keys.CLOCK.key: kit.said(clock)}).inside(Launch.A))


def twins(image: Any) -> Twins:
    return Twins.read(image.evidence())


def test_twins_of_a_sound_image_have_nothing_in_common(kit: Any) -> None:
    assert twins(kit.Image()).host_key_faults() == []
    assert twins(kit.Image()).keys_of_both() == []


def test_a_host_key_that_both_prove_is_found_wherever_it_is_kept(kit: Any) -> None:
    image = kit.Image(contact={"host_key": "SHA256:hidden", "host_key_type": "ssh-rsa"})
    assert [(f.subject, f.fingerprint) for f in twins(image).host_key_faults()] == [("SSH handshake", "SHA256:hidden")]


def test_a_launch_without_host_keys_is_a_fault(kit: Any) -> None:
    evidence = kit.Image().evidence()
    here = Viewpoint(Launch.B, 1, Vantage.INSIDE)
    view = evidence.views[here]
    kept = {path: entry for path, entry in view.entries.items() if "ssh_host" not in path}
    views = {**evidence.views, here: replace(view, entries=kept)}
    found = Twins.read(replace(evidence, views=views)).host_key_faults()
    assert [(f.subject, f.detail) for f in found] == [("launch B", "it has no host key")]


def test_a_baked_key_is_found_whatever_its_options(kit: Any) -> None:
    image = kit.Image(keys={"/root/.ssh/authorized_keys": f"{CLOUD_INIT}{{own}}\nrestrict {kit.key('baked')} x\n"})
    assert [(f.path, f.line) for f in twins(image).keys_of_both()] == [("/root/.ssh/authorized_keys", 2)]


def test_twins_that_were_made_alike_prove_nothing(kit: Any) -> None:
    for image in (kit.Image(launch_key="same"), kit.Image(contact={"launch_key": ""})):
        with pytest.raises(InconclusiveError):
            twins(image).keys_of_both()


def test_a_twin_that_was_not_seen_proves_nothing(kit: Any) -> None:
    for launch in (Launch.A, Launch.B):
        with pytest.raises(AnswerError):
            twins(kit.Image(broken={launch: "gone"})).keys_of_both()
        with pytest.raises(AnswerError):
            twins(kit.Image(broken={launch: "gone"})).host_key_faults()


@given(st.text(max_size=300))
def test_no_key_file_breaks_the_reader(text: str) -> None:
    lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    assert len(parse(text, user="u", path="/k")) == len(lines)

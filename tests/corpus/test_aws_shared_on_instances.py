"""The rules of AWS's guidelines that a running machine answers as well as the disk, judged on launches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from amigate.evidence.keep import Keep
from amigate.evidence.model import Evidence, Vantage
from amigate.evidence.questions import Glob
from amigate.facts import histories, ssh_servers
from amigate.facts.secrets import HOME_KEYS
from amigate.judge import catalogue
from amigate.judge.places import places
from amigate.judge.results import results
from amigate.plan import plan
from amigate.profile import load
from amigate.result import Result, Status, Witness

from .judging import decisions

if TYPE_CHECKING:
    from collections.abc import Mapping

WITNESSES = (Witness.EC2, Witness.INSTANCE, Witness.TWIN, Witness.PROBE)
PATHS = "ssh-host-key-paths-per-boot"
SERVERS = "ssh-no-other-servers"
PRIVATE = "key-no-user-private-keys"
HISTORIES = "secret-no-histories"
RULES = (PATHS, SERVERS, PRIVATE, HISTORIES)
PASS, FAIL, UNSURE = Status.PASS, Status.FAIL, Status.INCONCLUSIVE
KEY = "/home/admin/.ssh/id_ed25519"


def judge(evidence: Evidence) -> dict[str, Result]:
    """Return the result of every rule of AWS's guidelines."""
    profile = load("aws-shared")
    checks = {rule: catalogue.checks()[rule] for rule in profile.rules}
    planned = plan(list(checks.values()), WITNESSES)
    where = {rule: places(check, WITNESSES, planned) for rule, check in checks.items()}
    found = decisions(where, evidence)
    return {result.id: result for result in results(profile, checks, WITNESSES, planned, found)}


def collected(image: Any, kit: Any, **more: Any) -> Evidence:
    """Return what launches of `image` show, with nothing of what the rules forbid but what `more` says."""
    image.answers |= {HOME_KEYS: kit.said("")} | more.get("answers", {})
    image.globbed = [question.key for question in ssh_servers.NEEDS.first if isinstance(question, Glob)]
    evidence: Evidence = image.evidence()
    views = {}
    for viewpoint, view in evidence.views.items():
        if viewpoint.vantage is Vantage.INSIDE and viewpoint.boot == 1:
            homes = frozenset(histories._patterns(view))
            entries = {**view.entries, **more.get("entries", {})}
            view = replace(view, globbed=view.globbed | homes, entries=entries)  # noqa: PLW2901
        views[viewpoint] = view
    return replace(evidence, views=views)


def key(kit: Any, summary: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """Return the answers of a machine on which a file has the header of a key, and what is kept of it."""
    kept = replace(kit.said(""), kept=Keep.PRIVATE_KEY, summary=summary, withheld="only what kind it is", **more)
    return {"answers": {HOME_KEYS: kit.said(f"{KEY}\n"), f"private key in {KEY}": kept}}


def decided(found: Mapping[str, Result]) -> dict[str, Status]:
    return {rule: found[rule].status for rule in RULES}


def test_a_sound_machine_meets_every_rule_that_it_can_answer(kit: Any) -> None:
    found = judge(collected(kit.Image(), kit))
    assert decided(found) == dict.fromkeys(RULES, PASS)
    at_rest = {rule for rule in found if catalogue.checks()[rule].evidence == (Witness.DISK,)}
    assert {found[rule].status for rule in at_rest} == {Status.NOT_ASKED}


def test_a_spoilt_machine_violates_them(kit: Any) -> None:
    image = kit.Image(
        config="PasswordAuthentication no\nHostKey /srv/host\n",
        effective={**kit.EFFECTIVE, "hostkey": "/srv/host", "hostcertificate": "/srv/certificate"},
    )
    spoilt = key(kit, {"header": "OPENSSH PRIVATE KEY", "encrypted": "yes", "fingerprint": "SHA256:x"})
    spoilt["entries"] = {path: kit.file(path, b"x") for path in ("/usr/sbin/dropbear", "/root/.bash_history")}
    spoilt["answers"] |= {"lines of /root/.bash_history": kit.said("1\n")}
    found = judge(collected(image, kit, **spoilt))
    assert decided(found) == dict.fromkeys(RULES, FAIL)
    paths = {(rule, finding.path, finding.line) for rule in RULES for finding in found[rule].findings}
    assert paths == {
        (PATHS, "/etc/ssh/sshd_config", 2),
        (PATHS, "/srv/certificate", None),
        (SERVERS, "/usr/sbin/dropbear", None),
        (PRIVATE, KEY, None),
        (HISTORIES, "/root/.bash_history", None),
    }
    (finding,) = found[PRIVATE].findings
    assert (finding.detail, finding.fingerprint) == ("a private key behind a passphrase", "SHA256:x")


@pytest.mark.parametrize("case", ["no find", "no answer", "too many", "cut off", "unreadable", "no question"])
def test_a_machine_that_cannot_be_looked_through_decides_nothing(case: str, kit: Any) -> None:
    more: dict[str, Any] = {
        "no find": {"answers": {HOME_KEYS: kit.said("", 99)}},
        "no answer": {"answers": {HOME_KEYS: None}},
        "too many": {"answers": {HOME_KEYS: kit.said(f"{KEY}\n" * 201), f"private key in {KEY}": kit.said("")}},
        "cut off": key(kit, {}, truncated=True),
        "unreadable": key(kit, {}, exit_code=1),
        "no question": {"answers": {HOME_KEYS: kit.said(f"{KEY}\n")}},
    }[case]
    assert judge(collected(kit.Image(), kit, **more))[PRIVATE].status is UNSURE


def test_a_header_is_no_key(kit: Any) -> None:
    more = key(kit, {})
    assert judge(collected(kit.Image(), kit, **more))[PRIVATE].status is PASS

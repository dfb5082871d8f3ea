"""The rules that compare two launches, whose settings name files: judged as the judge does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from amigate.evidence.model import Launch, Vantage, Viewpoint
from amigate.judge.places import Place
from amigate.result import Status, Witness

from .judging import decisions

if TYPE_CHECKING:
    from amigate.evidence.model import Evidence
    from amigate.judge.decide import Decision

IDENTITIES, SECRETS = "boot-identities-unique-per-launch", "boot-application-secrets-random"
PASS, FAIL, UNSURE, NONE = Status.PASS, Status.FAIL, Status.INCONCLUSIVE, Status.NOT_APPLICABLE
ID, KEY, SEED, HOST_NAME = "/opt/agent/id", "/etc/app/key", "/var/lib/systemd/random-seed", "/proc/sys/kernel/hostname"


def judge(rule: str, evidence: Evidence, *files: str) -> Decision:
    place = Place(Witness.TWIN)
    found = decisions({rule: (place,)}, evidence, {rule: {"files": list(files)} if files else {}})
    return found[rule, place][0]


@pytest.mark.parametrize(
    "spoilt,files,expected,where",
    [
        ({}, (), PASS, ""),
        ({"/etc/machine-id": "a" * 32}, (), FAIL, "/etc/machine-id"),
        ({"/etc/machine-id": "uninitialized\n"}, (), PASS, ""),
        ({"/etc/machine-id": "no id\n"}, (), UNSURE, ""),
        ({SEED: "the seed of every machine"}, (), FAIL, SEED),
        ({SEED: "the seed of {launch}"}, (), PASS, ""),
        ({HOST_NAME: "localhost\n"}, (), FAIL, HOST_NAME),
        ({HOST_NAME: None}, (), UNSURE, ""),
        ({"/etc/nvme/hostnqn": "nqn.1\n"}, (), FAIL, "/etc/nvme/hostnqn"),
        ({ID: "7"}, (), PASS, ""),  # nobody names it
        ({ID: "7"}, (ID,), FAIL, ID),
        ({ID: "{launch}"}, (ID,), PASS, ""),
        ({ID: None}, (ID,), PASS, ""),  # neither has one, so they share none
        ({}, (ID,), UNSURE, ""),  # it was not collected
        ({SEED: "same"}, (ID,), FAIL, SEED),  # whatever else is not known
    ],
)
def test_identities(kit: Any, spoilt: dict[str, str], files: tuple[str, ...], expected: Status, where: str) -> None:
    image = kit.Image()
    image.identities |= spoilt
    decision = judge(IDENTITIES, image.evidence(), *files)
    assert (decision.status, [found.path for found in decision.findings]) == (expected, [where] if where else [])
    assert decision.message or expected is PASS


@pytest.mark.parametrize(
    "collected,files,expected,detail",
    [
        ({}, (), NONE, ""),
        ({KEY: "{launch}"}, (KEY,), PASS, ""),
        ({KEY: "hunter2"}, (KEY,), FAIL, "is the same on two launches"),
        ({KEY: None}, (KEY,), FAIL, "first boot does not make it"),
        ({KEY: ""}, (KEY,), FAIL, "is empty"),
        ({}, (KEY,), UNSURE, ""),  # collected under a profile that named other files
        ({KEY: "{launch}"}, (KEY, "/etc/app/other"), UNSURE, ""),
        ({KEY: "hunter2"}, (KEY, "/etc/app/other"), FAIL, "is the same on two launches"),
    ],
)
def test_application_secrets(
    kit: Any, collected: dict[str, str], files: tuple[str, ...], expected: Status, detail: str
) -> None:
    image = kit.Image()
    image.identities |= collected
    decision = judge(SECRETS, image.evidence(), *files)
    assert (decision.status, {found.detail for found in decision.findings}) == (expected, {detail} - {""})
    assert decision.message or expected is PASS
    assert "hunter2" not in repr(decision)


@pytest.mark.parametrize("rule", [IDENTITIES, SECRETS])
def test_of_one_launch_alone_nothing_can_be_told(kit: Any, rule: str) -> None:
    image = kit.Image(broken={Launch.B: "nobody could log in to launch B"})
    image.identities |= {KEY: "{launch}"}
    assert judge(rule, image.evidence(), KEY).status is UNSURE


def test_a_secret_that_could_not_be_read_is_not_random(kit: Any) -> None:
    image = kit.Image()
    image.identities |= {KEY: "{launch}"}
    evidence = image.evidence()
    at = Viewpoint(Launch.B, 1, Vantage.INSIDE)
    entries = dict(evidence.views[at].entries)
    entries[KEY] = replace(entries[KEY], summary={}, content=None)
    views = {**evidence.views, at: replace(evidence.views[at], entries=entries)}
    assert judge(SECRETS, replace(evidence, views=views), KEY).status is UNSURE

"""Trying a call on an endpoint that carries dry runs out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from amigate.doctor import permissions, probes
from amigate.doctor.finding import State
from amigate.doctor.trial import Allowed, tried

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.sources.aws import Aws


def deny(**_: object) -> None:
    raise ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "no"}}, "DeleteKeyPair")


def careless(delete: Callable[..., None]) -> Aws:
    """Return an account behind an endpoint that makes key pairs whatever DryRun says."""
    ec2 = SimpleNamespace(import_key_pair=lambda **_: {}, delete_key_pair=delete)
    return cast("Aws", SimpleNamespace(ec2=ec2, region="eu-central-1"))


def test_what_a_trial_has_made_is_removed() -> None:
    removed: list[Any] = []
    key, _ = probes.making("vpc-1")
    trial = tried(careless(lambda **call: removed.append(call)), key)
    assert (trial.allowed, trial.why) == (Allowed.CARRIED_OUT, "")
    assert removed == [{"KeyName": key.parameters["KeyName"]}]


def test_what_a_trial_has_made_and_could_not_remove_is_named_with_its_command() -> None:
    finding = permissions._judged(careless(deny), "make key and group", probes.making("vpc-1"), permissions.POLICY)
    assert finding.state is State.FAIL
    assert "is left: aws ec2 delete-key-pair --key-name amigate-doctor-" in finding.found


@pytest.mark.parametrize("number", range(2))
def test_a_dry_run_makes_nothing(number: int) -> None:
    def refuse(**call: object) -> None:
        assert call["DryRun"] is True
        raise ClientError({"Error": {"Code": "DryRunOperation", "Message": "would"}}, "Import")

    ec2 = SimpleNamespace(import_key_pair=refuse, create_security_group=refuse)
    trial = tried(cast("Aws", SimpleNamespace(ec2=ec2, region="eu-central-1")), probes.making("vpc-1")[number])
    assert trial.allowed is Allowed.YES

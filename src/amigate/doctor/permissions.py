"""What the caller may do: each call of `validate` and `share` is tried, and nothing is carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.disk.ebs_client import ebs_client
from amigate.doctor import probes
from amigate.doctor.finding import Finding, State, ok
from amigate.doctor.trial import Allowed, Trial, tried
from amigate.errors import AmigateError
from amigate.sources.aws_errors import DENIED, aws_errors, code_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from amigate.doctor.probes import Probe
    from amigate.sources.aws import Aws
    from amigate.sources.network import Network

POLICY = "docs/iam/validate.json"
UNTOLD = "the policy may allow it for what a run has tagged, and there is nothing such to try it on"


def reading(aws: Aws, image_id: str | None) -> list[Finding]:
    """Return whether the calls that look are allowed."""
    return [
        _judged(aws, "look", probes.reading(image_id), POLICY),
        _judged(aws, "look (optional)", probes.optional(), POLICY, denied=State.WARN),
        _snapshots(aws),
    ]


def launching(
    aws: Aws, image: Mapping[str, Any] | None, network: Network | None, wanted: str | None, *, private: bool
) -> list[Finding]:
    """Return whether the calls that make, launch and remove are allowed; needs a network and an image to try."""
    if not _knows_dry_runs(aws):
        return [_untried("launch", "this endpoint does not know dry runs", "ask an endpoint that does")]
    found = []
    if network is None:
        found.append(_untried("make key and group", "there is no network to try it in", "mend what is said of it"))
    else:
        found.append(_judged(aws, "make key and group", probes.making(network.vpc_id), POLICY))
    if network is None or image is None or found[0].state is State.UNKNOWN:
        step = "name an image: amigate doctor --ami ami-…" if image is None else "mend what is said of the network"
        found.append(_untried("launch", "there is nothing to try a launch with", step))
    else:
        found.append(_launch(aws, image, network, wanted, private=private))
    return [*found, _judged(aws, "use and remove what runs made", probes.removing(), POLICY)]


def sharing(aws: Aws, image: Mapping[str, Any] | None) -> Finding:
    """Return whether an image may be shared, which `validate` has no need of."""
    if image is None or image.get("OwnerId") != aws.account:
        found = "there is no image of this account to try it on"
        return _untried("share", found, "name one: amigate doctor --ami ami-…", untellable=True)
    if not _knows_dry_runs(aws):
        return _untried("share", "this endpoint does not know dry runs", "ask an endpoint that does")
    probe = probes.sharing(image["ImageId"], aws.account)
    return _judged(aws, "share", [probe], "docs/iam/share.json", denied=State.WARN)


def _launch(aws: Aws, image: Mapping[str, Any], network: Network, wanted: str | None, *, private: bool) -> Finding:
    try:
        with aws_errors("look for the default security group"):
            filters: list[Any] = [
                {"Name": "vpc-id", "Values": [network.vpc_id]},
                {"Name": "group-name", "Values": ["default"]},
            ]
            [group] = aws.ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    except (AmigateError, ValueError) as error:
        return _untried("launch", f"there is no security group to try it with: {error}", "mend what is said above")
    probe = probes.launching(image, network, wanted, group["GroupId"], private=private)
    return _judged(aws, "launch", [probe], POLICY)


def _knows_dry_runs(aws: Aws) -> bool:
    return tried(aws, probes.reading(None)[0]).allowed is not Allowed.CARRIED_OUT


def _judged(aws: Aws, topic: str, wanted: Sequence[Probe], policy: str, *, denied: State = State.FAIL) -> Finding:
    """Return what the trials of some calls come to: the worst of them, named."""
    trials: list[Trial] = []
    for probe in wanted:
        trials.append(tried(aws, probe))
        if trials[-1].allowed is Allowed.CARRIED_OUT and not probe.action.startswith("Describe"):
            break
    by = {kind: [each for each in trials if each.allowed is kind] for kind in Allowed}
    topic = f"may {topic}"
    if by[Allowed.NO]:
        missing = ", ".join(f"ec2:{each.probe.action}" for each in by[Allowed.NO])
        step = f"add {missing} to the policy of these credentials: {policy} has all that is needed"
        return Finding(topic=topic, state=denied, found=f"not allowed: {missing}", next_step=step)
    if by[Allowed.UNCLEAR]:
        first = by[Allowed.UNCLEAR][0]
        return Finding(topic=topic, state=State.UNKNOWN, found=first.why, next_step="mend that, and ask again")
    if by[Allowed.CARRIED_OUT]:
        first = by[Allowed.CARRIED_OUT][0]
        found = f"{first.probe.action} was carried out: this endpoint does not know dry runs"
        if first.why:
            return Finding(topic=topic, state=State.FAIL, found=f"{found}, and {first.why}", next_step="remove it")
        return Finding(topic=topic, state=State.UNKNOWN, found=found, next_step="ask an endpoint that does")
    if by[Allowed.UNTOLD]:
        names = ", ".join(f"ec2:{each.probe.action}" for each in by[Allowed.UNTOLD])
        step = f"compare the policy of these credentials with {policy}"
        found = f"{names}: {UNTOLD}"
        return Finding(topic=topic, state=State.UNKNOWN, found=found, next_step=step, untellable=True)
    return ok(topic, ", ".join(each.probe.action for each in trials))


def _snapshots(aws: Aws) -> Finding:
    """Ask for the blocks of a snapshot that does not exist: who may not read is told so first."""
    topic = "may read snapshots"
    client = None
    wrong = []
    for action in ("ListSnapshotBlocks", "GetSnapshotBlock"):
        try:
            with aws_errors(f"try ebs:{action}"):
                client = client or ebs_client(aws, concurrency=1)
                if action == "ListSnapshotBlocks":
                    client.list_snapshot_blocks(SnapshotId=f"snap-{probes.NOBODY}")
                else:
                    client.get_snapshot_block(SnapshotId=f"snap-{probes.NOBODY}", BlockIndex=0, BlockToken="AAAA")
        except AmigateError as error:
            code = code_of(error)
            if code in DENIED:
                wrong.append(f"ebs:{action}")
            elif code not in {"ResourceNotFoundException", "ValidationException"}:
                return Finding(topic=topic, state=State.UNKNOWN, found=str(error), next_step=error.hint or "ask again")
    if not wrong:
        return ok(topic, "ebs:ListSnapshotBlocks, ebs:GetSnapshotBlock are not denied")
    missing = ", ".join(wrong)
    step = f"add {missing} to the policy of these credentials: without, rules about the disk at rest are inconclusive"
    return Finding(topic=topic, state=State.FAIL, found=f"not allowed: {missing}", next_step=step)


def _untried(topic: str, found: str, step: str, *, untellable: bool = False) -> Finding:
    return Finding(topic=f"may {topic}", state=State.UNKNOWN, found=found, next_step=step, untellable=untellable)

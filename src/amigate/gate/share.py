"""Sharing an image: the only place that adds launch permissions, and only after a pass at full scope."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amigate.errors import AmigateError, ShareError, UsageError
from amigate.report import links
from amigate.sources.aws_errors import aws_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from amigate.result import Report
    from amigate.sources.aws import Aws

_ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What sharing came to; read back from EC2, not assumed."""

    ami: str
    added: tuple[str, ...]
    """Accounts that got the permission now."""
    already: tuple[str, ...]
    """Accounts that had it before."""
    permissions: tuple[str, ...]
    """All that hold a launch permission afterwards: account ids, `group all`, ARNs."""


def require_accounts(accounts: Sequence[str]) -> tuple[str, ...]:
    """Return the account ids, each once; raises UsageError for what is none."""
    for account in accounts:
        if not _ACCOUNT.fullmatch(account):
            raise UsageError(f"{account!r} is no account id", hint="An AWS account id has 12 digits.")
    return tuple(dict.fromkeys(accounts))


def share(
    aws: Aws, report: Report, accounts: Sequence[str], progress: Callable[[str], None] = lambda _: None
) -> Shared:
    """Let `accounts` launch the image of `report`, read the permissions back, and return them.

    Accounts that have the permission already are left as they are. Raises ShareError when the report does not allow
    sharing, or EC2 does not show the permission afterwards; what was added is then taken back."""
    ami = report.target.id
    require_shareable(aws, report)
    before = permissions(aws, ami)
    already = tuple(account for account in accounts if account in before)
    added = tuple(account for account in accounts if account not in before)
    after = before
    if added:
        progress(f"{ami}: adding launch permission for {', '.join(added)}")
        try:
            _modify(aws, ami, "Add", added)
            after = permissions(aws, ami)
            _require(after, added, ami)
        except BaseException as error:
            _take_back(aws, ami, added, error)
            raise
    return Shared(ami=ami, added=added, already=already, permissions=after)


def share_all(
    judged: Sequence[tuple[Aws, Report]], accounts: Sequence[str], progress: Callable[[str], None] = lambda _: None
) -> list[Shared]:
    """Share several images, or none of them: where one cannot be shared, the others are taken back."""
    for aws, report in judged:
        require_shareable(aws, report)
    done: list[tuple[Aws, Shared]] = []
    try:
        for aws, report in judged:
            done.append((aws, share(aws, report, accounts, progress)))
    except BaseException as error:
        _take_all_back(done, error)
        raise
    return [shared for _, shared in done]


def require_shareable(aws: Aws, report: Report) -> None:
    """Raise ShareError unless `report` is a pass at full scope for this image's owner, account and region."""
    target = report.target
    if not report.may_share:
        raise ShareError(
            f"{target.id} is not shared: the verdict is {report.verdict}, at {report.scope} scope",
            hint="Mend what the report names, and make the image anew; only a pass at full scope allows sharing.",
        )
    if (target.account, target.region, target.endpoint) != (aws.account, aws.region, aws.endpoint):
        raise ShareError(
            f"{target.id} is not shared: the report is about another account, region or endpoint",
            hint="A verdict holds where the image was judged, and nowhere else.",
        )


def permissions(aws: Aws, ami: str) -> tuple[str, ...]:
    """Return who holds a launch permission: account ids, `group all`, ARNs; sorted."""
    with aws_errors(f"read the launch permissions of {ami}"):
        answer = aws.ec2.describe_image_attribute(ImageId=ami, Attribute="launchPermission")
    return holders(answer.get("LaunchPermissions", []))


def holders(entries: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return who is named in launch permissions of an image, or in those of a snapshot to make volumes of it."""
    found = []
    for permission in entries:
        if "Group" in permission:
            found.append(f"group {permission['Group']}")
        else:
            found += [str(value) for value in permission.values()]
    return tuple(sorted(found))


def held_by(aws: Aws, report: Report, accounts: Sequence[str]) -> list[str]:
    """Return those of `accounts` that may launch the image already; only its owner can know."""
    if report.target.account != aws.account:
        return []
    return [account for account in permissions(aws, report.target.id) if account in accounts]


def launch_link(report: Report) -> str:
    """Return the address at which a receiver launches the image; empty where the partition's console is unknown."""
    return links.launch_link(report.target.partition, report.target.region, report.target.id)


def _require(after: Sequence[str], added: Sequence[str], ami: str) -> None:
    """Raise ShareError unless all of `added` are among the permissions that EC2 shows."""
    if missing := [account for account in added if account not in after]:
        raise ShareError(
            f"{ami}: EC2 does not show the launch permission of {', '.join(missing)}",
            hint="What was added has been taken back; try again.",
        )


def _modify(aws: Aws, ami: str, action: str, accounts: Sequence[str]) -> None:
    entries = [{"UserId": account} for account in accounts]
    with aws_errors(f"change the launch permissions of {ami}"):
        aws.ec2.modify_image_attribute(ImageId=ami, LaunchPermission={action: entries})  # type: ignore[misc] # Add or Remove


def _take_all_back(done: Sequence[tuple[Aws, Shared]], error: BaseException) -> None:
    left = []
    for aws, shared in done:
        try:
            if shared.added:
                _take_back(aws, shared.ami, shared.added, error)
        except ShareError as worse:
            left.append(worse)
    if left:
        raise ShareError("; ".join(map(str, left)), hint="\n".join(each.hint for each in left)) from error


def _take_back(aws: Aws, ami: str, accounts: Sequence[str], error: BaseException) -> None:
    """Remove what this call added: an answer that was lost may have been a yes."""
    try:
        _modify(aws, ami, "Remove", accounts)
    except AmigateError as worse:
        left = ",".join(f"{{UserId={account}}}" for account in accounts)
        raise ShareError(
            f"{ami}: sharing failed ({type(error).__name__}), and it could not be taken back: {worse}",
            hint=f"aws ec2 modify-image-attribute --region {aws.region} --image-id {ami} "
            f"--launch-permission 'Remove=[{left}]'",
        ) from error

"""What all formats say in the same words; image content in it prints, and says nothing to the format it goes into."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from amigate.report.escape import shown
from amigate.result import SEAL, Scope, Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.result import Finding, Report, Result, Target

KINDS = {"file": "(a disk image)", "directory": "(a directory)"}
_LINK = re.compile(r"https://[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]{1,2000}")
"""What RFC 3986 lets stand in an address, but for brackets."""
SANDBOX = "SANDBOX: this endpoint is on this machine; no AWS account was looked at."


def verdict(report: Report, quoted: Callable[[str], str] = shown) -> str:
    """Return the verdict in one sentence that begins with it; `quoted` escapes what is not ours in it."""
    blocking = [result for result in report.results if result.blocking]
    failed = sum(result.status is Status.FAIL for result in blocking)
    what, profile = quoted(report.target.id), quoted(report.profile)
    match report.verdict:
        case Verdict.FAIL:
            return f"FAIL: {_rules(failed)}. The image may not be shared."
        case Verdict.INCONCLUSIVE:
            return f"INCONCLUSIVE: {_rules(len(blocking), 'could not be decided')}. The image may not be shared."
        case Verdict.PASS if report.scope is Scope.FULL and not report.may_share:
            when = f"when it was looked at ({quoted(report.collected_at)})"
            return f"PASS: {what} met profile {profile} {when}."
        case Verdict.PASS if report.scope is Scope.FULL:
            return f"PASS: {what} MAY BE SHARED under profile {profile}."
        case _:
            missed = report.counts[Status.NOT_ASKED]
            return f"PASS in part: nothing blocks in what was asked; {missed} rules were not asked."


def target(looked_at: Target, quoted: Callable[[str], str] = shown) -> str:
    """Return where the target is, to stand after its name and id."""
    if looked_at.kind in KINDS:
        return KINDS[looked_at.kind]
    if not looked_at.region:
        return "(saved evidence)"
    return f"in {quoted(looked_at.region)}, owned by {quoted(looked_at.account)}"


def finding(found: Finding) -> str:
    """Return a finding in one line: where, what, the fingerprint, and who saw it."""
    fingerprint = f"  {found.fingerprint}" if found.fingerprint else ""
    seen = f"  [{found.seen}]" if found.seen else ""
    return shown(f"{found.where}: {found.detail}{fingerprint}{seen}")


def reason(result: Result) -> str:
    """Return what a result says beside its findings; of a violation, those say it all."""
    return "" if result.findings and result.status is Status.FAIL else shown(result.message)


def link(result: Result) -> str:
    """Return the address of a rule's source; empty where it is none, or could be something else than an address."""
    return result.source if _LINK.fullmatch(result.source) else ""


def fix(result: Result) -> str:
    """Return the command that mends a violation; empty where no hardening step does."""
    if result.status is not Status.FAIL or not result.remediation or not result.step:
        return ""
    seal = SEAL if result.remediation.endswith(SEAL) else ""
    return f"amigate harden ssh://USER@HOST --only {shown(result.step)}{seal}"


def fixes(report: Report) -> list[tuple[str, str]]:
    """Return the commands that mend all that failed, each after what it is for; an image itself cannot be changed."""
    mended = {shown(result.step): command for result in report.results if (command := fix(result))}
    if not mended:
        return []
    seal = SEAL if any(command.endswith(SEAL) for command in mended.values()) else ""
    harden = f"amigate harden ssh://USER@HOST {' '.join(f'--only {step}' for step in mended)}{seal}"
    if report.target.kind in KINDS or not report.target.region:
        return [("To mend what failed, harden the machine of which the image is made:", harden)]
    bake = f"amigate bake --from {shown(report.target.id)} --name NEW-NAME --region {shown(report.target.region)}"
    return [
        ("To mend what failed, make a new image:", bake),
        ("or harden the machine of which you make your own:", harden),
    ]


def _rules(number: int, what: str = "is violated that blocks") -> str:
    if number == 1:
        return f"1 rule {what}"
    return f"{number} rules {what.replace('is violated that blocks', 'are violated that block')}"

"""Reports made up for the tests, ordinary and hostile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from amigate.result import Finding, Phase, Report, Result, Severity, Status, Target, Witness

HOSTILE = [
    "\x1b[2J\x1b]0;owned\x07",
    "\u202eevil\u2066",
    "line\nVERDICT PASS",
    "\r\x08\x7f",
    "\udc80\udcff",
    "\x9b31m",
    "\u2028\u200b\ufeff",
    "\0",
    "</script><script>alert(1)</script>",
    "<!--",
    "--><img src=x onerror=alert(1)>",
    "]]>",
    "\"'><b id=planted>",
    "`",
    "`` ``` `",
    " ` ",
    "a|b \\| c",
    "@octocat @org/team",
    "#1 GH-1 owner/repo#2",
    "[link](http://evil.example) ![x](http://evil.example/x)",
    "http://evil.example www.evil.example me@evil.example",
    "javascript:alert(1)",
    "{0} {{7*7}} {% raw %} ${7*7}",
    "::error::planted",
    " ::stop-commands::x",
    "##vso[task.setvariable variable=planted]x",
    "##[error]planted ##teamcity[x]",
    "*bold* _it_ ~~no~~ # heading",
    "&lt;b&gt; &#64;octocat",
    "\\",
    "</details>",
    "שלום مرحبا",
    "\U0001f600" * 3000,
    "\x1b" * 20_000,
]
"""What an image may say where it is asked for a name, a path or a line."""


def result(rule: str, status: Status, severity: Severity = Severity.CRITICAL, **changes: Any) -> Result:
    fields: dict[str, Any] = {
        "id": rule,
        "status": status,
        "severity": severity,
        "blocking": status in (Status.FAIL, Status.INCONCLUSIVE) and severity.rank >= Severity.HIGH.rank,
        "title": f"Title of {rule}",
        "guideline": "aws-shared-ami/some",
        "source": "https://docs.aws.amazon.com/some",
        "witness": (Witness.INSTANCE,),
        "message": "",
    }
    return Result(**fields | changes)


def report(*results: Result, **changes: Any) -> Report:
    fields: dict[str, Any] = {
        "target": Target(
            kind="ami",
            id="ami-0123456789abcdef0",
            name="golden",
            partition="aws",
            account="123456789012",
            region="eu-central-1",
            snapshots=("snap-1",),
        ),
        "audience": "accounts",
        "profile": "first-gate",
        "profile_digest": "sha256:" + "0" * 64,
        "profile_path": "gate/first gate.yaml",
        "witnesses": (Witness.EC2, Witness.INSTANCE),
        "collected_at": "2026-01-01T00:00:00+00:00",
        "evidence_digest": "sha256:" + "1" * 64,
        "results": results,
        "tool": "amigate 0.1.0",
    }
    return Report(**fields | changes)


EVERYTHING = report(
    result(
        "ssh-no-password-login",
        Status.FAIL,
        message="2 findings",
        findings=(
            Finding(
                subject="user bob",
                path="/etc/ssh/sshd_config",
                line=3,
                detail="passwordauthentication is yes",
                seen="A, B",
            ),
            Finding(path="/etc/x", detail="there", fingerprint="SHA256:abc"),
        ),
        remediation="amigate bake …",
        step="sshd",
        rationale="A password that ships with an image is the same on every machine made from it.",
        profile_line=7,
    ),
    result("ssh-no-dns-checks", Status.FAIL, Severity.LOW, findings=(Finding(subject="s", detail="usedns is yes"),)),
    result("boot-fresh-key-logs-in", Status.INCONCLUSIVE, message="nothing answered"),
    result("account-no-empty-passwords", Status.PASS),
    result("package-ami-tools-current", Status.NOT_APPLICABLE, Severity.MEDIUM, message="no AMI tools"),
    result("ami-owned-and-available", Status.NOT_ASKED, message="none of its witnesses was asked"),
    result("key-live-only-launch-key", Status.WAIVED, message="waived by ops until 2026-12-31: known"),
    result("boot-earlier-launch-key-absent", Status.WARN, message="met, with a remark"),
    notes=("The disk was not read.",),
    console={"A": "last line\n\x1b[31mred"},
    timings={"judge": 0.5},
    timeline=(
        Phase(name="describe", started_s=0.1, duration_s=0.4),
        Phase(name="launch to removal", started_s=0.6, duration_s=61.0),
        Phase(name="A launch", started_s=0.7, duration_s=2.5),
        Phase(name="A login", started_s=3.2, duration_s=50.0),
        Phase(name="judge", started_s=61.7, duration_s=0.5),
    ),
    cost={"instance_seconds": 61.5},
)


def hostile_report(text: str) -> Report:
    """Return a report with `text` in every field that an image, or who named it in EC2, has a say in."""
    finding = Finding(subject=text, path=f"/{text}", line=1, detail=text, fingerprint=text, seen=text)
    changes: dict[str, Any] = {"message": text, "findings": (finding,), "title": text, "rationale": text}
    fixed: dict[str, Any] = {"remediation": "amigate harden", "step": text}
    target = Target(kind="ami", id=text, name=text, account=text, region=text, partition=text, snapshots=(text,))
    return report(
        result("a", Status.FAIL, **changes, **fixed),
        result("b", Status.INCONCLUSIVE, **changes),
        result("c", Status.WARN, **changes),
        result("d", Status.FAIL, Severity.LOW, **changes),
        result("e", Status.WAIVED, **changes),
        result("f", Status.NOT_APPLICABLE, message=text),
        result("g", Status.PASS),
        result("h", Status.NOT_ASKED, message=text),
        target=target,
        notes=(text,),
        console={"A": text},
        collected_at=text,
        tool=f"amigate {text}",
        timeline=(Phase(name=text, started_s=0.0, duration_s=1.0),),
    )


def most_hostile() -> Report:
    """Return one report of all the hostile ones."""
    reports = [hostile_report(text) for text in HOSTILE]
    results = [replace(each, id=f"{each.id}{number}") for number, one in enumerate(reports) for each in one.results]
    notes = tuple(note for one in reports for note in one.notes)
    return replace(reports[0], results=tuple(results), notes=notes, console={text: text for text in HOSTILE})


EVERY_OUTCOME = [
    *(
        report(result("a", Status.PASS), result("b", status, severity, message="so"))
        for status in Status
        for severity in Severity
    ),
    report(),
]
"""A report for each status and severity beside a pass, and one without results."""

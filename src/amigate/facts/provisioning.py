"""Whether first-boot provisioning has ended, and how: cloud-init's own word, else systemd's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amigate.check import InconclusiveError
from amigate.evidence.keep import Keep
from amigate.evidence.questions import Needs, Run
from amigate.result import Finding

if TYPE_CHECKING:
    from amigate.evidence.model import Answer, View

WAIT_S = 300
"""How long provisioning may go on after somebody could log in."""
ABSENT = 99
"""Exit code by which a question says that there is no such program."""
_KILLED = {124, 137}
"""Exit codes of timeout(1)."""

WAIT = Run(
    "provisioning ended",
    # Its own timeout(1), whose exit code is an answer; without one, the collector's ends it and nothing is known.
    f"t=; if command -v timeout; then t='timeout {WAIT_S}'; fi; "
    "if command -v cloud-init && ! cloud-init status | grep -q disabled; then $t cloud-init status --wait; "
    "elif [ -d /run/systemd/system ]; then "
    "$t sh -c 'while systemctl is-system-running | grep -qE \"^(initializing|starting)$\"; do sleep 1; done'; "
    f"else exit {ABSENT}; fi",
    Keep.NOTHING,
    timeout_s=WAIT_S + 20,
    cap_bytes=64 * 1024,
)
CLOUD_INIT = Run(
    "cloud-init status",
    f"command -v cloud-init >/dev/null || exit {ABSENT}; cloud-init status --format json",
    Keep.CLOUD_INIT_STATUS,
)
RESULT = Run("cloud-init result", "cat /run/cloud-init/result.json", Keep.CLOUD_INIT_STATUS)
"""Written when the last stage has ended: https://cloudinit.readthedocs.io/en/latest/explanation/return_codes.html"""
FAILED_UNITS = Run(
    "failed units",
    f"[ -d /run/systemd/system ] || exit {ABSENT}; systemctl is-system-running; "
    "systemctl list-units --state=failed --plain --no-legend --no-pager --full",
    Keep.UNITS,
)
NEEDS = Needs(first=(WAIT, CLOUD_INIT, RESULT, FAILED_UNITS))
"""WAIT comes first: all that is collected is collected once provisioning has ended."""

SETTLED = {"running", "degraded"}
"""Of `systemctl is-system-running`: the boot has ended."""
_ENDED = {"done", "disabled", "error", "degraded", "degraded done"}


@dataclass(frozen=True, kw_only=True)
class Provisioning:
    """How first boot went."""

    by: str
    """Who says so: `cloud-init`, `systemd`, or empty where neither is there and the login is all there is to see."""
    faults: tuple[Finding, ...]
    remarks: tuple[Finding, ...] = ()
    """Errors that cloud-init calls recoverable."""

    @classmethod
    def read(cls, view: View) -> Provisioning:
        """Read what cloud-init says, else what systemd says; raises InconclusiveError when neither can be told."""
        if view.exit_code(WAIT.key) in _KILLED:
            text = f"it had not ended {WAIT_S} s after somebody could log in"
            return cls(by="", faults=(Finding(subject="first boot", detail=text),))
        status = view.answer(CLOUD_INIT.key)
        if status.exit_code != ABSENT:
            return _of_cloud_init(status, view.answer(RESULT.key), view)
        return _of_systemd(view)


def _of_systemd(view: View) -> Provisioning:
    units = view.answer(FAILED_UNITS.key)
    if units.exit_code == ABSENT:
        return Provisioning(by="", faults=())
    if units.exit_code != 0:
        raise InconclusiveError("systemd does not say which units have failed")
    state, *rest = units.text.splitlines() or [""]
    names = [line.split()[0] for line in rest if line.strip()]
    if state not in SETTLED and not names:
        raise InconclusiveError(
            f"systemd has the machine {word(state) or 'in no known state'}: it may still be booting"
        )
    return Provisioning(
        by="systemd", faults=tuple(Finding(subject=word(name), detail="this unit has failed") for name in names)
    )


def _of_cloud_init(status: Answer, result: Answer, view: View) -> Provisioning:
    """Take the JSON of `cloud-init status`; releases before 22.4 have no such format, and their result.json."""
    said = _object(status.text)
    state = str(said.get("extended_status") or said.get("status") or "")
    if state.startswith("disabled"):
        return _of_systemd(view)
    errors, recoverable = _list(said.get("errors")), said.get("recoverable_errors") or {}
    if not state:
        ended = _object(result.text).get("v1")
        if not isinstance(ended, dict):
            raise InconclusiveError("cloud-init does not say how first boot ended")
        errors, state = _list(ended.get("errors")), "done"
    faults = [Finding(subject="cloud-init", detail=f"{len(errors)} errors are in its status")] if errors else []
    if state == "error" and not errors:
        faults = [Finding(subject="cloud-init", detail="its status is error")]
    if state not in _ENDED and not state.startswith("degraded") and not faults:
        faults = [Finding(subject="cloud-init", detail=f"its status is {word(state)}, not done")]
    number = sum(map(len, recoverable.values())) if isinstance(recoverable, dict) else 0
    remarks = [Finding(subject="cloud-init", detail=f"{number} recoverable errors are in its status")] if number else []
    return Provisioning(by="cloud-init", faults=tuple(faults), remarks=tuple(remarks))


def _object(text: str) -> dict[str, Any]:
    """Return the JSON object in `text`; empty for anything else, as old releases print words."""
    start = text.find("{")
    try:
        found = json.loads(text[start:]) if start >= 0 else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def word(text: str) -> str:
    """Return a word of the image's as it can be shown."""
    return "".join(character if character.isprintable() else "?" for character in text)[:80]

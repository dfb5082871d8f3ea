"""Faults as people write them: ACTION[:N[+]]=CODE|delay:SECONDS|drop|drop-after."""

from __future__ import annotations

import re
from typing import Any

from amigate.errors import UsageError
from amigate.sandbox.fault import Error, Fault

GRAMMAR = "ACTION[:N[+]]=CODE|delay:SECONDS|drop|drop-after"
_FAULT = re.compile(r"(?P<action>[A-Za-z*?]+)(:(?P<nth>[0-9]{1,6})(?P<lasting>\+)?)?=(?P<effect>\S+)")
_DELAY = re.compile(r"delay:([0-9]{1,6}(\.[0-9]{1,6})?)")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9.]{2,99}")


def parse(text: str) -> Fault:
    """Return the fault that a text means; raises UsageError for one that means none.

    Without a number the first call is hit; with `+`, all from that one on. `denied` and `throttled` are codes too:
    each service says them in its own words."""
    found = _FAULT.fullmatch(text)
    if found is None or found["nth"] == "0":
        raise UsageError(f"{text!r} is no fault", hint=f"{GRAMMAR}, as in RunInstances:2=InsufficientInstanceCapacity")
    times = None if found["lasting"] else 1
    return Fault(found["action"], nth=int(found["nth"] or 1), times=times, **_effect(found["effect"], text))


def _effect(effect: str, text: str) -> dict[str, Any]:
    if effect in {"drop", "drop-after"}:
        return {"drop": "after" if effect == "drop-after" else "before"}
    if delay := _DELAY.fullmatch(effect):
        return {"delay_s": float(delay.group(1))}
    if _CODE.fullmatch(effect) is None or effect == "delay":
        raise UsageError(f"{text!r} says nothing that can go wrong", hint="CODE, delay:SECONDS, drop or drop-after")
    return {"error": Error(effect)}

"""The JSON Schema of a profile's file, for editors: it knows the rules and their settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amigate.profile.load import REQUIRED
from amigate.profile.model import RuleChoice
from amigate.profile.written import Written
from amigate.topics import EVERY, topics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.check import Check

_KINDS: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def schema(checks: Mapping[str, Check]) -> dict[str, Any]:
    """Return the schema, in the dialect 2020-12; `checks` are the rules that there are."""
    found = Written.model_json_schema()
    found["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    found["$defs"]["RuleChoice"] = RuleChoice.model_json_schema(ref_template="#/$defs/{model}")
    found["$defs"]["RuleChoice"].pop("$defs", None)
    found["$defs"]["Choice"] = _or_off({"$ref": "#/$defs/RuleChoice"})
    found["properties"]["extends"] = _or_one(found["properties"]["extends"])
    rules = found["properties"]["rules"]
    rules["properties"] = {f"{topic}{EVERY}": _topic(topic) for topic in topics()}
    rules["properties"] |= {rule: _rule(check) for rule, check in checks.items()}
    rules["additionalProperties"] = {"$ref": "#/$defs/Choice"}
    found["anyOf"] = [
        {"required": ["extends"]},
        {"required": [*REQUIRED, "rules"]},
        {"required": [*REQUIRED, "checks"]},
    ]
    return found


def _rule(check: Check) -> dict[str, Any]:
    settings = {name: _setting(default) for name, default in check.settings.items()}
    properties = {
        "severity": {"$ref": "#/$defs/Severity", "description": f"instead of {check.severity}"},
        "settings": {"type": "object", "properties": settings, "additionalProperties": False},
    }
    choice = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"title": check.title, "description": check.rationale, **_or_off(choice)}


def _topic(topic: str) -> dict[str, Any]:
    properties = {"severity": {"$ref": "#/$defs/Severity"}}
    choice = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"description": f"every rule of the topic {topic}", **_or_off(choice)}


def _or_off(choice: dict[str, Any]) -> dict[str, Any]:
    """Return what takes nothing and `off` too, which YAML 1.1 reads as a boolean."""
    return {"anyOf": [{"type": "null"}, {"enum": ["off", False]}, choice]}


def _or_one(several: dict[str, Any]) -> dict[str, Any]:
    """Return what takes one word in the place of a list of one."""
    described = {name: value for name, value in several.items() if name in ("title", "description", "default")}
    listed = {name: value for name, value in several.items() if name not in described}
    return {**described, "anyOf": [listed["items"], listed]}


def _setting(default: Any) -> dict[str, Any]:
    if isinstance(default, list | tuple):
        kinds = sorted({_KINDS[type(each)] for each in default}) or ["string"]
        return {"type": "array", "items": {"type": kinds}, "default": list(default)}
    if isinstance(default, dict):
        return {"type": "object", "default": default}
    return {} if default is None else {"type": _KINDS[type(default)], "default": default}

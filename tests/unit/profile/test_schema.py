"""The schema for editors takes what the loader takes, and not what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from amigate.judge import catalogue
from amigate.profile import shipped
from amigate.profile.schema import schema

EXAMPLES = Path(__file__).parents[3] / "examples"
SOUND = {"name": "mine", "description": "My own.", "audience": "accounts", "evidence": ["ec2"], "rules": {}}


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    made = schema(catalogue.checks())
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def test_every_profile_there_is_satisfies_the_schema(validator: jsonschema.Draft202012Validator) -> None:
    paths = [*shipped().values(), *EXAMPLES.rglob("*.yaml")]
    assert len(paths) > len(shipped())
    for path in paths:
        validator.validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(
    "change",
    [
        {"extends": "public"},
        {"extends": ["public", "other.yaml"]},
        {"rules": {"ssh-no-dns-checks": False, "ssh-*": "off", "key-*": None, "user:a::b": {"severity": "low"}}},
        {"rules": {"disk-free-space-clean": {"settings": {"at_most_percent": 5}}}},
        {"launch": {"egress": [{"cidr": "10.0.0.0/8", "port": 443}]}},
    ],
)
def test_what_is_right_satisfies_it(validator: jsonschema.Draft202012Validator, change: dict[str, Any]) -> None:
    validator.validate(SOUND | change)


@pytest.mark.parametrize(
    "change",
    [
        {"naem": "mine"},
        {"audience": "everybody"},
        {"extends": 3},
        {"rules": {"ssh-no-dns-checks": "on"}},
        {"rules": {"ssh-no-dns-checks": {"severity": "huge"}}},
        {"rules": {"ssh-no-dns-checks": {"settings": {"x": 1}}}},
        {"rules": {"disk-free-space-clean": {"settings": {"at_most_percent": "5"}}}},
        {"rules": {"ssh-*": {"settings": {}}}},
        {"waivers": [{"rule": "ssh-no-dns-checks"}]},
    ],
)
def test_what_is_wrong_does_not(validator: jsonschema.Draft202012Validator, change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(SOUND | change)


def test_a_profile_that_extends_nothing_must_say_all(validator: jsonschema.Draft202012Validator) -> None:
    validator.validate({"name": "mine", "extends": "public"})
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({"name": "mine"})

"""The files that a project starts with: a profile of its own and its settings, each line with a comment."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amigate.check import Check

PROFILE = "amigate-profile.yaml"
SETTINGS = "amigate.toml"
_HEAD = """\
# What is required of images here, and how strictly. `amigate checks show RULE` says why a rule is there,
# `amigate profiles lint {name}` checks this file. It started as the shipped profile aws-shared.
name: own
description: What is required of our images.
"""
_TAIL = """
# A rule can be given another severity:
#   ssh-no-dns-checks: {severity: low}

# Login users to try, by default the usual ones for the image:
# ssh:
#   users: [admin]

# Where test instances may connect to, by default nowhere:
# launch:
#   egress:
#     - {cidr: 10.20.0.0/16, port: 443}

# Folders or files of your own pytest-testinfra tests, from this file:
# checks: [tests/image]

# Violations that somebody has accepted, until a date:
# waivers:
#   - {rule: ssh-no-dns-checks, reason: why, owner: who, expires: 2030-12-31}
"""
_SETTINGS = f"""\
# Settings of amigate for everything in and below this folder; flags and AMIGATE_… in the environment win.
profile = "{PROFILE}"
# region = "eu-central-1"
# report = ["console", "html=report.html"]
# user = ["admin"]
# subnet = "subnet-0123456789abcdef0"      # by default those of the default VPC
# instance-type = "t3.small"               # by default chosen to fit the image
# runner-cidr = "203.0.113.7/32"           # by default this machine's public address
# ssh-address = "private"                  # by default public
# ssh-jump = "ops@bastion.example"         # wants runner-cidr
# ssh-jump-identity = "bastion.pem"
# ssh-port = 22
# timeout = 600                            # seconds until a login must work
# quiet = true
# verbose = true                           # which excludes quiet
"""
_OWN = re.compile(r"^(?:#.*|name:.*|description:.*)\n", re.MULTILINE)
_RULE = re.compile(r"^  (?P<rule>[a-z0-9-]+):$", re.MULTILINE)


def starter(checks: Mapping[str, Check]) -> dict[str, str]:
    """Return the text of each file, by name; `checks` are the rules that there are."""
    shipped = files("amigate.profiles").joinpath("aws-shared.yaml").read_text(encoding="utf-8")
    rules = _RULE.sub(lambda found: f"{found[0]:44}# {checks[found['rule']].title}", _OWN.sub("", shipped))
    return {PROFILE: _HEAD.format(name=PROFILE) + rules + _TAIL, SETTINGS: _SETTINGS}

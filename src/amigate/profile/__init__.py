"""Profiles: which rules apply, how strict, for which audience; YAML with errors that name file, line and column."""

from amigate.profile.load import load, shipped
from amigate.profile.model import Egress, Launch, Profile, RuleChoice, Ssh, Waiver

__all__ = ["Egress", "Launch", "Profile", "RuleChoice", "Ssh", "Waiver", "load", "shipped"]

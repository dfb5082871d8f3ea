"""amigate decides, with proof, whether a machine image may be shared."""

from amigate.check import check, inconclusive, not_applicable, warn
from amigate.result import Finding, Severity, Status, Witness

__version__ = "0.1.0"

__all__ = ["Finding", "Severity", "Status", "Witness", "check", "inconclusive", "not_applicable", "warn"]

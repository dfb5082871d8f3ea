"""Disk images for the sandbox: a clean lean Debian, and the same with defects laid over it."""

from amigate.sandbox.images.builder import build
from amigate.sandbox.images.cache import cached
from amigate.sandbox.images.choice import DEFAULTS, Choice, parse
from amigate.sandbox.images.defects import DEFECTS, LEAKY, Defect

__all__ = ["DEFAULTS", "DEFECTS", "LEAKY", "Choice", "Defect", "build", "cached", "parse"]

"""Disk images for the sandbox: a clean lean Debian, and the same with defects laid over it."""

from amigate.sandbox.images.builder import build
from amigate.sandbox.images.cache import cached
from amigate.sandbox.images.defects import DEFECTS, LEAKY, Defect

__all__ = ["DEFECTS", "LEAKY", "Defect", "build", "cached"]

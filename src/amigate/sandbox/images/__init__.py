"""Disk images for the sandbox: clean Debians, the same with defects laid over them, and those of the user's own."""

from amigate.sandbox.images.builder import build
from amigate.sandbox.images.cache import cached
from amigate.sandbox.images.choice import DEFAULTS, SETS, Choice, parse
from amigate.sandbox.images.defects import DEFECTS, LEAKY, Defect
from amigate.sandbox.images.imported import Imported
from amigate.sandbox.images.importing import Format
from amigate.sandbox.images.recipes import RECIPES

__all__ = [
    "DEFAULTS",
    "DEFECTS",
    "LEAKY",
    "RECIPES",
    "SETS",
    "Choice",
    "Defect",
    "Format",
    "Imported",
    "build",
    "cached",
    "parse",
]

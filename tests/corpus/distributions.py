"""Every distribution that there is as a tree: adding one is a file in shapes/ and a word here."""

from __future__ import annotations

from .shapes import alpine, amazon, coreos, redhat, suse, ubuntu

SHAPES = (*ubuntu.SHAPES, *amazon.SHAPES, *redhat.SHAPES, *suse.SHAPES, *alpine.SHAPES, *coreos.SHAPES)

"""One sandbox for all tests that boot virtual machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amigate.sandbox import Sandbox, images

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Start an EC2 with real virtual machines; its first image takes a minute to build."""
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def clean_ami(sandbox: Sandbox) -> str:
    """Register the lean image without a defect."""
    return sandbox.add_image(images.build("lean"), "clean")


@pytest.fixture(scope="session")
def leaky_ami(sandbox: Sandbox) -> str:
    """Register the lean image with every defect of the leaky form."""
    return sandbox.add_image(images.build("lean", defects=images.LEAKY), "leaky")

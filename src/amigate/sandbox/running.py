"""Puts the parts of a sandbox together; importing it loads moto."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.sandbox.api import kms_keys, registry
from amigate.sandbox.api.server import Server
from amigate.sandbox.cloud import Cloud
from amigate.sandbox.machines.accelerator import fastest
from amigate.sandbox.machines.account import Accounts
from amigate.sandbox.machines.nursery import Nursery

if TYPE_CHECKING:
    import contextlib
    from pathlib import Path

    from amigate.sandbox.settings import Settings
    from amigate.sandbox.watch import Watch


def start(exits: contextlib.ExitStack, settings: Settings, folder: Path, port: int, watch: Watch) -> tuple[Cloud, int]:
    """Start everything, leave to `exits` how it ends, and return the cloud and its port."""
    exits.enter_context(registry.fresh(settings.region, settings.account_id))
    exits.enter_context(kms_keys.fresh())
    accelerator = fastest()
    nursery = exits.enter_context(Nursery(Accounts(accelerator)))
    cloud = Cloud(settings, folder, nursery, accelerator)
    exits.callback(cloud.close)
    server = exits.enter_context(Server(cloud, port, watch))
    return cloud, server.port

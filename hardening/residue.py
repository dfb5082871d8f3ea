"""The step `residue`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amigate.harden.step import step

if TYPE_CHECKING:
    from amigate.harden.builder import Builder


@step(
    "residue",
    meets=[
        "boot-identities-unique-per-launch",
        "cloud-init-no-instance-data-left",
        "residue-logs-cleared",
        "residue-machine-id-reset",
        "residue-random-seed-removed",
        "residue-temp-directories-empty",
        "secret-no-histories",
    ],
    needs_seal=True,
)
def residue(builder: Builder) -> None:
    """Nothing is left of the build: histories, logs, identities, what first boot wrote; all of it at the seal.

    A running machine needs its identity and writes its logs, so there is nothing to take away before the end."""
    builder.at_seal("residue.seal.sh.j2")
    builder.note("done by the seal")

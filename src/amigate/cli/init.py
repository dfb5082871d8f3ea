"""`amigate init`."""

from __future__ import annotations

from pathlib import Path

import click

from amigate.cli import files
from amigate.errors import UsageError
from amigate.report.escape import printable


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def command(*, folder: Path, force: bool) -> int:
    """Write a profile and settings to start with, each line with a comment.

    FOLDER is where they go, the working directory by default. Exit codes: 0 written; 2 wrong call, or files that are
    there already, and then nothing is written."""
    from amigate.judge import catalogue  # noqa: PLC0415 - imports every check
    from amigate.starter import starter  # noqa: PLC0415

    texts = {folder / name: text for name, text in starter(catalogue.checks()).items()}
    there = [str(path) for path in texts if path.exists() or path.is_symlink()]
    if there and not force:
        raise UsageError(
            f"there already: {printable(', '.join(there))}", hint="--force overwrites them; nothing was written."
        )
    for path in texts:
        files.require_writable(path, "init")
    for path, text in texts.items():
        files.write(path, text)
        click.echo(f"wrote {printable(str(path))}")
    click.echo("Next: amigate doctor, then amigate validate IMAGE.")
    return 0

"""`amigate completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

VARIABLE = "_AMIGATE_COMPLETE"
"""Through which the shell asks; click derives it from the program's name."""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(*, shell: str) -> int:
    """Print what makes a shell complete amigate's words.

    \b
    bash:  source <(amigate completion bash), in ~/.bashrc
    zsh:   source <(amigate completion zsh), in ~/.zshrc
    fish:  amigate completion fish > ~/.config/fish/completions/amigate.fish"""  # noqa: D301 - click's own mark
    from amigate.cli import amigate  # noqa: PLC0415 - it imports this module

    complete = get_completion_class(shell)
    assert complete is not None
    script = complete(amigate, {}, "amigate", VARIABLE)
    click.echo(script.source_template % script.source_vars())
    return 0

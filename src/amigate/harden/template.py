"""The templates that lie beside the steps."""

from __future__ import annotations

import shlex
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from amigate.harden.step import PACKAGE

if TYPE_CHECKING:
    import jinja2


def render(name: str, **values: object) -> str:
    """Return the template `name` filled in; an unknown variable is an error. `| sh` quotes for POSIX sh."""
    source = resources.files(PACKAGE).joinpath(name).read_text(encoding="utf-8")
    return _environment().from_string(source).render(**values)


@cache
def _environment() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - slow to import

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration files and shell, no HTML
    )
    environment.filters["sh"] = lambda value: shlex.quote(str(value))
    return environment

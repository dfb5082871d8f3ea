"""Applying steps in their order: each is kept whole or put back whole; and the seal that ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amigate.errors import AmigateError, ConnectionFailedError, HardenError
from amigate.harden import template
from amigate.harden.machine import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from amigate.harden.builder import Builder, Log
    from amigate.harden.machine import Machine
    from amigate.harden.step import Step

SEALED = "amigate-sealed"
"""What the seal prints once everything is done, right before it takes the power away."""

SEAL_S = 3600.0
"""Free space is filled meanwhile: about a minute for 8 GiB on EBS."""


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A step, and what it changed or would change."""

    step: Step
    log: Log


def apply(
    builder: Builder, steps: Iterable[Step], progress: Callable[[str], None] = lambda _: None
) -> Iterator[Applied]:
    """Apply `steps`, yielding each as it ends.

    Raises HardenError naming the step that failed, after putting back what that step had changed."""
    for step in steps:
        progress(f"{step.name}: {step.title}")
        try:
            step.apply(builder)
        except ConnectionFailedError as error:
            raise ConnectionFailedError(
                f"step {step.name}: {error}",
                hint="no file is half written, but what the step had changed could not be put back; log in and look",
            ) from error
        except AmigateError as error:
            raise _undone(builder, step, error) from error
        yield Applied(step=step, log=builder.keep())


def seal_script(builder: Builder) -> str:
    """Return the script that ends the machine's life as a builder: what the steps left for last, then power off."""
    return template.render("seal.sh.j2", parts=builder.seal_parts, sealed=SEALED)


def seal(machine: Machine, script: str) -> None:
    """Run the seal in one command, which powers the machine off; that the connection drops then is no error.

    Raises HardenError when it stopped before the end: the machine is then neither a builder nor fit for an image."""
    answer = machine.execute(script, timeout_s=SEAL_S)
    if SEALED.encode() in answer.stdout:
        return
    said = printable(answer.stderr) or f"it ended with exit code {answer.exit_code}"
    raise HardenError(
        f"the machine is not sealed: {said}",
        hint="make no image of it; mend what is named and seal again while the session lasts, or start afresh",
    )


def _undone(builder: Builder, step: Step, error: AmigateError) -> AmigateError:
    try:
        builder.roll_back()
    except AmigateError as worse:
        return HardenError(f"step {step.name} failed: {error}; {worse}", hint=error.hint)
    return HardenError(f"step {step.name} failed, and its changes were put back: {error}", hint=error.hint)

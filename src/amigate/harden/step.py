"""What a hardening step declares about itself, and finding the steps there are."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from amigate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from amigate.harden.builder import Builder

PACKAGE = "amigate.hardening"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that is done to a machine before an image is made of it."""

    name: str
    meets: tuple[str, ...]
    """Ids of the rules that hold afterwards; those of the disk at rest, after the seal."""
    title: str
    rationale: str
    needs_seal: bool
    """Whether its rules hold after the seal alone, which does part of it."""
    apply: Callable[[Builder], None]
    """Raises HardenError; applied twice, it changes nothing the second time."""


def step(name: str, *, meets: Sequence[str], needs_seal: bool = False) -> Callable[[Callable[[Builder], None]], Step]:
    """Make a step of a function; title and rationale are its docstring.

    Raises ValueError at import when the docstring is missing or no rule is named."""

    def make(function: Callable[[Builder], None]) -> Step:
        title, _, rationale = (function.__doc__ or "").strip().partition("\n")
        if not title or not meets:
            raise ValueError(f"{name}: a step has a docstring and meets a rule")
        return Step(
            name=name,
            meets=tuple(meets),
            title=title.rstrip("."),
            rationale=" ".join(rationale.split()),
            needs_seal=needs_seal,
            apply=function,
        )

    return make


def all_steps(package: str = PACKAGE) -> tuple[Step, ...]:
    """Return every step of `package`, in its declared ORDER.

    Raises ValueError for a module that is not in ORDER, a name without a module and a name used twice."""
    home = importlib.import_module(package)
    order = cast("tuple[str, ...]", home.ORDER)
    found = {module.name for module in pkgutil.iter_modules(home.__path__)}
    if found != set(order):
        raise ValueError(f"{package}: ORDER and the modules differ: {sorted(found ^ set(order))}")
    steps = [_step_of(f"{package}.{name}") for name in order]
    names = [step.name for step in steps]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{package}: more than one step is called {sorted(twice)}")
    return tuple(steps)


def choose(steps: Sequence[Step], *, only: Collection[str] = (), skip: Collection[str] = ()) -> tuple[Step, ...]:
    """Return the steps to apply: all, or `only` these, without `skip`; raises UsageError for an unknown name."""
    names = [step.name for step in steps]
    for name in (*only, *skip):
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the steps are: {', '.join(names)}"
            raise UsageError(f"there is no step {name!r}", hint=hint)
    chosen = tuple(step for step in steps if step.name not in skip and (not only or step.name in only))
    if not chosen:
        raise UsageError("no step is left to apply", hint="--only and --skip leave nothing over")
    return chosen


def _step_of(module: str) -> Step:
    steps = [value for value in vars(importlib.import_module(module)).values() if isinstance(value, Step)]
    if len(steps) != 1:
        raise ValueError(f"{module}: a module of steps holds one step, not {len(steps)}")
    return steps[0]

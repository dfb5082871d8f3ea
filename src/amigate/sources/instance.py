"""Launch test instances of an image, look at each as the plan says, and put together what was seen."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amigate.sources.observation import Manner, Questions, Seen
from amigate.sources.observer import Observer
from amigate.sources.reach import reach

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from amigate.evidence.model import View, Viewpoint
    from amigate.plan import Plan
    from amigate.sources.launch import AccountRun

__all__ = ["Manner", "Observation", "Questions", "observe", "reach"]


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What was seen of the launches."""

    views: Mapping[Viewpoint, View]
    """Per launch and boot: an inside view, broken when the login failed, and an outside view."""
    consoles: Mapping[str, str]
    """Tail of the serial console of each launch that could not be logged in to; harmless to print."""
    timings: Mapping[str, float]
    """Seconds per launch and phase, such as `A login`."""
    spans: Sequence[tuple[str, float, float]]
    """The same with begin and end, by time.monotonic()."""
    instance_seconds: float
    """Sum over the launches, until the observation ended."""
    ready_at: float
    """time.monotonic() at which the last launch had something new to show, its last login above all."""


def observe(  # noqa: PLR0913, PLR0917 - the parts of one observation
    run: AccountRun,
    image: Mapping[str, Any],
    plan: Plan,
    questions: Questions,
    manner: Manner,
    progress: Callable[[str], None] | None = None,
) -> Observation:
    """Launch all that `plan` asks for at the same time, and look at each.

    `image` is an Image of DescribeImages; `progress` defaults to the run's. What the image does
    becomes part of the views, and so does what AWS does not let us see. Raises UsageError for what the caller asked
    of AWS in vain; that, and KeyboardInterrupt, stop every launch within seconds."""
    observer = Observer(run, image, plan, questions, manner, progress or run.say)
    with ThreadPoolExecutor(max_workers=len(plan.all)) as pool:
        try:
            looks = [pool.submit(observer.look, launch) for launch in plan.all]
            found = [look.result() for look in as_completed(looks)]
        except BaseException:
            observer.stop()
            raise
    return _together(sorted(found, key=lambda seen: plan.all.index(seen.launch)))


def _together(found: list[Seen]) -> Observation:
    ended_at = time.monotonic()
    return Observation(
        views={viewpoint: view for seen in found for viewpoint, view in seen.views.items()},
        consoles={seen.launch.value: seen.console for seen in found if seen.console},
        timings={f"{seen.launch} {phase}": seconds for seen in found for phase, seconds in seen.laps.items()},
        spans=[(f"{seen.launch} {phase}", began, ended) for seen in found for phase, began, ended in seen.spans],
        instance_seconds=round(sum(ended_at - seen.launched.launched_at for seen in found if seen.launched), 1),
        ready_at=max(seen.ready_at for seen in found),
    )

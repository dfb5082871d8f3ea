"""What a run tells on standard error while it lasts: its steps, that it still lasts, and with --verbose all it does."""

from __future__ import annotations

import logging
import re
import threading
import time
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from amigate.cli.configured import META as SETTINGS
from amigate.errors import UsageError
from amigate.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Callable

BEAT_S = 30.0
"""Longest silence of a run."""
_META = "amigate.progress"


class Progress:
    """Shows lines with the seconds since it was made, from any thread."""

    def __init__(self) -> None:
        self._began = self._news = self._line = time.monotonic()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.quiet = False

    def show(self, text: str) -> None:
        """Show one line; what does not print in it is escaped."""
        self._news = time.monotonic()
        self._show(text)

    def watch(self, silence_s: float = BEAT_S) -> None:
        """Say that the run goes on wherever nothing was told for so long, in a thread of its own, until `end`."""

        def beat() -> None:
            while not self._over.wait(max(0.0, self._line + silence_s - time.monotonic())):
                if time.monotonic() - self._line >= silence_s:
                    self._show(f"still working: nothing new for {time.monotonic() - self._news:.0f} s")

        threading.Thread(target=beat, name="heartbeat", daemon=True).start()

    def end(self) -> None:
        """End the watch."""
        self._over.set()

    def _show(self, text: str) -> None:
        with self._lock:
            self._line = time.monotonic()
            if not self.quiet:
                click.echo(f"[{self._line - self._began:6.1f} s] {printable(text)}", err=True)


class _Listener(logging.Handler):
    """Shows what the library logs, with the thread that did it where that has a name of ours."""

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__()
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        thread = "" if record.threadName == "MainThread" else re.sub(r"_\d+$", "", record.threadName or "") + ": "
        self._show(f"{thread}{record.getMessage()}")


def of(context: click.Context) -> Progress:
    """Return what shows the progress of the command that is run."""
    progress: Progress = context.meta.setdefault(_META, Progress())
    return progress


def listen(context: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - as click calls it
    """Show what the library logs, for as long as the command lasts; that of other libraries may hold secrets."""
    del parameter
    if not value or context.resilient_parsing:
        return
    logger = logging.getLogger("amigate")
    listener = _Listener(of(context).show)
    logger.addHandler(listener)
    logger.setLevel(logging.DEBUG)
    context.call_on_close(lambda: logger.removeHandler(listener))


def progress(*, quiet: bool, watched: bool = True) -> Callable[[str], None]:
    """Return what shows a step of a long run on standard error; while it is `watched`, it is never silent for long.

    Raises UsageError where a command line wants it quiet and verbose."""
    context = click.get_current_context()
    shown = of(context)
    shown.quiet = quiet and not _is_verbose_instead(context)
    if SETTINGS in context.meta:
        shown.show(f"settings from {context.meta[SETTINGS]}")
    if watched:
        shown.watch()
        context.call_on_close(shown.end)
    return shown.show


def _is_verbose_instead(context: click.Context) -> bool:
    """Whether --verbose is asked for on the command line, and quiet is a setting alone."""
    sources = [context.get_parameter_source(name) for name in ("quiet", "verbose")]
    if sources == [ParameterSource.COMMANDLINE] * 2:
        raise UsageError("--quiet and --verbose exclude each other", hint="Leave out one of them.")
    return sources[1] is ParameterSource.COMMANDLINE

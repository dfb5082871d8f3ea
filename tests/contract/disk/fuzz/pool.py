"""Worker processes that live on from mutant to mutant, and are made anew where one ends them."""

from __future__ import annotations

import json
import queue
import select
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.contract.disk.fuzz.outcome import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

WORKERS = 2
LONGEST_WAIT_S = 120.0
"""By the clock on the wall, as the machine may be busy; what one may compute is limited in the worker."""
ROOT = Path(__file__).parents[4]


class _Worker:
    """One process; for one thread."""

    def __init__(self, folder: Path) -> None:
        self._command = (sys.executable, "-m", "tests.contract.disk.fuzz.worker", str(folder))
        self._process: subprocess.Popen[str] | None = None
        self._code = 0
        """How the last one ended."""

    def judge(self, kind: str, seed: int) -> Outcome:
        """Return what becomes of a mutant; one with which the process ended is tried again, as others may end it."""
        return self._asked(kind, seed) or self._asked(kind, seed) or self._ended(kind, seed)

    def _asked(self, kind: str, seed: int) -> Outcome | None:
        """Return what the process answers, None where it ends or is late."""
        process = self._running()
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(f"{kind} {seed}\n")
            process.stdin.flush()
        except BrokenPipeError:
            self.close()
            return None
        line = process.stdout.readline() if select.select([process.stdout], [], [], LONGEST_WAIT_S)[0] else ""
        if not line:
            self.close()
            return None
        told = json.loads(line)
        return Outcome(**told | {"result": Result(told["result"])})

    def _ended(self, kind: str, seed: int) -> Outcome:
        is_late = self._code in {-signal.SIGPROF, -signal.SIGKILL}
        result = Result.HANG if is_late else Result.CRASH
        return Outcome(kind=kind, seed=seed, result=result, detail=f"the process ended: {self._code}")

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
            )
        return self._process

    def close(self) -> None:
        """End the process, by SIGKILL where it did not end by itself."""
        process, self._process = self._process, None
        if process is None:
            return
        with process:  # which closes its pipes and waits
            try:
                process.wait(0.5)
            except subprocess.TimeoutExpired:
                process.kill()
        self._code = process.returncode


@contextmanager
def _workers(folder: Path) -> Iterator[Callable[[tuple[str, int]], Outcome]]:
    """Yield a function that has a mutant judged by one of the workers."""
    idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
    workers = [_Worker(folder) for _ in range(WORKERS)]
    for worker in workers:
        idle.put(worker)

    def judge(job: tuple[str, int]) -> Outcome:
        worker = idle.get()
        try:
            return worker.judge(*job)
        finally:
            idle.put(worker)

    try:
        yield judge
    finally:
        for worker in workers:
            worker.close()


def outcomes(folder: Path, jobs: Sequence[tuple[str, int]]) -> Iterator[Outcome]:
    """Yield what becomes of each kind and seed; the images are in `folder`."""
    with _workers(folder) as judge, ThreadPoolExecutor(WORKERS) as threads:
        yield from threads.map(judge, jobs)

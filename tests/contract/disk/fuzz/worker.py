"""A process that judges mutants: `KIND SEED` on each line of standard input, what became of it on standard output.

Its memory is limited, and so is the processor time of each mutant: the kernel ends it with SIGPROF."""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path

from tests.contract.disk.fuzz.judge import Judge
from tests.contract.disk.fuzz.outcome import Outcome, Result
from tests.contract.disk.mutations import LONGEST_S

MEMORY_BYTES = 1 << 30


def main(folder: Path) -> None:
    """Answer until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    judge = cache(lambda kind: Judge(kind, (folder / f"{kind}.img").read_bytes()))
    for line in sys.stdin:
        kind, seed = line.split()
        print(json.dumps(asdict(_outcome(judge(kind), kind, int(seed)))), flush=True)


def _outcome(judge: Judge, kind: str, seed: int) -> Outcome:
    mutant, is_repaired = judge.mutant(seed)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins anew, see proc(5)
    begun = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
    try:
        result, detail = judge.look(mutant, is_repaired=is_repaired)
    except MemoryError:
        result, detail = Result.MEMORY, traceback.format_exc(limit=-8)
    except Exception:  # noqa: BLE001 - that is what is looked for
        result, detail = Result.CRASH, traceback.format_exc(limit=-8)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return Outcome(
        kind=kind,
        seed=seed,
        result=result,
        is_repaired=is_repaired,
        seconds=time.process_time() - begun,
        peak_mib=_peak_mib(),
        detail=detail,
    )


def _peak_mib() -> float:
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text("ascii").splitlines())
    return int(told["VmHWM"].split()[0]) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))

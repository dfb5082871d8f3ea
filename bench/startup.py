"""How long the command line takes to show its help, beside the tools it is used with; medians of ten, one run."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

REPEATS = 10
BIN = Path(sys.executable).parent
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "amigate --help": [str(BIN / "amigate"), "--help"],
    "amigate validate --help": [str(BIN / "amigate"), "validate", "--help"],
    "pytest --version": [str(BIN / "pytest"), "--version"],
    "fab --version": [str(BIN / "fab"), "--version"],
}


def median_ms(command: list[str]) -> float:
    """Return the median wall time of `command`, in milliseconds."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def main() -> None:
    """Print one line for each command: median, and the ratio to Python's own start."""
    measured = {name: median_ms(command) for name, command in COMMANDS.items() if shutil.which(command[0])}
    python = measured["python -c pass"]
    for name, milliseconds in measured.items():
        print(f"{name:26}{milliseconds:8.0f} ms   {milliseconds / python:5.1f} times python")


if __name__ == "__main__":
    main()

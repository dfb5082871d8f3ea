"""How long it takes to judge every shipped rule from saved evidence, beside pytest collecting them; medians, one run.

    .venv/bin/python bench/again.py FILE [--repeats 9]

FILE is what `amigate validate ami-… --save-evidence FILE` has saved."""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from amigate.judge import catalogue

BIN = Path(sys.executable).parent
PROFILE = """\
name: everything
description: Every shipped rule.
audience: accounts
evidence: [ec2, instance, twin, probe]
rules:
"""


def measured(command: list[str], repeats: int) -> tuple[float, float]:
    """Return the median seconds of a command, by the clock and of processor."""
    walls, cpus = [], []
    for _ in range(repeats):
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, check=False, capture_output=True)
        walls.append(time.perf_counter() - started)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(walls), statistics.median(cpus)


def main() -> None:
    """Print a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--repeats", type=int, default=9)
    chosen = parser.parse_args()
    rules = sorted(catalogue.checks())
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "everything.yaml"
        profile.write_text(PROFILE + "".join(f"  {rule}:\n" for rule in rules))
        again = [str(BIN / "amigate"), "validate", str(chosen.file), "--profile", str(profile), "--quiet"]
        commands = {
            f"amigate validate FILE, {len(rules)} rules": [*again, "--accept-partial"],
            "pytest --collect-only checks": [str(BIN / "pytest"), "--collect-only", "-q", "checks"],
            "python -c 'import pytest, testinfra'": [sys.executable, "-c", "import pytest, testinfra"],
        }
        for name, command in commands.items():
            wall_s, cpu_s = measured(command, chosen.repeats)
            print(f"{name:40}{wall_s:6.2f} s, {cpu_s:.2f} s of processor")


if __name__ == "__main__":
    main()

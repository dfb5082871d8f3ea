"""What `amigate validate` takes once the last launch has something new to show; clean lean image, median of three.

The sandbox's virtual machines boot for most of the run; what is measured is what comes after: the last collection, the
judgement, and the removal of everything that was launched."""

from __future__ import annotations

import os
import statistics

from amigate.live import Options
from amigate.profile import load
from amigate.run import validate
from amigate.sandbox import Sandbox, images
from amigate.sources.aws import connect

REPEATS = 3
READY = "until the last witness was ready"


def main() -> None:
    """Print the phases of each run and the median of what comes after the last launch is ready."""
    after = []
    disk = images.build("lean", progress=print)
    with Sandbox() as sandbox:
        os.environ.update(sandbox.environment())
        aws, ami = connect(), sandbox.add_image(disk, name="bench")
        options = Options(ssh_port=sandbox.ssh_port, ssh_users=["admin"])
        for _ in range(REPEATS):
            report = validate(aws, ami, load("first-gate"), options=options)
            after.append(report.timings["total"] - report.timings[READY])
            shown = {name: round(seconds, 1) for name, seconds in report.timings.items()}
            print(f"{report.verdict}: {after[-1]:.1f} s after the last launch was ready; {shown}")
    print(f"median {statistics.median(after):.1f} s, slowest {max(after):.1f} s")


if __name__ == "__main__":
    main()

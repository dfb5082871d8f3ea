"""Eighty questions over SSH: amigate beside testinfra and ansible, at round-trip times of 1, 30 and 100 ms.

    .venv/bin/python bench/live/run.py [--repeats 5] [--rtt 1,30,100] [--only TEXT] [--relay]

One run, interleaved, medians. Needs root. `suite/questions.py` lists what all are asked; whoever does not answer all
eighty fails the bench."""

from __future__ import annotations

import argparse
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import playbook
from bed import HERE, Bed, bed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BIN = Path(sys.executable).parent
ANSIBLE = "ansible-core>=2.16"
SETTLES_S = 0.3
TRIPS_MS = 300.0
"""Round trips of ours are counted on a longer way, where they matter more than what else the machine does."""
GOALS = {100.0: 20, 30.0: 12, 1.0: 5}
"""How many times faster than testinfra over ssh with a ControlPath, at each round-trip time."""
AMIGATE, PEER, EVIDENCE = "amigate", "testinfra ssh + ControlPath", "amigate, all that its checks need"

_SSH = """\
Host ami
  HostName {address}
  Port {port}
  User admin
  IdentityFile {key}
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
"""
_SHARED = "  ControlMaster auto\n  ControlPath {folder}/cm-%C\n  ControlPersist 60\n"


@dataclass(frozen=True)
class Sample:
    """One run of one way."""

    live_s: float
    """From the first question, the connection included, to the last verdict."""
    whole_s: float
    """The process, from start to end."""
    up: int
    down: int
    cpu_s: float
    said: str


class Ways:
    """The ways in which the questions are asked."""

    def __init__(self, made: Bed) -> None:
        self._bed = made
        place = {"address": made.link.address, "port": made.link.port, "key": made.key, "folder": made.folder}
        (made.folder / "ssh").write_text(_SSH.format(**place))
        (made.folder / "ssh-shared").write_text((_SSH + _SHARED).format(**place))
        self.all: dict[str, Callable[[], str]] = {
            AMIGATE: self._amigate,
            PEER: lambda: self._testinfra("ssh", "ssh-shared"),
            "testinfra paramiko": lambda: self._testinfra("paramiko", "ssh"),
            EVIDENCE: self._evidence,
        }

    def add_ansible(self) -> None:
        """Install ansible-core beside the bed, if the package index has it."""
        folder = self._bed.folder / "ansible"
        venv.create(folder, with_pip=True)
        install = [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", ANSIBLE]
        if subprocess.run(install, check=False, capture_output=True).returncode != 0:
            print("ansible-core cannot be installed here, so it is left out")
            return
        (self._bed.folder / "playbook.json").write_text(playbook.text(self._bed.link.address, self._bed.link.port))
        (self._bed.folder / "ansible.cfg").write_text(playbook.CONFIG.format(folder=self._bed.folder))
        self.all["ansible --check"] = self._ansible

    def sample(self, name: str) -> Sample:
        """Run one of them once, without a connection left from before."""
        before, cpu = self._bed.link.traffic(), self._bed.cpu_s()
        started = time.perf_counter()
        said = self.all[name]()
        whole_s = time.perf_counter() - started
        self._hang_up()
        time.sleep(SETTLES_S)  # what has ended is counted once sshd has waited for it
        after = self._bed.link.traffic()
        found = re.search(r"LIVE ([\d.]+)", said)
        return Sample(
            live_s=float(found[1]) if found else whole_s,
            whole_s=whole_s,
            up=after[0] - before[0],
            down=after[1] - before[1],
            cpu_s=self._bed.cpu_s() - cpu,
            said=said,
        )

    def _hang_up(self) -> None:
        for socket in self._bed.folder.glob("cm-*"):
            self._bed.run(["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "ami"])

    def _pytest(self, *arguments: str, **environment: str) -> str:
        command = [str(BIN / "pytest"), "-q", "-p", "no:cacheprovider", "-c", str(HERE / "suite/pytest.ini")]
        done = self._bed.run([*command, *arguments], **environment)
        if "80 passed" not in done.stdout:
            raise RuntimeError(f"not all eighty questions were answered:\n{done.stdout[-3000:]}{done.stderr[-500:]}")
        return done.stdout

    def _amigate(self) -> str:
        test = str(HERE / "suite/test_evidence.py")
        return self._pytest("-p", "no:testinfra", "-p", "no:amigate", test, BENCH_KEY=str(self._bed.key))

    def _testinfra(self, connection: str, config: str) -> str:
        options = [f"--ssh-config={self._bed.folder / config}", f"--connection={connection}", "--sudo", "--hosts=ami"]
        return self._pytest("-p", "no:amigate", *options, str(HERE / "suite/test_testinfra.py"))

    def _evidence(self) -> str:
        done = self._bed.run([sys.executable, str(HERE / "evidence.py")], BENCH_KEY=str(self._bed.key))
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-2000:])
        return done.stdout

    def _ansible(self) -> str:
        program = str(self._bed.folder / "ansible/bin/ansible-playbook")
        done = self._bed.run([program, "--check", "-i", "ami,", "playbook.json"])
        if done.returncode != 0 or "failed=0" not in done.stdout:
            raise RuntimeError(done.stdout[-2000:] + done.stderr[-1000:])
        return done.stdout


Samples = dict[tuple[str, float], list[Sample]]


def measure(ways: Ways, made: Bed, names: Sequence[str], rtts: Sequence[float], repeats: int) -> Samples:
    """Run every way at every round-trip time, in another order each time."""
    samples: Samples = defaultdict(list)
    for number in range(repeats):
        for rtt in rtts:
            for name in random.sample(names, len(names)):
                made.link.set_rtt(rtt)
                samples[name, rtt].append(ways.sample(name))
                made.link.set_rtt(0)
                print(f"{number + 1}/{repeats}  {rtt:5g} ms  {name}: {samples[name, rtt][-1].live_s:.2f} s", flush=True)
    return samples


def report(samples: Samples, names: Sequence[str], rtts: Sequence[float]) -> None:
    """Print the medians, side by side."""

    def median(name: str, rtt: float, what: str) -> float:
        return float(statistics.median(getattr(sample, what) for sample in samples[name, rtt]))

    near = min(rtts)
    print("\n| median of one run | " + " | ".join(f"{rtt:g} ms" for rtt in rtts), end=" | ")
    print("whole process, s | serial round trips | KiB to / from | CPU of the host, s |")
    print("|---" * (len(rtts) + 5) + "|")
    for name in names:
        far = max(rtt for each, rtt in samples if each == name)
        trips = (median(name, far, "live_s") - median(name, near, "live_s")) / (far - near) * 1000 if far > near else 0
        cells = [f"{median(name, rtt, 'live_s'):.2f}" for rtt in rtts]
        cells += [" / ".join(f"{median(name, rtt, 'whole_s'):.2f}" for rtt in rtts), f"{trips:.1f}"]
        cells += [f"{median(name, near, 'up') / 1024:.0f} / {median(name, near, 'down') / 1024:.0f}"]
        print(f"| {name} | {' | '.join(cells)} | {median(name, near, 'cpu_s'):.2f} |")
    if AMIGATE in names:
        for rtt in rtts:
            others = [name for name in names if name not in {AMIGATE, EVIDENCE}]
            ratios = {name: median(name, rtt, "live_s") / median(AMIGATE, rtt, "live_s") for name in others}
            said = ", ".join(f"{ratio:.1f} times {name}" for name, ratio in ratios.items())
            goal = f" (goal: {GOALS[rtt]} times {PEER})" if rtt in GOALS else ""
            print(f"\n{rtt:g} ms: amigate is faster by {said}{goal}")
    for name in (EVIDENCE,) if EVIDENCE in names else ():
        print(f"\n{name}: " + samples[name, near][-1].said.strip())


def main() -> None:
    """Set up the bed, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rtt", default="1,30,100", help="round-trip times in ms, comma-separated")
    parser.add_argument("--only", default="", help="only ways whose name holds this")
    parser.add_argument("--relay", action="store_true", help="a TCP relay instead of network namespaces")
    chosen = parser.parse_args()
    rtts = [float(word) for word in chosen.rtt.split(",")]
    with tempfile.TemporaryDirectory(prefix="amigate-bench-") as folder, bed(Path(folder), relay=chosen.relay) as made:
        ways = Ways(made)
        if chosen.only in "ansible --check":
            ways.add_ansible()
        names = [name for name in ways.all if chosen.only in name]
        samples = measure(ways, made, names, rtts, chosen.repeats)
        samples |= measure(
            ways, made, [name for name in names if name in {AMIGATE, EVIDENCE}], [TRIPS_MS], chosen.repeats
        )
        report(samples, names, rtts)


if __name__ == "__main__":
    main()

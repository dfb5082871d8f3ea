"""A child on kernels, and in containers, that do not do all that is asked of them: what is missing is said."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

import pytest

HERE = Path(__file__).parent
COLUMN = {"x86_64": 0, "aarch64": 1}
CALLS = {
    "prctl": (157, 167),
    "unshare": (272, 97),
    "landlock": (444, 444),
    "setresuid": (117, 147),
    "capset": (126, 91),
}
ALLOW, EPERM = 0x7FFF0000, 0x00050001
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, FIRST_ARGUMENT = 0, 16
PR_SET_SECCOMP = 22

PARENT = """
import json, sys
from pathlib import Path
from amigate.disk.child import libc, seccomp
from amigate.disk.child.run import Work, in_child

folder, program, argument = sys.argv[1:]
if program:
    assert libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    assert seccomp.load(bytes.fromhex(program))
answer = in_child(Work(name="child_work:attempts", argument=json.loads(argument), folder=Path(folder)), [])
print(json.dumps([json.loads(answer.data), vars(answer.isolation), answer.isolation.gaps]))
"""


@dataclass(frozen=True)
class Kept:
    """How far a child was kept apart."""

    done: set[str]
    """What it could do."""
    missing: set[str]
    gaps: list[str]


def refusing(*names: str) -> str:
    """Return a filter under which the kernel refuses some calls; of prctl(2), only the filter of a child."""
    column = COLUMN[platform.machine()]
    lines = [
        (LOAD, 0, 0, NUMBER),
        (EQUAL, 0, 3, CALLS["prctl"][column] if "seccomp" in names else 2**32 - 1),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (EQUAL, 0, 1, PR_SET_SECCOMP),
        (RETURN, 0, 0, EPERM),
        (LOAD, 0, 0, NUMBER),
    ]
    for name in set(names) - {"seccomp"}:
        lines += [(EQUAL, 0, 1, CALLS[name][column]), (RETURN, 0, 0, EPERM)]
    lines.append((RETURN, 0, 0, ALLOW))
    return b"".join(Struct("<HBBI").pack(*line) for line in lines).hex()


def kept(folder: Path, program: str, *prefix: str) -> Kept:
    """Return how far a child is kept apart under a filter, and what it could reach."""
    for name in ("secret", "victim"):
        (folder / name).write_text("a secret", encoding="utf-8")
        (folder / name).chmod(0o666)
    for each in (folder, *folder.parents[:-2]):
        each.chmod(0o777)
    argument = json.dumps({name: str(folder / name) for name in ("secret", "victim", "new")})
    command = [*prefix, sys.executable, "-c", PARENT, str(HERE), program, argument]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    attempts, isolation, gaps = json.loads(done.stdout)
    assert len(attempts) > 20
    assert not (folder / "new").exists()
    could = {name for name, outcome in attempts.items() if outcome == "done"}
    return Kept(could, {name for name, holds in isolation.items() if not holds}, gaps)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root gives up is known for root only")
pytestmark = pytest.mark.skipif(platform.machine() not in COLUMN, reason="numbers of calls are not known")
HARMLESS = {"look at a file", "become a program", "load code", "die by itself only"}
"""What the filter of system calls alone denies; no program is run, as Landlock denies that of one that there is."""


@needs_root
def test_without_a_filter_of_calls_no_file_is_read_and_no_socket_made(tmp_path: Path) -> None:
    found = kept(tmp_path, refusing("seccomp"))
    assert found == Kept(HARMLESS, {"system_calls"}, ["its system calls are not filtered (seccomp was refused)"])


@needs_root
def test_without_landlock_either_still_none_is_read(tmp_path: Path) -> None:
    found = kept(tmp_path, refusing("seccomp", "landlock"))
    assert found.done == HARMLESS | {"remove a file"}
    assert found.missing == {"system_calls", "files"}
    assert len(found.gaps) == 2


@needs_root
def test_a_container_that_refuses_everything_is_told_with_all_its_gaps(tmp_path: Path) -> None:
    found = kept(tmp_path, refusing("seccomp", "landlock", "unshare", "setresuid", "capset"))
    assert found.missing == {"system_calls", "files", "network", "unprivileged"}
    assert len(found.gaps) == 4
    unstoppable = {"remove a file", "change a mode", "signal its parent", "read its parent's memory", "become root"}
    assert found.done <= HARMLESS | unstoppable | {"start a thread", "fork"}


@needs_root
def test_a_filter_of_calls_covers_files_and_network(tmp_path: Path) -> None:
    found = kept(tmp_path, refusing("landlock", "unshare"))
    assert found == Kept(set(), {"files", "network"}, [])


@pytest.mark.skipif(not shutil.which("unshare"), reason="util-linux is not installed")
def test_who_is_not_root_is_kept_apart_as_far(tmp_path: Path) -> None:
    prefix = ("unshare", "--user", "--map-user=65534", "--map-group=65534") if os.geteuid() == 0 else ()
    assert kept(tmp_path, "", *prefix) == Kept(set(), set(), [])


@needs_root
@pytest.mark.skipif(not shutil.which("setpriv"), reason="util-linux is not installed")
def test_root_who_may_not_kill_others_keeps_a_child_that_it_can_kill(tmp_path: Path) -> None:
    found = kept(tmp_path, "", "setpriv", "--bounding-set=-kill", "--inh-caps=-kill")
    assert found == Kept(
        set(), {"unprivileged"}, ["it runs as root (whose user id could not be given up, or whose capabilities)"]
    )

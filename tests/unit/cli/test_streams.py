"""Where output leads: readers who leave, descriptors that are closed, full disks, locales of few characters."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import IO, TYPE_CHECKING

import pytest
from tests.corpus.trees import PUBLIC, sound
from tests.unit.report.made import EVERYTHING, report, result

from amigate.report import json_format
from amigate.result import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

LONG = ("checks", "list")


def start(
    *arguments: str, stdout: int | IO[bytes] = PIPE, stderr: int = PIPE, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AMIGATE_", "PYTHON"))}
    return subprocess.Popen(
        [sys.executable, "-m", "amigate", *arguments],
        env={**kept, "PYTHONWARNINGS": "error", **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
    )


@pytest.fixture
def shown(tmp_path: Path) -> str:
    """Return the path of a report that fails."""
    path = tmp_path / "report.json"
    path.write_text(json_format.render(EVERYTHING), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("name", ["help", "list", "report", "wrong call"])
def test_a_reader_who_leaves_changes_no_exit_code(name: str, stream: str, shown: str) -> None:
    arguments, code = {
        "help": (("--help",), 0),
        "list": (LONG, 0),
        "report": (("report", shown), 1),
        "wrong call": (("checks", "show", "no-such-rule"), 2),
    }[name]
    reading, writing = os.pipe()
    os.close(reading)
    ends = (writing, PIPE) if stream == "stdout" else (PIPE, writing)
    with start(*arguments, stdout=ends[0], stderr=ends[1]) as process:
        os.close(writing)
        out, err = process.communicate(timeout=300)
    assert process.returncode == code, err
    assert b"Traceback" not in (err or b"")
    assert b"Exception" not in (err or b"")
    if stream == "stderr" and code != 2:
        assert out


def test_a_run_whose_progress_and_report_nobody_reads_comes_to_its_verdict(tmp_path: Path) -> None:
    tree, report_file = sound(tmp_path / "image"), tmp_path / "report.json"
    tree.write("/root/.ssh/authorized_keys", f"{PUBLIC} builder\n")
    reading, writing = os.pipe()
    os.close(reading)
    arguments = ("validate", str(tree.root), "--report", "console", "--report", f"json={report_file}", "--verbose")
    with start(*arguments, stdout=writing, stderr=writing, env={"LC_ALL": "C", "COLUMNS": "40"}) as process:
        os.close(writing)
        assert process.wait(300) == 1
    assert json.loads(report_file.read_text(encoding="utf-8"))["verdict"] == "fail"


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_closed_stream_is_no_file_that_is_opened_later(closed: str, shown: str, tmp_path: Path) -> None:
    written = tmp_path / "out.json"
    script = f'exec "$0" -m amigate report "$1" --format console --format json="$2" {closed}>&-'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable, shown, written], capture_output=True, check=False, timeout=300
    )
    assert done.returncode == 1, done.stderr
    assert written.read_text(encoding="utf-8") == Path(shown).read_text(encoding="utf-8")
    assert (b"VERDICT FAIL" in done.stdout) == (closed == "2")


def test_a_full_disk_is_said_in_one_message(shown: str) -> None:
    with Path("/dev/full").open("wb") as full, start("report", shown, stdout=full) as process:
        _, err = process.communicate(timeout=300)
    assert process.returncode == 2
    assert err.startswith(b"amigate: error: standard output: No space left on device\n  hint: ")
    assert err.count(b"\n") == 2


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}]
)
@pytest.mark.parametrize("arguments", [("validate", "--help"), LONG, ("report",), ("checks", "show", "schön")])
def test_a_locale_of_few_characters_shows_all_that_there_is(
    arguments: tuple[str, ...], locale: dict[str, str], tmp_path: Path
) -> None:
    if arguments == ("report",):
        path = tmp_path / "report.json"
        said = result("a", Status.FAIL, message="über → ünder", title="…")
        path.write_text(json_format.render(report(said)), encoding="utf-8")
        arguments = ("report", str(path))
    with start(*arguments, env=locale) as process:
        out, err = process.communicate(timeout=300)
    assert process.returncode == {"validate": 0, "report": 1, "checks": 2 if "schön" in arguments else 0}[arguments[0]]
    assert b"Traceback" not in err
    if arguments[0] == "report":
        narrow = locale.get("PYTHONIOENCODING") == "latin-1"  # click takes UTF-8 where Python says ASCII
        assert (b"\xfcber \\u2192" if narrow else "über →".encode()) in out


@pytest.mark.parametrize(
    "arguments",
    [
        *(("--help",), ("validate", "--help"), ("share", "--help"), ("harden", "--help")),
        ("checks", "show", "ssh-no-dns-checks"),
    ],
    ids=" ".join,
)
def test_a_terminal_of_forty_columns_needs_no_more(arguments: tuple[str, ...]) -> None:
    with start(*arguments, env={"COLUMNS": "40"}) as process:
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    too_long = [line for line in out.decode().splitlines() if len(line) > 40]
    assert not [line for line in too_long if not re.fullmatch(r"(\w+: +)?\S+", line.strip())]

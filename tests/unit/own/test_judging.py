"""A user's tests against whatever makes them vanish, skip, flip or die; recording and judging say the same."""

from __future__ import annotations

import subprocess
import textwrap
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from amigate.evidence.model import (
    DISK,
    Answer,
    Contact,
    Entry,
    Evidence,
    Kind,
    Launch,
    Outcome,
    Vantage,
    View,
    Viewpoint,
)
from amigate.judge.places import Place
from amigate.own import process, record
from amigate.own.process import OwnJudge
from amigate.own.record import Recorder
from amigate.own.tests import find
from amigate.result import Status, Witness

if TYPE_CHECKING:
    from pathlib import Path

    from amigate.judge.decide import Decision

A = Viewpoint(Launch.A, 1, Vantage.INSIDE)
PLACE = Place(Witness.INSTANCE, Launch.A)
CONTACT = Contact(address="192.0.2.1", port=22, outcome=Outcome.ACCEPTED, user="admin")


class Machine:
    """This machine, asked as the collector asks one; keeps what it answered."""

    def __init__(self) -> None:
        self.view = View()
        self.asked: list[str] = []

    def ask(self, key: str, command: str) -> View:
        self.asked.append(command)
        if "hang" in command:
            self.view = replace(self.view, unseen={**self.view.unseen, key: f"{key}: no answer within 20 s"})
            return self.view
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False)
        answer = Answer(command=command, exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)
        self.view = replace(self.view, answers={**self.view.answers, key: answer})
        return self.view


class Bench:
    """A folder of tests, recorded on this machine and judged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.machine = Machine()
        (folder / "ours").mkdir()

    def write(self, name: str, text: str) -> None:
        (self.folder / "ours" / name).write_text(textwrap.dedent(text))

    def record(self) -> None:
        tests = find("ours", self.folder, "p.yaml:1:1")
        where = {test.id: (PLACE,) for test in tests}
        evidence = Evidence(witnesses=frozenset({Witness.INSTANCE}))
        with Recorder(tests, where, {}, evidence) as recorder:
            recorder.record(Launch.A, View(), CONTACT, self.machine.ask, lambda: False)

    def judge(self) -> dict[str, Decision]:
        tests = find("ours", self.folder, "p.yaml:1:1")
        where = {test.id: (PLACE,) for test in tests}
        evidence = Evidence(witnesses=frozenset({Witness.INSTANCE}), views={A: self.machine.view})
        with OwnJudge(tests, where, {}) as judge:
            found = judge.judge(evidence)
        assert found.keys() == {(test.id, PLACE) for test in tests}, "every rule has a decision"
        return {rule.rpartition("::test_")[2]: decision for (rule, _), (decision, _) in found.items()}

    def statuses(self, text: str) -> dict[str, str]:
        self.write("test_a.py", text)
        self.record()
        return {name: str(decision.status) for name, decision in self.judge().items()}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


WAYS = """
import os
import pytest
from amigate import not_applicable, inconclusive

def test_passes(host): assert host.run("true").rc == 0
def test_fails(host): assert host.run("true").rc == 1
def test_fails_and_asks(host): assert not host.file("/").exists
def test_still_passes(host): assert host.file("/").exists
def test_skips(host): pytest.skip("SECRET")
@pytest.mark.skip
def test_marked(host): pass
@pytest.mark.xfail
def test_expected_to_fail(host): assert host.run("true").rc == 1
@pytest.mark.xfail(run=False)
def test_not_run(host): pass
def test_breaks(host): raise RuntimeError("SECRET")
def test_hangs_there(host): host.run("hang SECRET")
def test_passes_over_it(host):
    try: host.run("hang about")
    except Exception: pass
def test_returns(host): return host.file("/").exists
async def test_coroutine(host): pass
def test_does_not_apply(host): not_applicable("none here")
def test_cannot_tell(host): inconclusive("nobody knows")
def test_no_such_fixture(nothing): pass
@pytest.fixture
def broken(): raise KeyError("SECRET")
def test_broken_fixture(broken): pass
@pytest.fixture
def teardown():
    yield
    assert False
def test_teardown(teardown): pass
@pytest.mark.parametrize("number", [0, 1])
def test_one_fails(host, number): assert host.run("exit %s", str(number)).rc == 0
@pytest.mark.parametrize("number", [])
def test_no_parameters(number): pass
@pytest.mark.parametrize("number", [0, 1])
def test_one_skips(number):
    if number: pytest.skip()
class TestSuite:
    value = 1
    def test_in_class(self, host): assert host.run("echo %s", str(self.value)).stdout == "1\\n"
class TestMade:
    def __init__(self): pass
    def test_not_collected(self): pass
def test_bytes(host): assert host.run("printf '\\\\377'").stdout_bytes == b"\\xff"
def test_inside_testinfra(host): host.check_output("false")
def test_reads_input(): assert os.read(0, 1) == b""
def test_floods(host):
    print("x" * 10_000_000)
    os.write(1, b"x" * 10_000_000)
    os.write(2, b"x" * 10_000_000)
"""
EXPECTED = {
    "passes": "pass",
    "fails": "fail",
    "fails_and_asks": "fail",
    "still_passes": "pass",
    "skips": "inconclusive",
    "marked": "inconclusive",
    "expected_to_fail": "fail",
    "not_run": "inconclusive",
    "breaks": "inconclusive",
    "hangs_there": "inconclusive",
    "passes_over_it": "inconclusive",
    "returns": "inconclusive",
    "coroutine": "inconclusive",
    "does_not_apply": "not-applicable",
    "cannot_tell": "inconclusive",
    "no_such_fixture": "inconclusive",
    "broken_fixture": "inconclusive",
    "teardown": "inconclusive",
    "one_fails": "fail",
    "no_parameters": "inconclusive",
    "one_skips": "inconclusive",
    "in_class": "pass",
    "not_collected": "inconclusive",
    "bytes": "pass",
    "inside_testinfra": "inconclusive",
    "reads_input": "pass",
    "floods": "pass",
}


def test_every_way_to_end_has_its_status(bench: Bench) -> None:
    assert bench.statuses(WAYS) == EXPECTED
    found = bench.judge()
    assert "SECRET" not in repr(found)
    assert found["hangs_there"].message == "`hang …`: no answer within 20 s"
    assert "python" not in " ".join(bench.machine.asked)


def test_what_was_not_recorded_only_a_running_machine_can_answer(bench: Bench) -> None:
    bench.write("test_a.py", "def test_a(host): assert host.run('true').rc == 0\n")
    bench.record()
    bench.write(
        "test_a.py",
        "def test_a(host): assert host.run('true').rc == 0\ndef test_b(host): host.run('/bin/true x')\n"
        "def test_c(host): assert host.run('true').rc == 0\n",
    )
    found = bench.judge()
    assert found["a"].status is Status.PASS
    assert found["b"].message == "`/bin/true …` was not recorded, and only a running machine can answer it"
    assert found["c"].status is Status.INCONCLUSIVE, "it was asked once, and its second answer is not known"


def test_a_test_may_ask_for_facts(bench: Bench) -> None:
    """Beside `host`, which lives longer than they do."""
    bench.write(
        "test_a.py",
        "def test_a(host, session_port):\n    assert host.run('true').rc == 0\n    assert session_port.told is None\n"
        "def test_b(listeners): assert not listeners.all\n",
    )
    bench.record()
    found = bench.judge()
    assert found["a"].status is Status.PASS
    assert found["b"].message == "listening sockets: not collected"


GOOD = "def test_a(host): assert host.run('true').rc == 1\ndef test_b(host): assert host.run('true').rc == 0\n"

FLIPS = {
    "deselects": "def pytest_collection_modifyitems(items): items.clear()",
    "deselects first": "import pytest\n@pytest.hookimpl(tryfirst=True)\n"
    "def pytest_collection_modifyitems(items): del items[0]",
    "ignores": "collect_ignore = ['test_a.py']",
    "runs nothing": "def pytest_runtest_protocol(item): return True",
    "calls nothing": "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_pyfunc_call(pyfuncitem): return True",
    "breaks the function": "def pytest_collection_modifyitems(items):\n  for i in items: i.obj = lambda host: 1 / 0",
    "flips reports": "import pytest\n@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
    "def pytest_runtest_makereport(item, call):\n  call.excinfo = None\n  r = yield\n"
    "  r.outcome = 'passed'\n  return r",
    "flips phases": "import pytest\n@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_runtest_call(item):\n"
    "  try: yield\n  except BaseException: pass",
    "cannot be imported": "import no_such_module",
    "dies": "import os\nos._exit(0)",
    "dies later": "import os\ndef pytest_runtest_setup(item): os._exit(0)",
    "leaves": "import pytest\ndef pytest_runtest_setup(item): pytest.exit('enough', 0)",
    "skips": "import pytest\ndef pytest_runtest_setup(item): pytest.skip('no')",
    "renames": "def pytest_collection_modifyitems(items):\n  for i in items: i.originalname = i.name = 'test_b'",
}


WITHOUT_RECORD = """
def test_there(host): assert host.file("/etc/app").mode == 0o640
def test_absent(host): assert not host.file("/etc/gone").exists
def test_wrong(host): assert host.file("/etc/app").mode == 0o600
def test_not_collected(host): assert host.file("/etc/other").exists
def test_runs(host): assert host.run("true").rc == 0
def test_passes_over_it(host):
    try: host.socket("tcp://22")
    except Exception: pass
def test_still_there(host): assert host.file("/etc/app").exists
"""


@pytest.mark.parametrize(
    "viewpoint,place", [(A, PLACE), (DISK, Place(Witness.DISK))], ids=["a launch, saved", "a disk at rest"]
)
def test_without_a_record_the_host_is_what_evidence_tells(bench: Bench, viewpoint: Viewpoint, place: Place) -> None:
    bench.write("test_a.py", WITHOUT_RECORD)
    entry = Entry(path="/etc/app", kind=Kind.FILE, mode=0o640, uid=0, gid=0, size=1, mtime_s=0)
    view = View(entries={entry.path: entry}, absent=frozenset({"/etc/gone"}))
    tests = find("ours", bench.folder, "p.yaml:1:1")
    with OwnJudge(tests, {test.id: (place,) for test in tests}, {}) as judge:
        found = judge.judge(Evidence(witnesses=frozenset({place.witness}), views={viewpoint: view}))
    assert {rule.rpartition("::test_")[2]: str(decision.status) for (rule, _), (decision, _) in found.items()} == {
        "there": "pass",
        "absent": "pass",
        "wrong": "fail",
        "not_collected": "inconclusive",
        "runs": "inconclusive",
        "passes_over_it": "inconclusive",
        "still_there": "pass",
    }


@pytest.mark.parametrize("conftest", FLIPS.values(), ids=FLIPS.keys())
def test_no_conftest_makes_a_pass_of_what_failed_or_did_not_answer(bench: Bench, conftest: str) -> None:
    bench.write("conftest.py", conftest)
    assert bench.statuses(GOOD)["a"] in {"fail", "inconclusive"}


def test_a_conftest_of_the_folder_gives_its_fixtures_and_one_above_is_not_read(bench: Bench) -> None:
    (bench.folder / "conftest.py").write_text("raise SystemExit(0)")
    bench.write(
        "conftest.py",
        "import pytest\n@pytest.fixture(scope='module')\ndef name(host): return host.check_output('echo x')\n",
    )
    bench.write("helper.py", "VALUE = 'x'\n")
    found = bench.statuses("import helper\ndef test_a(name): assert name == helper.VALUE\n")
    assert found == {"a": "pass"}
    assert sorted(path.name for path in (bench.folder / "ours").iterdir()) == ["conftest.py", "helper.py", "test_a.py"]


@pytest.mark.parametrize("name", ["pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml"])
def test_no_configuration_of_the_folder_or_above_is_read(
    bench: Bench, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = {"setup.cfg": "[tool:pytest]", "pyproject.toml": "[tool.pytest.ini_options]"}.get(name, "[pytest]")
    value = '"--collect-only"' if name == "pyproject.toml" else "--collect-only"
    for folder in (bench.folder, bench.folder / "ours"):
        (folder / name).write_text(f"{section}\naddopts = {value}\n")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    monkeypatch.chdir(bench.folder / "ours")
    assert bench.statuses(GOOD) == {"a": "fail", "b": "pass"}


UNSEEN = {
    "made up": "def test_a(): pass\nglobals()['test_new'] = lambda: None",
    "from elsewhere": "from helper import *\ndef test_a(): pass",
    "inherited": "from helper import Base\nclass TestX(Base):\n  def test_a(self): pass",
    "unittest": "import unittest\nclass Own(unittest.TestCase):\n  def test_q(self): pass\ndef test_a(): pass",
    "module skips": "import pytest\npytest.skip('x', allow_module_level=True)\ndef test_a(): pass",
    "no import": "import no_such_module\ndef test_a(): pass",
    "not a test": "def test_a(): pass\ntest_a.__test__ = False",
    "replaced": "def test_a(): pass\ntest_a = None",
}


@pytest.mark.parametrize("text", UNSEEN.values(), ids=UNSEEN.keys())
def test_a_file_that_holds_other_tests_than_can_be_listed_passes_nothing(bench: Bench, text: str) -> None:
    bench.write("helper.py", "def test_other(): assert 0\nclass Base:\n  def test_z(self): assert 0\n")
    bench.write("test_b.py", "def test_apart(): pass\n")
    found = bench.statuses(text)
    assert found["a"] == "inconclusive"
    assert found["apart"] == "pass"


@pytest.mark.parametrize(
    "death",
    [
        "os._exit(0)",
        "os.kill(os.getpid(), 9)",
        "raise KeyboardInterrupt",
        "pytest.exit('x', 0)",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM]); time.sleep(600)",
    ],
)
def test_a_test_that_dies_or_hangs_costs_what_comes_after(
    bench: Bench, death: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "RULE_LIMIT_S", 1.0)
    monkeypatch.setattr(record, "LIMIT_S", 1.0)
    monkeypatch.setattr(record, "MARGIN_S", 1.0)
    text = f"""
    import os, pytest, signal, time
    def test_before(host): assert host.run("true").rc == 0
    @pytest.mark.parametrize("n", [1, 2])
    def test_dies(n):
        if n == 2: {death}
    def test_later(): pass
    """
    started = time.monotonic()
    found = bench.statuses(text)
    assert time.monotonic() - started < 60
    assert found["before"] == "pass"
    assert found["dies"] == "inconclusive"
    assert found["later"] in {"inconclusive", "pass"} if "sleep" in death else found["later"] == "inconclusive"


def test_a_test_that_takes_too_long_costs_its_own_answer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "RULE_LIMIT_S", 0.5)
    monkeypatch.setattr(record, "LIMIT_S", 0.5)
    found = bench.statuses("import time\ndef test_a(): time.sleep(60)\ndef test_b(host): host.run('true')\n")
    assert found == {"a": "inconclusive", "b": "pass"}


def test_there_is_an_end_to_what_is_recorded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "MOST_ANSWERS", 2)
    text = "".join(f"def test_{name}(host): host.run('echo {name}')\n" for name in "abc")
    assert bench.statuses(text) == {"a": "pass", "b": "pass", "c": "inconclusive"}
    assert bench.machine.asked == ["echo a", "echo b"]
    monkeypatch.setattr(record, "MOST_ANSWERS", 100)
    monkeypatch.setattr(record, "MOST_BYTES", 3)
    bench.machine = Machine()
    assert bench.statuses(text) == {"a": "pass", "b": "pass", "c": "inconclusive"}


def test_a_machine_that_could_not_be_seen_answers_nothing(bench: Bench) -> None:
    bench.write("test_a.py", "def test_a(host): host.run('true')\n")
    bench.machine.view = View(broken="nobody could log in to launch A")
    assert bench.judge()["a"].message == "nobody could log in to launch A"


def test_the_process_holds_no_credentials_and_no_connection(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/tmp/agent")
    text = """
    import os
    def test_a():
        assert not [name for name in os.environ if name.startswith(("AWS_", "SSH_"))]
        assert os.path.expanduser("~") == "/"
        assert len(os.listdir("/proc/self/fd")) <= 9, os.listdir("/proc/self/fd")
    """
    assert bench.statuses(text) == {"a": "pass"}


def test_the_key_of_an_answer_is_none_of_the_facts_own(bench: Bench) -> None:
    bench.statuses("def test_a(host): host.run('true')\n")
    assert all(key.startswith("own:ours:1:") for key in bench.machine.view.answers)

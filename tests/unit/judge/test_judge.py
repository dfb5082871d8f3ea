"""The judge's child against checks that misbehave and an environment that would steer it."""

from __future__ import annotations

import os
import subprocess
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from amigate.evidence.model import Evidence
from amigate.judge import catalogue, process
from amigate.judge.places import Place, places
from amigate.judge.process import Judge
from amigate.judge.results import results
from amigate.plan import plan
from amigate.profile import load
from amigate.report.formats import FORMATS
from amigate.result import Report, Status, Target, Witness

if TYPE_CHECKING:
    from collections.abc import Callable

    from amigate.judge.decide import Decision

WITNESSES = (Witness.EC2, Witness.INSTANCE, Witness.TWIN, Witness.PROBE)
HEAD = """
import ctypes, os, signal, sys, time
import pytest
from amigate import Finding, check, inconclusive, not_applicable
from amigate.check import warn
from amigate.evidence.model import Evidence

def rule(id):
    return check(id, severity="high", guideline="g", source="https://example.com", evidence=["ec2"])

def found(*paths):
    return [Finding(path=path, line=3, detail="there") for path in paths]
"""


@pytest.fixture
def verdicts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., dict[str, Decision]]:
    """Return a function that judges a folder of made-up checks in the real child; the rules' names are given."""

    def run(body: str, *rules: str, limit_s: float = 20, evidence: Evidence | None = None) -> dict[str, Decision]:
        (tmp_path / "test_made_up.py").write_text(HEAD + textwrap.dedent(body))
        script = (
            "import sys, pathlib; from amigate.judge import catalogue, child\n"
            f"catalogue.folder = lambda: pathlib.Path({str(tmp_path)!r})\n"
            "sys.exit(child.main(int(sys.argv[1])))"
        )
        real = subprocess.Popen

        def popen(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
            assert command[1:4] == ["-I", "-m", "amigate.judge.child"]
            return real([command[0], "-I", "-c", script, command[4]], **options)

        monkeypatch.setattr(subprocess, "Popen", popen)
        monkeypatch.setattr(process, "RULE_LIMIT_S", limit_s)
        place = Place(Witness.EC2)
        with Judge(dict.fromkeys(rules, (place,))) as judge:
            answers = judge.judge(evidence or Evidence(witnesses=frozenset({Witness.EC2})))
        assert {place for _, place in answers} <= {place}
        return {rule: decision for (rule, _), (decision, _) in answers.items()}

    return run


ANSWERS = '''
@rule("passes")
def test_passes():
    """T."""

@rule("fails")
def test_fails():
    """T."""
    assert not found("/a", "/b")

@rule("fails-in-a-variable")
def test_fails_in_a_variable():
    """T."""
    rows = found("/a")
    assert not rows

@rule("fails-without-findings")
def test_fails_without_findings():
    """T."""
    secret = "SECRET"
    assert secret == "other", f"the password is {secret}"

@rule("fails-and-cannot-be-asked-twice")
def test_fails_and_cannot_be_asked_twice():
    """T."""
    rows = iter([found("/a")])
    assert not next(rows)

@rule("fails-by-word")
def test_fails_by_word():
    """T."""
    pytest.fail("SECRET")

@rule("warns")
def test_warns():
    """T."""
    warn(found("/a"))

@rule("has-nothing-to-warn-of")
def test_has_nothing_to_warn_of():
    """T."""
    warn([])

@rule("does-not-apply")
def test_does_not_apply():
    """T."""
    not_applicable("there is none")

@rule("cannot-tell")
def test_cannot_tell():
    """T."""
    inconclusive("nobody knows")

@rule("skips")
def test_skips():
    """T."""
    pytest.skip("SECRET")

@rule("is-skipped")
@pytest.mark.skip
def test_is_skipped():
    """T."""

@rule("expects-to-fail")
@pytest.mark.xfail
def test_expects_to_fail():
    """T."""
    assert not found("/a")

@rule("is-not-run")
@pytest.mark.xfail(run=False)
def test_is_not_run():
    """T."""

@rule("raises")
def test_raises():
    """T."""
    raise RuntimeError("SECRET")

@rule("leaves")
def test_leaves():
    """T."""
    sys.exit(0)

@pytest.fixture
def broken_fact():
    raise KeyError("SECRET")

@pytest.fixture
def asserting_fact():
    assert not found("/a"), "SECRET"

@pytest.fixture
def skipping_fact():
    pytest.skip("SECRET")

@rule("has-a-broken-fact")
def test_has_a_broken_fact(broken_fact):
    """T."""

@rule("has-an-asserting-fact")
def test_has_an_asserting_fact(asserting_fact):
    """T."""

@rule("has-a-skipping-fact")
def test_has_a_skipping_fact(skipping_fact):
    """T."""

@rule("has-an-unknown-fact")
def test_has_an_unknown_fact(no_such_fixture):
    """T."""

@rule("breaks-inside-testinfra")
def test_breaks_inside_testinfra():
    """T."""
    from testinfra.host import Host
    host = Host.get_host("local://")
    host.file("/no-such-file-SECRET").mode

@rule("is-a-coroutine")
async def test_is_a_coroutine():
    """T."""

def test_of_no_rule():
    raise RuntimeError
'''
EXPECTED = {
    "passes": "pass",
    "fails": "fail",
    "fails-in-a-variable": "fail",
    "fails-without-findings": "fail",
    "fails-and-cannot-be-asked-twice": "fail",
    "fails-by-word": "fail",
    "warns": "warn",
    "has-nothing-to-warn-of": "pass",
    "does-not-apply": "not-applicable",
    "cannot-tell": "inconclusive",
    "skips": "inconclusive",
    "is-skipped": "inconclusive",
    "expects-to-fail": "fail",
    "is-not-run": "inconclusive",
    "raises": "inconclusive",
    "leaves": "inconclusive",
    "has-a-broken-fact": "inconclusive",
    "has-an-asserting-fact": "inconclusive",
    "has-a-skipping-fact": "inconclusive",
    "has-an-unknown-fact": "inconclusive",
    "breaks-inside-testinfra": "inconclusive",
}


def test_every_way_to_end_has_its_status(verdicts: Callable[..., dict[str, Decision]]) -> None:
    found = verdicts(ANSWERS, *EXPECTED, "is-a-coroutine", "is-nowhere")
    coroutine = found.pop("is-a-coroutine", None)
    assert coroutine is None or coroutine.status is not Status.PASS
    assert {rule: str(decision.status) for rule, decision in found.items()} == EXPECTED
    assert [finding.path for finding in found["fails"].findings] == ["/a", "/b"]
    assert [finding.line for finding in found["fails-in-a-variable"].findings] == [3]
    assert found["warns"].findings
    assert "skipped itself" in found["skips"].message
    assert found["raises"].message.startswith("the check broke: RuntimeError at test_made_up.py:")
    assert "SECRET" not in repr(found)


def test_a_check_that_hangs_costs_its_own_answer(verdicts: Callable[..., dict[str, Decision]]) -> None:
    body = '''
    @rule("a-sleeps")
    def test_a():
        """T."""
        time.sleep(600)

    @pytest.fixture
    def slow_fact():
        while True:
            pass

    @rule("b-spins-in-a-fact")
    def test_b(slow_fact):
        """T."""

    @rule("c-passes")
    def test_c():
        """T."""
    '''
    found = verdicts(body, "a-sleeps", "b-spins-in-a-fact", "c-passes", limit_s=0.3)
    assert {rule: (str(d.status), d.message) for rule, d in found.items()} == {
        "a-sleeps": ("inconclusive", "the check did not end in time"),
        "b-spins-in-a-fact": ("inconclusive", "the check did not end in time"),
        "c-passes": ("pass", ""),
    }


@pytest.mark.parametrize(
    "hang",
    [
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM]); time.sleep(600)",
        "ctypes.PyDLL(None).pause() if signal.signal(signal.SIGALRM, signal.SIG_IGN) else None; time.sleep(600)",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "sum(range(10**12))",
    ],
)
def test_a_check_that_cannot_be_interrupted_is_killed(verdicts: Callable[..., dict[str, Decision]], hang: str) -> None:
    body = f'''
    @rule("a-passes")
    def test_a():
        """T."""

    @rule("b-hangs")
    def test_b():
        """T."""
        {hang}

    @rule("c-is-never-reached")
    def test_c():
        """T."""
    '''
    started = time.monotonic()
    found = verdicts(body, "a-passes", "b-hangs", "c-is-never-reached", limit_s=0.4)
    assert time.monotonic() - started < 15
    assert found["a-passes"].status is Status.PASS
    assert found.keys() == {"a-passes"} or "signal" in hang


@pytest.mark.parametrize(
    "death",
    ["os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)", "pytest.exit('enough', 0)", "raise KeyboardInterrupt"],
)
def test_a_child_that_dies_leaves_rules_unanswered(verdicts: Callable[..., dict[str, Decision]], death: str) -> None:
    body = f'''
    @rule("a-passes")
    def test_a():
        """T."""

    @rule("b-dies")
    def test_b():
        """T."""
        {death}

    @rule("c-is-never-reached")
    def test_c():
        """T."""
    '''
    found = verdicts(body, "a-passes", "b-dies", "c-is-never-reached")
    assert found.pop("a-passes").status is Status.PASS
    assert all(decision.status is Status.INCONCLUSIVE for decision in found.values())
    assert "c-is-never-reached" not in found


def test_two_functions_for_one_rule_are_refused(verdicts: Callable[..., dict[str, Decision]]) -> None:
    body = '''
    @rule("twice")
    def test_a():
        """T."""
        assert not found("/a")

    @rule("twice")
    def test_b():
        """T."""

    @rule("once")
    def test_c():
        """T."""
    '''
    assert verdicts(body, "twice", "once") == {}


def test_checks_that_cannot_be_imported_answer_nothing(verdicts: Callable[..., dict[str, Decision]]) -> None:
    assert verdicts("import no_such_module\n@rule('a')\ndef test_a():\n    'T.'\n", "a") == {}


def test_the_child_holds_no_credentials(
    verdicts: Callable[..., dict[str, Decision]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", "/tmp/agent")
    body = '''
    @rule("sees-nothing")
    def test_a():
        """T."""
        assert not [Finding(subject=name, detail="seen") for name in os.environ if name.startswith(("AWS_", "SSH_"))]
        assert not [Finding(subject="home", detail="seen") for _ in "x" if os.path.expanduser("~") != "/"]
        assert not [Finding(subject="cwd", detail="seen") for _ in "x" if os.getcwd() != "/"]
        open_files = os.listdir("/proc/self/fd")
        assert not [Finding(subject="descriptors", detail=str(open_files)) for _ in "x" if len(open_files) > 8]
        arguments = open("/proc/self/cmdline", "rb").read() + open("/proc/self/environ", "rb").read()
        assert not [Finding(subject="arguments", detail="seen") for _ in "x" if b"SECRET" in arguments]
    '''
    assert verdicts(body, "sees-nothing")["sees-nothing"].status is Status.PASS


def judged(image: Any) -> dict[str, str]:
    profile = load("first-gate")
    checks = {rule: catalogue.checks()[rule] for rule in profile.rules}
    planned = plan(list(checks.values()), WITNESSES)
    where = {rule: places(check, WITNESSES, planned) for rule, check in checks.items()}
    with Judge(where) as child:
        decisions = child.judge(image.evidence())
    assert len(decisions) == sum(map(len, where.values()))
    found = results(profile, checks, WITNESSES, planned, decisions)
    return {result.id: str(result.status) for result in found}


POISON = """
import pytest
@pytest.fixture
def sshd():
    pytest.skip("stray")
def pytest_collection_modifyitems(items):
    items.clear()
"""


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTEST_ADDOPTS": "--co"},
        {"PYTEST_ADDOPTS": "-k nothing"},
        {"PYTEST_ADDOPTS": "--no-such-option"},
        {"PYTEST_PLUGINS": "poison"},
        {"PYTHONOPTIMIZE": "2"},
        {"PYTHONSTARTUP": "poison.py", "PYTHONINSPECT": "1"},
        {"PYTHONWARNINGS": "error"},
    ],
    ids=lambda each: " ".join(f"{name}={value}" for name, value in each.items()),
)
def test_nothing_around_it_steers_the_judge(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kit: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("conftest.py", "poison.py", "sitecustomize.py", "pytest.py", "amigate.py"):
        (tmp_path / name).write_text(POISON if name != "pytest.py" else "raise SystemExit(0)")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\npython_functions = none_*\n")
    (tmp_path / "tox.ini").write_text("[pytest]\naddopts = --collect-only\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    image = kit.Image(effective=kit.EFFECTIVE | {"passwordauthentication": "yes"})
    found = judged(image)
    assert found.pop("ssh-no-password-login") == "fail"
    assert set(found.values()) == {"pass", "not-applicable"}


def test_a_planted_hash_is_in_no_answer_no_report_and_no_argument(kit: Any) -> None:
    secret = kit.SECRET_HASH
    image = kit.Image(
        shadow=f"root:{secret}:1::::::\nadmin:!{secret}:1::::::\n", passwd=f"root:{secret}:0:0::/root:/bin/sh\n"
    )
    profile = load("first-gate")
    checks = {rule: catalogue.checks()[rule] for rule in profile.rules}
    planned = plan(list(checks.values()), WITNESSES)
    where = {rule: places(check, WITNESSES, planned) for rule, check in checks.items()}
    seen: list[bytes] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            for each in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.append(each.read_bytes())
                except OSError:
                    continue
            stop.wait(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with Judge(where) as child:
            decisions = child.judge(image.evidence())
    finally:
        stop.set()
        watcher.join()
    assert any(b"amigate.judge.child" in each for each in seen)
    assert not any(secret.encode() in each for each in seen)
    found = results(profile, checks, WITNESSES, planned, decisions)
    assert {r.id: r.status for r in found}["account-root-has-no-usable-password"] is Status.FAIL
    report = Report(
        target=Target(kind="ami", id="ami-1"),
        audience="accounts",
        profile=profile.name,
        profile_digest=profile.digest,
        witnesses=WITNESSES,
        collected_at="",
        evidence_digest="",
        results=found,
    )
    for text in (repr(decisions), *(render(report) for render in FORMATS.values())):
        assert secret not in text
        assert secret[12:40] not in text


def test_a_judge_that_is_left_early_leaves_no_process(kit: Any) -> None:
    with Judge({"ami-owned-and-available": (Place(Witness.EC2),)}) as child:
        pid = child._worker.process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)

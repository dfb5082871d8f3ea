"""The pytest plugin for plain testinfra runs: `pytest checks/ --hosts=ssh://user@host` judges shipped checks too.

The host is asked through testinfra's own backend, by the same collector, once. Rules that need EC2 or a second
launch skip and say so; what could not be decided fails as "inconclusive", never passes.
"""

from __future__ import annotations

import logging
import shlex
import warnings
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from amigate.check import InconclusiveError, Look, NotApplicableError, WarnError, check_of
from amigate.errors import CollectionError
from amigate.evidence.collector import collect
from amigate.evidence.model import Contact, Evidence, Outcome, View
from amigate.evidence.redaction.redactor import Redactor
from amigate.evidence.script import NO_ROOT
from amigate.facts.catalogue import FURTHER, NEEDS
from amigate.judge.decide import decide
from amigate.judge.fixtures import fixtures
from amigate.report.escape import printable
from amigate.result import Witness

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from amigate.result import Finding

globals().update(fixtures())

_VIEWS = pytest.StashKey[dict[str, View]]()
_REMOTE = ("ssh", "safe-ssh", "paramiko")
_NEEDS_MORE = "needs {0}, which one host does not have: `amigate validate ami-…` asks it"

_LOOKS = {
    Look.STATUS: "EC2's status checks",
    Look.STRANGER: "a look at what strangers are offered",
    Look.REBOOT: "a reboot",
    Look.CONSOLE: "the serial console",
    Look.KEYLESS: "a launch without a key",
}


class CheckWarning(UserWarning):
    """A check is met, with remarks."""


class _HostChannel:
    """Carries the collector's rounds as single commands of a testinfra host."""

    def __init__(self, host: Any) -> None:
        self._host = host
        self._pending = b""
        self._answer = b""

    def send(self, data: bytes) -> None:
        self._pending = data

    def receive(self, timeout_s: float) -> bytes:
        del timeout_s  # testinfra waits as long as its connection does
        if self._pending:
            text = shlex.quote(self._pending.decode("ascii"))
            root = (
                f'if [ "$(id -u)" = 0 ]; then exec /bin/sh -c {text}; fi; '
                f"sudo -n /bin/sh -c {text} || echo {NO_ROOT.decode()}"
            )
            self._pending = b""
            with _unlogged():
                self._answer = self._host.run("/bin/sh -c %s", root).stdout_bytes
        answer, self._answer = self._answer, b""
        return answer

    def close(self) -> None:
        """Nothing runs between two rounds."""


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep what was collected, password fields among it, out of testinfra's log, which pytest prints."""
    logger = logging.getLogger("testinfra")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


@pytest.fixture(scope="module")
def view(host: Any, request: pytest.FixtureRequest) -> View:
    """Return what the collector saw of the host; asked once in a session."""
    views = request.config.stash.setdefault(_VIEWS, {})
    name = f"{id(host.backend)} {host.backend.get_pytest_id()}"
    if name not in views:
        asked = frozenset[str]().union(*(getattr(item, "fixturenames", ()) for item in request.session.items))
        needs = (*NEEDS, *(fact.needs for fact in FURTHER if fact.name in asked))
        seen = collect(lambda _: _HostChannel(host), needs, redactor=Redactor())
        views[name] = replace(seen, contact=_reached(host)) if host.backend.NAME in _REMOTE else seen
    return views[name]


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Evidence:
    """Return evidence about the image, which a host alone does not give."""
    declared = check_of(request.function)
    rest = " and ".join(str(w) for w in (declared.evidence if declared else ()) if w is not Witness.INSTANCE)
    pytest.skip(_NEEDS_MORE.format(rest or "what EC2 says of the image"))


@pytest.fixture
def outside(host: Any, request: pytest.FixtureRequest) -> View:
    """Return how the host was reached, if by SSH with a key that was named."""
    declared = check_of(request.function)
    if declared is not None and declared.looks:
        pytest.skip(_NEEDS_MORE.format(" and ".join(_LOOKS[look] for look in sorted(declared.looks))))
    backend = host.backend
    if backend.NAME not in _REMOTE:
        pytest.skip("needs a login over SSH: --hosts=ssh://user@host or paramiko://user@host")
    identity: Path | None = request.config.getoption("--ssh-identity-file", default=None)
    if not identity:
        pytest.skip("needs the key of the login: --ssh-identity-file=FILE")
    return View(contact=_reached(host, _fingerprint(str(identity))))


def _reached(host: Any, launch_key: str = "") -> Contact:
    """Return the contact that testinfra's own login over SSH is."""
    backend = host.backend
    with _unlogged():
        user = host.run("id -un").stdout.strip()
    return Contact(
        address=str(backend.hostname),
        port=int(backend.host.port or 22),
        outcome=Outcome.ACCEPTED,
        user=backend.host.user or user,
        launch_key=launch_key,
    )


def _fingerprint(identity: str) -> str:
    from paramiko import PKey, SSHException  # noqa: PLC0415 - slow to import

    try:
        return PKey.from_path(identity).fingerprint
    except (OSError, ValueError, SSHException, TypeError) as error:
        raise CollectionError(f"{identity} is no private key that can be read", hint="Name a key file.") from error


@pytest.fixture
def chosen_settings() -> dict[str, object]:
    """Return the profile's settings: there is no profile here, so the checks' own defaults hold."""
    return {}


@contextmanager
def _answers(item: pytest.Item) -> Iterator[None]:
    """Say in pytest's words what a check answers."""
    if check_of(getattr(item, "function", None)) is None:
        yield
        return
    findings: tuple[Finding, ...] = ()
    try:
        yield
    except NotApplicableError as answer:
        pytest.skip(f"not applicable: {answer}")
    except InconclusiveError as answer:
        pytest.fail(f"inconclusive: {answer}", pytrace=False)
    except AssertionError as error:
        findings = decide(error, judging=True).findings
        if not findings:
            raise
    except WarnError as answer:
        for finding in answer.findings:
            warnings.warn(CheckWarning(f"{finding.where}: {finding.detail}"), stacklevel=1)
    if findings:  # not inside the handler, or pytest prints the assertion as well
        lines = [f"{finding.where}: {finding.detail} {finding.fingerprint}".rstrip() for finding in findings]
        pytest.fail("\n".join(map(printable, lines)), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Turn a fact's answer into a skip or a failure; a rule about the disk at rest is not asked of a machine."""
    declared = check_of(getattr(item, "function", None))
    if declared is not None and set(declared.evidence) == {Witness.DISK}:
        pytest.skip(_NEEDS_MORE.format(Witness.DISK))  # what is not found on a machine proves nothing there
    with _answers(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Turn a check's answer into a skip, a failure or a warning."""
    with _answers(item):
        return (yield)

"""The plain plugin: shipped checks under somebody's own pytest, and somebody's own tests beside the plugin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = Path(__file__).parents[3] / "checks"


def run(folder: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> tuple[int, str]:
    """Run pytest as its user would; returns exit code and everything it printed."""
    command = [*prefix, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.fixture
def planted(tmp_path: Path, kit: object) -> tuple[str, ...]:
    """Return a command in front of another, which then sees a root with a password and a user with none."""
    secret = kit.SECRET_HASH  # type: ignore[attr-defined] # the kit of conftest.py
    (tmp_path / "shadow").write_text(f"root:{secret}:1::::::\nnopass::1::::::\n")
    (tmp_path / "passwd").write_text("root:x:0:0::/root:/bin/bash\nnopass:x:1000:1000::/nonexistent:/bin/sh\n")
    mounts = f"mount --bind {tmp_path}/shadow /etc/shadow && mount --bind {tmp_path}/passwd /etc/passwd"
    return ("unshare", "-m", "sh", "-c", f'{mounts} && exec "$@"', "_")


@pytest.mark.slow
def test_shipped_checks_judge_a_host_and_skips_say_why(tmp_path: Path, planted: tuple[str, ...], kit: object) -> None:
    code, text = run(tmp_path, str(CHECKS), "--hosts=local://", "-ra", "-l", "--log-level=DEBUG", prefix=planted)
    assert code == 1, text
    assert "/etc/shadow:1 (root): a password is set" in text
    assert "/etc/shadow:2 (nopass): the password field is empty" in text
    assert "needs ec2, which one host does not have" in text
    assert "needs twin, which one host does not have" in text
    assert "needs a login over SSH" in text
    secret = kit.SECRET_HASH  # type: ignore[attr-defined] # the kit of conftest.py
    assert secret not in text
    assert secret[12:40] not in text
    for line in text.splitlines():
        assert not line.startswith("SKIPPED") or ": needs " in line or "not applicable" in line, line


def test_what_cannot_be_collected_fails_and_says_inconclusive(tmp_path: Path) -> None:
    full = "mount -t tmpfs none /mnt; export TMPDIR=/mnt; cd /mnt; "
    full += (
        "for each in /dev/shm /run /tmp /var/tmp; do mount --bind $each $each && mount -o remount,bind,ro $each; done; "
    )
    prefix = ("unshare", "-m", "sh", "-c", f'{full} exec "$@"', "_")
    code, text = run(tmp_path, str(CHECKS / "test_accounts.py"), "--hosts=local://", prefix=prefix)
    assert code == 1, text
    assert text.count("inconclusive: ") >= 2
    assert "passed" not in text.splitlines()[-1]


UNRELATED = """
import warnings
import pytest

@pytest.fixture
def view():
    return "my view"

@pytest.fixture
def settings():
    return "my settings"

@pytest.fixture
def contact():
    return "my contact"

@pytest.fixture
def evidence():
    return "my evidence"

@pytest.fixture
def packages(evidence):
    return [evidence]

def test_own_fixtures(view, settings, contact, evidence, packages):
    assert (view, settings, contact, evidence) == ("my view", "my settings", "my contact", "my evidence")
    assert packages == ["my evidence"]

def test_that_skips():
    pytest.skip("because")

@pytest.mark.xfail(strict=True)
def test_that_asserts():
    assert not ["shown as ever"]

def test_with_its_own_error():
    from amigate import inconclusive
    from amigate.check import InconclusiveError
    with pytest.raises(InconclusiveError):
        inconclusive("x")

def test_that_fails():
    value = ["shown as ever"]
    assert not value
"""


def test_an_unrelated_suite_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "test_unrelated.py").write_text(UNRELATED)
    outcomes = []
    for more in ((), ("-p", "no:amigate")):
        code, text = run(tmp_path, "-W", "error", "-ra", *more)
        assert code == 1, text
        assert "2 passed" in text
        assert "1 failed" in text
        assert "1 skipped" in text
        assert "1 xfailed" in text
        outcomes.append([line for line in text.splitlines() if line.startswith(("E ", "SKIPPED", "XFAIL", "FAILED"))])
    assert outcomes[0] == outcomes[1]


def test_the_plugin_adds_nothing_to_what_pytest_imports(tmp_path: Path) -> None:
    (tmp_path / "test_unrelated.py").write_text(
        "import sys\ndef test_a():\n    assert not {'boto3', 'paramiko', 'fabric', 'moto'} & set(sys.modules)\n"
    )
    code, text = run(tmp_path)
    assert code == 0, text

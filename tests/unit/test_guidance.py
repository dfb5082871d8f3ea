"""What is said of each rule beside its check, and what is made of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from amigate.explained import explain
from amigate.guidance import guidance
from amigate.judge import catalogue
from amigate.topics import OWN, topic_of, topics

ROOT = Path(__file__).parents[2]


def test_every_rule_has_a_topic_and_says_how_it_is_decided_and_mended() -> None:
    for check in catalogue.checks().values():
        rule = explain(check)
        assert rule.topic in topics()
        assert rule.decided, check.id
        assert rule.before, check.id
        assert rule.after, check.id
        assert rule.before != rule.after


def test_what_is_said_of_a_rule_stands_in_the_file_of_its_topic() -> None:
    for rule in guidance():
        assert topic_of(rule) in topics()
    assert topic_of("user:ours/test_app.py::test_port") == OWN
    assert topic_of("cloud-init-logs-removed") == "cloud-init"


def test_a_rule_knows_who_asks_it_and_how_strictly() -> None:
    checks = catalogue.checks()
    assert explain(checks["disk-free-space-clean"]).asked_by == ("hardened",)
    assert "aws-shared" in explain(checks["ssh-no-dns-checks"]).asked_by


def test_what_is_made_from_other_files_is_fresh() -> None:
    """`.venv/bin/python tools/generate.py` makes it so."""
    done = subprocess.run(
        [sys.executable, "tools/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

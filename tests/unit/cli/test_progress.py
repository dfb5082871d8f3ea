"""Progress on standard error: never silent for long, verbose where that is asked for, and never with a secret."""

from __future__ import annotations

import logging
import re
import threading
from typing import TYPE_CHECKING

import boto3
import click
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError

from amigate.cli import _run, progress
from amigate.sources.calls import log_calls

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amigate.sources.aws import Aws


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(click, "echo", lambda text, **_: lines.append(text))
    return lines


def test_a_silent_run_says_that_it_goes_on_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    enough = threading.Event()

    def echo(text: str, **_: object) -> None:
        lines.append(text)
        if len(lines) == 4:
            enough.set()

    monkeypatch.setattr(click, "echo", echo)
    shown = progress.Progress()
    shown.show("a step")
    shown.watch(0.01)
    assert enough.wait(30)
    shown.end()
    assert lines[0].endswith("s] a step")
    assert all("still working: nothing new for" in line for line in lines[1:])
    for thread in threading.enumerate():
        if thread.name == "heartbeat":
            thread.join(30)
            assert not thread.is_alive()


def test_a_quiet_run_is_silent(said: list[str]) -> None:
    shown = progress.Progress()
    shown.quiet = True
    shown.show("a step")
    assert said == []


def test_a_line_is_one_line_of_printable_characters(said: list[str]) -> None:
    progress.Progress().show("one\n::error::two\x1b[31m")
    assert len(said) == 1
    assert said[0].endswith(r"s] one\n::error::two\x1b[31m")


def test_verbose_shows_what_amigate_logs_and_no_other_library(
    aws: Callable[..., Aws], capsys: pytest.CaptureFixture[str]
) -> None:
    del aws
    assert _run(["inspect", "ami-0123456789abcdef0", "--region", "eu-west-3", "--verbose"]) == 2
    err = capsys.readouterr().err
    assert "s] sts GetCallerIdentity: 200" in err
    assert "s] ec2 DescribeImages ami-0123456789abcdef0: 400 InvalidAMIID.NotFound" in err
    assert "testing" not in err, "a credential"
    assert "botocore" not in err
    assert "endpoint" not in err.lower()
    assert not logging.getLogger("amigate").handlers
    _run(["inspect", "ami-0123456789abcdef0", "--region", "eu-west-3"])
    assert "s] " not in capsys.readouterr().err


def test_calls_of_which_there_are_many_are_not_told_one_by_one(
    aws: Callable[..., Aws], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "amigate")
    client = boto3.client("ec2", region_name="eu-central-1")
    log_calls(client, but={"DescribeRegions"})
    client.describe_regions()
    client.describe_subnets(SubnetIds=[client.describe_subnets()["Subnets"][0]["SubnetId"]])
    del aws
    told = [record.getMessage() for record in caplog.records if record.name == "amigate.sources.calls"]
    assert [re.sub(r"(?<=subnet-)[0-9a-f]+|\d\.\d+", "…", line) for line in told] == [
        "ec2 DescribeSubnets: 200 request-id, … s",
        "ec2 DescribeSubnets subnet-…: 200 request-id, … s",
    ]


@pytest.mark.parametrize("exception,said", [(ConnectTimeoutError(endpoint_url="https://x"), "ConnectTimeoutError")])
def test_a_call_without_an_answer_says_why(
    exception: Exception, said: str, aws: Callable[..., Aws], caplog: pytest.LogCaptureFixture
) -> None:
    del aws
    caplog.set_level(logging.DEBUG, "amigate")
    client = boto3.client("ec2", region_name="eu-central-1", config=Config(retries={"total_max_attempts": 1}))
    log_calls(client)

    def fail(**_: object) -> None:
        raise exception

    client.meta.events.register_first("before-send.ec2.DescribeRegions", fail)
    with pytest.raises(type(exception)):
        client.describe_regions()
    assert re.search(rf"ec2 DescribeRegions: {said}, \d+\.\d\d s", caplog.text)


def test_a_thread_with_a_name_says_it(said: list[str]) -> None:
    logger = logging.getLogger("amigate.test")
    with click.Context(click.Command("any")) as context:
        progress.listen(context, click.Option(["--verbose"]), True)
        logger.debug("from %s", "here")
        thread = threading.Thread(target=logger.debug, args=("from there",), name="launch A_0")
        thread.start()
        thread.join()
    logger.debug("afterwards")
    assert [line.partition("] ")[2] for line in said] == ["from here", "launch A: from there"]


@pytest.mark.parametrize(
    "settings,flags,shown",
    [
        ("", [], ["settings from"]),
        ("quiet = true", [], []),
        ("quiet = true", ["--verbose"], ["settings from"]),
        ("verbose = true", ["--quiet"], []),
    ],
)
def test_the_command_line_wins_over_a_setting(
    settings: str, flags: list[str], shown: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "amigate.toml"
    file.write_text(settings, encoding="utf-8")
    assert _run(["validate", "/dev", "--config", str(file), *flags]) == 2
    err = capsys.readouterr().err
    assert [text for text in ("settings from",) if text in err] == shown
    assert "it holds no root file system" in err


def test_quiet_and_verbose_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["validate", "/dev", "--quiet", "--verbose"]) == 2
    assert "--quiet and --verbose exclude each other" in capsys.readouterr().err

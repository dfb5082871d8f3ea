"""The judge's process: reads an order and evidence on standard input, answers on a pipe, holds no credentials."""

from __future__ import annotations

import json
import os
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from amigate.judge import catalogue
from amigate.judge.judged import Bench, Order
from amigate.judge.places import Place


def main(answers_fd: int) -> int:
    """Judge; one JSON line for each judgement goes to `answers_fd`. pytest's exit code is no verdict."""
    incoming = os.fdopen(os.dup(0), "rb")
    order = json.loads(incoming.readline())
    bench = Bench(
        Order(
            places={rule: tuple(map(Place.parse, places)) for rule, places in order["places"].items()},
            settings=order["settings"],
            limit_s=order["limit_s"],
            read_evidence=lambda: incoming.read().decode("ascii"),
            answers=os.fdopen(answers_fd, "wb"),
        )
    )
    ini = Path(str(files("amigate.judge"))) / "judge.ini"
    folder = str(catalogue.folder())
    options = ["-c", str(ini), "--rootdir", folder, "--noconftest", "-s", "--strict-markers", "--assert=plain"]
    plugins = ["no:terminal", "no:cacheprovider", "no:logging", "no:faulthandler", "amigate.judge.judged"]
    for plugin in plugins:
        options += ["-p", plugin]
    return int(pytest.main([*options, folder], plugins=[bench]))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
